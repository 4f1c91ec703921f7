/*
 * Patterns of a policy's lists: which NAFs, which Ua security protocols
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_PATTERNS_H
#define AKMA_PATTERNS_H

#include <akma/kdf.h>
#include <stdbool.h>
#include <stddef.h>

struct pattern {
    bool beneath; /* of a NAF: the octets are ".suffix", any name that ends so is meant */
    size_t length;
    unsigned char octets[AKMA_NAF_FQDN_MAX + 1]; /* of a Ua protocol: what it starts with */
};

/* Read one pattern; NULL, or what is wrong and what is wanted. Any text of any length may come. */
typedef const char *pattern_read_fn(struct pattern *pattern, const char *text, size_t length);

/* A FQDN, or "*." and a suffix of at least two labels. */
pattern_read_fn pattern_read_naf;

/* The hex of 5 octets, or of 1 to 4 octets and "*". */
pattern_read_fn pattern_read_ua_protocol;

/* True if it matches. The case of ASCII letters does not count. identifier: 5 octets. */
bool pattern_matches_naf(const struct pattern *pattern, const unsigned char *fqdn, size_t length);
bool pattern_matches_ua_protocol(const struct pattern *pattern, const unsigned char *identifier);

#endif
