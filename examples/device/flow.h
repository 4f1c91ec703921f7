/*
 * The flow on a device: first connection, e2e flag, e2e connection, over DTLS 1.2 with mbed TLS
 *
 * Nothing blocks. The main loop calls flow_step() whenever a datagram has come or some milliseconds
 * have passed, until it returns FLOW_OPEN. Then flow_send() and flow_receive() carry the
 * application's datagrams under e2e_key. Only one DTLS session exists at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FLOW_H
#define FLOW_H

#include "akma_device.h"

#include <mbedtls/ssl.h>

#define FLOW_LINE_MAX  1024 /* a line is one datagram */
#define FLOW_NONCE     16
#define FLOW_TEXT_MAX  256   /* identity of the flag */
#define FLOW_ANSWER_MS 31000 /* the line goes out at 0, 1, 3, 7 and 15 s */

enum flow_connection { FLOW_FIRST, FLOW_E2E };

/* What the device's software provides. A result of 0 or more is a number of octets. */
struct flow_platform {
    /* One datagram to the NAF or the endpoint. */
    int (*send)(void *ctx, enum flow_connection to, const uint8_t *datagram, size_t n);
    /* One that has come, or MBEDTLS_ERR_SSL_WANT_READ. */
    int (*receive)(void *ctx, enum flow_connection from, uint8_t *datagram, size_t size);
    /* Milliseconds since some moment; wraps around. */
    uint32_t (*now)(void *ctx);
    /* A cryptographic random generator, such as mbedtls_ctr_drbg_random. Returns 0 on success. */
    int (*random)(void *ctx, unsigned char *out, size_t n);
    void *random_ctx, *ctx;
};

/* The device's identity and configuration. The caller keeps it until the flow ends. */
struct flow_settings {
    struct akma_octets ks_naf, ka; /* Ks_NAF is the one of this suite: TS 33.220 H.3 */
    const char *identity;          /* PSK identity: "3GPP-bootstrapping." and the B-TID */
    const char *naf_fqdn, *usage;
    int suite[2]; /* one suite of mbed TLS, and 0: it names the Ua security protocol */
};

enum flow_state { FLOW_HANDSHAKE, FLOW_ASK, FLOW_E2E_HANDSHAKE, FLOW_OPEN, FLOW_FAILED };

enum flow_fault {
    FLOW_NO_FAULT,
    FLOW_TLS,       /* a handshake or a session failed: error is mbed TLS' */
    FLOW_NO_ANSWER, /* the NAF did not answer the line */
    FLOW_WITHHELD,  /* {"e2e":0}, although the device has a Ka: never continue in plain */
    FLOW_ALTERED,   /* not our nonce, mode, digest or usage, or not a flag at all */
    FLOW_DERIVATION /* error is the reason of akma_e2e() */
};

struct flow {
    const struct flow_platform *platform;
    const struct flow_settings *settings;
    enum flow_connection connection;
    enum flow_state state;
    enum flow_fault fault;
    int error;
    uint8_t nonce[FLOW_NONCE];
    char identity[FLOW_TEXT_MAX + 1]; /* what the flag says to present */
    uint32_t asked_at, timer_at, intermediate, final;
    unsigned int asked; /* how often the line went out */
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
};

void flow_begin(struct flow *flow, const struct flow_platform *platform,
                const struct flow_settings *settings);

/* Continue as far as possible without waiting. */
enum flow_state flow_step(struct flow *flow);

/* In FLOW_OPEN: as mbedtls_ssl_write() and mbedtls_ssl_read(), a datagram each. */
int flow_send(struct flow *flow, const uint8_t *datagram, size_t n);
int flow_receive(struct flow *flow, uint8_t *datagram, size_t size);

/* Say goodbye, and cleanse; in any state. */
void flow_end(struct flow *flow);

#endif
