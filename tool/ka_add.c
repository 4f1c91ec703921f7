/*
 * akma ka add: Ka's into a devices file that exists
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "command.h"
#include "devices_edit.h"
#include "ka.h"
#include "ka_database.h"
#include "line_reader.h"
#include "options.h"
#include "printable.h"
#include "secret_source.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char example[] =
    "A device that is in the file keeps its Ks_NAF; a new device needs --new. The\n"
    "last Ka of a device counts: give it to the device first, then add it here, then\n"
    "remove the old one.\n"
    "\n"
    "Example:\n"
    "  akma ka add --devices devices.csv --in new.csv\n"
    "  akma ka add --database postgresql://registrar@db.example.com/akma \\\n"
    "      --ka-key ka.key --in new.csv";

static struct {
    const char *devices, *in, *identity, *is_new, *ka, *ks_naf, *ka_id, *length, *raw;
    struct ka_database_options database;
} option = {.length = KA_LENGTH_DEFAULT, .database.wait = DEVICES_EDIT_WAIT_DEFAULT};

static const struct option_row rows[] = {
    {"devices", "FILE", &option.devices, OPTION_OPTIONAL, "the devices file"},
    KA_DATABASE_ROWS(option.database, OPTION_OPTIONAL),
    {"in", "CSV", &option.in, OPTION_OPTIONAL,
     "rows to add, as akma ka new makes them; - is standard input"},
    {"identity", "ID", &option.identity, OPTION_OPTIONAL, "instead, one device"},
    {"ka", "SRC", &option.ka, OPTION_OPTIONAL,
     "its Ka: file:PATH, env:NAME, fd:N or stdin (without: a random one)"},
    {"length", "N", &option.length, OPTION_OPTIONAL, "octets of a random one"},
    {"ka-id", "TEXT", &option.ka_id, OPTION_OPTIONAL, "its name"},
    {"ks-naf", "SRC", &option.ks_naf, OPTION_OPTIONAL, "Ks_NAF of a new device"},
    {"new", NULL, &option.is_new, OPTION_OPTIONAL, "accept new devices"},
    {"raw", NULL, &option.raw, OPTION_OPTIONAL, "secrets are octets as they are, not hex"},
    {"wait", "SECONDS", &option.database.wait, OPTION_OPTIONAL,
     "how long to wait while another program has it locked"},
};

static const struct option_group groups[] = {OPTION_GROUP(NULL, rows), {example, NULL, 0}};

static bool read_rows(struct devices **added)
{
    struct secret_buf text = {.octets = NULL};
    char fault[KA_FAULT_SIZE];

    if (ka_read(&text, option.in, fault))
        *added = devices_edit_parse(&text, DEVICES_KA, fault);
    if (*added == NULL)
        (void)command_fail("ka add", option.in, fault);
    secret_buf_free(&text);
    return *added != NULL;
}

static bool is_source(const char *name, const char *source)
{
    return source == NULL || secret_source_is_one(source) ||
           command_fail("ka add", name, SECRET_SOURCES);
}

static bool take_secret(struct secret *secret, const char *name, const char *source, size_t min,
                        size_t max)
{
    char fault[SECRET_FAULT_SIZE];

    if (!secret_source_read(secret, source, option.raw != NULL, max, fault))
        return command_fail("ka add", name, fault);
    if (fault[0] != '\0')
        (void)command_fail("ka add", "warning", fault);
    return secret->length >= min ||
           command_fail("ka add", name, "shorter than the secret has to be");
}

/* The row of the options, as a devices file of its own. */
static bool make_row(struct devices **added)
{
    static const struct row_layout layout = {
        .count = 4, .at = {COLUMN_IDENTITY, COLUMN_KS_NAF, COLUMN_KA, COLUMN_KA_ID}};
    const size_t length = options_number("length", option.length, ROW_KA_MIN, ROW_KA_MAX);
    struct secret ka = {.octets = NULL}, ks_naf = {.octets = NULL};
    struct secret_buf text = {.octets = NULL};
    char fault[DEVICES_EDIT_FAULT_SIZE];
    bool done = true;

    if (option.ka != NULL) {
        done = take_secret(&ka, "--ka", option.ka, ROW_KA_MIN, ROW_KA_MAX);
    } else {
        ka = (struct secret){OPENSSL_malloc(length), length};
        done = (ka.octets != NULL && ka_random(ka.octets, length)) ||
               command_fail("ka add", "system's generator", "no random octets");
    }
    if (done && option.ks_naf != NULL)
        done = take_secret(&ks_naf, "--ks-naf", option.ks_naf, ROW_KEY_LENGTH, ROW_KEY_LENGTH);
    if (done) {
        secret_buf_puts(&text, "identity,ks-naf,ka,ka-id\n");
        ka_put_row(&text, &layout,
                   &(struct ka_row){.identity = option.identity,
                                    .ka_id = option.ka_id,
                                    .ks_naf = ks_naf.octets,
                                    .ka = ka.octets,
                                    .ka_length = ka.length});
        *added = devices_edit_parse(&text, DEVICES_KA, fault);
        done = *added != NULL ||
               command_fail("ka add", "--identity, --ka-id", fault + strcspn(fault, ":") + 2);
        if (done && (*added)->count != 1)
            done = command_fail("ka add", "--identity, --ka-id", "each must be one line");
    }
    secret_buf_free(&text);
    secret_free(&ka);
    secret_free(&ks_naf);
    return done;
}

static int compare_lines(const void *one, const void *other)
{
    const struct device *a = one, *b = other;

    return (a->row > b->row) - (a->row < b->row);
}

static bool name_any(const struct devices *added)
{
    for (size_t i = 0; i < added->count; i++)
        if (added->rows[i].ka_id[0] != '\0')
            return true;
    return false;
}

/* What was there, with a column ka-id if one is needed now. */
static void put_old(struct secret_buf *text, struct devices_edit *edit, bool named)
{
    char *rest = edit->text.octets, *line;
    size_t left = edit->text.length, length;
    bool has_ka_id = false, header = true;

    for (size_t i = 0; i < edit->layout.count; i++)
        has_ka_id = has_ka_id || edit->layout.at[i] == COLUMN_KA_ID;
    while (line_next(&rest, &left, &line, &length)) {
        secret_buf_put(text, line, length);
        if (named && !has_ka_id)
            secret_buf_puts(text, header ? ",ka-id" : ",");
        secret_buf_puts(text, "\n");
        header = false;
    }
    if (named && !has_ka_id)
        edit->layout.at[edit->layout.count++] = COLUMN_KA_ID;
}

/* The row whose Ks_NAF a new Ka is for, by the name of identity or device; NULL: there is none. */
static const struct device *find_known(const struct devices_edit *edit, const struct device *added)
{
    const struct device *known = devices_find(edit->devices, added->identity);

    return known != NULL ? known : devices_find_device(edit->devices, added->device);
}

static void put_added(struct secret_buf *text, const struct devices_edit *edit,
                      struct devices *added)
{
    qsort(added->rows, added->count, sizeof(*added->rows), compare_lines); /* as they came */
    for (size_t i = 0; i < added->count; i++) {
        const struct device *device = &added->rows[i];
        const struct device *known = find_known(edit, device);
        struct ka_row row = {.identity = device->identity,
                             .ka_id = device->ka_id,
                             .device = device->device,
                             .ks_naf = device->ks_naf,
                             .ka = device->ka,
                             .ka_length = device->ka_length,
                             .not_after = device->not_after};

        if (known != NULL && device->ks_naf == NULL) {
            row.identity = known->identity;
            row.device = known->device;
            row.ks_naf = known->ks_naf;
            row.not_after = known->not_after;
        }
        ka_put_row(text, &edit->layout, &row);
    }
}

/* A name that the file does not have is a typing error as often as it is a device. */
static bool are_known(const struct devices_edit *edit, const struct devices *added,
                      char fault[DEVICES_EDIT_FAULT_SIZE])
{
    const char *first = NULL;
    size_t count = 0;

    for (size_t i = 0; i < added->count; i++)
        if (find_known(edit, &added->rows[i]) == NULL) {
            first = first == NULL ? added->rows[i].identity : first;
            count++;
        }
    if (count == 0 || option.is_new != NULL)
        return true;
    (void)snprintf(fault, DEVICES_EDIT_FAULT_SIZE,
                   "has no device %.255s: mistyped? (%zu of %zu rows; --new adds devices)",
                   PRINTABLE(first), count, added->count);
    return false;
}

/* The module refuses such a row later, and the device's last Ka would be one that never works. */
static bool are_sound(const struct devices_edit *edit, const struct devices *added,
                      char fault[DEVICES_EDIT_FAULT_SIZE])
{
    for (size_t i = 0; i < added->count; i++) {
        const struct device *device = &added->rows[i];
        const struct device *known = find_known(edit, device);
        const unsigned char *const ks_naf =
            device->ks_naf != NULL || known == NULL ? device->ks_naf : known->ks_naf;
        const char *const what = ka_keys_fault(ks_naf, device->ka, device->ka_length);

        if (what == NULL)
            continue;
        if (option.in == NULL)
            (void)snprintf(fault, DEVICES_EDIT_FAULT_SIZE, "%s", what);
        else
            (void)snprintf(fault, DEVICES_EDIT_FAULT_SIZE, "line %zu: %s", device->row, what);
        return false;
    }
    return true;
}

static bool add(struct devices *added, unsigned int wait)
{
    struct secret_buf text = {.octets = NULL};
    char fault[DEVICES_EDIT_FAULT_SIZE];
    const char *where = option.devices;
    struct devices_edit edit;
    bool done =
        devices_edit_open(&edit, option.devices, wait, fault) && are_known(&edit, added, fault);

    if (done && !are_sound(&edit, added, fault)) {
        where = option.in != NULL ? option.in : "--ka, --ks-naf";
        done = false;
    }
    if (done) {
        put_old(&text, &edit, name_any(added));
        put_added(&text, &edit, added);
        done = devices_edit_replace(&edit, &text, fault);
    }
    if (!done)
        (void)command_fail("ka add", where, fault);
    secret_buf_free(&text);
    devices_edit_close(&edit);
    return done;
}

/* The module refuses such a Ka later. */
static bool are_keys(const struct devices *added)
{
    for (size_t i = 0; i < added->count; i++) {
        const char *wrong =
            ka_keys_fault(added->rows[i].ks_naf, added->rows[i].ka, added->rows[i].ka_length);

        if (wrong != NULL)
            return command_fail("ka add", option.in != NULL ? option.in : "--ka", wrong);
    }
    return true;
}

static bool add_to_database(const struct devices *added)
{
    char fault[KA_DATABASE_FAULT_SIZE];
    const enum ka_database_rule rule =
        option.is_new == NULL ? KA_DATABASE_ADD : KA_DATABASE_ADD_NEW;
    struct ka_database *database;
    size_t taken;
    bool done;

    if (!are_keys(added))
        return false;
    database = ka_database_put_devices(&option.database, added, rule, &taken, fault);
    done = (database != NULL && ka_database_commit(database, fault)) ||
           command_fail("ka add", "--database", fault);
    ka_database_close(database);
    return done;
}

static bool is_one_place(void)
{
    if ((option.devices == NULL) == (option.database.uri == NULL))
        return command_fail("ka add", "--devices", "give either this or --database");
    if (option.database.uri != NULL && option.ks_naf != NULL)
        return command_fail("ka add", "--ks-naf",
                            "is for a devices file: a database of Ka's has none");
    return ka_database_options_check("add", &option.database);
}

/* Where the keys come from. False: it was said what is wrong. */
static bool check_sources(void)
{
    if ((option.in == NULL) == (option.identity == NULL))
        return command_fail("ka add", "--in", "give either this or --identity");
    if (!is_source("--ka", option.ka) || !is_source("--ks-naf", option.ks_naf))
        return false;
    return option.ka == NULL || option.ks_naf == NULL ||
           !secret_source_is_same(option.ka, option.ks_naf) ||
           command_fail("ka add", "--ks-naf", SECRET_USED_TWICE);
}

int ka_add(int argc, char *argv[])
{
    struct devices *added = NULL;
    unsigned int wait;
    bool done;

    options_parse(argc, argv, "add Ka's to a devices file or a database", groups,
                  sizeof(groups) / sizeof(groups[0]));
    wait = options_number("wait", option.database.wait, 0, DEVICES_EDIT_WAIT_MAX);
    if (!is_one_place() || !check_sources())
        return EXIT_USAGE;
    done = (option.in != NULL ? read_rows(&added) : make_row(&added)) &&
           (option.devices != NULL ? add(added, wait) : add_to_database(added));
    if (done)
        printf("%zu added\n", added->count);
    devices_free(added);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
