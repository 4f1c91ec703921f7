/*
 * Ka's that were found, until the requester has used them
 *
 * Each answer has a lease. If its row is removed meanwhile, the source marks the lease. All
 * functions may be called on any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_LEASES_H
#define KA_LEASES_H

#include "ka/ka_source.h"

#include <pthread.h>

struct ka_leases {
    pthread_mutex_t lock;
    struct ka_lease *first;
};

void ka_leases_open(struct ka_leases *leases);

/*
 * Make a lease of length octets, and set answer to KA_FOUND. The caller writes the octets to *ka,
 * and may reduce ka_length. False: out of memory.
 */
bool ka_leases_give(struct ka_leases *leases, const char *device, const char *ka_id, size_t length,
                    unsigned char **ka, struct ka_answer *answer);

/* Mark the leases that a change concerns. */
void ka_leases_end(struct ka_leases *leases, const struct ka_change *change);

/* Is the answer's lease unmarked? */
bool ka_leases_is_good(struct ka_leases *leases, const struct ka_answer *answer);

/* Cleanse and release an answer with any result. */
void ka_leases_release(struct ka_leases *leases, struct ka_answer *answer);

/* All leases must have been released. */
void ka_leases_close(struct ka_leases *leases);

#endif
