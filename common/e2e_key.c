/*
 * e2e_key through EVP_KDF: what both programs were set up for, and the keys that follow
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "e2e_key.h"

#include <akma/kdf.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdint.h>
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

    param.data_size = strlen(value); /* an empty text, too */
    return param;
}

/* Say what the provider itself said: that is the newest error. */
static bool complain(void)
{
    const char *data = NULL;
    int flags = 0;

    (void)ERR_peek_last_error_data(&data, &flags);
    fprintf(stderr, "AKMA-E2E: %s\n",
            (flags & ERR_TXT_STRING) != 0 ? data : "failed without a reason");
    ERR_clear_error();
    return false;
}

static EVP_KDF_CTX *new_context(void)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, AKMA_KDF_E2E, AKMA_PROPERTY_QUERY);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

    EVP_KDF_free(kdf);
    return ctx;
}

static bool set_up(struct e2e *e2e, const char *naf_fqdn, const unsigned char *ua, size_t ua_length,
                   const char *mode, const char *digest)
{
    const OSSL_PARAM params[] = {
        text(AKMA_PARAM_NAF_FQDN, naf_fqdn), octets(AKMA_PARAM_UA_PROTOCOL_ID, ua, ua_length),
        text(AKMA_PARAM_MODE, mode),         text(AKMA_PARAM_DIGEST, digest),
        text(AKMA_PARAM_USAGE, e2e->usage),  OSSL_PARAM_construct_end(),
    };
    OSSL_PARAM in_force[] = {
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_MODE, e2e->mode, sizeof(e2e->mode)),
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_DIGEST, e2e->digest, sizeof(e2e->digest)),
        OSSL_PARAM_construct_end(),
    };

    return EVP_KDF_CTX_set_params(e2e->ctx, params) && EVP_KDF_CTX_get_params(e2e->ctx, in_force);
}

enum e2e_opened e2e_open(struct e2e *e2e, const char *naf_fqdn, const char *ua_protocol_id,
                         const char *mode, const char *digest, const char *usage)
{
    long ua_length = 0;
    unsigned char *ua = OPENSSL_hexstr2buf(ua_protocol_id, &ua_length);
    enum e2e_opened opened = E2E_OPEN;

    e2e->usage = usage;
    e2e->ctx = new_context();
    if (e2e->ctx == NULL) {
        opened = E2E_UNAVAILABLE;
        fprintf(stderr, "AKMA-E2E: not found, is akma activated in openssl.cnf (OPENSSL_CONF)?\n");
    } else if (ua == NULL) {
        opened = E2E_REFUSED;
        fprintf(stderr, "--ua-protocol-id %s: hex wanted\n", ua_protocol_id);
    } else if (!set_up(e2e, naf_fqdn, ua, (size_t)ua_length, mode, digest)) {
        opened = E2E_REFUSED;
        (void)complain();
    }
    ERR_clear_error();
    OPENSSL_free(ua);
    return opened;
}

void e2e_close(struct e2e *e2e)
{
    EVP_KDF_CTX_free(e2e->ctx);
    e2e->ctx = NULL;
}

bool e2e_is_ours(const struct e2e *e2e, const char *mode, const char *digest, const char *usage)
{
    struct e2e other = {.ctx = EVP_KDF_CTX_dup(e2e->ctx), .usage = usage};
    const OSSL_PARAM names[] = {
        text(AKMA_PARAM_MODE, mode),
        text(AKMA_PARAM_DIGEST, digest),
        OSSL_PARAM_construct_end(),
    };
    OSSL_PARAM in_force[] = {
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_MODE, other.mode, sizeof(other.mode)),
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_DIGEST, other.digest, sizeof(other.digest)),
        OSSL_PARAM_construct_end(),
    };
    const bool same = other.ctx != NULL && EVP_KDF_CTX_set_params(other.ctx, names) &&
                      EVP_KDF_CTX_get_params(other.ctx, in_force) &&
                      strcmp(other.mode, e2e->mode) == 0 &&
                      strcmp(other.digest, e2e->digest) == 0 && strcmp(usage, e2e->usage) == 0;

    ERR_clear_error();
    e2e_close(&other);
    return same;
}

bool e2e_derive(const struct e2e *e2e, const unsigned char *ks_naf, const unsigned char *ka,
                size_t ka_length, const unsigned char *refresh, size_t refresh_length,
                unsigned char key[E2E_KEY_LENGTH])
{
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_dup(e2e->ctx);
    const OSSL_PARAM params[] = {
        octets(AKMA_PARAM_KS_NAF, ks_naf, AKMA_KEY_LENGTH),
        octets(AKMA_PARAM_KA, ka, ka_length),
        octets(AKMA_PARAM_REFRESH, refresh, refresh_length),
        OSSL_PARAM_construct_end(),
    };
    const bool done = ctx != NULL && EVP_KDF_derive(ctx, key, E2E_KEY_LENGTH, params) > 0;

    EVP_KDF_CTX_free(ctx);
    return done || complain();
}
