/*
 * Rows that are gone from the devices file, until what they gave is void
 *
 * Their connections end at once, all of them. Then the store, or the third party of a NAF apart, is
 * asked to void their outstanding keys, row by row, on one loop. Where it cannot, it is asked again
 * after a pause, until it has done it or the keys are too old anyhow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef REMOVALS_H
#define REMOVALS_H

#include "devices_current.h"
#include "server/server.h"

struct removals;

/*
 * lifetime: the seconds that a key may wait at most. The server's loops do not run yet; flagger or
 * flags may still be missing. NULL: out of memory.
 */
struct removals *removals_new(struct server *server, unsigned int lifetime);

/* What a row gave is gone (devices_current.h says what). On any thread. */
void removals_add(struct removals *removals, const struct device *row, enum devices_loss loss);

/* Nothing is asked any more. The loops do not run; store and third party are there. NULL is fine.
 */
void removals_stop(struct removals *removals);

/* After a stop, when what was posted to the loops is done. NULL is fine. */
void removals_free(struct removals *removals);

#endif
