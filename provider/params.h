/*
 * The parameters a context takes: one table of name, type, bounds and form
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_PARAMS_H
#define AKMA_PARAMS_H

#include "errors.h"

#include <openssl/core.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a parameter gives. Two names of one input are aliases. */
enum input {
    INPUT_NONE,
    INPUT_KS_NAF,  /* the key of AKMA-E2E: Ks_(ext/int)_NAF or K_AF */
    INPUT_KEY,     /* the key of a 3GPP derivation: Ks, K_AUSF or K_AKMA */
    INPUT_ANY_KEY, /* the key of 3GPP-KDF */
    INPUT_KA,
    INPUT_NAF_ID,
    INPUT_NAF_FQDN,
    INPUT_UA_PROTOCOL_ID,
    INPUT_REFRESH,
    INPUT_USAGE,
    INPUT_RAND,
    INPUT_IMPI,
    INPUT_SUPI,
    INPUT_FC,
    INPUT_P,
    INPUT_DIGEST,
    INPUT_MODE,
    INPUT_NOT_AFTER,
    INPUT_PROPERTIES,
    INPUT_COUNT
};

#define INPUT_BIT(input) (1U << (input))
#define NAF_ID_HALVES    (INPUT_BIT(INPUT_NAF_FQDN) | INPUT_BIT(INPUT_UA_PROTOCOL_ID))

struct param {
    const char *name;
    enum input input;
    unsigned int type; /* OSSL_PARAM_*: of its data */
    size_t min, max;   /* octets; of an integer, what text is converted to */
    /* NULL where the octets have the right form, else what is wrong and what is wanted. */
    const char *(*fault)(const unsigned char *octets, size_t length);
};

/* A value as it came: the caller's octets. */
struct value {
    const unsigned char *octets;
    size_t length;
};

/* Every parameter, the names of one input in a run, first its own name; ended by a NULL name. */
extern const struct param params_table[];

/* The name of an input in an error text. */
const char *params_name(enum input input);

/* The octets of a string parameter, by value or by pointer. */
const unsigned char *params_octets(const OSSL_PARAM *given);

/* Get the octets of a string parameter; type, bounds and form are checked, an error is raised. */
bool params_value(const struct param *param, const OSSL_PARAM *given, struct value *value,
                  const struct errors *errors);

/* The same for an integer parameter. */
bool params_integer(const struct param *param, const OSSL_PARAM *given, int64_t *value,
                    const struct errors *errors);

#endif
