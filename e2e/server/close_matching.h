/*
 * Closing the connections that run on what was revoked, on every loop
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLOSE_MATCHING_H
#define CLOSE_MATCHING_H

#include "server/server.h"

struct store_scope;

/*
 * End the connections that run on what scope describes (store.h), on every loop; those whose
 * handshake has got as far as the key are among them. It is under way when this returns; then
 * (NULL: nobody waits) is posted to loop when it is done. Called on any thread. False: out of
 * memory, and then is not posted.
 */
bool server_close_matching(struct server *server, const struct store_scope *scope,
                           struct loop *loop, struct loop_message *then);

/*
 * The same of any of these scopes, which must be there until then is posted (loop is not NULL). It
 * takes its time in slices, whatever their number.
 */
bool server_close_matching_any(struct server *server, const struct store_scope *scopes,
                               size_t count, struct loop *loop, struct loop_message *then);

/*
 * The same in two steps, where nobody waits: what can fail comes first (NULL: out of memory), with
 * a copy of the scope; the second step releases it. Or it is dropped instead; NULL is fine there.
 */
struct close_matching *close_matching_prepare(const struct server *server,
                                              const struct store_scope *scope);
void close_matching_run(struct server *server, struct close_matching *matching);
void close_matching_discard(struct close_matching *matching);

/* The same of every key: takes no memory, so that a revocation that ran out of it fails closed. */
void server_close_everyone(struct server *server);

/*
 * Close every connection, on every loop: the end of a drain. One that a loop accepted before it was
 * told to accept no more may come later: to be called again until there is none.
 */
bool server_close_all(struct server *server, const char *reason);

/* Where server_close_everyone() keeps its state from the start on. False: out of memory. */
bool server_reserve(struct server *server);

#endif
