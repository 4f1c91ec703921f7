/*
 * A client of PostgreSQL on an event loop: prepared statements in pipeline mode, and LISTEN
 *
 * It connects by itself, and again when the connection was lost or says nothing, and takes a server
 * that cannot be written to for none: it is a standby, or about to be one. Everything is done and
 * called on its loop. What came before a notification is told before it, and what came after,
 * after.
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
    const char *sql;
};

struct pg_client_setup {
    struct postgresql_address address;
    const char *channel; /* to LISTEN to */
    const struct pg_statement *statements;
    size_t count;
    int milliseconds; /* until a connection, or an answer, is late; then it is made again */
    /* All below have argument. */
    void (*ready)(void *argument); /* there is a connection, which listens */
    /* There is none; is_new: not for the reason of the attempt before. */
    void (*down)(void *argument, const char *reason, bool is_new);
    void (*notified)(void *argument, const char *payload); /* on the channel */
    void (*settle)(void *argument); /* those were all, before what came after them is told */
    void (*tick)(void *argument);   /* some ten times a second */
    void *argument;
};

/*
 * What became of a statement: its result in binary, gone when this returns; or NULL, and the
 * connection was lost, for that reason.
 */
typedef void pg_done(void *argument, const PGresult *result, const char *reason);

struct pg_client;

/* setup is kept. The loop does not run yet. NULL: out of memory. */
struct pg_client *pg_client_new(struct loop *loop, const struct pg_client_setup *setup);

/* Is there a connection that listens? */
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
