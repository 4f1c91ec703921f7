/*
 * akma_ks_naf() and akma_k_af() read and write only what they were given; a refusal writes nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "given.h"

/* These octets, in memory of exactly their length; any octets are in names.c and texts.c. */
static struct akma_octets octets(const char *text, size_t length)
{
    uint8_t *copy = malloc(length);

    for (size_t i = 0; i < length; i++)
        copy[i] = (uint8_t)text[i];
    return (struct akma_octets){copy, length};
}

static void prove_one(size_t length)
{
    const struct akma_naf naf = {.naf_id = octets("ab\1\0\0\0\7", 7)};
    const struct akma_octets impi = octets("u@r", 3);
    const struct akma_ks_naf_input gba = {any_octets(32), any_octets(16), impi, naf};
    const struct akma_k_af_input akma = {any_octets(32), naf};
    struct output output = any_output(length);

    claim_all_or_nothing(&output, akma_ks_naf(&any_hmac, &gba, output.key, output.length));
    output = any_output(length);
    claim_all_or_nothing(&output, akma_k_af(&any_hmac, &akma, output.key, output.length));
}

void prove(void)
{
    static const size_t lengths[] = {0, 1, 32, 33};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        prove_one(lengths[i]);
}
