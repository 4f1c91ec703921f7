/*
 * The library context that loaded us, and the child of it that HMAC is fetched from
 *
 * An EVP_KDF holds a reference to its provider, so an application that frees one late, after its
 * library context or after libcrypto's own cleanup, has this provider torn down when the parent is
 * gone. A child is told of each provider that its parent activates or deactivates; freed, it asks
 * the parent not to be told any more. That is left out if the parent has deactivated all, us
 * among them: it is about to go, or gone, and tells nobody any more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_PARENT_H
#define AKMA_PARENT_H

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdbool.h>

struct parent {
    struct parent *next;
    const OSSL_CORE_HANDLE *handle; /* ours, as the parent knows us */
    OSSL_FUNC_provider_register_child_cb_fn *register_child;
    OSSL_FUNC_provider_deregister_child_cb_fn *deregister_child;
    /* What the child wants to be told */
    int (*activated)(const OSSL_CORE_HANDLE *provider, void *child);
    int (*deactivated)(const OSSL_CORE_HANDLE *provider, void *child);
    int (*properties_set)(const char *properties, void *child);
    void *child;
    atomic_size_t active; /* providers of the parent that are, as far as the child was told */
    atomic_bool knows_us; /* we were one of them */
};

/* A child of the parent that this handle and its functions stand for; NULL: there is none. */
OSSL_LIB_CTX *parent_child_new(struct parent *parent, const OSSL_CORE_HANDLE *handle,
                               const OSSL_DISPATCH *in);

/* Free it, whether the parent is there or not. NULL: does nothing. */
void parent_child_free(struct parent *parent, OSSL_LIB_CTX *child);

#endif
