/*
 * e2e_key through EVP_KDF: what both programs were set up for, and the keys that follow
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef E2E_KEY_H
#define E2E_KEY_H

#include <openssl/kdf.h>
#include <stdbool.h>
#include <stddef.h>

#define E2E_KEY_LENGTH 32
#define E2E_NAME_SIZE  32 /* a mode's or digest's name, as the provider writes it */

/* One setup: NAF_Id, mode, digest, usage. */
struct e2e {
    EVP_KDF_CTX *ctx; /* holds them; is copied for each key */
    char mode[E2E_NAME_SIZE], digest[E2E_NAME_SIZE];
    const char *usage;
};

enum e2e_opened { E2E_OPEN, E2E_UNAVAILABLE, E2E_REFUSED };

/*
 * Texts as on the command line; ua_protocol_id in hex. Without a provider, or with values that it
 * refuses, the reason went to standard error.
 */
enum e2e_opened e2e_open(struct e2e *e2e, const char *naf_fqdn, const char *ua_protocol_id,
                         const char *mode, const char *digest, const char *usage);
void e2e_close(struct e2e *e2e);

/* Do these names, by whatever alias, mean what the setup says? */
bool e2e_is_ours(const struct e2e *e2e, const char *mode, const char *digest, const char *usage);

/* Derive a key. False: the reason went to standard error. */
bool e2e_derive(const struct e2e *e2e, const unsigned char *ks_naf, const unsigned char *ka,
                size_t ka_length, const unsigned char *refresh, size_t refresh_length,
                unsigned char key[E2E_KEY_LENGTH]);

#endif
