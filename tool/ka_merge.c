/*
 * akma ka merge: Ks_NAF's of one file and Ka's of another, by identity
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "command.h"
#include "devices_edit.h"
#include "ka.h"
#include "options.h"
#include "out_file.h"
#include "printable.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char example[] =
    "Both are devices files; the output is one, with every Ka of each device. The\n"
    "device is the column device, or without it the identity. A device that is in\n"
    "only one of the files is refused.\n"
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

static struct devices *read_devices(const char *in, unsigned int needs)
{
    struct secret_buf text = {.octets = NULL};
    struct devices *devices = NULL;
    char fault[KA_FAULT_SIZE];

    if (ka_read(&text, in, fault))
        devices = devices_edit_parse(&text, needs, fault);
    if (devices == NULL)
        (void)command_fail("ka merge", in, fault);
    secret_buf_free(&text);
    return devices;
}

/* Does the other file have all devices of this one? */
static bool are_in(const struct devices *devices, const struct devices *other, const char *path)
{
    char what[KA_FAULT_SIZE];

    for (size_t i = 0; option.common == NULL && i < devices->count; i++)
        if (devices_find_device(other, devices->rows[i].device) == NULL) {
            (void)snprintf(what, sizeof(what),
                           "has no device %.255s, which the other file has (--common leaves such "
                           "devices out)",
                           PRINTABLE(devices->rows[i].device));
            return command_fail("ka merge", path, what);
        }
    return true;
}

/* Columns that are not in every file, if they have anything here. */
static void add_columns(struct row_layout *layout, const struct devices *keys)
{
    bool named = false, ends = false;

    for (size_t i = 0; i < keys->count; i++) {
        named = named || strcmp(keys->rows[i].device, keys->rows[i].identity) != 0;
        ends = ends || keys->rows[i].not_after != 0;
    }
    if (named)
        layout->at[layout->count++] = COLUMN_DEVICE;
    if (ends)
        layout->at[layout->count++] = COLUMN_NOT_AFTER;
}

static void put_header(struct secret_buf *text, const struct row_layout *layout)
{
    for (size_t i = 0; i < layout->count; i++) {
        secret_buf_puts(text, i == 0 ? "" : ",");
        secret_buf_puts(text, column_name(layout->at[i]));
    }
    secret_buf_puts(text, "\n");
}

/* Where the rows of a device begin, of those that are sorted by it. */
static size_t first_of(const struct devices *devices, const char *device)
{
    size_t first = 0, end = devices->count;

    while (first < end) {
        const size_t middle = first + (end - first) / 2;

        if (strcmp(devices->by_device[middle]->device, device) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static bool is_of(const struct devices *devices, size_t place, const char *device)
{
    return place < devices->count && strcmp(devices->by_device[place]->device, device) == 0;
}

/* Has a later row of the device the same Ka? So it is if its rows have several identities. */
static bool comes_again(const struct devices *kas, size_t place)
{
    const struct device *ka = kas->by_device[place];

    for (size_t i = place + 1; is_of(kas, i, ka->device); i++) {
        const struct device *later = kas->by_device[i];

        if (strcmp(later->ka_id, ka->ka_id) == 0 && later->ka_length == ka->ka_length &&
            CRYPTO_memcmp(later->ka, ka->ka, ka->ka_length) == 0)
            return true;
    }
    return false;
}

/* Every Ka of a device, in the order of its file, beside one Ks_NAF; how many. */
static size_t put_device(struct secret_buf *text, const struct row_layout *layout,
                         const struct device *key, const struct devices *kas)
{
    size_t count = 0;

    for (size_t i = first_of(kas, key->device); is_of(kas, i, key->device); i++) {
        const struct ka_row row = {.identity = key->identity,
                                   .ka_id = kas->by_device[i]->ka_id,
                                   .device = key->device,
                                   .ks_naf = key->ks_naf,
                                   .ka = kas->by_device[i]->ka,
                                   .ka_length = kas->by_device[i]->ka_length,
                                   .not_after = key->not_after};

        if (comes_again(kas, i))
            continue;
        ka_put_row(text, layout, &row);
        count++;
    }
    return count;
}

/* Is a row one that comes out: the last one of its identity? */
static bool counts(const struct devices *keys, const struct device *key)
{
    return devices_find(keys, key->identity) == key;
}

static bool refuse_keys(const char *path, size_t line, const char *fault)
{
    char what[KA_FAULT_SIZE];

    (void)snprintf(what, sizeof(what), "line %zu: %s", line, fault);
    return command_fail("ka merge", path, what);
}

/* Would the module take Ks_NAF with each Ka of the device? */
static bool is_sound(const struct device *key, const struct devices *kas)
{
    const char *fault = ka_keys_fault(key->ks_naf, NULL, 0);

    if (fault != NULL)
        return refuse_keys(option.ks_naf, key->row, fault);
    for (size_t i = first_of(kas, key->device); is_of(kas, i, key->device); i++) {
        const struct device *ka = kas->by_device[i];

        fault = ka_keys_fault(key->ks_naf, ka->ka, ka->ka_length);
        if (fault != NULL)
            return refuse_keys(option.ka, ka->row, fault);
    }
    return true;
}

static bool are_sound(const struct devices *keys, const struct devices *kas)
{
    for (size_t i = 0; i < keys->count; i++)
        if (counts(keys, &keys->rows[i]) && !is_sound(&keys->rows[i], kas))
            return false;
    return true;
}

static int compare_lines(const void *one, const void *other)
{
    const struct device *a = *(const struct device *const *)one;
    const struct device *b = *(const struct device *const *)other;

    return (a->row > b->row) - (a->row < b->row);
}

/* The rows; how many. If an identity has several rows, the last one has its Ks_NAF. */
static size_t put_rows(struct secret_buf *text, struct devices *keys, const struct devices *kas)
{
    struct row_layout layout = {.count = 4,
                                .at = {COLUMN_IDENTITY, COLUMN_KS_NAF, COLUMN_KA, COLUMN_KA_ID}};
    size_t count = 0;

    add_columns(&layout, keys);
    put_header(text, &layout);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): these are pointers */
    qsort(keys->by_device, keys->count, sizeof(*keys->by_device), compare_lines); /* as they came */
    for (size_t i = 0; i < keys->count; i++)
        if (counts(keys, keys->by_device[i]))
            count += put_device(text, &layout, keys->by_device[i], kas);
    return count;
}

static bool merge(struct devices *keys, const struct devices *kas, size_t *count)
{
    struct secret_buf text = {.octets = NULL};
    char fault[KA_FAULT_SIZE];
    bool done;

    if (!are_in(kas, keys, option.ks_naf) || !are_in(keys, kas, option.ka) || !are_sound(keys, kas))
        return false;
    *count = put_rows(&text, keys, kas);
    done = ka_write(&text, option.out, option.force != NULL, fault) ||
           command_fail("ka merge", option.out == NULL ? "standard output" : option.out, fault);
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
        (void)command_fail("ka merge", "--ka",
                           "-: used twice: each file needs a source of its own");
        return EXIT_USAGE;
    }
    if (option.out != NULL &&
        (out_file_is(option.out, option.ks_naf) || out_file_is(option.out, option.ka))) {
        (void)command_fail("ka merge", "--out", OUT_FILE_IS_INPUT);
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
