/*
 * The store of outstanding e2e keys: those that a flag has promised and that are not used yet
 *
 * An endpoint reads a key at the ClientHello (get) and, after the client's Finished, consumes it;
 * if several consume one record at the same time, only one gets it. The third party puts one
 * before it sends the flag, and revokes what a removed Ka or a notification invalidates.
 *
 * Every operation names the loop that it is called on. NULL: the answer is *now. Else it is
 * pending: done() comes later, from that loop, exactly once, never from inside the call; until then
 * the request can be cancelled. (Every asynchronous call of e2e/ is like this.)
 *
 * Bounds that every backend keeps, for each NAF separately: STORE_MAX outstanding records, then the
 * oldest is gone; STORE_MAX_OF_DEVICE of one device, then its oldest is gone, that of the same
 * subject if there is one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_H
#define STORE_H

#include "net/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_KEY_LENGTH    32
#define STORE_IDENTITY_SIZE 37  /* "e2e-", 32 hex digits, NUL */
#define STORE_TEXT_SIZE     256 /* texts of at most 255 octets, and NUL */
#define STORE_MAX           4096
#define STORE_MAX_OF_DEVICE 256

struct store_record {
    char identity[STORE_IDENTITY_SIZE]; /* what the flag tells the UE to present: the key's name */
    unsigned char key[STORE_KEY_LENGTH];
    char device[STORE_TEXT_SIZE];  /* the device's name, as in the row of its Ka */
    char ka_id[STORE_TEXT_SIZE];   /* which Ka; empty: it has no name */
    char subject[STORE_TEXT_SIZE]; /* B-TID or A-KID of the first connection */
    char naf[STORE_TEXT_SIZE];     /* whose request it was: its name */
    int64_t lifetime;              /* milliseconds from the put; 1 or more */
    int64_t not_after;             /* end of the 3GPP key, seconds since 1970; 0: not known */
};

/* Which records to revoke: those that match every member that is not NULL. */
struct store_scope {
    const char *device, *ka_id, *subject, *naf;
};

enum store_result {
    STORE_OK,
    STORE_UNKNOWN,    /* get, consume: never there, used before, too old, or revoked */
    STORE_UNAVAILABLE /* the store cannot say: fail closed */
};

#define STORE_REASON_SIZE 256

/* What became of an operation. */
struct store_answer {
    enum store_result result;
    struct store_record record;     /* get, consume: with STORE_OK */
    char reason[STORE_REASON_SIZE]; /* STORE_UNAVAILABLE: a sentence for the log */
};

/* The answer is gone when the callback returns. */
typedef void store_done(void *argument, const struct store_answer *answer);

/* A scope was revoked, by this process or another one; on one loop. All NULL: everything was. */
typedef void store_revoked(void *argument, const struct store_scope *scope);

struct store;
struct store_request;

struct store_ops {
    struct store_request *(*put)(struct store *store, struct loop *loop,
                                 const struct store_record *record, store_done *done,
                                 void *argument, struct store_answer *now);
    struct store_request *(*get)(struct store *store, struct loop *loop, const char *identity,
                                 store_done *done, void *argument, struct store_answer *now);
    struct store_request *(*consume)(struct store *store, struct loop *loop, const char *identity,
                                     store_done *done, void *argument, struct store_answer *now);
    struct store_request *(*revoke)(struct store *store, struct loop *loop,
                                    const struct store_scope *scope, store_done *done,
                                    void *argument, struct store_answer *now);
    /* The callback will not be called; the operation may or may not take place. */
    void (*cancel)(struct store *store, struct store_request *request);
    /*
     * Hear of revocations, before the loops run; once. NULL: nobody else revokes. False: no memory.
     */
    bool (*watch)(struct store *store, store_revoked *revoked, void *argument);
    void (*free)(struct store *store);
};

/* A backend's structure starts with this. */
struct store {
    const struct store_ops *ops;
};

/* An answer without a record. reason: with STORE_UNAVAILABLE, else NULL. */
void store_answer_set(struct store_answer *answer, enum store_result result, const char *reason);

/* Cleanse the answer of a call. */
void store_answer_clear(struct store_answer *answer);

/* A new random identity; false if there is no randomness. */
bool store_make_identity(char identity[STORE_IDENTITY_SIZE]);

/* Does this text have the form of such an identity? The store has no others. */
bool store_is_identity(const char *text, size_t length);

/* In this process's memory, shared by its loops. NULL when out of memory. */
struct store *store_memory_new(void);

/* Cleanse and release. NULL is fine. No request may be under way. */
void store_free(struct store *store);

#endif
