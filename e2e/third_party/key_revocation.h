/*
 * Revoking e2e_keys: those that are outstanding in a store, and the connections on others
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KEY_REVOCATION_H
#define KEY_REVOCATION_H

#include "server/server.h"
#include "third_party/third_party.h"

struct store;
struct store_scope;

/*
 * Revoke the keys that match scope in the store, then close the server's connections that have
 * consumed such a key meanwhile, whatever the store says. scope is read during the call.
 */
struct third_party_request *key_revocation_start(struct server *server, struct store *store,
                                                 struct loop *loop, const struct store_scope *scope,
                                                 third_party_revoked *done, void *argument,
                                                 struct third_party_revocation *now);

#endif
