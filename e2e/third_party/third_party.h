/*
 * The third party as the NAF sees it: in the same process, or at the other end of a line
 *
 * Every request is asynchronous as in store.h: it names the loop it is made on, the callback comes
 * on that loop, perhaps before the call returns. Then the call returns NULL; else a handle that is
 * good until the callback, and with which the request can be cancelled.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef THIRD_PARTY_H
#define THIRD_PARTY_H

#include "messages/e2e_flag.h"
#include "net/loop.h"

#include <stdint.h>

#define THIRD_PARTY_KEY_LENGTH 32

/* What the NAF tells the third party; read during the call. */
struct third_party_query {
    const char *identity;        /* B-TID or A-KID */
    const char *device;          /* the device's permanent name; empty: not known */
    const unsigned char *ks_naf; /* THIRD_PARTY_KEY_LENGTH octets */
    const unsigned char *nonce;  /* NONCE_LENGTH octets, of the UE's */
    int64_t not_after;           /* end of Ks_NAF, seconds since 1970; 0: not known */
};

enum third_party_result {
    FLAG_ISSUED, /* the flag, whose key is in the store */
    FLAG_NO_KA,  /* this device has no Ka: {"e2e":0} */
    FLAG_FAILED  /* it cannot be had: close the connection, never {"e2e":0} */
};

/* flag: with FLAG_ISSUED, else NULL. reason: a sentence for the log with FLAG_FAILED, else NULL. */
typedef void third_party_done(void *argument, enum third_party_result result,
                              const struct e2e_flag *flag, const char *reason);

/* Revoked, and confirmed by the store; or the reason why that is not certain. */
typedef void third_party_revoked(void *argument, bool revoked, const char *reason);

struct third_party;
struct third_party_request;

struct third_party_ops {
    struct third_party_request *(*ask)(struct third_party *third_party, struct loop *loop,
                                       const struct third_party_query *query,
                                       third_party_done *done, void *argument);
    /* Void the outstanding keys of an identity, and end what runs on them in this process. */
    struct third_party_request *(*revoke)(struct third_party *third_party, struct loop *loop,
                                          const char *identity, third_party_revoked *done,
                                          void *argument);
    /* The callback will not be called. */
    void (*cancel)(struct third_party *third_party, struct third_party_request *request);
    void (*free)(struct third_party *third_party);
};

/* An implementation's structure starts with this. */
struct third_party {
    const struct third_party_ops *ops;
};

/* NULL is fine. No request may be under way. */
void third_party_free(struct third_party *third_party);

#endif
