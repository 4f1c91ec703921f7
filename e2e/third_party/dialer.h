/*
 * Making the link's connection: TCP, TLS with certificates, the protocol agreed on
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DIALER_H
#define DIALER_H

#include "net/addrs.h"
#include "net/loop.h"

#include <openssl/ssl.h>
#include <stdint.h>

struct dialer;

/* The connection, which is the caller's now; or NULL with a reason for the log. */
typedef void dialer_done(void *argument, SSL *ssl, const char *reason);

/*
 * Connect to addrs, whose certificate has to name host, before clock_ms() is deadline. done()
 * comes later, from the loop, and the dialer is gone then. NULL: out of memory.
 */
struct dialer *dialer_start(struct loop *loop, SSL_CTX *ctx, const struct addrs *addrs,
                            const char *host, int64_t deadline, dialer_done *done, void *argument);

/* done() will not be called. NULL is fine. */
void dialer_stop(struct dialer *dialer);

#endif
