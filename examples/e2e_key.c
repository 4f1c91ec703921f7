/*
 * e2e_key in C through EVP_KDF; see the header
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "e2e_key.h"

#include <akma/kdf.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdio.h>
#include <string.h>

/* OSSL_PARAM wants pointers that are not const; nothing is written through them. */
static OSSL_PARAM octets(const char *name, const unsigned char *value, size_t length)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)value, length);
}

static OSSL_PARAM text(const char *name, const char *value)
{
    OSSL_PARAM param = OSSL_PARAM_construct_utf8_string(name, (char *)(uintptr_t)value, 0);

    param.data_size = strlen(value); /* an empty text, too: construct takes 0 for "count it" */
    return param;
}

/* The newest error is the provider's own sentence. */
static void give_reason(char reason[E2E_REASON_SIZE])
{
    const char *data = NULL;
    int flags = 0;

    (void)ERR_peek_last_error_data(&data, &flags);
    (void)snprintf(reason, E2E_REASON_SIZE, "AKMA-E2E: %s",
                   (flags & ERR_TXT_STRING) != 0 ? data : "failed without a reason");
    ERR_clear_error();
}

static EVP_KDF_CTX *new_context(OSSL_LIB_CTX *libctx)
{
    EVP_KDF *kdf = EVP_KDF_fetch(libctx, AKMA_KDF_E2E, AKMA_PROPERTY_QUERY);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

    EVP_KDF_free(kdf);
    return ctx;
}

static bool set_up(struct e2e *e2e, const struct e2e_setup *setup)
{
    const OSSL_PARAM params[] = {
        text(AKMA_PARAM_NAF_FQDN, setup->naf_fqdn),
        octets(AKMA_PARAM_UA_PROTOCOL_ID, setup->ua_protocol_id, AKMA_UA_PROTOCOL_ID_LENGTH),
        text(AKMA_PARAM_MODE, setup->mode == NULL ? AKMA_DEFAULT_MODE : setup->mode),
        text(AKMA_PARAM_DIGEST, setup->digest == NULL ? AKMA_DEFAULT_DIGEST : setup->digest),
        text(AKMA_PARAM_USAGE, e2e->usage),
        OSSL_PARAM_construct_end(),
    };
    OSSL_PARAM effective[] = {
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_MODE, e2e->mode, sizeof(e2e->mode)),
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_DIGEST, e2e->digest, sizeof(e2e->digest)),
        OSSL_PARAM_construct_end(),
    };

    return EVP_KDF_CTX_set_params(e2e->ctx, params) && EVP_KDF_CTX_get_params(e2e->ctx, effective);
}

enum e2e_opened e2e_open(struct e2e *e2e, const struct e2e_setup *setup,
                         char reason[E2E_REASON_SIZE])
{
    e2e->usage = setup->usage == NULL ? "" : setup->usage;
    e2e->ctx = new_context(setup->libctx);
    if (e2e->ctx == NULL) {
        (void)snprintf(
            reason, E2E_REASON_SIZE,
            "AKMA-E2E: not found: activate akma in a configuration (OPENSSL_CONF), or load "
            "it into this library context");
        ERR_clear_error();
        return E2E_UNAVAILABLE;
    }
    if (set_up(e2e, setup))
        return E2E_OPEN;
    give_reason(reason);
    return E2E_REFUSED;
}

void e2e_close(struct e2e *e2e)
{
    EVP_KDF_CTX_free(e2e->ctx);
    e2e->ctx = NULL;
}

bool e2e_is_ours(const struct e2e *e2e, const char *mode, const char *digest, const char *usage)
{
    struct e2e other = {.ctx = EVP_KDF_CTX_dup(e2e->ctx)};
    const OSSL_PARAM names[] = {
        text(AKMA_PARAM_MODE, mode),
        text(AKMA_PARAM_DIGEST, digest),
        OSSL_PARAM_construct_end(),
    };
    OSSL_PARAM effective[] = {
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_MODE, other.mode, sizeof(other.mode)),
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_DIGEST, other.digest, sizeof(other.digest)),
        OSSL_PARAM_construct_end(),
    };
    const bool same = other.ctx != NULL && EVP_KDF_CTX_set_params(other.ctx, names) &&
                      EVP_KDF_CTX_get_params(other.ctx, effective) &&
                      strcmp(other.mode, e2e->mode) == 0 &&
                      strcmp(other.digest, e2e->digest) == 0 && strcmp(usage, e2e->usage) == 0;

    ERR_clear_error();
    e2e_close(&other);
    return same;
}

bool e2e_derive(const struct e2e *e2e, const struct e2e_inputs *inputs,
                unsigned char key[E2E_KEY_LENGTH], char reason[E2E_REASON_SIZE])
{
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_dup(e2e->ctx);
    int64_t not_after = inputs->not_after;
    const OSSL_PARAM params[] = {
        octets(AKMA_PARAM_KS_NAF, inputs->ks_naf, AKMA_KEY_LENGTH),
        octets(AKMA_PARAM_KA, inputs->ka, inputs->ka_length),
        octets(AKMA_PARAM_REFRESH, inputs->refresh, inputs->refresh_length),
        not_after == 0 ? OSSL_PARAM_construct_end()
                       : OSSL_PARAM_construct_int64(AKMA_PARAM_NOT_AFTER, &not_after),
        OSSL_PARAM_construct_end(),
    };
    const bool done = ctx != NULL && EVP_KDF_derive(ctx, key, E2E_KEY_LENGTH, params) > 0;

    if (!done)
        give_reason(reason);
    EVP_KDF_CTX_free(ctx);
    return done;
}
