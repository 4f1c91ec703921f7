/*
 * akma ka new: Ka's of the system's generator for a list of devices, or a master secret in a token
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "command.h"
#include "devices_edit.h"
#include "ka.h"
#include "ka_database.h"
#include "line_reader.h"
#include "options.h"
#include "out_file.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char example[] =
    "The output is a devices file without Ks_NAF: for the third party, for the\n"
    "devices, and for akma ka add --in.\n"
    "\n"
    "Example:\n"
    "  akma ka new --in identities.txt --ka-id 2026 --out new.csv\n"
    "  akma ka new --in identities.txt --ka-id 2026 --out new.csv \\\n"
    "      --database postgresql://registrar@db.example.com/akma --ka-key ka.key\n"
    "  akma ka new --pkcs11 'pkcs11:token=akma;object=k-master' --ka-pin file:pin";

static struct {
    const char *in, *out, *force, *length, *ka_id, *pkcs11, *pin;
    const char *identities[OPTION_MANY_MAX + 1];
    struct ka_database_options database;
} option = {.length = KA_LENGTH_DEFAULT, .database.wait = DEVICES_EDIT_WAIT_DEFAULT};

static const struct option_row rows[] = {
    {"in", "FILE", &option.in, OPTION_OPTIONAL,
     "the devices: one identity per line; - is standard input"},
    {"identity", "ID", option.identities, OPTION_MANY, "instead, an identity; may be repeated"},
    {"ka-id", "TEXT", &option.ka_id, OPTION_OPTIONAL, "name of these Ka's"},
    {"length", "N", &option.length, OPTION_OPTIONAL, "octets of a Ka, 16 to 65535"},
    {"out", "FILE", &option.out, OPTION_OPTIONAL, KA_OUT_HELP},
    {"force", NULL, &option.force, OPTION_OPTIONAL, KA_FORCE_HELP},
    KA_DATABASE_ROWS(option.database, OPTION_OPTIONAL),
    {"pkcs11", "URI", &option.pkcs11, OPTION_OPTIONAL,
     "instead of Ka's, make a master secret in a token (RFC 7512), named by object="},
    {"ka-pin", "SRC", &option.pin, OPTION_OPTIONAL, KA_PIN_HELP},
};

static const struct option_group groups[] = {OPTION_GROUP(NULL, rows), {example, NULL, 0}};

static const struct row_layout layout = {
    .count = 4, .at = {COLUMN_IDENTITY, COLUMN_KS_NAF, COLUMN_KA, COLUMN_KA_ID}};

static bool read_list(struct secret_buf *list)
{
    char fault[KA_FAULT_SIZE];

    if (!ka_read(list, option.in, fault))
        return command_fail("ka new", option.in, fault);
    return list->length == 0 || list->octets[list->length - 1] == '\n' ||
           command_fail("ka new", option.in, line_reader_says(BLOCK_CUT));
}

/* One row; what it says of the identity is checked later, all rows at once. */
static bool put_device(struct secret_buf *text, const char *identity, size_t length,
                       unsigned char *ka, size_t ka_length)
{
    char name[ROW_TEXT_MAX + 2];
    const struct ka_row row = {
        .identity = name, .ka_id = option.ka_id, .ka = ka, .ka_length = ka_length};

    if (memchr(identity, '\0', length) != NULL || memchr(identity, ',', length) != NULL) {
        identity = " "; /* no identity has them: refused as one with a blank is */
        length = 1;
    }
    if (length > ROW_TEXT_MAX + 1)
        length = ROW_TEXT_MAX + 1; /* too long, still */
    memcpy(name, identity, length);
    name[length] = '\0';
    if (!ka_random(ka, ka_length))
        return command_fail("ka new", "system's generator", strerror(errno));
    ka_put_row(text, &layout, &row);
    return true;
}

static bool put_devices(struct secret_buf *text, const struct secret_buf *list, unsigned char *ka,
                        size_t ka_length, size_t *count)
{
    char *rest = list->octets, *line;
    size_t left = list->length, length;

    secret_buf_puts(text, "identity,ks-naf,ka,ka-id\n");
    for (*count = 0; left > 0 && line_next(&rest, &left, &line, &length); ++*count)
        if (!put_device(text, line, length, ka, ka_length))
            return false;
    for (size_t i = 0; option.identities[i] != NULL; i++, ++*count)
        if (!put_device(text, option.identities[i], strlen(option.identities[i]), ka, ka_length))
            return false;
    return true;
}

/* The devices file's own rules, and no identity twice. Its second line is the list's first. */
static bool check(const struct secret_buf *text, size_t count)
{
    const char *where = option.in == NULL ? "--identity" : option.in;
    char fault[DEVICES_EDIT_FAULT_SIZE];
    struct devices *devices = devices_edit_parse(text, DEVICES_KA, fault);
    size_t twice = 0;

    if (devices == NULL) {
        unsigned long line = strtoul(fault + strcspn(fault, "0123456789"), NULL, 10);
        const char *what = strchr(fault, ':');
        char sentence[DEVICES_EDIT_FAULT_SIZE + 32];

        (void)snprintf(sentence, sizeof(sentence), "line %lu%s", line - 1,
                       what == NULL ? "" : what);
        return command_fail("ka new", where, line == 0 ? fault : sentence);
    }
    if (devices->count != count) { /* a name of two lines made two rows */
        devices_free(devices);
        return command_fail("ka new", where, "each identity and ka-id must be one line");
    }
    for (size_t i = 1; i < devices->count && twice == 0; i++)
        if (strcmp(devices->rows[i - 1].identity, devices->rows[i].identity) == 0)
            twice = devices->rows[i].row - 1;
    devices_free(devices);
    if (twice == 0)
        return true;
    (void)snprintf(fault, sizeof(fault), "line %zu: identity: an earlier line has it already",
                   twice);
    return command_fail("ka new", where, fault);
}

static bool write_text(const struct secret_buf *text)
{
    char fault[KA_FAULT_SIZE];

    return ka_write(text, option.out, option.force != NULL, fault) ||
           command_fail("ka new", option.out == NULL ? "standard output" : option.out, fault);
}

/* The rows, in the database as soon as they are committed. */
static bool put_into_database(struct ka_database **database, const struct secret_buf *text)
{
    char fault[KA_DATABASE_FAULT_SIZE];
    struct devices *devices = devices_edit_parse(text, DEVICES_KA, fault);
    size_t taken;

    if (devices != NULL)
        *database =
            ka_database_put_devices(&option.database, devices, KA_DATABASE_ADD_NEW, &taken, fault);
    devices_free(devices);
    return *database != NULL || command_fail("ka new", "--database", fault);
}

static bool commit(struct ka_database *database)
{
    char fault[KA_DATABASE_FAULT_SIZE];

    if (ka_database_commit(database, fault))
        return true;
    (void)command_fail("ka new", "--database", fault);
    return command_fail("ka new", "--database",
                        "the rows may not be in the database: akma ka import adds them");
}

/* What is not in the database is written nowhere, and what is written is there. */
static bool give_out(const struct secret_buf *text)
{
    struct ka_database *database = NULL;
    bool done;

    if (option.database.uri == NULL)
        return write_text(text);
    done = put_into_database(&database, text) && write_text(text) && commit(database);
    ka_database_close(database);
    return done;
}

/* A master secret has neither devices nor a file. */
static int new_master(void)
{
    if (option.in != NULL || option.identities[0] != NULL || option.out != NULL ||
        option.force != NULL || option.ka_id != NULL || option.database.uri != NULL ||
        strcmp(option.length, KA_LENGTH_DEFAULT) != 0) {
        (void)command_fail("ka new", "--pkcs11",
                           "makes one secret of 32 octets in a token: it goes with --ka-pin alone");
        return EXIT_USAGE;
    }
    return ka_new_master(option.pkcs11, option.pin);
}

static bool make_list(size_t length)
{
    struct secret_buf list = {.octets = NULL}, text = {.octets = NULL};
    unsigned char *ka = OPENSSL_malloc(length);
    size_t count;
    bool done = false;

    if (ka == NULL)
        (void)command_fail("ka new", "Ka", "out of memory");
    else
        done = (option.in == NULL || read_list(&list)) &&
               put_devices(&text, &list, ka, length, &count) && check(&text, count) &&
               give_out(&text);
    OPENSSL_clear_free(ka, length);
    secret_buf_free(&text);
    secret_buf_free(&list);
    return done;
}

/* Where names come from, and rows go to. False: it was said what is wrong. */
static bool check_places(void)
{
    if ((option.in == NULL) == (option.identities[0] == NULL))
        return command_fail("ka new", "--in", "give either this or --identity");
    return option.in == NULL || option.out == NULL || !out_file_is(option.out, option.in) ||
           command_fail("ka new", "--out", OUT_FILE_IS_INPUT);
}

int ka_new(int argc, char *argv[])
{
    size_t length;

    options_parse(argc, argv, "make Ka's for a list of devices", groups,
                  sizeof(groups) / sizeof(groups[0]));
    if (option.pkcs11 != NULL)
        return new_master();
    if (option.pin != NULL) {
        (void)command_fail("ka new", "--ka-pin", "is for a token: --pkcs11 URI is missing");
        return EXIT_USAGE;
    }
    if (!ka_database_options_check("new", &option.database))
        return EXIT_USAGE;
    length = options_number("length", option.length, ROW_KA_MIN, ROW_KA_MAX);
    if (!check_places())
        return EXIT_USAGE;
    return make_list(length) ? EXIT_SUCCESS : EXIT_FAILURE;
}
