/*
 * What a fleet's keys cost when nothing is read or written: the derivations of akma psk, from
 * memory, by as many threads
 *
 *   bare DEVICES NAF_FQDN    prints devices a second, and devices a second of processor time
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "processors.h"

#include <akma/kdf.h>

#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define THREADS_MAX 64
#define KA_LENGTH   32 /* octets, as akma ka new makes them */

struct device {
    unsigned char ks_naf[AKMA_KEY_LENGTH], ka[KA_LENGTH];
};

/* One thread's part of the fleet. */
struct share {
    pthread_t thread;
    EVP_KDF_CTX *ctx;
    struct device *devices;
    size_t count;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bare: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(EXIT_FAILURE);
}

static double seconds(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static EVP_KDF_CTX *new_context(char *naf_fqdn)
{
    unsigned char tls13[] = {0x01, 0x00, 0x00, 0x00, 0x07};
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_NAF_FQDN, naf_fqdn, 0),
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_UA_PROTOCOL_ID, tls13, sizeof(tls13)),
        OSSL_PARAM_construct_end()};
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, AKMA_KDF_E2E, AKMA_PROPERTY_QUERY);
    EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);

    EVP_KDF_free(kdf);
    if (ctx == NULL || EVP_KDF_CTX_set_params(ctx, params) <= 0)
        fail("no context of AKMA-E2E");
    return ctx;
}

static void *derive_share(void *argument)
{
    const struct share *share = argument;
    unsigned char key[AKMA_KEY_LENGTH];

    for (size_t i = 0; i < share->count; i++) {
        struct device *device = &share->devices[i];
        const OSSL_PARAM params[] = {
            OSSL_PARAM_construct_octet_string(AKMA_PARAM_KS_NAF, device->ks_naf,
                                              sizeof(device->ks_naf)),
            OSSL_PARAM_construct_octet_string(AKMA_PARAM_KA, device->ka, sizeof(device->ka)),
            OSSL_PARAM_construct_end()};

        if (EVP_KDF_derive(share->ctx, key, sizeof(key), params) <= 0)
            fail("a derivation failed");
    }
    return NULL;
}

static struct device *new_devices(size_t count)
{
    struct device *devices = calloc(count, sizeof(*devices));

    if (devices == NULL)
        fail("out of memory");
    for (size_t i = 0; i < count; i++)
        if (RAND_bytes((unsigned char *)&devices[i], sizeof(devices[i])) <= 0)
            fail("no random octets");
    return devices;
}

/* Each thread derives its share, with a copy of the context. */
static void derive_all(EVP_KDF_CTX *ctx, struct device *devices, size_t count)
{
    const size_t threads = processors() < THREADS_MAX ? processors() : THREADS_MAX;
    struct share shares[THREADS_MAX];

    for (size_t i = 0; i < threads; i++) {
        const size_t first = count * i / threads;

        shares[i] = (struct share){.ctx = EVP_KDF_CTX_dup(ctx),
                                   .devices = devices + first,
                                   .count = count * (i + 1) / threads - first};
        if (pthread_create(&shares[i].thread, NULL, derive_share, &shares[i]) != 0)
            fail("pthread_create");
    }
    for (size_t i = 0; i < threads; i++) {
        (void)pthread_join(shares[i].thread, NULL);
        EVP_KDF_CTX_free(shares[i].ctx);
    }
}

int main(int argc, char *argv[])
{
    const size_t count = argc == 3 ? (size_t)strtoumax(argv[1], NULL, 10) : 0;
    double wall, processor;
    struct device *devices;
    EVP_KDF_CTX *ctx;

    if (count == 0)
        fail("DEVICES and NAF_FQDN wanted");
    devices = new_devices(count);
    ctx = new_context(argv[2]);
    wall = seconds(CLOCK_MONOTONIC);
    processor = seconds(CLOCK_PROCESS_CPUTIME_ID);
    derive_all(ctx, devices, count);
    wall = seconds(CLOCK_MONOTONIC) - wall;
    processor = seconds(CLOCK_PROCESS_CPUTIME_ID) - processor;
    printf("%.0f %.0f\n", (double)count / wall, (double)count / processor);
    EVP_KDF_CTX_free(ctx);
    free(devices);
    return EXIT_SUCCESS;
}
