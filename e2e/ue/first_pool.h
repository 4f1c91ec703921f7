/*
 * First connections that are kept for the next nonce, of one loop
 *
 * The one that was used last is used first; the others end when nobody has needed them for a while.
 * What the other side closes meanwhile is gone without a word.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FIRST_POOL_H
#define FIRST_POOL_H

#include "net/loop.h"
#include "ue/ue_keys.h"

#include <openssl/ssl.h>

#define FIRST_POOL_MAX     8
#define FIRST_POOL_SECONDS 60 /* that one is kept without being used */

struct first_pool;

/* keys: whose setups are used. NULL: out of memory. */
struct first_pool *first_pool_new(struct loop *loop, struct ue_keys *keys);

/* One that was made with this setup; it is the caller's then. NULL: there is none. */
SSL *first_pool_take(struct first_pool *pool, const struct client_setup *setup);

/*
 * Keep one, with nothing under way on it, and made with this setup. It is closed if the setup is
 * not in use any more, or if memory is short; if there are enough, the oldest is.
 */
void first_pool_put(struct first_pool *pool, const struct client_setup *setup, SSL *ssl);

/* Close all: one has turned out to be gone, the others may be as well. */
void first_pool_clear(struct first_pool *pool);

/* Close all, and release. NULL is fine. */
void first_pool_free(struct first_pool *pool);

#endif
