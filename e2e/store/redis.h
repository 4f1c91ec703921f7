/*
 * A client of Redis on an event loop: connects and reconnects by itself, and pipelines requests
 *
 * A connection authenticates (AUTH, if there is a password), asks for the server's run_id, and then
 * sends requests without waiting for replies. It is given up if a reply takes longer than
 * REDIS_SECONDS. A request that may have reached a server is never sent again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef REDIS_H
#define REDIS_H

#include "current.h"
#include "net/addrs.h"
#include "net/loop.h"
#include "secret_file.h"
#include "store/redis_reply.h"

#include <stdbool.h>
#include <stddef.h>

/* For connecting, and for each reply: less than a NAF waits for its third party, so that it hears
 * whose fault it is. */
#define REDIS_SECONDS     2
#define REDIS_BACKOFF_MIN 100  /* milliseconds before the second attempt to connect */
#define REDIS_BACKOFF_MAX 2000 /* twice as long each time, up to this */

/* How to reach a server; kept, not copied. */
struct redis_setup {
    const struct addrs *addrs;
    struct current *tls;       /* SSL_CTX, which a reload replaces; NULL: plain */
    const char *host;          /* whom the certificate has to name */
    const char *user;          /* NULL: the default one */
    const char *password_file; /* read at each connection; NULL: no AUTH */
};

/* Is there a password in a file? False: fault. */
bool redis_password_is_there(const char *path, char fault[SECRET_FILE_FAULT_SIZE]);

struct redis;
struct redis_request;

/* One word of a command. */
struct redis_word {
    const void *octets;
    size_t length;
};

/*
 * The end of a request. reply is gone when this returns. If it is NULL, reason is a sentence that
 * says why; then the server may have executed the request or not.
 */
typedef void redis_done(void *argument, const struct redis_reply *reply, const char *reason);

/* Starts to connect. NULL: out of memory. */
struct redis *redis_new(struct loop *loop, const struct redis_setup *setup);

/* What a channel says, or that it may have said something while there was no connection. */
typedef void redis_woken(void *argument);

/*
 * The same for a channel alone, whose name is kept: woken() is called whenever something is
 * published, and whenever the subscription begins again.
 */
struct redis *redis_subscribe(struct loop *loop, const struct redis_setup *setup,
                              const char *channel, redis_woken *woken, void *argument);

/* Check that the server answers; if not, the connection is given up as for any request. */
void redis_ping(struct redis *redis);

/* No request may be under way. NULL is fine. */
void redis_free(struct redis *redis);

/* The run_id of the connected server, from which all replies are; empty: not connected. */
const char *redis_run_id(const struct redis *redis);

/*
 * Ask. NULL: it failed, as it does while there is no connection and none is being made, and *reason
 * says why, until the loop continues. Else it is pending: done() (NULL: nobody waits) comes later,
 * from the loop, exactly once.
 */
struct redis_request *redis_send(struct redis *redis, const struct redis_word *words, size_t count,
                                 redis_done *done, void *argument, const char **reason);

/* done() will not be called. */
void redis_cancel(struct redis_request *request);

#endif
