/*
 * The third party as the NAF sees it: in the same process, or at the other end of a link
 *
 * Requests are asynchronous as in store.h: NULL and the answer in *now, or pending.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef THIRD_PARTY_H
#define THIRD_PARTY_H

#include "messages/e2e_flag.h"
#include "net/loop.h"
#include "ops/metrics.h"

#include <stdbool.h>
#include <stdint.h>

#define THIRD_PARTY_KEY_LENGTH 32

/* What the NAF tells the third party; read during the call. */
struct third_party_query {
    const char *identity;                /* B-TID or A-KID */
    const char *device;                  /* the device's permanent name; empty: not known */
    const char *ka_id;                   /* which Ka the UE has; NULL: the one that counts */
    const unsigned char *ks_naf;         /* THIRD_PARTY_KEY_LENGTH octets */
    const unsigned char *ua_protocol_id; /* of the first connection, 5 octets */
    const unsigned char *nonce;          /* NONCE_LENGTH octets, of the UE's */
    int64_t not_after;                   /* end of Ks_NAF, seconds since 1970; 0: not known */
};

enum third_party_result {
    FLAG_ISSUED, /* the flag, whose key is in the store */
    FLAG_NO_KA,  /* this device has no Ka: {"e2e":0} */
    /* It cannot be had: close the connection, never {"e2e":0}. */
    FLAG_FAILED,
    FLAG_UNSTORED,  /* ... since the store does not say that it holds the key */
    FLAG_WITHOUT_KA /* ... since the Ka cannot be looked up */
};

#define THIRD_PARTY_REASON_SIZE 512

struct third_party_answer {
    enum third_party_result result;
    struct e2e_flag flag;                 /* FLAG_ISSUED: it; else one that says {"e2e":0} */
    char reason[THIRD_PARTY_REASON_SIZE]; /* from FLAG_FAILED on: a sentence for the log */
};

struct third_party_revocation {
    bool is_done;                         /* revoked, and confirmed by the store */
    char reason[THIRD_PARTY_REASON_SIZE]; /* ... or why that is not certain */
};

typedef void third_party_done(void *argument, const struct third_party_answer *answer);
typedef void third_party_revoked(void *argument, const struct third_party_revocation *revocation);

struct third_party;

/* A request that is pending; it lies in a structure of the implementation's. */
struct third_party_request {
    /* The callback will not be called. */
    void (*cancel)(struct third_party_request *request);
};

struct third_party_ops {
    struct third_party_request *(*ask)(struct third_party *third_party, struct loop *loop,
                                       const struct third_party_query *query,
                                       third_party_done *done, void *argument,
                                       struct third_party_answer *now);
    /* Revoke the outstanding keys of an identity, and close the connections of this process that
     * depend on them. */
    struct third_party_request *(*revoke)(struct third_party *third_party, struct loop *loop,
                                          const char *identity, third_party_revoked *done,
                                          void *argument, struct third_party_revocation *now);
    void (*free)(struct third_party *third_party);
};

/* An implementation's structure starts with this. */
struct third_party {
    const struct third_party_ops *ops;
};

/* An answer without a flag, and an end of a revocation; reason NULL: there is none. */
void third_party_answer_set(struct third_party_answer *answer, enum third_party_result result,
                            const char *reason);
void third_party_revocation_set(struct third_party_revocation *revocation, bool is_done,
                                const char *reason);

/* What refusals of a result are counted as; false: it is none. */
bool third_party_refuses(enum third_party_result result, enum metric *metric);

/* NULL is fine. No request may be under way. */
void third_party_free(struct third_party *third_party);

#endif
