/*
 * What a UE is set up with: its keys, what it may speak, and where the servers are
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLIENT_SETUP_H
#define CLIENT_SETUP_H

#include "devices.h"
#include "e2e_key.h"
#include "net/addrs.h"

#include <akma/kdf.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#define CLIENT_REASON_SIZE 600 /* of a sentence about a flow */

/* What a first connection may speak, and what follows from it. */
struct ue_protocol {
    bool is_tls13;  /* else DTLS 1.2 or TLS 1.2 */
    uint16_t suite; /* then: with this cipher suite; 0: with any */
    unsigned char ua_protocol_id[AKMA_UA_PROTOCOL_ID_LENGTH];
    struct e2e e2e;
};

/* What a UE is set up with; kept, not copied. */
struct client_setup {
    SSL_CTX *ctx, *dtls;                 /* of each, where an address needs it */
    const struct ue_protocol *protocols; /* those that are offered, 1 to UE_PROTOCOLS_MAX */
    size_t protocol_count;
    const char *naf_name, *endpoint_name; /* for reasons */
    const char *naf_fqdn; /* of the first connection's server_name (RFC 6066 3); NULL: none */
    const struct addrs *naf, *endpoint;
    const char *identity; /* what the first connection presents, with prefix and separator */
    const struct devices *devices;
    const struct device *device; /* the UE's row: its Ks_NAF, and whose Ka's are its own */
    unsigned char (*ks_nafs)[KS_NAF_LENGTH]; /* for each protocol; NULL: the row's */
    const char *ka_id;           /* which Ka is asked for, at most 255 octets; NULL: the server's */
    const char *device_name;     /* to be said with the nonce, at most 255 octets; NULL: nothing */
    const struct device *oldest; /* the first row of the oldest Ka a flag may mean; NULL: any */
    bool allow_plain;            /* continue without e2e if the flag is withheld */
};

/* Ks_NAF for one of the protocols. */
static inline const unsigned char *client_ks_naf(const struct client_setup *setup, size_t protocol)
{
    return setup->ks_nafs == NULL ? setup->device->ks_naf : setup->ks_nafs[protocol];
}

#endif
