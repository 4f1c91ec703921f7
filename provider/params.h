/*
 * The inputs a context takes: one row per input
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_PARAMS_H
#define AKMA_PARAMS_H

#include "digests.h"
#include "errors.h"
#include "modes.h"

#include <akma/kdf.h>
#include <assert.h>
#include <limits.h>
#include <openssl/core.h>
#include <stdint.h>

/*
 * ROW(identifier, type, least octets, most octets, form, setting, traits, names...)
 *
 * type: of the OSSL_PARAM. form: a function that tells what is wrong with the octets, or NULL.
 * setting: of what is a choice and no part of S, how it is set and read; else NULL. names: its own,
 * which error texts use, then its aliases. A derivation that is to take an input names it in its
 * row (derivations.h).
 */
#define INPUTS(ROW)                                                                                \
    ROW(KS_NAF, OCTETS, AKMA_KEY_LENGTH, AKMA_KEY_LENGTH, key_fault, NULL, SECRET,                 \
        AKMA_PARAM_KS_NAF, AKMA_PARAM_KEY)                                                         \
    ROW(KEY, OCTETS, AKMA_KEY_LENGTH, AKMA_KEY_LENGTH, key_fault, NULL, SECRET, AKMA_PARAM_KEY)    \
    ROW(ANY_KEY, OCTETS, 1, INT_MAX, NULL, NULL, SECRET, AKMA_PARAM_KEY)                           \
    ROW(KA, OCTETS, AKMA_KA_MIN, AKMA_KA_MAX, key_fault, NULL, SECRET, AKMA_PARAM_KA,              \
        AKMA_PARAM_SECRET)                                                                         \
    ROW(NAF_ID, OCTETS, AKMA_NAF_ID_MIN, AKMA_NAF_ID_MAX, naf_id_fault, NULL, READABLE,            \
        AKMA_PARAM_NAF_ID)                                                                         \
    ROW(NAF_FQDN, TEXT, 1, AKMA_NAF_FQDN_MAX, naf_fqdn_fault, NULL, HALF_OF_NAF_ID,                \
        AKMA_PARAM_NAF_FQDN)                                                                       \
    ROW(UA_PROTOCOL_ID, OCTETS, AKMA_UA_PROTOCOL_ID_LENGTH, AKMA_UA_PROTOCOL_ID_LENGTH,            \
        naf_ua_protocol_fault, NULL, HALF_OF_NAF_ID, AKMA_PARAM_UA_PROTOCOL_ID)                    \
    ROW(REFRESH, OCTETS, 0, AKMA_REFRESH_MAX, NULL, NULL, OPTIONAL | READABLE, AKMA_PARAM_REFRESH) \
    ROW(USAGE, TEXT, 0, AKMA_USAGE_MAX, utf8_fault, NULL, OPTIONAL | READABLE, AKMA_PARAM_USAGE)   \
    ROW(RAND, OCTETS, AKMA_RAND_LENGTH, AKMA_RAND_LENGTH, NULL, NULL, SECRET, AKMA_PARAM_RAND)     \
    ROW(IMPI, TEXT, 1, AKMA_P_MAX, impi_fault, NULL, SECRET, AKMA_PARAM_IMPI)                      \
    ROW(SUPI, TEXT, 1, AKMA_P_MAX, supi_fault, NULL, SECRET, AKMA_PARAM_SUPI)                      \
    ROW(DEVICE, TEXT, 1, AKMA_DEVICE_MAX, utf8_fault, NULL, SECRET, AKMA_PARAM_DEVICE)             \
    ROW(KA_ID, TEXT, 0, AKMA_KA_ID_MAX, utf8_fault, NULL, OPTIONAL, AKMA_PARAM_KA_ID)              \
    ROW(FC, OCTETS, 1, 2, fc_fault, NULL, UNCOUNTED, AKMA_PARAM_FC)                                \
    ROW(P, OCTETS, 0, AKMA_P_MAX, NULL, NULL, SECRET | UNCOUNTED | REPEATED, AKMA_PARAM_P)         \
    ROW(DIGEST, TEXT, 0, SIZE_MAX, utf8_fault, &digest_setting, OPTIONAL | READABLE,               \
        AKMA_PARAM_DIGEST)                                                                         \
    ROW(MODE, TEXT, 0, SIZE_MAX, utf8_fault, &mode_setting, OPTIONAL | READABLE, AKMA_PARAM_MODE)  \
    ROW(NOT_AFTER, INTEGER, 1, SIZE_MAX, NULL, &not_after_setting, OPTIONAL, AKMA_PARAM_NOT_AFTER) \
    ROW(PROPERTIES, TEXT, 0, SIZE_MAX, property_query_fault, &properties_setting, OPTIONAL,        \
        AKMA_PARAM_PROPERTIES)

/* Traits: what else a row says of its input. */
enum {
    SECRET = 1,          /* wiped when a copy of it is given up */
    OPTIONAL = 2,        /* has a default: of a part of S, to be empty */
    REPEATED = 4,        /* may be given several times, each with its L in S */
    UNCOUNTED = 8,       /* no L behind it in S: FC has none, the list of p has one in each p */
    READABLE = 16,       /* given back by EVP_KDF_CTX_get_params() */
    HALF_OF_NAF_ID = 32, /* replaces NAF_Id, with the other half */
};

enum input {
    INPUT_NONE,
#define ROW(id, ...) INPUT_##id,
    INPUTS(ROW)
#undef ROW
        INPUT_COUNT
};

static_assert(INPUT_COUNT <= 32, "sets of inputs are bits of an unsigned int");
#define INPUT_BIT(input) (1U << (input))

static inline bool has_input(unsigned int set, enum input input)
{
    return (set & INPUT_BIT(input)) != 0;
}

#define NAF_ID_HALVES (INPUT_BIT(INPUT_NAF_FQDN) | INPUT_BIT(INPUT_UA_PROTOCOL_ID))

/* How many names all inputs have together. */
struct every_name {
#define ROW(id, type, min, max, form, setting, traits, ...) \
    char id[sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *)];
    INPUTS(ROW)
#undef ROW
};
#define NAME_COUNT sizeof(struct every_name)

/* What is set beside key and S. */
struct settings {
    unsigned int present; /* INPUT_BIT of every input set; NAF_ID or its two halves, never both */
    enum digest_id digest;
    enum kdf_mode mode;
    int64_t not_after;
    char *properties; /* NULL: none */
};

/* A value as it was given: the caller's octets. */
struct value {
    const unsigned char *octets;
    size_t length;
};

/* How a setting is set from what was given, and what it reads as. */
struct setting {
    /* value: its octets, unless it is an integer. An error is raised. */
    bool (*set)(struct settings *settings, const OSSL_PARAM *given, const struct value *value,
                const struct errors *errors);
    const char *(*text)(const struct settings *settings);
};

struct param {
    enum input input;
    unsigned int type; /* OSSL_PARAM_*: of its data */
    size_t min, max;   /* octets */
    /* NULL if the octets have the right form, else what is wrong and what is wanted. */
    const char *(*fault)(const unsigned char *octets, size_t length);
    const struct setting *setting;
    unsigned int traits;
    const char *const *names; /* ended by NULL */
};

/* By enum input; INPUT_NONE has no name. */
extern const struct param param_table[INPUT_COUNT];

/* The octets of a string parameter, by value or by pointer. */
const unsigned char *params_octets(const OSSL_PARAM *given);

/*
 * Read one parameter of a row: into value, and into settings if it is a setting. Type, bounds and
 * form are checked, an error is raised. properties are a copy, which the settings own.
 */
bool params_read(const struct param *param, const OSSL_PARAM *given, struct value *value,
                 struct settings *settings, const struct errors *errors);

#endif
