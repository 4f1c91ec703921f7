/*
 * The third party: finds a device's Ka, derives e2e_key, has the store keep it, makes the flag
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KEY_ISSUER_H
#define KEY_ISSUER_H

#include "e2e_key.h"
#include "server/server.h"
#include "third_party/third_party.h"

#include <akma/kdf.h>

struct key_issuer;
struct store_scope;

/* What an issuer works with. */
struct key_issuer_setup {
    struct server *server; /* whose connections end when their keys are revoked */
    struct store *store;   /* gets the keys */
    struct ka_source *ka;  /* has the Ka's */
    unsigned int lifetime; /* seconds that a key may wait */
    /* Also told of each call of key_issuer_revoke(); NULL: nobody. */
    void (*forward)(const struct store_scope *scope);
};

/* setup is copied. NULL: out of memory. */
struct key_issuer *key_issuer_new(const struct key_issuer_setup *setup);

/*
 * As in third_party.h. e2e: the setup of the NAF that asks (NAF_Id, mode, digest, usage); naf: its
 * name for bounds and revocation; both are read during the call.
 */
struct third_party_request *key_issuer_ask(struct key_issuer *issuer, struct loop *loop,
                                           const struct third_party_query *query,
                                           const struct e2e *e2e, const char *naf,
                                           third_party_done *done, void *argument,
                                           struct third_party_answer *now);

/*
 * Revoke the keys that naf has asked for with this identity: close the connections on them, and
 * revoke those that are outstanding.
 */
struct third_party_request *key_issuer_revoke(struct key_issuer *issuer, struct loop *loop,
                                              const char *identity, const char *naf,
                                              third_party_revoked *done, void *argument,
                                              struct third_party_revocation *now);

/*
 * Revoke the outstanding keys that match scope, then close the connections that have consumed such
 * a key meanwhile. scope is read during the call.
 */
struct third_party_request *key_issuer_revoke_matching(struct key_issuer *issuer, struct loop *loop,
                                                       const struct store_scope *scope,
                                                       third_party_revoked *done, void *argument,
                                                       struct third_party_revocation *now);

/* NULL is fine. No request may be under way. */
void key_issuer_free(struct key_issuer *issuer);

/* The setup of a NAF's first connections: of one Ua security protocol. */
struct naf_setup {
    unsigned char ua_protocol_id[AKMA_UA_PROTOCOL_ID_LENGTH];
    struct e2e e2e;
};

/*
 * The third party of a NAF in the same process, with its setups. They and naf are kept, not copied.
 * NULL: out of memory.
 */
struct third_party *third_party_local_new(struct key_issuer *issuer, const struct naf_setup *setups,
                                          size_t count, const char *naf);

#endif
