/*
 * One parameter of AKMA-E2E: what may be given, and what is held then (akma/kdf.h)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GIVEN_H
#define GIVEN_H

#include "state.h"

#include <openssl/params.h>

#define OCTETS  OSSL_PARAM_OCTET_STRING
#define TEXT    OSSL_PARAM_UTF8_STRING
#define INTEGER OSSL_PARAM_INTEGER

extern size_t named; /* stubs/forms.c: what a name stands for, and what an integer is */
extern int64_t integer;

static const struct row {
    const char *name;
    enum input input;
    unsigned int type;
    size_t min, max; /* octets */
} rows[] = {
    {"ks-naf", INPUT_KS_NAF, OCTETS, 32, 32},
    {"key", INPUT_KS_NAF, OCTETS, 32, 32},
    {"ka", INPUT_KA, OCTETS, 16, 65535},
    {"secret", INPUT_KA, OCTETS, 16, 65535},
    {"naf-id", INPUT_NAF_ID, OCTETS, 6, 258},
    {"naf-fqdn", INPUT_NAF_FQDN, TEXT, 1, 253},
    {"ua-protocol-id", INPUT_UA_PROTOCOL_ID, OCTETS, 5, 5},
    {"refresh", INPUT_REFRESH, OCTETS, 0, 255},
    {"usage", INPUT_USAGE, TEXT, 0, 255},
    {"digest", INPUT_DIGEST, TEXT, 0, SIZE_MAX},
    {"mode", INPUT_MODE, TEXT, 0, SIZE_MAX},
    {"not-after", INPUT_NOT_AFTER, INTEGER, 1, SIZE_MAX},
    {"properties", INPUT_PROPERTIES, TEXT, 0, SIZE_MAX},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* One parameter of a call. */
struct choice {
    const struct row *row;
    unsigned int type;
    struct value value;
};

/* The identity is one thing: the whole replaces the halves, and a half the whole. */
static void hold_naf(struct held *held, enum input input, const struct value *value,
                     unsigned char joined[2 * VALUE_MAX])
{
    struct value *part = &held->parts[1], fqdn = *part, ua = *part;

    held->present &= ~(input == INPUT_NAF_ID ? FQDN | UA : WHOLE);
    if (input == INPUT_NAF_ID) {
        *part = *value;
        return;
    }
    ua.length = (held->present & UA) != 0 ? UA_LENGTH : 0;
    fqdn.length = (held->present & FQDN) != 0 ? part->length - ua.length : 0;
    ua.octets += fqdn.length;
    *(input == INPUT_NAF_FQDN ? &fqdn : &ua) = *value;
    for (size_t i = 0; i < fqdn.length; i++)
        joined[i] = fqdn.octets[i];
    for (size_t i = 0; i < ua.length; i++)
        joined[fqdn.length + i] = ua.octets[i];
    *part = (struct value){joined, fqdn.length + ua.length};
}

/* What is held when this is taken: one part or setting is another, and no other. */
static void hold(struct held *held, const struct choice *choice)
{
    static unsigned char joined[2][2 * VALUE_MAX];
    const enum input input = choice->row->input;

    switch (input) {
    case INPUT_NAF_ID:
    case INPUT_NAF_FQDN:
    case INPUT_UA_PROTOCOL_ID:
        hold_naf(held, input, &choice->value, joined[input == INPUT_NAF_FQDN]);
        break;
    case INPUT_KS_NAF:
        held->key = choice->value;
        break;
    case INPUT_DIGEST:
        held->digest = (enum digest_id)named;
        break;
    case INPUT_MODE:
        held->mode = (enum kdf_mode)named;
        break;
    case INPUT_NOT_AFTER:
        held->not_after = integer;
        break;
    case INPUT_PROPERTIES:
        held->properties = choice->value.length > 0 ? choice->value.octets : NULL;
        break;
    default:
        held->parts[part_of(held->shape, input)] = choice->value;
    }
    held->present |= INPUT_BIT(input);
}

/* By name, the which-th parameter of the call. */
static struct choice choose(size_t which, const char *name, size_t length)
{
    size_t row = 0;

    while (strcmp(rows[row].name, name) != 0)
        row++;
    return (struct choice){&rows[row], rows[row].type, {any[PARTS + 2 + which], length}};
}

/* By value or by pointer, signed or not. */
static bool has_type(const struct choice *choice)
{
    switch (choice->row->type) {
    case OCTETS:
        return choice->type == OCTETS || choice->type == OSSL_PARAM_OCTET_PTR;
    case TEXT:
        return choice->type == TEXT || choice->type == OSSL_PARAM_UTF8_PTR;
    default:
        return choice->type == INTEGER || choice->type == OSSL_PARAM_UNSIGNED_INTEGER;
    }
}

static bool fits(const struct choice *choice)
{
    return has_type(choice) && choice->value.length >= choice->row->min &&
           choice->value.length <= choice->row->max;
}

/* No input twice, nor the whole of NAF_Id with a half of it. */
static bool all_fit(const struct choice choices[], size_t count)
{
    unsigned int given = 0;

    for (size_t i = 0; i < count; i++) {
        if (!fits(&choices[i]) || (given & INPUT_BIT(choices[i].row->input)) != 0)
            return false;
        given |= INPUT_BIT(choices[i].row->input);
    }
    return (given & WHOLE) == 0 || (given & (FQDN | UA)) == 0;
}

/* A choice as it is given: by the pointer to its octets, where the type says so. */
static OSSL_PARAM as_given(struct choice *choice)
{
    const bool is_pointer =
        choice->type == OSSL_PARAM_OCTET_PTR || choice->type == OSSL_PARAM_UTF8_PTR;

    return (OSSL_PARAM){choice->row->name, choice->type,
                        is_pointer ? (void *)&choice->value.octets : (void *)choice->value.octets,
                        choice->value.length, OSSL_PARAM_UNMODIFIED};
}

#endif
