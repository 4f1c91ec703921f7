/*
 * A call of 3GPP-KDF with a list of p, and with FC: the whole list is another, every element with
 * its length behind it, and nothing else is; or all is as it was
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "set.h"

#define ELEMENTS 3

static const unsigned char fcs[][2] = {{0x69}, {0xFF, 0x01}}; /* of one octet, of two */

/* Octets of FC, which comes before the list or after it, and of each element. */
struct given_list {
    size_t fc_length;
    bool fc_is_last;
    size_t count, lengths[ELEMENTS];
};

static size_t add_element(unsigned char *list, size_t at, const struct value *element)
{
    for (size_t i = 0; i < element->length; i++)
        list[at++] = element->octets[i];
    list[at++] = 0;
    list[at++] = (unsigned char)element->length;
    return at;
}

static OSSL_PARAM as_octets(const char *name, const struct value *value)
{
    return (OSSL_PARAM){name, OCTETS, (void *)value->octets, value->length, OSSL_PARAM_UNMODIFIED};
}

/* joined: the list as S has it. */
static struct call make_call(const struct given_list *list, const struct held *was,
                             unsigned char joined[VALUE_MAX])
{
    struct call call = {.fits = true, .was = *was, .wanted = *was, .has_ka = true};
    OSSL_PARAM *given = call.given;
    size_t length = 0;

    if (list->fc_length > 0) {
        const struct value fc = {fcs[list->fc_length - 1], list->fc_length};

        call.given[list->fc_is_last ? list->count : 0] = as_octets("fc", &fc);
        given += list->fc_is_last ? 0 : 1;
        call.wanted.parts[0] = fc;
        call.wanted.present |= INPUT_BIT(INPUT_FC);
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct value element = {any[PARTS + 2 + i], list->lengths[i]};

        given[i] = as_octets("p", &element);
        length = add_element(joined, length, &element);
    }
    call.wanted.parts[1] = (struct value){joined, length};
    call.wanted.present |= INPUT_BIT(INPUT_P);
    return call;
}

/* What LIST of claims.toml is one of: a claim for each. */
static const struct given_list lists[] = {
    {0, false, 1, {0}}, {0, false, 3, {1, 2, 2}}, {1, false, 2, {1, 2}}, {2, true, 1, {1}}};

void prove(void)
{
    unsigned char octets[VALUES_MAX][VALUE_MAX], joined[VALUE_MAX];

    any = octets;
    algorithm_init(&algorithm, &derivations[DERIVATION_ANY]);
    for (int is_set = 0; is_set < 2; is_set++) {
        const struct held was = held_any(DERIVATION_ANY, is_set, 0);
        const struct call call = make_call(&lists[LIST], &was, joined);

        (void)prove_set(&call, ROOMY, true, 0);
        (void)prove_set(&call, S_TAIL, true, 0);
        (void)prove_set(&call, S_TAIL, false, 0);
        for (size_t which = 1; prove_set(&call, S_TAIL, false, which);)
            which++;
    }
}
