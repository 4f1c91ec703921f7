/*
 * Look-ups without an answer yet: the requests that wait for each, and which is asked next
 *
 * Anybody can cause a look-up, with an identity that was made up. So those for one key are
 * one, and at most so many are asked at a time, in any second, and in any second for one network
 * (networks.h). The others wait, by the turn of their networks; if there is no room for all, the
 * one goes whose turn is last.
 *
 * One thread alone uses it; times are those of clock_ms().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOKUPS_H
#define LOOKUPS_H

#include "queue.h"
#include "source/key_answer.h"

#include <stdint.h>
#include <sys/socket.h>

struct lookup;

/* What became of a question. */
enum lookup_verdict { LOOKUP_PENDING, LOOKUP_FOUND, LOOKUP_NONE, LOOKUP_FAILED };

/* A waiting request; it lies in a structure of the caller's. */
struct lookup_waiter {
    TAILQ_ENTRY(lookup_waiter) place;
    struct lookup *lookup; /* NULL: does not wait */
};

struct lookups_setup {
    unsigned int per_second, per_network;
    size_t max_active;       /* that are asked */
    size_t waiting;          /* that are not asked yet */
    unsigned int timeout_ms; /* milliseconds until what is not asked is given up */
    void *context;
    /* Ask the operator. LOOKUP_PENDING: lookups_answer() follows, later; else *now is the answer.
     */
    enum lookup_verdict (*ask)(void *context, struct lookup *lookup,
                               const struct key_wanted *wanted, const void **now);
    /* What a waiter has waited for; answer as given to lookups_answer(), or NULL: given up. */
    void (*tell)(void *context, struct lookup_waiter *waiter, const void *answer);
};

struct lookups;

/* NULL: out of memory. */
struct lookups *lookups_new(const struct lookups_setup *setup);

/* No callback is called. NULL is fine. */
void lookups_free(struct lookups *lookups);

/* Wait for the answer about a key. False: there is no room, or no memory. */
bool lookups_wait(struct lookups *lookups, const struct key_wanted *wanted,
                  const struct sockaddr *peer, struct lookup_waiter *waiter, int64_t now);

/* Wait no longer. What is asked already continues; what is not asked and nobody waits for is gone.
 */
void lookups_leave(struct lookups *lookups, struct lookup_waiter *waiter);

/* Ask what may be asked now, give up what has waited too long. True: call again in some ms. */
bool lookups_run(struct lookups *lookups, int64_t now);

/* Tell all waiting requests; the look-up is gone. */
void lookups_answer(struct lookups *lookups, struct lookup *lookup, enum lookup_verdict verdict,
                    const void *answer);

/* Discard the answers to all questions about an identity that are under way, for each Ua security
 * protocol. */
void lookups_revoke(struct lookups *lookups, enum key_system system, const char *identity);
bool lookups_is_revoked(const struct lookup *lookup);

#endif
