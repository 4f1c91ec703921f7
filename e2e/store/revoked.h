/*
 * Revocations in a shared store: from a third party to every process that uses the store
 *
 *     akma:revocations    how many there have been: the number of the last one
 *     akma:revoked:<N>    the Nth, sealed as a record is (sealed_record.h); 16,384, each a day
 *     akma:revoked        a channel, on which each number is published
 *
 * A message on the channel only wakes the reader. What was revoked is read from the keys, in their
 * order, so that nothing is missed while a connection is down. They are also read every half
 * second, in case the channel is silent. Somebody who can write to the store can repeat or hide a
 * revocation within one run of the server, but cannot forge one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef REVOKED_H
#define REVOKED_H

#include "current.h"
#include "net/loop.h"
#include "seal_keys.h"
#include "store/redis.h"
#include "store/sealed_record.h"
#include "store/store.h"

#define REVOKED_SECONDS 86400 /* how long a revocation can be read */
#define REVOKED_KEPT    16384 /* how many */

/* Seal a scope. False: as sealed_record_make(). */
bool revoked_seal(const struct seal_keys *keys, const char *run_id, const struct store_scope *scope,
                  unsigned char sealed[SEALED_RECORD_MAX], size_t *length);

/*
 * Watch on a loop that does not run yet, with its client and the current keys. revoked() is called
 * there for each scope that is revoked from now on; if some cannot be read any more, it is called
 * with a scope that matches everything. NULL: out of memory.
 */
struct revoked_watch *revoked_watch_new(struct loop *loop, const struct redis_setup *setup,
                                        struct redis *client, struct current *keys,
                                        store_revoked *revoked, void *argument);

/* The loop does not run any more. NULL is fine. */
void revoked_watch_free(struct revoked_watch *watch);

#endif
