/*
 * The PSK identity of a first connection: prefix, separator, and the B-TID or A-KID
 *
 * The prefix says which key is meant (TS 33.222, TS 24.109 K.3, TS 33.535). What comes between it
 * and the identity is not said alike everywhere; docs/flow.md has the places.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdbool.h>

#define IDENTITY_ANY    "any"
#define IDENTITY_PREFIX "3GPP-bootstrapping" /* a UE's, unless an option says another one */

/* Which key an identity is of. */
enum identity_kind {
    IDENTITY_AKMA,    /* an A-KID, whose K_AF is wanted: 3GPP-AKMA */
    IDENTITY_GBA_ME,  /* a B-TID, whose Ks_NAF or Ks_ext_NAF is wanted: 3GPP-bootstrapping */
    IDENTITY_GBA_UICC /* a B-TID, whose Ks_int_NAF is wanted: 3GPP-bootstrapping-uicc */
};

/* Which system gives that key: K_AF, or Ks_NAF of GBA. */
enum key_system { KEY_AKMA, KEY_GBA, KEY_SYSTEMS };

/* What a server accepts. */
struct identity_rules {
    const char *prefix;    /* IDENTITY_ANY: each that is known */
    const char *separator; /* IDENTITY_ANY: none, "." or ";" */
};

enum key_system identity_system(enum identity_kind kind);

/* What an option names: "" for "none", else the text itself. */
const char *identity_separator_named(const char *text);

/* What a client sends for a prefix unless it is told otherwise: "" for AKMA, "." for GBA. */
const char *identity_separator(const char *prefix);

/*
 * Parse a PSK identity. NULL: it is none of a first connection; else where in it the B-TID or
 * A-KID, of at least one octet, begins.
 */
const char *identity_split(const struct identity_rules *rules, const char *psk_identity,
                           enum identity_kind *kind);

#endif
