/*
 * One derivation through EVP_KDF, by any of the algorithms, with named inputs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "derivation.h"

#include "printable.h"

#include <akma/kdf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdio.h>

static bool fail(char reason[DERIVATION_REASON_SIZE], const char *algorithm, const char *why)
{
    (void)snprintf(reason, DERIVATION_REASON_SIZE, "%s: %s", PRINTABLE(algorithm), why);
    return false;
}

/* OSSL_PARAM wants pointers that are not const; nothing is written through them. */
static OSSL_PARAM param_of(struct input *input)
{
    void *octets = (void *)(uintptr_t)input->octets;
    OSSL_PARAM param;

    switch (input->form) {
    case INPUT_NUMBER:
        return OSSL_PARAM_construct_int64(input->name, &input->number);
    case INPUT_OCTETS:
        return OSSL_PARAM_construct_octet_string(input->name, octets, input->length);
    default:
        param = OSSL_PARAM_construct_utf8_string(input->name, octets, 0);
        param.data_size = input->length;
        return param;
    }
}

static bool run(EVP_KDF_CTX *ctx, struct input *inputs, size_t count, unsigned char *key,
                size_t length)
{
    const OSSL_PARAM *settable = EVP_KDF_CTX_settable_params(ctx);
    OSSL_PARAM *params = OPENSSL_malloc((count + 1) * sizeof(*params));
    size_t taken = 0;
    bool done = false;

    if (params == NULL || settable == NULL)
        goto end;
    for (size_t i = 0; i < count; i++)
        if (OSSL_PARAM_locate_const(settable, inputs[i].name) != NULL) {
            params[taken++] = param_of(&inputs[i]);
            inputs[i].taken = true;
        }
    params[taken] = OSSL_PARAM_construct_end();
    done = EVP_KDF_derive(ctx, key, length, params) > 0;
end:
    OPENSSL_free(params);
    return done;
}

bool derivation_run(const char *algorithm, struct input *inputs, size_t count, unsigned char *key,
                    size_t length, char reason[DERIVATION_REASON_SIZE])
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, algorithm, AKMA_PROPERTY_QUERY);
    EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    const bool done = ctx != NULL && run(ctx, inputs, count, key, length);
    const char *why = NULL;
    int flags = 0;

    (void)ERR_peek_last_error_data(&why, &flags);
    if (kdf == NULL)
        (void)fail(reason, algorithm,
                   "not found: is that its name, and is akma activated in the configuration "
                   "(OPENSSL_CONF)? akma doctor says more");
    else if (!done)
        (void)fail(reason, algorithm,
                   (flags & ERR_TXT_STRING) != 0 ? PRINTABLE(why) : "failed without a reason");
    ERR_clear_error();
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return done;
}
