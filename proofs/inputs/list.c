/*
 * A call of 3GPP-KDF with a list of p: the whole list is another, every element with its length
 * behind it, and nothing else is; or all is as it was
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "set.h"

#define ELEMENTS 3

/* Octets of each element. */
struct given_list {
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

/* What is given, and what is held then. */
static void make_list(const struct given_list *list, OSSL_PARAM given[ELEMENTS + 1],
                      struct held *wanted, unsigned char joined[VALUE_MAX])
{
    size_t length = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct value element = {any[PARTS + 2 + i], list->lengths[i]};

        given[i] = as_octets("p", &element);
        length = add_element(joined, length, &element);
    }
    given[list->count] = (OSSL_PARAM){NULL};
    wanted->parts[1] = (struct value){joined, length};
    wanted->present |= INPUT_BIT(INPUT_P);
}

static bool prove_list(const struct given_list *list, const struct held *was, size_t room,
                       bool is_kept, size_t which_fails)
{
    static struct inputs inputs;
    static struct replaced replaced;
    OSSL_PARAM given[ELEMENTS + 1];
    unsigned char joined[VALUE_MAX];
    struct held wanted = *was;
    bool is_taken;

    make_list(list, given, &wanted, joined);
    inputs_make(&inputs, was, room);
    failing = which_fails;
    is_taken = inputs_set(&inputs, given, &replaced, &errors);
    CLAIM(is_taken == !has_failed && raised == !is_taken);
    if (is_kept)
        inputs_keep(&inputs, &replaced);
    else
        inputs_put_back(&inputs, &replaced);
    claim_held(&inputs, is_taken && is_kept ? &wanted : was);
    claim_forgotten(&replaced, false, true);
    inputs_free(&inputs);
    CLAIM(blocks == 0);
    return has_failed;
}

/* What LIST of claims.toml is one of: a claim for each. */
static const struct given_list lists[] = {{1, {0}}, {3, {1, 2, 2}}};

void prove(void)
{
    unsigned char octets[VALUES_MAX][VALUE_MAX];

    any = octets;
    algorithm_init(&algorithm, &derivations[DERIVATION_ANY]);
    for (int is_set = 0; is_set < 2; is_set++) {
        const struct held was = held_any(DERIVATION_ANY, is_set, 0);

        (void)prove_list(&lists[LIST], &was, ROOMY, true, 0);
        (void)prove_list(&lists[LIST], &was, S_TAIL, false, 0);
        for (size_t which = 1; prove_list(&lists[LIST], &was, S_TAIL, false, which);)
            which++;
    }
}
