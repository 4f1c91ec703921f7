/*
 * Where Ks_NAF comes from: the devices file, or the operator's NEF, AAnF or BSF
 *
 * A look-up is asynchronous as in store.h: NULL and the answer in *now, which the caller cleanses,
 * or pending. Cancelling one look-up does not disturb others that wait for the same answer.
 *
 * Anybody can cause a look-up: the identity comes before its owner has proved anything.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOURCE_H
#define SOURCE_H

#include "messages/identity.h"
#include "net/loop.h"

#include <akma/kdf.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define SOURCE_KEY_LENGTH 32
#define SOURCE_TEXT_SIZE  256 /* texts of at most 255 octets, and NUL */

struct source_query {
    const char *identity; /* B-TID or A-KID, without prefix and separator; read during the call */
    enum identity_kind kind;
    const unsigned char *ua_protocol_id; /* 5 octets: what the key is for; read during the call */
    const struct sockaddr *peer;         /* the requester: for bounds per source address */
};

enum source_result {
    SOURCE_FOUND,
    SOURCE_UNKNOWN, /* there is no such key */
    SOURCE_REFUSED  /* it cannot be said (a failure, a bound that was reached): fail closed */
};

struct source_answer {
    enum source_result result;
    unsigned char ks_naf[SOURCE_KEY_LENGTH];
    char device[SOURCE_TEXT_SIZE]; /* the device's permanent name; empty: an anonymous answer */
    int64_t not_after;             /* end of the key, seconds since 1970; 0: not known */
    const char *reason;            /* SOURCE_REFUSED: a sentence for the log, else NULL */
};

/* The answer is gone, and cleansed by the source, when the callback returns. */
typedef void source_done(void *argument, const struct source_answer *answer);

struct source;
struct source_request;

struct source_ops {
    struct source_request *(*lookup)(struct source *source, struct loop *loop,
                                     const struct source_query *query, source_done *done,
                                     void *argument, struct source_answer *now);
    /* The callback will not be called. */
    void (*cancel)(struct source *source, struct source_request *request);
    /* Drop what is cached of an identity, on any thread; NULL if nothing is cached. */
    void (*forget)(struct source *source, const char *identity);
    void (*free)(struct source *source);
};

/* A source's structure starts with this. */
struct source {
    const struct source_ops *ops;
};

struct devices_current;

/*
 * The devices file: the row of the identity names the device and holds its key. ua_protocol_ids:
 * what these keys are for, copied; a query for another one is refused: no key serves two
 * protocols (RFC 8446 E.7). NULL is returned: no memory.
 */
struct source *
source_file_new(struct devices_current *devices_current,
                unsigned char ua_protocol_ids[KEY_SYSTEMS][AKMA_UA_PROTOCOL_ID_LENGTH]);

/* Cleanse and release. NULL is fine. No look-up may be under way. */
void source_free(struct source *source);

#endif
