/*
 * Setting one part of S sets that part and no other; what was saved before is put back as it was
 *
 * The octets are any; the lengths are gone through, so that every place in S is known to cbmc.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "state.h"

static const enum input inputs[PARTS] = {INPUT_KA, INPUT_NAF_ID, INPUT_REFRESH, INPUT_USAGE};

static struct part any_part(size_t length)
{
    return (struct part){length, {nondet_octet(), nondet_octet()}};
}

/* The part has before and after octets, every other one has one. */
static void prove_lengths(size_t which, size_t before, size_t after)
{
    static struct s s;
    static struct saved_s saved;
    const struct part given = any_part(after);
    const struct value value = {given.octets, given.length};
    struct part was[PARTS], wanted[PARTS];
    struct place place;

    s_init(&s, &layout);
    for (size_t part = 0; part < PARTS; part++) {
        was[part] = any_part(part == which ? before : 1);
        wanted[part] = part == which ? given : was[part];
        s.length[part] = was[part].length;
    }
    s.octets.length = write_model(s.octets.data, was);
    place = s_find(&s, INPUT_BIT(inputs[which]));
    CLAIM(place.index == which && s_at(&s, &place) == inputs[which]);
    CLAIM(s_save(&s, &place, &saved));
    s_put(&s, &place, &value);
    claim_holds(&s, wanted);
    s_put_back(&s, &saved);
    claim_holds(&s, was);
}

void prove(void)
{
    layout_init(&layout, &derivations[DERIVATION_E2E]);
    for (size_t before = 0; before <= LENGTH; before++)
        for (size_t after = 0; after <= LENGTH; after++)
            prove_lengths(PART, before, after);
}
