/*
 * client - an application of the provider: reads a derivation from standard input, prints the key
 *
 *     kdf <algorithm> <octets of output>
 *     octets <parameter> <hex>
 *     text <parameter> <UTF-8>
 *
 * The whole configuration is OPENSSL_CONF and OPENSSL_MODULES, as for any other application. What
 * comes in goes by the names of the public header, so that a wrong one there is seen.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <akma/kdf.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARAMS_MAX 40
#define LINE_SIZE  140000

static const char *const names[] = {
    AKMA_PARAM_KS_NAF,  AKMA_PARAM_KA,    AKMA_PARAM_KEY,      AKMA_PARAM_SECRET,
    AKMA_PARAM_REFRESH, AKMA_PARAM_USAGE, AKMA_PARAM_DIGEST,   AKMA_PARAM_MODE,
    AKMA_PARAM_NAF_ID,  AKMA_PARAM_RAND,  AKMA_PARAM_NAF_FQDN, AKMA_PARAM_UA_PROTOCOL_ID,
    AKMA_PARAM_IMPI,    AKMA_PARAM_SUPI,  AKMA_PARAM_FC,       AKMA_PARAM_P,
    AKMA_PARAM_DEVICE,  AKMA_PARAM_KA_ID,
};

static void fail(const char *what)
{
    fprintf(stderr, "client: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(EXIT_FAILURE);
}

/* The header's own string of a parameter's name. */
static const char *find(const char *name)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], name) == 0)
            return names[i];
    fail("a name that the header does not have");
    return NULL;
}

static OSSL_PARAM read_param(const char *kind, const char *name, char *value)
{
    name = find(name);
    if (strcmp(kind, "text") == 0) {
        char *copy = OPENSSL_strdup(value);

        if (copy == NULL)
            fail("out of memory");
        return OSSL_PARAM_construct_utf8_string(name, copy, 0);
    }
    long length = 0;
    unsigned char *octets = /* which takes no empty text */
        value[0] == '\0' ? OPENSSL_zalloc(1) : OPENSSL_hexstr2buf(value, &length);

    if (octets == NULL)
        fail("not hexadecimal");
    return OSSL_PARAM_construct_octet_string(name, octets, (size_t)length);
}

int main(void)
{
    static char line[LINE_SIZE], kind[16], name[64], value[LINE_SIZE];
    OSSL_PARAM params[PARAMS_MAX + 1];
    size_t count = 0, length = 0;
    EVP_KDF_CTX *ctx = NULL;

    while (fgets(line, sizeof(line), stdin) != NULL) {
        value[0] = '\0';
        if (sscanf(line, "%15s %63s %139999[^\n]", kind, name, value) < 2 || count == PARAMS_MAX)
            fail("a line that is none of kdf, octets, text");
        if (strcmp(kind, "kdf") == 0) {
            EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, AKMA_PROPERTY_QUERY);

            length = strtoul(value, NULL, 10);
            if (kdf == NULL || (ctx = EVP_KDF_CTX_new(kdf)) == NULL)
                fail("EVP_KDF_fetch");
            EVP_KDF_free(kdf);
        } else {
            params[count++] = read_param(kind, name, value);
        }
    }
    params[count] = OSSL_PARAM_construct_end();
    unsigned char *out = OPENSSL_malloc(length);

    if (out == NULL || ctx == NULL || EVP_KDF_derive(ctx, out, length, params) <= 0)
        fail("EVP_KDF_derive");
    for (size_t i = 0; i < length; i++)
        printf("%02x", out[i]);
    printf("\n");
    OPENSSL_clear_free(out, length);
    EVP_KDF_CTX_free(ctx);
    for (size_t i = 0; i < count; i++)
        OPENSSL_clear_free(params[i].data, params[i].data_size);
    return EXIT_SUCCESS;
}
