/*
 * A client of PostgreSQL on an event loop: prepared statements in pipeline mode, and LISTEN
 *
 * It connects by itself, and reconnects when the connection is lost or silent. It does not use a
 * server that is read-only, because that is a standby, or about to become one. Everything happens
 * on its loop. Results and notifications are delivered in the order in which they came.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PG_CLIENT_H
#define PG_CLIENT_H

#include "net/loop.h"
#include "postgresql.h"

#include <stdbool.h>
#include <stddef.h>

struct pg_statement {
    const char *name; /* one of the client's */
    const char *sql;
};

struct pg_client_setup {
    struct postgresql_address address;
    const char *channel;                          /* to LISTEN to */
    const struct pg_statement *const *statements; /* ends with NULL */
    int milliseconds; /* time limit for a connection and for an answer; then it reconnects */
    /* All functions below get argument. */
    void (*ready)(void *argument); /* connected, and listening */
    /* Not connected; is_new: for another reason than at the attempt before. */
    void (*down)(void *argument, const char *reason, bool is_new);
    void (*notified)(void *argument, const char *payload); /* on the channel */
    void (*settle)(void *argument); /* after the last notification in a row, before other results */
    void (*tick)(void *argument);   /* some ten times a second */
    void *argument;
};

/*
 * The end of a statement: its result in binary, which is gone when this returns; or NULL, and the
 * reason why the connection was lost.
 */
typedef void pg_done(void *argument, const PGresult *result, const char *reason);

struct pg_client;

/* setup is kept. The loop does not run yet. NULL: out of memory. */
struct pg_client *pg_client_new(struct loop *loop, const struct pg_client_setup *setup);

/* Is it connected and listening? */
bool pg_client_is_ready(const struct pg_client *client);

/*
 * Execute a statement with count texts; done() comes later, never from inside this call. False: it
 * could not be sent, and done() does not come.
 */
bool pg_client_send(struct pg_client *client, const struct pg_statement *statement, int count,
                    const char *const *texts, pg_done *done, void *argument);

/* Why there is no connection: a sentence. */
const char *pg_client_reason(const struct pg_client *client);

/* The loop does not run any more; nothing is called. NULL is fine. */
void pg_client_free(struct pg_client *client);

#endif
