/*
 * constant_time - secrets are marked as undefined, so that valgrind reports each branch and each
 * address of device/ that depends on them
 *
 *     valgrind --error-exitcode=9 constant_time derive     nothing is reported
 *     valgrind --error-exitcode=9 constant_time control    a branch on a secret is: the tool works
 *
 * akma_device.c is part of this program, so that it can declare public what a caller learns.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

static unsigned int declassify(unsigned int bit)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(&bit, sizeof(bit));
    return bit;
}
#define AKMA_DECLASSIFY(bit) declassify(bit)
#include "akma_device.c" /* NOLINT(bugprone-suspicious-include): to define the macro above for it */
#include "hmac_openssl.h"

static uint8_t key[KEY_SIZE] = {1}, ka[100] = {2};

static void make_undefined(void)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(key, sizeof(key));
    (void)VALGRIND_MAKE_MEM_UNDEFINED(ka, sizeof(ka));
}

static int derive_all(const struct akma_hmac *hmac)
{
    const uint8_t naf_id[] = "naf.example.com\1\0\0\0", impi[] = "user@example.com", rand[16] = {0};
    const struct akma_naf naf = {.naf_id = {naf_id, sizeof(naf_id)}};
    struct akma_e2e_input e2e = {.ks_naf = {key, KEY_SIZE}, .ka = {ka, KEY_SIZE}, .naf = naf};
    const struct akma_ks_naf_input gba = {
        {key, KEY_SIZE}, {rand, 16}, {impi, sizeof(impi) - 1}, naf};
    const struct akma_k_af_input akma = {{key, KEY_SIZE}, naf};
    static uint8_t out[100];
    int reason = 0;

    for (int mode = AKMA_E2E_3GPP; mode <= AKMA_E2E_HKDF; mode++) {
        e2e.mode = (enum akma_e2e_mode)mode;
        e2e.ka.length = KEY_SIZE;
        reason |= akma_e2e(hmac, &e2e, out, sizeof(out));
        e2e.ka.length = sizeof(ka);
        reason |= akma_e2e(hmac, &e2e, out, sizeof(out));
    }
    return reason | akma_ks_naf(hmac, &gba, out, KEY_SIZE) | akma_k_af(hmac, &akma, out, KEY_SIZE);
}

int main(int argc, char *argv[])
{
    struct akma_hmac_openssl state;
    struct akma_hmac hmac;
    int reason;

    if (!RUNNING_ON_VALGRIND || argc != 2 || akma_hmac_openssl_init(&state, &hmac) != 0)
        return EXIT_FAILURE;
    make_undefined();
    if (strcmp(argv[1], "control") == 0)
        return key[0] == 'x' ? EXIT_FAILURE : EXIT_SUCCESS;
    reason = derive_all(&hmac);
    akma_hmac_openssl_free(&state);
    return reason == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
