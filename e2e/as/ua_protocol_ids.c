/*
 * The Ua security protocol identifiers of a NAF: one for AKMA, one for GBA
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/ua_protocol_ids.h"

#include "messages/ua_protocol_id.h"
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

static bool is_by_suite(const char *const *given)
{
    return given[0] != NULL && strcmp(given[0], UA_BY_SUITE) == 0 && given[1] == NULL;
}

static bool refuse(const char *what, const char *why)
{
    fprintf(stderr, "%s--ua-protocol-id %s: %s\n", options_where("ua-protocol-id"), PRINTABLE(what),
            why);
    return false;
}

/* The text for each system; the last: for those that are not named. */
static bool read_texts(const char *texts[KEY_SYSTEMS + 1], const char *const *given)
{
    for (; *given != NULL; given++) {
        const char *text = *given;
        const enum key_system system = read_prefix(&text);

        if (texts[system] != NULL)
            return refuse(*given, system == KEY_AKMA  ? "an identifier for AKMA is given already"
                                  : system == KEY_GBA ? "an identifier for GBA is given already"
                                                      : "an identifier for systems that are not "
                                                        "named is given already");
        texts[system] = text;
    }
    return true;
}

static bool read_fixed(struct ua_protocol_ids *ids, const char *const *given,
                       enum ua_versions versions)
{
    const char *texts[KEY_SYSTEMS + 1] = {NULL};

    if (!read_texts(texts, given))
        return false;
    if (texts[KEY_SYSTEMS] == NULL)
        texts[KEY_SYSTEMS] = UA_PROTOCOL_ID;
    for (enum key_system system = 0; system < KEY_SYSTEMS; system++) {
        const char *text = texts[system] != NULL ? texts[system] : texts[KEY_SYSTEMS];

        if (!ua_protocol_id_read(ids->fixed[system], text,
                                 versions == UA_DTLS12 ? &ids->suites : NULL))
            return false;
    }
    return true;
}

bool ua_protocol_ids_read(struct ua_protocol_ids *ids, const char *const *given,
                          enum ua_versions versions, const struct dtls_suites *suites)
{
    static const char *const none[] = {NULL};
    const bool says_suite = is_by_suite(given);

    *ids = (struct ua_protocol_ids){.by_suite = says_suite || versions == UA_TLS12_TOO,
                                    .suites = *suites};
    if (says_suite && versions == UA_TLS13)
        return refuse(UA_BY_SUITE,
                      "is for first connections of DTLS 1.2 or TLS 1.2: --accept udp:HOST:PORT or "
                      "--tls-min 1.2 is missing");
    if (says_suite && versions == UA_DTLS12)
        return true;
    return read_fixed(ids, says_suite ? none : given, versions);
}

bool ua_protocol_ids_of_file(unsigned char file[KEY_SYSTEMS][AKMA_UA_PROTOCOL_ID_LENGTH],
                             const struct ua_protocol_ids *ids, const char *const *given,
                             enum ua_versions versions, const char **fault)
{
    const bool says_suite = is_by_suite(given);

    memcpy(file, ids->fixed, sizeof(ids->fixed));
    if (says_suite) /* several: zeros, which no suite has */
        for (enum key_system system = 0; system < KEY_SYSTEMS; system++) {
            memset(file[system], 0, AKMA_UA_PROTOCOL_ID_LENGTH);
            if (ids->suites.count == 1)
                ua_protocol_id_of_suite(file[system], ids->suites.number[0]);
        }
    *fault = NULL;
    if (says_suite && ids->suites.count != 1)
        *fault = UA_FAULT_SUITES;
    else if (!says_suite && versions == UA_TLS12_TOO)
        *fault = UA_FAULT_VERSIONS;
    return *fault == NULL;
}

static size_t add_once(unsigned char all[UA_PROTOCOL_IDS_MAX][AKMA_UA_PROTOCOL_ID_LENGTH],
                       size_t count, const unsigned char id[AKMA_UA_PROTOCOL_ID_LENGTH])
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(all[i], id, AKMA_UA_PROTOCOL_ID_LENGTH) == 0)
            return count;
    memcpy(all[count], id, AKMA_UA_PROTOCOL_ID_LENGTH);
    return count + 1;
}

size_t ua_protocol_ids_all(unsigned char all[UA_PROTOCOL_IDS_MAX][AKMA_UA_PROTOCOL_ID_LENGTH],
                           const struct ua_protocol_ids *ids, enum ua_versions versions,
                           enum key_system system)
{
    unsigned char id[AKMA_UA_PROTOCOL_ID_LENGTH];
    size_t count = 0;

    if (!ids->by_suite || versions == UA_TLS12_TOO)
        for (enum key_system of = 0; of < KEY_SYSTEMS; of++)
            if (system == KEY_SYSTEMS || of == system)
                count = add_once(all, count, ids->fixed[of]);
    for (size_t i = 0; ids->by_suite && i < ids->suites.count; i++) {
        ua_protocol_id_of_suite(id, ids->suites.number[i]);
        count = add_once(all, count, id);
    }
    return count;
}
