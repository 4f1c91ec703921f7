/*
 * instructions - one call, many times, for a profiler to count
 *
 *     instructions one-shot|refresh|mac-one-shot|mac-refresh <calls>
 *
 * The two mac calls do what the other two cannot do without: HMAC over an S of the same length. All
 * that is to be counted happens in measured(); the calls before it fill caches and pools.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <akma/kdf.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARM_UP  10
#define S_LENGTH 83 /* octets of S with the inputs below */
#define OUTPUT   32

static unsigned char key[AKMA_KEY_LENGTH] = {1}, ka[32] = {2}, refresh[4], out[OUTPUT], s[S_LENGTH];
static char naf_id[] = "naf.example.com\x01\x00\x00\x00\x07";

static EVP_KDF *kdf;
static EVP_KDF_CTX *kept;
static EVP_MAC_CTX *mac;

static const OSSL_PARAM all[] = {
    OSSL_PARAM_octet_string(AKMA_PARAM_KS_NAF, key, sizeof(key)),
    OSSL_PARAM_octet_string(AKMA_PARAM_KA, ka, sizeof(ka)),
    OSSL_PARAM_octet_string(AKMA_PARAM_NAF_ID, naf_id, sizeof(naf_id) - 1),
    OSSL_PARAM_octet_string(AKMA_PARAM_REFRESH, refresh, sizeof(refresh)),
    OSSL_PARAM_END,
};
static const OSSL_PARAM *const only_refresh = &all[3];

static void want(int done)
{
    if (done > 0)
        return;
    ERR_print_errors_fp(stderr);
    exit(EXIT_FAILURE);
}

static void one_shot(void)
{
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

    want(EVP_KDF_derive(ctx, out, sizeof(out), all));
    EVP_KDF_CTX_free(ctx);
}

static void refresh_kept(void)
{
    refresh[0]++;
    want(EVP_KDF_derive(kept, out, sizeof(out), only_refresh));
}

static void hmac(const unsigned char *with_key)
{
    size_t length;

    want(EVP_MAC_init(mac, with_key, with_key == NULL ? 0 : sizeof(key), NULL));
    want(EVP_MAC_update(mac, s, sizeof(s)));
    want(EVP_MAC_final(mac, out, &length, sizeof(out)));
}

/* A key, its HMAC, and zeros in the key's place. */
static void mac_one_shot(void)
{
    static const unsigned char zeros[sizeof(key)];

    hmac(key);
    want(EVP_MAC_init(mac, zeros, sizeof(zeros), NULL));
}

static void mac_refresh(void)
{
    hmac(NULL);
}

static const struct {
    const char *name;
    void (*call)(void);
} calls[] = {
    {"one-shot", one_shot},
    {"refresh", refresh_kept},
    {"mac-one-shot", mac_one_shot},
    {"mac-refresh", mac_refresh},
};

static void open_all(void)
{
    static char digest[] = "SHA2-256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, sizeof(digest) - 1),
        OSSL_PARAM_END,
    };
    EVP_MAC *fetched = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);

    kdf = EVP_KDF_fetch(NULL, AKMA_KDF_E2E, NULL);
    kept = EVP_KDF_CTX_new(kdf);
    want(kept != NULL && fetched != NULL);
    want(EVP_KDF_CTX_set_params(kept, all));
    mac = EVP_MAC_CTX_new(fetched);
    EVP_MAC_free(fetched);
    want(mac != NULL && EVP_MAC_init(mac, key, sizeof(key), params));
}

static void close_all(void)
{
    EVP_MAC_CTX_free(mac);
    EVP_KDF_CTX_free(kept);
    EVP_KDF_free(kdf);
}

/* A symbol of its own, which the profiler is told. */
void measured(void (*call)(void), unsigned long count);

__attribute__((noinline)) void measured(void (*call)(void), unsigned long count)
{
    for (unsigned long i = 0; i < count; i++)
        call();
}

int main(int argc, char **argv)
{
    void (*call)(void) = NULL;

    for (size_t i = 0; argc == 3 && i < sizeof(calls) / sizeof(calls[0]); i++)
        if (strcmp(argv[1], calls[i].name) == 0)
            call = calls[i].call;
    if (call == NULL)
        return EXIT_FAILURE;
    open_all();
    for (int i = 0; i < WARM_UP; i++)
        call();
    measured(call, strtoul(argv[2], NULL, 10));
    close_all();
    return EXIT_SUCCESS;
}
