/*
 * Ka's that were found, until the requester has used them
 *
 * The source gives a lease with an answer, and marks it when its row goes meanwhile. All of it on
 * any thread.
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
 * A lease of length octets, which are to be written to *ka; the answer is KA_FOUND then, and
 * ka_length can be made smaller. False: out of memory.
 */
bool ka_leases_give(struct ka_leases *leases, const char *device, const char *ka_id, size_t length,
                    unsigned char **ka, struct ka_answer *answer);

/* Mark those of a change as gone. */
void ka_leases_end(struct ka_leases *leases, const struct ka_change *change);

/* Has none been marked? */
bool ka_leases_is_good(struct ka_leases *leases, const struct ka_answer *answer);

/* Cleanse and release an answer of whatever result. */
void ka_leases_release(struct ka_leases *leases, struct ka_answer *answer);

/* All have been released. */
void ka_leases_close(struct ka_leases *leases);

#endif
