/*
 * What the connections of UEs work with: as those of a NAF, and as those of an endpoint
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UE_SERVICE_H
#define UE_SERVICE_H

#include "messages/identity.h"
#include "net/dtls.h"

#include <akma/kdf.h>
#include <openssl/ssl.h>

#define UE_SECRET_LENGTH 32

struct app;
struct conn_limit;
struct source;
struct store;
struct third_party;

/* --e2e: what a NAF does with a UE. */
enum when {
    WHEN_REQUIRED, /* nothing goes in plain */
    WHEN_OFFERED,  /* e2e for UEs with a Ka, plain as well */
    WHEN_OFF       /* nobody is asked for a flag */
};

/* What first connections' keys are for (TS 33.220 H.3): a UE does not say it. */
struct ua_protocol_ids {
    unsigned char fixed[KEY_SYSTEMS][AKMA_UA_PROTOCOL_ID_LENGTH]; /* by the identity's prefix */
    bool by_suite;             /* in (D)TLS 1.2 it is that of the cipher suite */
    struct dtls_suites suites; /* then: which these are */
};

/* First connections. */
struct naf_service {
    const char *name; /* --naf-fqdn: as revocations and the store's bounds have it */
    enum when when;
    struct identity_rules identities;
    struct ua_protocol_ids ua_protocol_ids;
    struct source *source;
    struct third_party *third_party; /* NULL: no first connection is accepted */
};

/* E2e connections. */
struct endpoint_service {
    struct store *store; /* NULL: no e2e connection is accepted */
    struct app *app;
};

struct ue_service {
    SSL_CTX *psk, *dtls;                    /* dtls: NULL if no address is one of UDP */
    unsigned char secret[UE_SECRET_LENGTH]; /* of this process: keys of unknown identities */
    struct conn_limit *devices;             /* connections */
    struct conn_limit *held;                /* a device's first connections between two nonces */
    struct naf_service naf;
    struct endpoint_service endpoint;
};

#endif
