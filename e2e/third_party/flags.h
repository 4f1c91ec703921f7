/*
 * The third party as the NAF sees it: in the same process, or at the other end of a line
 *
 * Every request is asynchronous as in store.h: it names the loop it is made on, the callback comes
 * on that loop, perhaps before the call returns. Then the call returns NULL; else a handle that is
 * good until the callback, and with which the request can be cancelled.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FLAGS_H
#define FLAGS_H

#include "messages/flag.h"
#include "net/loop.h"

#include <stdint.h>

#define FLAGS_KEY_LENGTH 32

/* What the NAF tells the third party; read during the call. */
struct flags_query {
    const char *identity;        /* B-TID or A-KID */
    const char *device;          /* the device's permanent name; empty: not known */
    const unsigned char *ks_naf; /* FLAGS_KEY_LENGTH octets */
    const unsigned char *nonce;  /* NONCE_LENGTH octets, of the UE's */
    int64_t not_after;           /* end of Ks_NAF, seconds since 1970; 0: not known */
};

enum flags_result {
    FLAGS_MADE,  /* the flag, whose key is in the store */
    FLAGS_NO_KA, /* this device has no Ka: {"e2e":0} */
    FLAGS_FAILED /* it cannot be had: close the connection, never {"e2e":0} */
};

/* flag: with FLAGS_MADE, else NULL. reason: a sentence for the log with FLAGS_FAILED, else NULL. */
typedef void flags_done(void *argument, enum flags_result result, const struct flag *flag,
                        const char *reason);

/* Revoked, and confirmed by the store; or the reason why that is not certain. */
typedef void flags_revoked(void *argument, bool revoked, const char *reason);

struct flags;
struct flags_request;

struct flags_ops {
    struct flags_request *(*ask)(struct flags *flags, struct loop *loop,
                                 const struct flags_query *query, flags_done *done, void *argument);
    /* Void the outstanding keys of an identity, and end what runs on them in this process. */
    struct flags_request *(*revoke)(struct flags *flags, struct loop *loop, const char *identity,
                                    flags_revoked *done, void *argument);
    /* The callback will not be called. */
    void (*cancel)(struct flags *flags, struct flags_request *request);
    void (*free)(struct flags *flags);
};

/* An implementation's structure starts with this. */
struct flags {
    const struct flags_ops *ops;
};

/* NULL is fine. No request may be under way. */
void flags_free(struct flags *flags);

#endif
