/*
 * akma ka remove: Ka's out of a devices file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "devices_edit.h"
#include "ka.h"
#include "line_reader.h"
#include "options.h"
#include "printable.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char example[] =
    "With --identity and one of the others, rows that both are true of. A device\n"
    "without any row is unknown.\n"
    "\n"
    "Example:\n"
    "  akma ka remove --devices devices.csv --ka-id 2025";

static struct {
    const char *devices, *identity, *ka_id, *unnamed, *wait;
} option = {.wait = DEVICES_EDIT_WAIT_DEFAULT};

static const struct option_row rows[] = {
    {"devices", "FILE", &option.devices, OPTION_REQUIRED, "the devices file"},
    {"identity", "ID", &option.identity, OPTION_OPTIONAL, "rows of this device"},
    {"ka-id", "TEXT", &option.ka_id, OPTION_OPTIONAL, "rows of the Ka of this name"},
    {"no-ka-id", NULL, &option.unnamed, OPTION_OPTIONAL, "rows whose Ka has no name"},
    {"wait", "SECONDS", &option.wait, OPTION_OPTIONAL,
     "how long to wait while another program has the file locked"},
};

static const struct option_group groups[] = {OPTION_GROUP(NULL, rows), {example, NULL, 0}};

static bool fail(const char *where, const char *what)
{
    fprintf(stderr, "akma ka remove: %s: %s\n", PRINTABLE(where), what);
    return false;
}

/* The options that say which rows go. */
static bool check_options(void)
{
    if (option.ka_id != NULL && option.ka_id[0] == '\0')
        return fail("--ka-id", "empty: give a name; --no-ka-id removes rows whose Ka has none");
    if (option.ka_id != NULL && option.unnamed != NULL)
        return fail("--no-ka-id", "give this or --ka-id");
    return option.identity != NULL || option.ka_id != NULL || option.unnamed != NULL ||
           fail("--identity", "give this, --ka-id or both, or --no-ka-id");
}

/* Mark the lines that go; how many. */
static size_t mark(const struct devices *devices, bool *goes)
{
    size_t count = 0;

    for (size_t i = 0; i < devices->count; i++) {
        const struct device *device = &devices->rows[i];

        if ((option.identity != NULL && strcmp(device->identity, option.identity) != 0) ||
            (option.ka_id != NULL && strcmp(device->ka_id, option.ka_id) != 0) ||
            (option.unnamed != NULL && device->ka_id[0] != '\0'))
            continue;
        goes[device->row] = true;
        count++;
    }
    return count;
}

static void put_rest(struct secret_buf *text, const struct devices_edit *edit, const bool *goes)
{
    char *rest = edit->text.octets, *line;
    size_t left = edit->text.length, length;

    for (size_t number = 1; line_next(&rest, &left, &line, &length); number++)
        if (!goes[number])
            secret_buf_put(text, line, (size_t)(rest - line));
}

static size_t remove_rows(struct devices_edit *edit, char fault[DEVICES_EDIT_FAULT_SIZE])
{
    struct secret_buf text = {.octets = NULL};
    bool *goes = OPENSSL_zalloc((edit->devices->count + 2) * sizeof(*goes)); /* lines from 1 */
    size_t count = goes == NULL ? 0 : mark(edit->devices, goes);

    if (count == 0) {
        (void)snprintf(fault, DEVICES_EDIT_FAULT_SIZE, "%s",
                       goes == NULL ? "out of memory" : "there is no such row");
    } else {
        put_rest(&text, edit, goes);
        if (!devices_edit_replace(edit, &text, fault))
            count = 0;
    }
    OPENSSL_free(goes);
    secret_buf_free(&text);
    return count;
}

int ka_remove(int argc, char *argv[])
{
    char fault[DEVICES_EDIT_FAULT_SIZE];
    struct devices_edit edit;
    unsigned int wait;
    size_t count = 0;

    options_parse(argc, argv, "remove Ka's from a devices file", groups,
                  sizeof(groups) / sizeof(groups[0]));
    wait = options_number("wait", option.wait, 0, DEVICES_EDIT_WAIT_MAX);
    if (!check_options())
        return EXIT_USAGE;
    if (devices_edit_open(&edit, option.devices, wait, fault))
        count = remove_rows(&edit, fault);
    if (count == 0)
        (void)fail(option.devices, fault);
    else
        printf("%zu removed\n", count);
    devices_edit_close(&edit);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
