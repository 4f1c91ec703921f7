/*
 * Ks_NAF and Ka of one device from standard input, and the e2e_key they give: e2e_client,
 * e2e_server
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "e2e_secrets.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

bool e2e_secrets_key(unsigned char key[E2E_KEY_LENGTH], const char *refresh, const char *program)
{
    const unsigned char tls13[] = {0x01, 0x00, 0x00, 0x00, 0x07}; /* TS 33.220 H.3 */
    const struct e2e_setup setup = {.naf_fqdn = "naf.example.com", .ua_protocol_id = tls13};
    unsigned char secrets[64];
    const struct e2e_inputs inputs = {.ks_naf = secrets,
                                      .ka = secrets + 32,
                                      .ka_length = 32,
                                      .refresh = (const unsigned char *)refresh,
                                      .refresh_length = strlen(refresh)};
    char reason[E2E_REASON_SIZE] = "standard input must give 64 octets of secrets";
    struct e2e e2e = {.ctx = NULL};
    const bool done = fread(secrets, 1, sizeof(secrets), stdin) == sizeof(secrets) &&
                      e2e_open(&e2e, &setup, reason) == E2E_OPEN &&
                      e2e_derive(&e2e, &inputs, key, reason);

    if (!done)
        fprintf(stderr, "%s: %s\n", program, reason);
    OPENSSL_cleanse(secrets, sizeof(secrets));
    e2e_close(&e2e);
    return done;
}
