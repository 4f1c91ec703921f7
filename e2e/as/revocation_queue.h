/*
 * Revokes the outstanding keys of rows removed by a reload, retrying until done
 *
 * Their connections end at once, all of them. Then the store, or the third party of a separate NAF,
 * is asked to revoke their outstanding keys, row by row, on one loop. If it cannot, it is asked
 * again after a pause, until it has done it or the keys are too old anyhow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef REVOCATION_QUEUE_H
#define REVOCATION_QUEUE_H

#include "devices_current.h"

struct key_issuer;
struct revocation_queue;
struct server;
struct third_party;

/* What revokes: the issuer in this process, or (issuer NULL) the third party of a NAF. */
struct revocation_setup {
    struct server *server; /* its loops do not run yet */
    struct key_issuer *issuer;
    struct third_party *third_party;
    unsigned int lifetime; /* the seconds that a key may wait at most */
};

/* setup is copied. NULL: out of memory. */
struct revocation_queue *revocation_queue_new(const struct revocation_setup *setup);

/*
 * What a row gave is gone (devices_current.h says what); with DEVICES_LOST_DEVICE, device NULL is
 * every device. On one thread at a time, which flushes behind the last one: what was added is begun
 * then, in the order of adding. False: out of memory, as the log says.
 */
bool revocation_queue_add(struct revocation_queue *queue, const struct device *row,
                          enum devices_loss loss);
void revocation_queue_flush(struct revocation_queue *queue);

/* What could not be added is nobody's to add again: every key is revoked, and connections end. */
void revocation_queue_miss(struct revocation_queue *queue);

/* Nothing is asked any more. The loops do not run; store and third party are there. NULL is fine.
 */
void revocation_queue_stop(struct revocation_queue *queue);

/* After a stop, when what was posted to the loops is done. NULL is fine. */
void revocation_queue_free(struct revocation_queue *queue);

#endif
