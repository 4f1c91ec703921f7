/*
 * The third party: finds a device's Ka, derives e2e_key, has the store keep it, makes the flag
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FLAGGER_H
#define FLAGGER_H

#include "e2e_key.h"
#include "server/server.h"
#include "third_party/flags.h"

struct flagger;

/* Ka's come from the server's roster, keys go to its store. lifetime: seconds. NULL: no memory. */
struct flagger *flagger_new(struct server *server, unsigned int lifetime);

/*
 * As in flags.h. e2e: the setup of the NAF that asks (NAF_Id, mode, digest, usage); naf: its name
 * for bounds and revocation; both are read during the call.
 */
struct flags_request *flagger_ask(struct flagger *flagger, struct loop *loop,
                                  const struct flags_query *query, const struct e2e *e2e,
                                  const char *naf, flags_done *done, void *argument);

/*
 * End what runs on the keys that naf has asked for with this identity, and void those that are
 * outstanding.
 */
struct flags_request *flagger_revoke(struct flagger *flagger, struct loop *loop,
                                     const char *identity, const char *naf, flags_revoked *done,
                                     void *argument);

void flagger_cancel(struct flagger *flagger, struct flags_request *request);

/*
 * Void the outstanding keys that scope describes, then end what runs on such a key: it was taken
 * meanwhile. scope is read during the call.
 */
struct flags_request *flagger_void(struct flagger *flagger, struct loop *loop,
                                   const struct store_scope *scope, flags_revoked *done,
                                   void *argument);

/* NULL is fine. No request may be under way. */
void flagger_free(struct flagger *flagger);

/* The third party of a NAF in the same process. e2e and naf are kept, not copied. NULL: no memory.
 */
struct flags *flags_local_new(struct flagger *flagger, const struct e2e *e2e, const char *naf);

#endif
