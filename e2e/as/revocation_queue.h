/*
 * Rows that are gone from the devices file, until what they gave is void
 *
 * Their connections end at once, all of them. Then the store, or the third party of a NAF apart, is
 * asked to void their outstanding keys, row by row, on one loop. Where it cannot, it is asked again
 * after a pause, until it has done it or the keys are too old anyhow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef REVOCATION_QUEUE_H
#define REVOCATION_QUEUE_H

#include "devices_current.h"
#include "server/server.h"

struct revocation_queue;

/*
 * lifetime: the seconds that a key may wait at most. The server's loops do not run yet; flagger or
 * flags may still be missing. NULL: out of memory.
 */
struct revocation_queue *revocation_queue_new(struct server *server, unsigned int lifetime);

/* What a row gave is gone (devices_current.h says what). On any thread. */
void revocation_queue_add(struct revocation_queue *queue, const struct device *row,
                          enum devices_loss loss);

/* Nothing is asked any more. The loops do not run; store and third party are there. NULL is fine.
 */
void revocation_queue_stop(struct revocation_queue *queue);

/* After a stop, when what was posted to the loops is done. NULL is fine. */
void revocation_queue_free(struct revocation_queue *queue);

#endif
