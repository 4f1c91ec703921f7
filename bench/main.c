/*
 * bench - measures AKMA-E2E and the 3GPP derivations against OpenSSL's own KDFs
 *
 *     bench [rounds of the comparison [live contexts at most]] > performance.json
 *
 * The configuration is OPENSSL_CONF and OPENSSL_MODULES, which bench/run.sh sets. What the figures
 * mean is told in docs/performance.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sections.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS        501
#define ROUNDS_RACE   31
#define ROUNDS_GROWTH 31
#define CONTEXTS_MAX  1000000

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* "model name : <text>" of Linux; unknown elsewhere. */
static void write_processor(FILE *json)
{
    FILE *info = fopen("/proc/cpuinfo", "r");
    char line[256], model[256] = "unknown";

    while (info != NULL && fgets(line, sizeof(line), info) != NULL)
        if (sscanf(line, "model name : %255[^\n]", model) == 1)
            break;
    if (info != NULL)
        (void)fclose(info);
    fprintf(json, "\"processor\": \"%s\", \"processors\": %ld,\n", model,
            sysconf(_SC_NPROCESSORS_ONLN));
}

int main(int argc, char **argv)
{
    const size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : ROUNDS;
    const size_t contexts = argc > 2 ? strtoul(argv[2], NULL, 10) : CONTEXTS_MAX;
    FILE *json = stdout;

    fprintf(json, "{\n\"openssl\": \"%s\",\n", OpenSSL_version(OPENSSL_VERSION));
    write_processor(json);
    compare_variants(json, rounds);
    compare_threads(json, smaller(rounds, ROUNDS_RACE));
    measure_growth(json, smaller(rounds, ROUNDS_GROWTH));
    measure_contexts(json, contexts);
    fprintf(json, "}\n");
    return ferror(json) || fflush(json) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
