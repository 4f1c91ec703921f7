/*
 * How the cost grows with the inputs and the output
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure.h"
#include "sections.h"

#include <akma/kdf.h>

#include <openssl/core_names.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT "output"

/* What grows, and the lengths in octets. */
static const struct growth {
    const char *name;
    size_t lengths[9]; /* 0 ends them */
} growths[] = {
    {AKMA_PARAM_KA, {16, 32, 64, 256, 1024, 4096, 16384, 65535}},
    {AKMA_PARAM_NAF_ID, {6, 20, 47, 100, 150, 200, 258}},
    {OUTPUT, {16, 32, 64, 80, 256, 1024, 8160}},
};

static const struct subject {
    const char *name, *variant;
} subjects[] = {
    {"one_shot", "AKMA-E2E one shot"},
    {"refresh", "AKMA-E2E refresh"},
    {"kbkdf", "KBKDF one shot"},
};

#define GROWTHS  (sizeof(growths) / sizeof(growths[0]))
#define SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))

/*
 * Every input is the end of these octets: as that is an FQDN in labels of nine letters and an
 * identifier, it will do for a NAF_Id as well.
 */
static unsigned char octets[AKMA_KA_MAX + AKMA_NAF_ID_MAX];
static unsigned char *const end = octets + sizeof(octets);

static void fill_octets(void)
{
    unsigned char *const fqdn_end = end - AKMA_UA_PROTOCOL_ID_LENGTH;

    memset(octets, 'a', sizeof(octets));
    memset(fqdn_end, 0, AKMA_UA_PROTOCOL_ID_LENGTH);
    for (size_t i = 10; i < AKMA_NAF_FQDN_MAX; i += 10)
        *(fqdn_end - i) = '.';
}

static void give(struct instance *instance, const char *name, size_t length)
{
    instance_give(instance, name, end - length, length);
}

static size_t example_length(const char *input)
{
    return OSSL_PARAM_locate_const(variant_find("AKMA-E2E one shot")->params, input)->data_size;
}

/* AKMA-E2E gets the input in this length, KBKDF so much info that it hashes as much. */
static void set_length(struct instance *instance, const char *name, size_t length)
{
    const OSSL_PARAM *info = OSSL_PARAM_locate_const(instance->params, OSSL_KDF_PARAM_INFO);

    if (strcmp(name, OUTPUT) == 0)
        instance->length = length;
    else if (info == NULL)
        give(instance, name, length);
    else
        give(instance, OSSL_KDF_PARAM_INFO, info->data_size + length - example_length(name));
}

static void open_point(struct instance *instances, const char *name, size_t length)
{
    for (size_t i = 0; i < SUBJECTS; i++) {
        instance_open(&instances[i], variant_find(subjects[i].variant));
        set_length(&instances[i], name, length);
        instance_start(&instances[i]);
    }
}

static void write_point(FILE *json, size_t length, double *times, size_t rounds)
{
    fprintf(json, "{\"octets\": %zu", length);
    for (size_t i = 0; i < SUBJECTS; i++) {
        fprintf(json, ", ");
        json_quartiles(json, subjects[i].name, quartiles(times + i * rounds, rounds));
    }
    fprintf(json, "}");
}

static void measure_lengths(FILE *json, const struct growth *growth, size_t rounds)
{
    size_t points = 0;

    do
        points++; /* there is one at least */
    while (growth->lengths[points] != 0);

    struct instance *instances = calloc(points * SUBJECTS, sizeof(*instances));
    double *times = calloc(points * SUBJECTS * rounds, sizeof(*times));

    if (instances == NULL || times == NULL)
        fail("out of memory");
    for (size_t i = 0; i < points; i++)
        open_point(instances + i * SUBJECTS, growth->name, growth->lengths[i]);
    measure(instances, points * SUBJECTS, times, rounds);
    fprintf(json, "\"%s\": [\n", growth->name);
    for (size_t i = 0; i < points; i++) {
        write_point(json, growth->lengths[i], times + i * SUBJECTS * rounds, rounds);
        fprintf(json, "%s", i + 1 < points ? ",\n" : "]");
    }
    for (size_t i = 0; i < points * SUBJECTS; i++)
        instance_close(&instances[i]);
    free(instances);
    free(times);
}

void measure_growth(FILE *json, size_t rounds)
{
    fill_octets();
    fprintf(json, "\"growth\": {\n");
    for (size_t i = 0; i < GROWTHS; i++) {
        measure_lengths(json, &growths[i], rounds);
        fprintf(json, "%s\n", i + 1 < GROWTHS ? "," : "},");
    }
}
