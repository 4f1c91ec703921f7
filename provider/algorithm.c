/*
 * What follows from a row of the table, worked out once when the provider is loaded
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "algorithm.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <string.h>

static_assert(NAME_COUNT <= UCHAR_MAX, "algorithm.first holds indices of names");
#define NOWHERE NAME_COUNT /* where params has its last possible NULL */

/* A number of a name's first two characters; most names of one algorithm have one of their own. */
static size_t initials(const char *name)
{
    return name[0] == '\0' ? 0 : ((unsigned char)name[0] + 5U * (unsigned char)name[1]) % INITIALS;
}

/* All inputs: the key, the parts of S, the settings. */
static unsigned int taken_inputs(const struct derivation *row)
{
    unsigned int taken = INPUT_BIT(row->key) | row->settings;

    for (const enum input *part = row->parts; *part != INPUT_NONE; part++)
        taken |= INPUT_BIT(*part) | (*part == INPUT_NAF_ID ? NAF_ID_HALVES : 0);
    return taken;
}

/* The key, and every part that is not empty unless it is set. NAF_Id may come by its halves. */
static unsigned int required_inputs(const struct derivation *row)
{
    unsigned int required = INPUT_BIT(row->key);

    for (const enum input *part = row->parts; *part != INPUT_NONE; part++)
        if (*part != INPUT_NAF_ID && (param_table[*part].traits & OPTIONAL) == 0)
            required |= INPUT_BIT(*part);
    return required;
}

static OSSL_PARAM describe(const struct param *param, const char *name)
{
    return (OSSL_PARAM){name, param->type, NULL,
                        param->type == OSSL_PARAM_INTEGER ? sizeof(int64_t) : 0,
                        OSSL_PARAM_UNMODIFIED};
}

/* The names of one input, own name and aliases; returns how many there are then. */
static size_t add_names(struct algorithm *algorithm, const struct param *param, size_t count)
{
    for (const char *const *name = param->names; *name != NULL; name++) {
        if (algorithm->first[initials(*name)] == NOWHERE)
            algorithm->first[initials(*name)] = (unsigned char)count;
        algorithm->params[count] = param;
        algorithm->settable[count++] = describe(param, *name);
    }
    return count;
}

static void make_lists(struct algorithm *algorithm)
{
    const OSSL_PARAM size = OSSL_PARAM_size_t(OSSL_KDF_PARAM_SIZE, NULL);
    OSSL_PARAM *get = algorithm->gettable;
    size_t count = 0;

    memset(algorithm->first, NOWHERE, sizeof(algorithm->first));
    *get++ = size;
    for (enum input input = INPUT_NONE + 1; input < INPUT_COUNT; input++) {
        const struct param *param = &param_table[input];

        if (!has_input(algorithm->taken, input))
            continue;
        count = add_names(algorithm, param, count);
        if ((param->traits & READABLE) != 0)
            *get++ = describe(param, param->names[0]);
    }
    algorithm->params[count] = NULL;
    algorithm->settable[count] = *get = OSSL_PARAM_construct_end();
}

void algorithm_init(struct algorithm *algorithm, const struct derivation *row)
{
    algorithm->row = row;
    algorithm->taken = taken_inputs(row);
    algorithm->required = required_inputs(row);
    algorithm->has_naf_id = has_input(algorithm->taken, INPUT_NAF_ID);
    layout_init(&algorithm->layout, row);
    make_lists(algorithm);
}

const struct param *algorithm_param(const struct algorithm *algorithm, const char *name)
{
    size_t i = algorithm->first[initials(name)];

    while (algorithm->params[i] != NULL && strcmp(algorithm->settable[i].key, name) != 0)
        i++;
    return algorithm->params[i];
}
