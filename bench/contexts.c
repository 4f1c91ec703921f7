/*
 * What a context that is kept takes: memory, and the time of a refresh among many
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure.h"
#include "sections.h"

#include <malloc.h>
#include <stdlib.h>

#define BALLAST \
    1000 /* contexts that use up what was freed before, so that all others are new memory */
#define PASSES    21
#define REFRESHES 10000 /* a pass */
#define STRIDE    7919  /* a prime: each next context is far from the one before */

/* Octets that malloc has given out, its own book-keeping included; 0 if it does not say. */
static double allocated(void)
{
#ifdef __GLIBC__
    const struct mallinfo2 info = mallinfo2();

    return (double)(info.uordblks + info.hblkhd);
#else
    return 0;
#endif
}

static void set_all(EVP_KDF_CTX **contexts, size_t count, const struct instance *instance)
{
    for (size_t i = 0; i < count; i++) {
        contexts[i] = EVP_KDF_CTX_new(instance->kdf);
        if (contexts[i] == NULL || !EVP_KDF_CTX_set_params(contexts[i], instance->params))
            fail("EVP_KDF_CTX_new");
    }
}

static void derive_all(EVP_KDF_CTX **contexts, size_t count, struct instance *instance)
{
    for (size_t i = 0; i < count; i++)
        if (EVP_KDF_derive(contexts[i], instance->out, instance->length, NULL) <= 0)
            fail("EVP_KDF_derive");
}

static void free_all(EVP_KDF_CTX **contexts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        EVP_KDF_CTX_free(contexts[i]);
}

static void refresh_any(EVP_KDF_CTX **contexts, size_t count, struct instance *instance)
{
    static size_t next;

    for (size_t i = 0; i < REFRESHES; i++, next += STRIDE) {
        instance->changing[0]++;
        if (EVP_KDF_derive(contexts[next % count], instance->out, instance->length,
                           instance->last) <= 0)
            fail("EVP_KDF_derive");
    }
}

static struct quartiles time_refreshes(EVP_KDF_CTX **contexts, size_t count,
                                       struct instance *instance)
{
    double times[PASSES];

    for (size_t i = 0; i < PASSES; i++) {
        const double start = thread_clock();

        refresh_any(contexts, count, instance);
        times[i] = (thread_clock() - start) / REFRESHES;
    }
    return quartiles(times, PASSES);
}

static void measure_count(FILE *json, size_t count, struct instance *instance)
{
    EVP_KDF_CTX **contexts = calloc(count, sizeof(EVP_KDF_CTX *));
    double before, set, derived;

    if (contexts == NULL)
        fail("out of memory");
    before = allocated();
    set_all(contexts, count, instance);
    set = allocated() - before;
    derive_all(contexts, count, instance);
    derived = allocated() - before;
    fprintf(json, "{\"contexts\": %zu, \"octets_set\": %.0f, \"octets_derived\": %.0f, ", count,
            set / (double)count, derived / (double)count);
    json_quartiles(json, "refresh", time_refreshes(contexts, count, instance));
    free_all(contexts, count);
    free(contexts);
}

void measure_contexts(FILE *json, size_t count_max)
{
    EVP_KDF_CTX *ballast[BALLAST];
    struct instance instance;

    instance_open(&instance, variant_find("AKMA-E2E refresh"));
    fprintf(json, "\"contexts\": [\n");
    for (size_t count = 1; count <= count_max; count *= 10) {
        set_all(ballast, BALLAST, &instance);
        derive_all(ballast, BALLAST, &instance);
        measure_count(json, count, &instance);
        fprintf(json, "}%s\n", count * 10 <= count_max ? "," : "]");
        free_all(ballast, BALLAST);
    }
    instance_close(&instance);
}
