/*
 * Values of 256 octets and more have their length behind them in S, the high octet too; so has the
 * output's length
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shapes.h"

#define LONG 259 /* octets */

static struct s s;
static struct layout layout;
static unsigned char octets[LONG];

/* Put NAF_Id, behind what is not set. */
static void prove_part(void)
{
    const struct value parts[PARTS] = {[1] = {octets, LONG}};
    const struct place place = {1, 12 + 2};
    const unsigned char *end;

    layout_init(&layout, &derivations[DERIVATION_E2E]);
    s_init(&s, &layout);
    s_put(&s, &place, &parts[1]);
    claim_s(&s, &shapes[DERIVATION_E2E], parts);
    end = s.octets.data + s.octets.length;
    CLAIM(s_end(&s, 16320) == end + 4);
    CLAIM(end[0] == 0x3F && end[1] == 0xC0 && end[2] == 0 && end[3] == 2);
    CLAIM(end[4] == 0 && end[5] == 0 && end[6] == 1);
}

/* Add one p. */
static void prove_element(void)
{
    const struct value element = {octets, LONG};
    const struct place place = {1, 0};

    layout_init(&layout, &derivations[DERIVATION_ANY]);
    s_init(&s, &layout);
    s_add(&s, &place, &element);
    (void)claim_octets(s.octets.data, octets, LONG);
    CLAIM(s.octets.data[LONG] == 1 && s.octets.data[LONG + 1] == 3);
    CLAIM(s.octets.length == LONG + 2 && s.length[1] == LONG + 2);
}

void prove(void)
{
    for (size_t i = 0; i < LONG; i++)
        octets[i] = nondet_octet();
    prove_part();
    prove_element();
}
