/*
 * context_size - what a context takes, told by the allocations that libcrypto is asked for
 *
 *     context_size <octets of Ka>
 *
 * One line per step: what happened, then how many allocations the provider and libcrypto made in it
 * and how many octets more each of them has now.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <akma/kdf.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum owner { PROVIDER, LIBCRYPTO, OWNERS };

static struct {
    long allocations, octets;
} counted[OWNERS];

/* Comes before every block. */
struct head {
    alignas(max_align_t) size_t size;
    enum owner owner;
};

/* The provider's own calls are known by their source files. */
static enum owner owner_of(const char *file)
{
    return file != NULL && strstr(file, "provider/") != NULL ? PROVIDER : LIBCRYPTO;
}

static void *count_malloc(size_t size, const char *file, int line)
{
    struct head *head = malloc(sizeof(*head) + size);

    (void)line;
    if (head == NULL)
        return NULL;
    *head = (struct head){.size = size, .owner = owner_of(file)};
    counted[head->owner].allocations++;
    counted[head->owner].octets += (long)size;
    return head + 1;
}

static void count_free(void *block, const char *file, int line)
{
    struct head *head = block;

    (void)file;
    (void)line;
    if (block == NULL)
        return;
    head--;
    counted[head->owner].octets -= (long)head->size;
    free(head);
}

static void *count_realloc(void *block, size_t size, const char *file, int line)
{
    void *larger = count_malloc(size, file, line);

    if (larger != NULL && block != NULL) {
        const size_t old = ((struct head *)block - 1)->size;

        memcpy(larger, block, old < size ? old : size);
        count_free(block, file, line);
    }
    return larger;
}

static void report(const char *step)
{
    printf("%s %ld %ld %ld %ld\n", step, counted[PROVIDER].allocations, counted[PROVIDER].octets,
           counted[LIBCRYPTO].allocations, counted[LIBCRYPTO].octets);
    memset(counted, 0, sizeof(counted));
}

static void want(int done)
{
    if (done > 0)
        return;
    ERR_print_errors_fp(stderr);
    exit(EXIT_FAILURE);
}

static unsigned char key[AKMA_KEY_LENGTH] = {1}, ka[AKMA_KA_MAX] = {2}, refresh[4];
static char naf_id[] = "naf.example.com\x01\x00\x00\x00\x07";

static void report_life(EVP_KDF *kdf, size_t ka_length)
{
    const OSSL_PARAM params[] = {
        OSSL_PARAM_octet_string(AKMA_PARAM_KS_NAF, key, sizeof(key)),
        OSSL_PARAM_octet_string(AKMA_PARAM_KA, ka, ka_length),
        OSSL_PARAM_octet_string(AKMA_PARAM_NAF_ID, naf_id, sizeof(naf_id) - 1),
        OSSL_PARAM_octet_string(AKMA_PARAM_REFRESH, refresh, sizeof(refresh)),
        OSSL_PARAM_END,
    };
    unsigned char out[32];
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

    want(ctx != NULL);
    report("new");
    want(EVP_KDF_CTX_set_params(ctx, params));
    report("set");
    want(EVP_KDF_derive(ctx, out, sizeof(out), NULL));
    report("derive");
    refresh[0]++;
    want(EVP_KDF_derive(ctx, out, sizeof(out), &params[3]));
    report("refresh");
    EVP_KDF_CTX_free(ctx);
    report("free");
}

int main(int argc, char **argv)
{
    EVP_KDF *kdf;

    want(argc == 2 && CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free));
    kdf = EVP_KDF_fetch(NULL, AKMA_KDF_E2E, NULL);
    want(kdf != NULL);
    report("load");
    report_life(kdf, strtoul(argv[1], NULL, 10));
    report_life(kdf, strtoul(argv[1], NULL, 10));
    EVP_KDF_free(kdf);
    return EXIT_SUCCESS;
}
