/*
 * e2e_key in C through EVP_KDF; copy this pair of files
 *
 *     struct e2e_setup setup = {.naf_fqdn = "naf.example.com", .ua_protocol_id = tls13};
 *     struct e2e e2e;
 *
 *     if (e2e_open(&e2e, &setup, reason) != E2E_OPEN || !e2e_derive(&e2e, &inputs, key, reason))
 *         ... reason says why
 *     e2e_close(&e2e);
 *
 * Nothing is printed. A reason is the provider's own text: it holds no secret, but may quote what
 * was given, so filter it if that came from a peer. One setup serves many threads at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef E2E_KEY_H
#define E2E_KEY_H

#include <openssl/kdf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define E2E_KEY_LENGTH  32  /* octets of an e2e_key */
#define E2E_NAME_SIZE   32  /* a mode's or digest's name as the provider writes it, and its NUL */
#define E2E_REASON_SIZE 512 /* room for a reason and its NUL */

/* What both ends have agreed on; akma/kdf.h describes each parameter. */
struct e2e_setup {
    OSSL_LIB_CTX *libctx;                /* where akma is activated; NULL: the default context */
    const char *naf_fqdn;                /* FQDN of the NAF or AF */
    const unsigned char *ua_protocol_id; /* 5 octets: TS 33.220 H.3 */
    const char *mode, *digest, *usage;   /* NULL: the provider's default */
};

/* What differs from key to key. */
struct e2e_inputs {
    const unsigned char *ks_naf; /* 32 octets: Ks_(ext/int)_NAF or K_AF */
    const unsigned char *ka;     /* Ka: 16 to 65535 octets */
    size_t ka_length;
    const unsigned char *refresh; /* 0 to 255 octets */
    size_t refresh_length;
    int64_t not_after; /* end of life of Ks_NAF in seconds since 1970 UTC; 0: none is known */
};

/* A setup that the provider has accepted. */
struct e2e {
    EVP_KDF_CTX *ctx;                                /* is copied for each key */
    char mode[E2E_NAME_SIZE], digest[E2E_NAME_SIZE]; /* canonical */
    const char *usage;
};

enum e2e_opened {
    E2E_OPEN,
    E2E_UNAVAILABLE, /* AKMA-E2E is not to be found */
    E2E_REFUSED      /* the provider, or its policy, refuses the setup */
};

/* The setup's usage has to outlive e2e. Call e2e_close() in any case. */
enum e2e_opened e2e_open(struct e2e *e2e, const struct e2e_setup *setup,
                         char reason[E2E_REASON_SIZE]);
void e2e_close(struct e2e *e2e);

/* Do these names, or their aliases, mean the same as the setup's? */
bool e2e_is_ours(const struct e2e *e2e, const char *mode, const char *digest, const char *usage);

/* Derive a key. False: reason says why there is none. */
bool e2e_derive(const struct e2e *e2e, const struct e2e_inputs *inputs,
                unsigned char key[E2E_KEY_LENGTH], char reason[E2E_REASON_SIZE]);

#endif
