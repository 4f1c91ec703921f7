/*
 * Where Ka comes from: a file, a database, a master secret
 *
 * A look-up is asynchronous as in store.h: NULL and the answer in *now, or pending. Either way the
 * caller owns the answer, and releases it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_SOURCE_H
#define KA_SOURCE_H

#include "net/loop.h"

#include <stdbool.h>
#include <stddef.h>

#define KA_TEXT_SIZE   256 /* texts of at most 255 octets, and NUL */
#define KA_REASON_SIZE 256

/* Whose Ka is meant, and which; read during the call. */
struct ka_query {
    const char *device;   /* the device's permanent name; empty: not known, identity names it */
    const char *identity; /* B-TID or A-KID of the first connection */
    const char *ka_id;    /* NULL: the newest */
};

enum ka_result {
    KA_FOUND,
    KA_NONE,       /* this device has no Ka */
    KA_UNAVAILABLE /* the source cannot say: fail closed */
};

struct ka_answer {
    enum ka_result result;
    /* KA_FOUND; good until the answer is released */
    const unsigned char *ka;
    size_t ka_length; /* octets, 16 to 65535 */
    const char *device, *ka_id;
    void *basis;                 /* the source's: what the answer depends on */
    char reason[KA_REASON_SIZE]; /* KA_UNAVAILABLE: a sentence for the log */
};

/* The callback owns the answer, and releases it. */
typedef void ka_done(void *argument, const struct ka_answer *answer);

/* A Ka that was removed or replaced. ka_id NULL: every Ka of the device; device NULL: every device.
 */
struct ka_change {
    const char *device, *ka_id;
};

/*
 * Called on one of the source's threads at a time; the changes are gone when it returns. False: out
 * of memory, so that not everything will be revoked.
 */
typedef bool ka_changed(void *argument, const struct ka_change *changes, size_t count);

struct ka_source;
struct ka_request;

struct ka_source_ops {
    /* Before the loops run, and after the last fork. False: out of memory, or of threads. */
    bool (*start)(struct ka_source *source, ka_changed *changed, void *argument);
    struct ka_request *(*lookup)(struct ka_source *source, struct loop *loop,
                                 const struct ka_query *query, ka_done *done, void *argument,
                                 struct ka_answer *now);
    /* The callback will not be called. On the loop that asked. */
    void (*cancel)(struct ka_source *source, struct ka_request *request);
    /* Is the answer that was given for an identity still valid? On any thread. */
    bool (*is_good)(struct ka_source *source, const struct ka_answer *answer, const char *identity);
    /* Cleanse and release an answer with any result. On any thread. */
    void (*release)(struct ka_source *source, struct ka_answer *answer);
    /* End its threads: nothing is called any more, but what was posted to the loops may still run.
     */
    void (*stop)(struct ka_source *source);
    /* When the loops are gone. */
    void (*free)(struct ka_source *source);
};

/* A source's structure starts with this. */
struct ka_source {
    const struct ka_source_ops *ops;
};

/* An answer without a Ka; reason: with KA_UNAVAILABLE, else NULL. */
void ka_answer_set(struct ka_answer *answer, enum ka_result result, const char *reason);

/* NULL is fine in both. */
void ka_source_stop(struct ka_source *source);
void ka_source_free(struct ka_source *source);

#endif
