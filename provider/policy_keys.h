/*
 * The keys of a policy: one row per key, which says how it is read, written and checked
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_POLICY_KEYS_H
#define AKMA_POLICY_KEYS_H

#include "inputs.h"
#include "patterns.h"

#define POLICY_REASON_SIZE 1000 /* octets of an error text; longer ones vanish from the stack */

/*
 * ROW(identifier, name, input, read, write, check, details...)
 *
 * A key is checked in every derivation that takes the input. details: what the three functions need
 * to know, fields of struct policy_key.
 */
#define POLICY_KEYS(ROW)                                                                           \
    ROW(ALLOWED_DIGESTS, "allowed-digests", INPUT_DIGEST, read_names, write_names, check_name,     \
        .names = &digest_names,                                                                    \
        .wanted = "must be " DIGEST_NAMES ", or several of them with a colon between")             \
    ROW(ALLOWED_MODES, "allowed-modes", INPUT_MODE, read_names, write_names, check_name,           \
        .names = &mode_names, .wanted = "must be " MODE_NAMES ", or both with a colon between")    \
    ROW(MIN_KA_LENGTH, "min-ka-length", INPUT_KA, read_number, write_number, check_length,         \
        .min = AKMA_KA_MIN, .max = AKMA_KA_MAX)                                                    \
    ROW(MIN_REFRESH_LENGTH, "min-refresh-length", INPUT_REFRESH, read_number, write_number,        \
        check_length, .min = 0, .max = AKMA_REFRESH_MAX)                                           \
    ROW(REQUIRE_USAGE, "require-usage", INPUT_USAGE, read_boolean, write_boolean, check_is_set,    \
        .wanted = "set a label that says what the key is for")                                     \
    ROW(REQUIRE_NOT_AFTER, "require-not-after", INPUT_NOT_AFTER, read_boolean, write_boolean,      \
        check_is_set, .wanted = "set the end of life of the 3GPP key, seconds since 1970 UTC")     \
    ROW(ALLOWED_NAFS, "allowed-nafs", INPUT_NAF_ID, read_patterns, write_patterns, check_patterns, \
        .patterns = &naf_patterns)                                                                 \
    ROW(ALLOWED_UA_PROTOCOLS, "allowed-ua-protocols", INPUT_NAF_ID, read_patterns, write_patterns, \
        check_patterns, .patterns = &ua_protocol_patterns)

enum policy_key_id {
#define ROW(id, ...) POLICY_KEY_##id,
    POLICY_KEYS(ROW)
#undef ROW
        POLICY_KEY_COUNT
};

/* What a policy says by one key. */
struct policy_setting {
    char *text;    /* canonical; NULL: the key is not given */
    size_t number; /* names: a bit each; numbers: itself; booleans: 0 or 1 */
    struct pattern *patterns;
    size_t count;
};

struct policy_names;
struct policy_patterns;

struct policy_key {
    const char *name;
    enum input input;
    /* False when out of memory, or with a fault that names the key, the value and what is wanted.
     */
    bool (*read)(const struct policy_key *key, struct policy_setting *setting, const char *value,
                 char fault[POLICY_REASON_SIZE]);
    /* The canonical text of what was read; NULL when out of memory. */
    char *(*write)(const struct policy_key *key, const struct policy_setting *setting,
                   const char *value);
    /* True if it is within the policy. If not, reason names the key, the value and what is allowed.
     */
    bool (*check)(const struct policy_key *key, const struct policy_setting *setting,
                  const struct inputs *inputs, char reason[POLICY_REASON_SIZE]);
    const char *wanted;
    size_t min, max;
    const struct policy_names *names;
    const struct policy_patterns *patterns;
};

extern const struct policy_key policy_keys[POLICY_KEY_COUNT];

#endif
