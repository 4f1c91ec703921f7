/*
 * The Ua security protocol identifiers of a NAF: one for AKMA, one for GBA
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/ua_protocol_ids.h"

#include "net/tls.h"
#include "options.h"
#include "printable.h"

#include <stdio.h>
#include <string.h>

static const char *const prefixes[KEY_SYSTEMS] = {[KEY_AKMA] = "akma:", [KEY_GBA] = "gba:"};

/* The system that an option names, and where its identifier begins; KEY_SYSTEMS: it names none. */
static enum key_system read_prefix(const char **text)
{
    for (enum key_system system = 0; system < KEY_SYSTEMS; system++) {
        const size_t length = strlen(prefixes[system]);

        if (strncmp(*text, prefixes[system], length) == 0) {
            *text += length;
            return system;
        }
    }
    return KEY_SYSTEMS;
}

static bool by_suite(unsigned char ids[KEY_SYSTEMS][AKMA_UA_PROTOCOL_ID_LENGTH],
                     const struct dtls_suites *suites)
{
    for (enum key_system system = 0; system < KEY_SYSTEMS; system++)
        if (!dtls_ua_of_one_suite(ids[system], suites))
            return false;
    return true;
}

bool ua_protocol_ids_read(unsigned char ids[KEY_SYSTEMS][AKMA_UA_PROTOCOL_ID_LENGTH],
                          const char *const *given, const struct dtls_suites *suites)
{
    const char *texts[KEY_SYSTEMS + 1] = {NULL}; /* the last: of those that are not named */

    if (given[0] != NULL && given[1] == NULL && strcmp(given[0], DTLS_UA_BY_SUITE) == 0)
        return by_suite(ids, suites);
    for (; *given != NULL; given++) {
        const char *text = *given;
        const enum key_system system = read_prefix(&text);

        if (texts[system] != NULL) {
            fprintf(stderr, "%s--ua-protocol-id %s: an identifier for %s is given already\n",
                    options_where("ua-protocol-id"), PRINTABLE(*given),
                    system == KEY_AKMA  ? "AKMA"
                    : system == KEY_GBA ? "GBA"
                                        : "systems that are not named");
            return false;
        }
        texts[system] = text;
    }
    if (texts[KEY_SYSTEMS] == NULL)
        texts[KEY_SYSTEMS] = UA_PROTOCOL_ID;
    for (enum key_system system = 0; system < KEY_SYSTEMS; system++)
        if (!tls_read_ua_protocol_id(ids[system],
                                     texts[system] != NULL ? texts[system] : texts[KEY_SYSTEMS]))
            return false;
    return true;
}
