/*
 * What follows from a row of the table, worked out once when the provider is loaded
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "algorithm.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <string.h>

#define NOT_SECRET                                                                 \
    (INPUT_BIT(INPUT_NAF_ID) | INPUT_BIT(INPUT_REFRESH) | INPUT_BIT(INPUT_USAGE) | \
     INPUT_BIT(INPUT_DIGEST) | INPUT_BIT(INPUT_MODE))
#define OPTIONAL (INPUT_BIT(INPUT_REFRESH) | INPUT_BIT(INPUT_USAGE))

#define NOWHERE (SETTABLE_MAX - 1) /* where params has its last possible NULL */

/* A number of a name's first two characters; most names of one algorithm have one of their own. */
static size_t initials(const char *name)
{
    return name[0] == '\0' ? 0 : ((unsigned char)name[0] + 5U * (unsigned char)name[1]) % INITIALS;
}

/* All inputs, those of S and the settings. */
static unsigned int taken_inputs(const struct derivation *row)
{
    unsigned int taken = INPUT_BIT(row->key) | INPUT_BIT(INPUT_PROPERTIES);

    for (const enum input *part = row->parts; *part != INPUT_NONE; part++) {
        taken |= INPUT_BIT(*part);
        if (*part == INPUT_NAF_ID)
            taken |= NAF_ID_HALVES;
    }
    if (row->e2e)
        taken |= INPUT_BIT(INPUT_DIGEST) | INPUT_BIT(INPUT_MODE) | INPUT_BIT(INPUT_NOT_AFTER);
    return taken;
}

static void make_lists(struct algorithm *algorithm, unsigned int taken)
{
    const OSSL_PARAM size = OSSL_PARAM_size_t(OSSL_KDF_PARAM_SIZE, NULL);
    OSSL_PARAM *get = algorithm->gettable;
    size_t n = 0;

    memset(algorithm->first, NOWHERE, sizeof(algorithm->first));
    *get++ = size;
    for (const struct param *param = params_table; param->name != NULL; param++) {
        const OSSL_PARAM described = {param->name, param->type, NULL,
                                      param->type == OSSL_PARAM_INTEGER ? sizeof(int64_t) : 0,
                                      OSSL_PARAM_UNMODIFIED};

        if ((taken & INPUT_BIT(param->input)) == 0)
            continue;
        if (algorithm->first[initials(param->name)] == NOWHERE)
            algorithm->first[initials(param->name)] = (unsigned char)n;
        algorithm->params[n] = param;
        algorithm->settable[n++] = described;
        if ((NOT_SECRET & INPUT_BIT(param->input)) != 0)
            *get++ = described;
    }
    algorithm->params[n] = NULL;
    algorithm->settable[n] = *get = OSSL_PARAM_construct_end();
}

static void make_empty_s(struct algorithm *algorithm)
{
    const struct derivation *row = algorithm->row;
    unsigned char *s = algorithm->empty_s;

    memcpy(s, row->fc, row->fc_length);
    s += row->fc_length;
    if (row->p0_length > 0) {
        memcpy(s, row->p0, row->p0_length);
        s += row->p0_length;
        s = write_l(s, row->p0_length);
    }
    algorithm->prefix = (size_t)(s - algorithm->empty_s);
    for (const enum input *part = row->parts; *part != INPUT_NONE; part++)
        if (part_has_l(*part))
            s = write_l(s, 0);
    algorithm->empty_length = (size_t)(s - algorithm->empty_s);
}

void algorithm_init(struct algorithm *algorithm, const struct derivation *row)
{
    const unsigned int taken = taken_inputs(row);

    algorithm->row = row;
    algorithm->has_naf_id = (taken & INPUT_BIT(INPUT_NAF_ID)) != 0;
    algorithm->required = INPUT_BIT(row->key);
    algorithm->public_parts = 0;
    for (const enum input *part = row->parts; *part != INPUT_NONE; part++) {
        algorithm->required |= INPUT_BIT(*part);
        if ((NOT_SECRET & INPUT_BIT(*part)) == 0)
            algorithm->public_parts = (size_t)(part + 1 - row->parts);
    }
    algorithm->required &= ~(OPTIONAL | INPUT_BIT(INPUT_NAF_ID));
    make_lists(algorithm, taken);
    make_empty_s(algorithm);
}

const struct param *algorithm_param(const struct algorithm *algorithm, const char *name)
{
    const struct param *const *param = &algorithm->params[algorithm->first[initials(name)]];

    while (*param != NULL && strcmp((*param)->name, name) != 0)
        param++;
    return *param;
}
