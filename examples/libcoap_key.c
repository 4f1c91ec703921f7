/*
 * e2e_key for CoAP over DTLS; see the header
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "libcoap_key.h"

#include <openssl/crypto.h>
#include <stdio.h>

bool libcoap_secrets_read(struct libcoap_secrets *secrets)
{
    const bool done = fread(secrets, 1, sizeof(*secrets), stdin) == sizeof(*secrets);

    if (!done)
        fprintf(stderr, "standard input must give 64 octets of secrets\n");
    return done;
}

bool libcoap_key(unsigned char key[E2E_KEY_LENGTH], const struct libcoap_secrets *secrets)
{
    /* TS 33.220 H.3: TLS with a PSK suite, the one that RFC 7252 requires of CoAP. */
    const unsigned char psk_aes_128_ccm_8[] = {0x01, 0x00, 0x01, 0xC0, 0xA8};
    const struct e2e_setup setup = {
        .naf_fqdn = "naf.example.com", .ua_protocol_id = psk_aes_128_ccm_8, .usage = "coap"};
    const struct e2e_inputs inputs = {
        .ks_naf = secrets->ks_naf, .ka = secrets->ka, .ka_length = sizeof(secrets->ka)};
    char reason[E2E_REASON_SIZE];
    struct e2e e2e;
    const bool done =
        e2e_open(&e2e, &setup, reason) == E2E_OPEN && e2e_derive(&e2e, &inputs, key, reason);

    if (!done)
        fprintf(stderr, "%s\n", reason);
    e2e_close(&e2e);
    return done;
}
