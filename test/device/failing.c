/*
 * failing - an HMAC that fails at its nth result: each derivation says so, and leaves no part of a
 * key
 *
 * Prints how many failures were tried.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "akma_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned int results, failing;

static void begin(void *ctx, const uint8_t *key, size_t n)
{
    (void)ctx;
    (void)key;
    (void)n;
}

static void add(void *ctx, const uint8_t *octets, size_t n)
{
    begin(ctx, octets, n);
}

static void end(void *ctx, uint8_t out[AKMA_HMAC_SIZE])
{
    (void)ctx;
    memset(out, ++results == failing ? 0 : 0x5A, AKMA_HMAC_SIZE);
}

static uint8_t key[100];

static int derive(int which)
{
    static const uint8_t secret[32] = {1}, ka[16] = {2}, rand[16], naf_id[] = "a.b\1\0\0\0\7";
    const struct akma_hmac hmac = {begin, add, end, NULL};
    const struct akma_octets one = {secret, 32}, impi = {(const uint8_t *)"u@r", 3};
    const struct akma_naf naf = {.naf_id = {naf_id, 8}};
    const struct akma_e2e_input e2e = {
        .ks_naf = one, .ka = {ka, 16}, .naf = naf, .mode = (enum akma_e2e_mode)which};
    const struct akma_ks_naf_input gba = {one, {rand, 16}, impi, naf};
    const struct akma_k_af_input akma = {one, naf};

    memset(key, 0xA5, sizeof(key));
    results = 0;
    if (which <= AKMA_E2E_HKDF)
        return akma_e2e(&hmac, &e2e, key, sizeof(key));
    return which == 2 ? akma_ks_naf(&hmac, &gba, key, 32) : akma_k_af(&hmac, &akma, key, 32);
}

static int holds_a_part(void)
{
    for (size_t i = 0; i < sizeof(key); i++)
        if (key[i] == 0x5A)
            return 1;
    return 0;
}

int main(void)
{
    unsigned int tried = 0;

    for (int which = 0; which < 4; which++) {
        failing = 0;
        if (derive(which) != 0)
            return EXIT_FAILURE;
        for (unsigned int all = results; failing < all; tried++) {
            failing++;
            if (derive(which) != AKMA_HMAC_FAILED || holds_a_part())
                return EXIT_FAILURE;
        }
    }
    printf("%u\n", tried);
    return EXIT_SUCCESS;
}
