/*
 * A master secret in this process: AKMA-KA by the module
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "master.h"

#include "printable.h"
#include "secret_source.h"

#include <akma/kdf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define KEY_LENGTH 32 /* octets of K_master */

/* The context holds the secret; a deriver's is a copy, which keeps the HMAC's key set up. */
struct master_secret {
    struct master master;
    EVP_KDF_CTX *ctx;
};

struct deriver_secret {
    struct deriver deriver;
    EVP_KDF_CTX *ctx;
};

/* What the module says is wrong. */
static enum master_result module_fault(char fault[MASTER_FAULT_SIZE])
{
    const char *why = NULL;
    int flags = 0;

    (void)ERR_peek_last_error_data(&why, &flags);
    (void)snprintf(fault, MASTER_FAULT_SIZE, "%s",
                   (flags & ERR_TXT_STRING) != 0 ? PRINTABLE(why) : "AKMA-KA: failed");
    ERR_clear_error();
    return MASTER_REFUSED;
}

static enum master_result secret_open(struct master *master, char fault[MASTER_FAULT_SIZE])
{
    (void)master;
    return master_fault(fault, MASTER_OK, "");
}

static struct deriver *secret_deriver(struct master *master)
{
    struct deriver_secret *deriver = OPENSSL_zalloc(sizeof(*deriver));

    if (deriver == NULL)
        return NULL;
    deriver->ctx = EVP_KDF_CTX_dup(((struct master_secret *)master)->ctx);
    if (deriver->ctx != NULL)
        return &deriver->deriver;
    OPENSSL_free(deriver);
    return NULL;
}

/* OSSL_PARAM wants pointers that are not const; nothing is written through them. */
static OSSL_PARAM text_param(const char *name, const char *text)
{
    return OSSL_PARAM_construct_utf8_string(name, (char *)(uintptr_t)text, strlen(text));
}

static enum master_result secret_derive(struct deriver *deriver, const char *device,
                                        const char *ka_id, unsigned char ka[MASTER_KA_LENGTH],
                                        char fault[MASTER_FAULT_SIZE])
{
    OSSL_PARAM params[] = {text_param(AKMA_PARAM_DEVICE, device),
                           text_param(AKMA_PARAM_KA_ID, ka_id), OSSL_PARAM_END};

    if (EVP_KDF_derive(((struct deriver_secret *)deriver)->ctx, ka, MASTER_KA_LENGTH, params) > 0)
        return MASTER_OK;
    return module_fault(fault);
}

static void secret_deriver_free(struct deriver *deriver)
{
    EVP_KDF_CTX_free(((struct deriver_secret *)deriver)->ctx);
    OPENSSL_free(deriver);
}

static void secret_master_free(struct master *master)
{
    EVP_KDF_CTX_free(((struct master_secret *)master)->ctx);
    OPENSSL_free(master);
}

static const struct master_ops secret_ops = {secret_open, secret_deriver, secret_derive,
                                             secret_deriver_free, secret_master_free};

/* A context with the secret in it; NULL: fault. */
static EVP_KDF_CTX *ctx_new(const struct secret *secret, char fault[MASTER_FAULT_SIZE])
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, AKMA_KDF_KA, AKMA_PROPERTY_QUERY);
    EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_KEY, secret->octets, secret->length),
        OSSL_PARAM_END};

    if (kdf == NULL)
        (void)master_fault(fault, MASTER_REFUSED,
                           "AKMA-KA: not found, is akma activated in the configuration "
                           "(OPENSSL_CONF)? akma doctor says more");
    else if (ctx == NULL)
        (void)master_fault(fault, MASTER_REFUSED, "out of memory");
    EVP_KDF_free(kdf);
    if (ctx == NULL || EVP_KDF_CTX_set_params(ctx, params) > 0)
        return ctx;
    (void)module_fault(fault);
    EVP_KDF_CTX_free(ctx);
    return NULL;
}

/* This is the secret of the whole fleet: a source that others can read is refused, not just warned
 * about. */
static bool read_secret(struct secret *secret, const char *source, char fault[MASTER_FAULT_SIZE])
{
    char why[SECRET_FAULT_SIZE];
    const bool done = secret_source_read(secret, source, false, KEY_LENGTH, why);

    if (done && why[0] == '\0' && secret->length != KEY_LENGTH)
        (void)snprintf(why, sizeof(why), "%s: must be 64 hex digits, the 32 octets of K_master",
                       PRINTABLE_PATH(source));
    (void)master_fault(fault, MASTER_REFUSED, why);
    return done && why[0] == '\0';
}

struct master *master_secret_new(const char *source, char fault[MASTER_FAULT_SIZE])
{
    struct master_secret *master = OPENSSL_zalloc(sizeof(*master));
    struct secret secret = {.octets = NULL};

    if (master == NULL) {
        (void)master_fault(fault, MASTER_REFUSED, "out of memory");
        return NULL;
    }
    master->master.ops = &secret_ops;
    if (read_secret(&secret, source, fault))
        master->ctx = ctx_new(&secret, fault);
    secret_free(&secret);
    if (master->ctx != NULL)
        return &master->master;
    OPENSSL_free(master);
    return NULL;
}
