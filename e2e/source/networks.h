/*
 * Networks that look-ups come from, and rates: when each was served
 *
 * A network is an IPv4 address, in whatever form it comes, or the /64 of an IPv6 address. Times are
 * those of clock_ms().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETWORKS_H
#define NETWORKS_H

#include "net/addr.h"
#include "queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define NETWORK_NEVER (-1000) /* before any time of the clock by a second */

/* At most max starts in any second: when the last max of them were. */
struct rate {
    size_t max, next;
    int64_t starts[];
};

/* To be released with OPENSSL_free(); NULL: out of memory. */
struct rate *rate_new(unsigned int max);
bool rate_allows(const struct rate *rate, int64_t now);
void rate_count(struct rate *rate, int64_t now);

struct network {
    TAILQ_ENTRY(network) place; /* of all: the one that wanted something longest ago first */
    unsigned char address[ADDR_NETWORK_SIZE];
    int64_t seen;        /* when it wanted something last */
    int64_t since;       /* when it came, or counting began again */
    unsigned int wanted; /* how often it wanted something since, within five minutes */
    int credit;          /* how many keys were found for it since, less those that were not */
    int64_t served;      /* NETWORK_NEVER: it was not */
    size_t waiting;      /* how many look-ups know it; the caller counts */
    struct rate *rate;
};

struct networks {
    void *tree; /* by address */
    TAILQ_HEAD(network_list, network) all;
    size_t count;
    unsigned int rate; /* of each */
};

void networks_open(struct networks *networks, unsigned int rate);
void networks_close(struct networks *networks);

/*
 * The network of a peer, which is made if it is not known. At most so many are known; then the
 * one is forgotten that nothing waits for and that was seen longest ago. NULL: out of memory.
 */
struct network *networks_find(struct networks *networks, const struct sockaddr *peer);

/* It wants one thing more. */
void networks_want(struct networks *networks, struct network *network, int64_t now);

/* Count a start. */
void networks_serve(struct network *network, int64_t now);

/*
 * Is one network's turn before the other's? First come those for which more keys were found than
 * not, then those that have wanted little and found all of it, then the others. Among these the one
 * that was served longest ago or never, then the one that has just come: a client that floods, hard
 * from a few addresses or slowly from many, waits behind those that do not.
 */
bool networks_has_priority(const struct network *one, const struct network *other);

/* Forget those that nothing waits for and that were not seen for five minutes. */
void networks_sweep(struct networks *networks, int64_t now);

#endif
