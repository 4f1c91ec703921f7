/*
 * akma ka merge: Ks_NAF's of one file and Ka's of another, by identity
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "devices_edit.h"
#include "ka.h"
#include "options.h"
#include "printable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char example[] =
    "Both are devices files; what comes out is one, with every Ka of each device, in\n"
    "the order of the file of Ka's. A device that only one of them has is refused.\n"
    "\n"
    "Example:\n"
    "  akma ka merge --ks-naf naf.csv --ka ka.csv --out devices.csv";

static struct {
    const char *ks_naf, *ka, *out, *force, *common;
} option;

static const struct option_row rows[] = {
    {"ks-naf", "CSV", &option.ks_naf, OPTION_REQUIRED,
     "the file whose Ks_NAF's are taken; - is standard input"},
    {"ka", "CSV", &option.ka, OPTION_REQUIRED,
     "the file whose Ka's and their names are taken; - is standard input"},
    {"common", NULL, &option.common, OPTION_OPTIONAL,
     "leave out devices that only one of the files has"},
    {"out", "FILE", &option.out, OPTION_OPTIONAL, KA_OUT_HELP},
    {"force", NULL, &option.force, OPTION_OPTIONAL, KA_FORCE_HELP},
};

static const struct option_group groups[] = {OPTION_GROUP(NULL, rows), {example, NULL, 0}};

static bool fail(const char *where, const char *what)
{
    fprintf(stderr, "akma ka merge: %s: %s\n", PRINTABLE(where), what);
    return false;
}

static struct devices *read_devices(const char *in, unsigned int needs)
{
    struct secret_buf text = {.octets = NULL};
    struct devices *devices = NULL;
    char fault[KA_FAULT_SIZE];

    if (ka_read(&text, in, fault))
        devices = devices_edit_parse(&text, needs, fault);
    if (devices == NULL)
        (void)fail(in, fault);
    secret_buf_free(&text);
    return devices;
}

/* Does the other file have all devices of this one? */
static bool are_in(const struct devices *devices, const struct devices *other, const char *path)
{
    char what[KA_FAULT_SIZE];

    for (size_t i = 0; option.common == NULL && i < devices->count; i++)
        if (devices_find(other, devices->rows[i].identity) == NULL) {
            (void)snprintf(what, sizeof(what),
                           "has no device %.255s, which the other file has (--common leaves such "
                           "devices out)",
                           PRINTABLE(devices->rows[i].identity));
            return fail(path, what);
        }
    return true;
}

static int compare_lines(const void *one, const void *other)
{
    const struct device *a = one, *b = other;

    return (a->row > b->row) - (a->row < b->row);
}

/* The rows; how many. */
static size_t put_rows(struct secret_buf *text, const struct devices *keys, struct devices *kas)
{
    static const struct row_layout layout = {
        .count = 4, .at = {COLUMN_IDENTITY, COLUMN_KS_NAF, COLUMN_KA, COLUMN_KA_ID}};
    size_t count = 0;

    secret_buf_puts(text, "identity,ks-naf,ka,ka-id\n");
    qsort(kas->rows, kas->count, sizeof(*kas->rows), compare_lines); /* as they came */
    for (size_t i = 0; i < kas->count; i++) {
        const struct device *ka = &kas->rows[i], *key = devices_find(keys, ka->identity);

        if (key == NULL)
            continue;
        ka_put_row(text, &layout,
                   &(struct ka_row){.identity = ka->identity,
                                    .ka_id = ka->ka_id,
                                    .ks_naf = key->ks_naf,
                                    .ka = ka->ka,
                                    .ka_length = ka->ka_length});
        count++;
    }
    return count;
}

static bool merge(const struct devices *keys, struct devices *kas, size_t *count)
{
    struct secret_buf text = {.octets = NULL};
    char fault[KA_FAULT_SIZE];
    bool done;

    if (!are_in(kas, keys, option.ks_naf) || !are_in(keys, kas, option.ka))
        return false;
    *count = put_rows(&text, keys, kas);
    done = ka_write(&text, option.out, option.force != NULL, fault) ||
           fail(option.out == NULL ? "standard output" : option.out, fault);
    secret_buf_free(&text);
    return done;
}

int ka_merge(int argc, char *argv[])
{
    struct devices *keys, *kas = NULL;
    size_t count = 0;
    bool done;

    options_parse(argc, argv, "put Ks_NAF's and Ka's of two files together", groups,
                  sizeof(groups) / sizeof(groups[0]));
    if (strcmp(option.ks_naf, "-") == 0 && strcmp(option.ka, "-") == 0) {
        (void)fail("--ka", "-: used twice: each file needs a source of its own");
        return EXIT_USAGE;
    }
    keys = read_devices(option.ks_naf, DEVICES_KS_NAF);
    if (keys != NULL)
        kas = read_devices(option.ka, DEVICES_KA);
    done = kas != NULL && merge(keys, kas, &count);
    if (done && option.out != NULL)
        printf("%zu merged\n", count);
    devices_free(keys);
    devices_free(kas);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
