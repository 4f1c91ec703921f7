/*
 * A variant at work: with objects and inputs of its own, so that each thread can have one
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "instance.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(EXIT_FAILURE);
}

static OSSL_PARAM *find(struct instance *instance, const char *name)
{
    OSSL_PARAM *param = OSSL_PARAM_locate(instance->params, name);

    if (param == NULL)
        fail(name);
    return param;
}

void instance_give(struct instance *instance, const char *name, unsigned char *octets,
                   size_t length)
{
    OSSL_PARAM *param = find(instance, name);

    param->data = octets;
    param->data_size = length;
}

static void give_what_changes(struct instance *instance)
{
    const char *name = instance->variant->changes;

    if (name != NULL) {
        const OSSL_PARAM *param = find(instance, name);

        memcpy(instance->changing, param->data, param->data_size);
        instance_give(instance, name, instance->changing, param->data_size);
    }
}

static void open_kdf(struct instance *instance)
{
    instance->kdf = EVP_KDF_fetch(NULL, instance->variant->kdf, NULL);
    instance->kept = EVP_KDF_CTX_new(instance->kdf);
    if (instance->kept == NULL)
        fail(instance->variant->kdf);
}

/* HMAC with SHA2-256, keyed, and SHA2-256 itself. */
static void open_mac(struct instance *instance)
{
    static char digest[] = "SHA2-256";
    const OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 8),
                                 OSSL_PARAM_END};

    instance->hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    instance->mac = EVP_MAC_CTX_new(instance->hmac);
    instance->hash = EVP_MD_CTX_new();
    if (instance->mac == NULL || instance->hash == NULL ||
        !EVP_MAC_init(instance->mac, instance->changing, KEY_SIZE, params) ||
        !EVP_DigestInit_ex(instance->hash, EVP_sha256(), NULL))
        fail("HMAC");
}

void instance_open(struct instance *instance, const struct variant *variant)
{
    memset(instance, 0, sizeof(*instance));
    instance->variant = variant;
    instance->length = variant->length;
    memcpy(instance->params, variant->params, sizeof(instance->params));
    instance->last = instance->params;
    while (instance->last->key != NULL && instance->last[1].key != NULL)
        instance->last++;
    give_what_changes(instance);
    if (variant->kdf != NULL)
        open_kdf(instance);
    else
        open_mac(instance);
}

static void derive(struct instance *instance, EVP_KDF_CTX *ctx, const OSSL_PARAM params[])
{
    if (EVP_KDF_derive(ctx, instance->out, instance->length, params) <= 0)
        fail(instance->variant->name);
}

void instance_start(struct instance *instance)
{
    if (instance->kdf != NULL)
        derive(instance, instance->kept, instance->params);
}

void instance_close(struct instance *instance)
{
    EVP_KDF_CTX_free(instance->kept);
    EVP_KDF_free(instance->kdf);
    EVP_MAC_CTX_free(instance->mac);
    EVP_MAC_free(instance->hmac);
    EVP_MD_CTX_free(instance->hash);
}

void one_shot(struct instance *instance)
{
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(instance->kdf);

    derive(instance, ctx, instance->params);
    EVP_KDF_CTX_free(ctx);
}

void kept(struct instance *instance)
{
    instance->changing[0]++;
    derive(instance, instance->kept, instance->params);
}

void kept_last(struct instance *instance)
{
    instance->changing[0]++;
    derive(instance, instance->kept, instance->last);
}

static void hmac(struct instance *instance, EVP_MAC_CTX *mac, const unsigned char *key,
                 const OSSL_PARAM params[])
{
    size_t length;

    if (!EVP_MAC_init(mac, key, key == NULL ? 0 : KEY_SIZE, params) ||
        !EVP_MAC_update(mac, example_s, example_s_length) ||
        !EVP_MAC_final(mac, instance->out, &length, KEY_SIZE))
        fail(instance->variant->name);
}

void mac_new(struct instance *instance)
{
    static char digest[] = "SHA2-256";
    const OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 8),
                                 OSSL_PARAM_END};
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(instance->hmac);

    hmac(instance, mac, instance->changing, params);
    EVP_MAC_CTX_free(mac);
}

void mac_rekeyed(struct instance *instance)
{
    instance->changing[0]++;
    hmac(instance, instance->mac, instance->changing, NULL);
}

void mac_same(struct instance *instance)
{
    hmac(instance, instance->mac, NULL, NULL);
}

void compress(struct instance *instance)
{
    if (!EVP_DigestUpdate(instance->hash, instance->out, instance->length))
        fail(instance->variant->name);
}
