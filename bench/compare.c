/*
 * Every variant against OpenSSL's own, and the limits
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure.h"
#include "sections.h"

#include <stdlib.h>
#include <string.h>

#define WORK "five compressions" /* what an HMAC of this length cannot do without */

/* Measured against reference, the median ratio is at most limit; 0: none was set. */
static const struct comparison {
    const char *variant, *reference;
    double limit, aim;
} comparisons[] = {
    {"AKMA-E2E one shot", "KBKDF one shot", 0.42, 0.33},
    {"AKMA-E2E one shot", "HKDF one shot", 0.36, 0},
    {"AKMA-E2E new keys", "KBKDF kept", 0.28, 0.25},
    {"AKMA-E2E refresh", "KBKDF kept", 0.16, 0.14},
    {"AKMA-E2E refresh", "EVP_MAC re-keyed", 1, 0},
    {"AKMA-E2E HKDF one shot", "HKDF one shot", 0.6, 0},
    {"3GPP-KDF", "AKMA-E2E one shot", 1, 0},
    {"GBA-KS-NAF", "AKMA-E2E one shot", 1, 0},
    {"GBA-KS-INT-NAF", "AKMA-E2E one shot", 1, 0},
    {"AKMA-K-AKMA", "AKMA-E2E one shot", 1, 0},
    {"AKMA-A-TID", "AKMA-E2E one shot", 1, 0},
    {"AKMA-K-AF", "AKMA-E2E one shot", 1, 0},
    {"AKMA-E2E refresh, all given", "KBKDF kept", 0, 0},
    {"AKMA-E2E HKDF refresh", "HKDF one shot", 0, 0},
    {"AKMA-E2E 80 octets", "KBKDF 80 octets", 0, 0},
    {"AKMA-E2E SHA2-384", "KBKDF SHA2-384", 0, 0},
    {"AKMA-E2E SHA2-512", "KBKDF SHA2-512", 0, 0},
    {"AKMA-E2E SHA2-512/256", "KBKDF SHA2-512/256", 0, 0},
    {"AKMA-E2E SHA3-256", "KBKDF SHA3-256", 0, 0},
    {"AKMA-E2E SHA3-384", "KBKDF SHA3-384", 0, 0},
    {"AKMA-E2E SHA3-512", "KBKDF SHA3-512", 0, 0},
    {"AKMA-E2E one shot", "SSKDF one shot", 0, 0},
    {"AKMA-E2E one shot", "TLS13-KDF one shot", 0, 0},
    {"AKMA-E2E one shot", "EVP_MAC new context", 0, 0},
    {"AKMA-E2E new keys", "EVP_MAC re-keyed", 0, 0},
    {"AKMA-E2E refresh", "EVP_MAC same key", 0, 0},
};

#define COMPARISONS (sizeof(comparisons) / sizeof(comparisons[0]))

static void want_same_result(struct instance *instances, const char *ours, const char *theirs)
{
    struct instance *a = &instances[variant_find(ours) - variants];
    struct instance *b = &instances[variant_find(theirs) - variants];

    a->variant->call(a);
    b->variant->call(b);
    if (memcmp(a->out, b->out, KEY_SIZE) != 0)
        fail("AKMA-E2E and OpenSSL's own do not make the same key");
}

static struct quartiles ratio(const double *times, const char *a, const char *b, size_t rounds)
{
    return ratio_quartiles(times + (size_t)(variant_find(a) - variants) * rounds,
                           times + (size_t)(variant_find(b) - variants) * rounds, rounds);
}

static void write_comparisons(FILE *json, const double *times, size_t rounds)
{
    fprintf(json, "\"comparisons\": [\n");
    for (size_t i = 0; i < COMPARISONS; i++) {
        const struct comparison *c = &comparisons[i];

        fprintf(json, "{\"variant\": \"%s\", \"reference\": \"%s\", ", c->variant, c->reference);
        json_quartiles(json, "ratio", ratio(times, c->variant, c->reference, rounds));
        if (c->limit > 0)
            fprintf(json, ", \"limit\": %.4g", c->limit);
        if (c->aim > 0)
            fprintf(json, ", \"aim\": %.4g", c->aim);
        fprintf(json, "}%s\n", i + 1 < COMPARISONS ? "," : "],");
    }
}

static void write_variants(FILE *json, double *times, size_t rounds)
{
    struct quartiles *work = calloc(variant_count, sizeof(*work));

    if (work == NULL)
        fail("out of memory");
    for (size_t i = 0; i < variant_count; i++) /* before quartiles() sorts them */
        work[i] = ratio(times, variants[i].name, WORK, rounds);
    fprintf(json, "\"variants\": [\n");
    for (size_t i = 0; i < variant_count; i++) {
        fprintf(json, "{\"name\": \"%s\", ", variants[i].name);
        json_quartiles(json, "ns", quartiles(times + i * rounds, rounds));
        fprintf(json, ", ");
        json_quartiles(json, "work", work[i]);
        fprintf(json, "}%s\n", i + 1 < variant_count ? "," : "],");
    }
    free(work);
}

void compare_variants(FILE *json, size_t rounds)
{
    struct instance *instances = calloc(variant_count, sizeof(*instances));
    double *times = calloc(variant_count * rounds, sizeof(*times));

    if (instances == NULL || times == NULL)
        fail("out of memory");
    for (size_t i = 0; i < variant_count; i++) {
        instance_open(&instances[i], &variants[i]);
        instance_start(&instances[i]);
    }
    want_same_result(instances, "AKMA-E2E one shot", "EVP_MAC new context");
    want_same_result(instances, "AKMA-E2E HKDF one shot", "HKDF one shot");
    measure(instances, variant_count, times, rounds);
    write_comparisons(json, times, rounds);
    write_variants(json, times, rounds);
    for (size_t i = 0; i < variant_count; i++)
        instance_close(&instances[i]);
    free(instances);
    free(times);
}
