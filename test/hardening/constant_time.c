/*
 * constant_time - secrets are marked as undefined, so that valgrind reports each branch and each
 * address that depends on them
 *
 *     valgrind --error-exitcode=9 constant_time derive     nothing is reported
 *     valgrind --error-exitcode=9 constant_time control    a branch on a secret is: the tool works
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

static void make_undefined(void)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(case_key, sizeof(case_key));
    (void)VALGRIND_MAKE_MEM_UNDEFINED(case_ka, sizeof(case_ka));
    (void)VALGRIND_MAKE_MEM_UNDEFINED(case_long_ka, sizeof(case_long_ka));
}

static void make_defined(void)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(case_key, sizeof(case_key));
    (void)VALGRIND_MAKE_MEM_DEFINED(case_ka, sizeof(case_ka));
    (void)VALGRIND_MAKE_MEM_DEFINED(case_long_ka, sizeof(case_long_ka));
}

/* All that touches a secret: set, replaced by another and by itself, derived from, copied, wiped.
 */
static void live_through(OSSL_LIB_CTX *libctx, const struct kdf_case *one)
{
    OSSL_PARAM params[CASE_PARAMS_MAX];
    unsigned char key[CASE_OUT_MAX], again[CASE_OUT_MAX];
    EVP_KDF *kdf = EVP_KDF_fetch(libctx, one->algorithm, NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf), *copy;

    case_params(one, params);
    make_undefined();
    if (EVP_KDF_derive(ctx, key, one->length, params) <= 0)
        fail("%s", one->algorithm);
    copy = EVP_KDF_CTX_dup(ctx);
    if (EVP_KDF_derive(ctx, again, one->length, params) <= 0 ||
        EVP_KDF_derive(copy, again, one->length, params) <= 0)
        fail("%s: again", one->algorithm);
    EVP_KDF_CTX_reset(ctx);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_CTX_free(copy);
    EVP_KDF_free(kdf);
    make_defined();
    (void)VALGRIND_MAKE_MEM_DEFINED(key, sizeof(key));
    (void)VALGRIND_MAKE_MEM_DEFINED(again, sizeof(again));
    if (memcmp(key, again, one->length) != 0)
        fail("%s: another key", one->algorithm);
}

int main(int argc, char *argv[])
{
    struct loaded loaded;

    if (!RUNNING_ON_VALGRIND || argc != 2)
        fail("valgrind constant_time derive|control");
    if (strcmp(argv[1], "control") == 0) {
        make_undefined();
        return case_key[0] == 'x' ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    if (!load(&loaded))
        fail("load");
    for (size_t i = 0; i < CASE_COUNT; i++)
        live_through(loaded.libctx, &cases[i]);
    unload(&loaded);
    return EXIT_SUCCESS;
}
