/*
 * The PSK identity of a first connection: prefix, separator, and the B-TID or A-KID
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "messages/identity.h"

#include <string.h>

/* The longest prefix first: one begins like another. */
static const struct {
    const char *prefix;
    enum identity_kind kind;
} known[] = {
    {"3GPP-bootstrapping-uicc", IDENTITY_GBA_UICC},
    {"3GPP-bootstrapping", IDENTITY_GBA_ME},
    {"3GPP-AKMA", IDENTITY_AKMA},
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static enum identity_kind kind_of(const char *prefix)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (strcmp(prefix, known[i].prefix) == 0)
            return known[i].kind;
    return IDENTITY_GBA_ME;
}

enum key_system identity_system(enum identity_kind kind)
{
    return kind == IDENTITY_AKMA ? KEY_AKMA : KEY_GBA;
}

const char *identity_separator_named(const char *text)
{
    return strcmp(text, "none") == 0 ? "" : text;
}

const char *identity_separator(const char *prefix)
{
    return kind_of(prefix) == IDENTITY_AKMA ? "" : ".";
}

/* The prefix that an identity begins with, of those that the rules admit. */
static const char *find_prefix(const struct identity_rules *rules, const char *psk_identity)
{
    if (strcmp(rules->prefix, IDENTITY_ANY) != 0)
        return begins_with(psk_identity, rules->prefix) ? rules->prefix : NULL;
    for (size_t i = 0; i < KNOWN; i++)
        if (begins_with(psk_identity, known[i].prefix))
            return known[i].prefix;
    return NULL;
}

const char *identity_split(const struct identity_rules *rules, const char *psk_identity,
                           enum identity_kind *kind)
{
    const char *prefix = find_prefix(rules, psk_identity);
    const char *rest;

    if (prefix == NULL)
        return NULL;
    *kind = kind_of(prefix);
    rest = psk_identity + strlen(prefix);
    if (strcmp(rules->separator, IDENTITY_ANY) == 0)
        rest += *rest == '.' || *rest == ';';
    else if (begins_with(rest, rules->separator))
        rest += strlen(rules->separator);
    else
        return NULL;
    return *rest == '\0' ? NULL : rest;
}
