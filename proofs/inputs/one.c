/*
 * A call with one parameter, from any state: of every length about its bounds, and of every type
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "set.h"

static void prove_types(const struct row *row)
{
    /* without UTF8_PTR, which has the length that its octets say */
    static const unsigned int types[] = {OSSL_PARAM_UNSIGNED_INTEGER, TEXT, OSSL_PARAM_OCTET_PTR};
    struct choice choice = choose(0, row->name, row->min);
    const struct held was = held_any(DERIVATION_E2E, true, WHOLE);

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        choice.type = types[i];
        (void)prove_call(&was, &choice, 1, ROOMY, false, 0);
    }
}

static void prove_bounds(const struct row *row)
{
    struct choice shorter = choose(0, row->name, row->min - 1);
    struct choice longer = choose(0, row->name, row->max + 1);
    const struct held was = held_any(DERIVATION_E2E, true, FQDN | UA);

    if (row->min > 0)
        (void)prove_call(&was, &shorter, 1, ROOMY, false, 0);
    if (row->max < SIZE_MAX)
        (void)prove_call(&was, &longer, 1, ROOMY, false, 0);
}

/* Each way that NAF_Id was given before; that matters to its own parameters only. */
static void prove_states(struct choice *choice)
{
    const bool is_naf = (INPUT_BIT(choice->row->input) & (WHOLE | FQDN | UA)) != 0;
    const struct held nothing = held_any(DERIVATION_E2E, false, 0);
    const struct held all = held_any(DERIVATION_E2E, true, WHOLE);

    prove_both(&nothing, choice, 1);
    prove_calls(&all, choice, 1);
    for (size_t i = 0; is_naf && i < NAFS; i++)
        for (int is_set = 0; is_set < 2; is_set++) {
            const struct held was = held_any(DERIVATION_E2E, is_set, nafs[i]);

            prove_both(&was, choice, 1);
        }
}

static void prove_row(const struct row *row)
{
    struct choice least = choose(0, row->name, row->min);
    struct choice more = choose(0, row->name, row->min + 1);
    const struct held all = held_any(DERIVATION_E2E, true, WHOLE);

    prove_types(row);
    prove_bounds(row);
    prove_states(&least);
    if (row->min < row->max)
        prove_both(&all, &more, 1);
}

void prove(void)
{
    unsigned char octets[VALUES_MAX][VALUE_MAX];

    any = octets;
    algorithm_init(&algorithm, &derivations[DERIVATION_E2E]);
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, NAME) == 0)
            prove_row(&rows[i]);
    if (strcmp(NAME, "ks-naf") == 0) { /* the same key once more is not taken for another */
        struct choice choice = choose(0, NAME, AKMA_KEY_LENGTH);
        const struct held all = held_any(DERIVATION_E2E, true, WHOLE);

        compares_same = true;
        prove_both(&all, &choice, 1);
    }
}
