/*
 * cases - derives what device/ derives from lines on standard input, on this machine or on a board
 *
 *     ALGORITHM LENGTH [NAME=HEX ...]        one case a line, the parameters by their names in the
 * module
 *
 * Each answer is a line: the key in hex, or "refused INPUT FAULT", by name and by number. The HMAC
 * is the one that AKMA_TEST_HMAC names: hmac_openssl, hmac_mbedtls or hmac_psa.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "akma_device.h"
#include "test_hmac.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_OCTETS 140000 /* Ka of 65536 octets in hex, and the rest */
#define SPACE           70000

static char line[LINE_MAX_OCTETS];
static uint8_t space[SPACE], key[AKMA_E2E_KEY_MAX + 1];
static size_t used;

static const char *const inputs[] = {
    "",      "ks-naf", "ka",        "naf-id", "naf-fqdn", "ua-protocol-id", "refresh",
    "usage", "mode",   "not-after", "key",    "rand",     "impi",           "output",
};

static unsigned int digit(char c)
{
    return (unsigned int)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static struct akma_octets parse(const char *hex)
{
    struct akma_octets value = {space + used, strlen(hex) / 2};

    for (size_t i = 0; i < value.length; i++)
        space[used++] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    return value;
}

static uint64_t number(const struct akma_octets *value)
{
    uint64_t n = 0;

    for (size_t i = 0; i < value->length; i++)
        n = n << 8 | value->octets[i];
    return n;
}

/* The parameters of a case, by their place in inputs[]; `now` behind them. */
static struct akma_octets given[sizeof(inputs) / sizeof(inputs[0]) + 1];
#define NOW (sizeof(inputs) / sizeof(inputs[0]))

static void take(char *word)
{
    char *hex = strchr(word, '=');
    size_t i = 1;

    *hex = '\0';
    while (i < NOW && strcmp(inputs[i], word) != 0)
        i++;
    given[i] = parse(hex + 1);
}

static int derive_e2e(const struct akma_hmac *hmac, size_t length)
{
    const struct akma_octets *mode = &given[AKMA_INPUT_MODE];
    const uint64_t not_after = number(&given[AKMA_INPUT_NOT_AFTER]);
    const struct akma_e2e_input input = {
        .ks_naf = given[AKMA_INPUT_KS_NAF],
        .ka = given[AKMA_INPUT_KA],
        .naf = {given[AKMA_INPUT_NAF_ID], given[AKMA_INPUT_NAF_FQDN],
                given[AKMA_INPUT_UA_PROTOCOL_ID]},
        .refresh = given[AKMA_INPUT_REFRESH],
        .usage = given[AKMA_INPUT_USAGE],
        .mode = mode->octets == NULL ? AKMA_E2E_3GPP : (enum akma_e2e_mode)mode->octets[0],
        .not_after = given[AKMA_INPUT_NOT_AFTER].octets == NULL ? NULL : &not_after,
        .now = number(&given[NOW]),
    };

    return akma_e2e(hmac, &input, key, length);
}

static int derive(const struct akma_hmac *hmac, const char *algorithm, size_t length)
{
    const struct akma_naf naf = {given[AKMA_INPUT_NAF_ID], given[AKMA_INPUT_NAF_FQDN],
                                 given[AKMA_INPUT_UA_PROTOCOL_ID]};
    const struct akma_ks_naf_input gba = {given[AKMA_INPUT_KEY], given[AKMA_INPUT_RAND],
                                          given[AKMA_INPUT_IMPI], naf};
    const struct akma_k_af_input akma = {given[AKMA_INPUT_KEY], naf};

    if (strcmp(algorithm, "AKMA-E2E") == 0)
        return derive_e2e(hmac, length);
    return strcmp(algorithm, "GBA-KS-NAF") == 0 ? akma_ks_naf(hmac, &gba, key, length)
                                                : akma_k_af(hmac, &akma, key, length);
}

static void answer(const struct akma_hmac *hmac)
{
    const char *algorithm = strtok(line, " \n");
    const size_t length = (size_t)strtoul(strtok(NULL, " \n"), NULL, 10);
    int reason;

    used = 0;
    memset(given, 0, sizeof(given));
    memset(key, 0xA5, sizeof(key));
    for (char *word = strtok(NULL, " \n"); word != NULL; word = strtok(NULL, " \n"))
        take(word);
    reason = derive(hmac, algorithm, length);
    if (reason != 0)
        printf("refused %s %d%s\n", inputs[AKMA_REASON_INPUT(reason)], AKMA_REASON_FAULT(reason),
               key[0] == 0xA5 ? "" : " and wrote");
    for (size_t i = 0; reason == 0 && i < length; i++)
        printf("%02x%s", key[i], i + 1 < length ? "" : "\n");
}

int main(void)
{
    struct test_hmac state;
    struct akma_hmac hmac;

    if (test_hmac_init(&state, &hmac) != 0)
        return EXIT_FAILURE;
    while (fgets(line, sizeof(line), stdin) != NULL)
        answer(&hmac);
    test_hmac_free(&state);
    return EXIT_SUCCESS;
}
