/*
 * The current list of revoked Ka's, and what is new in the next one
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_REVOCATIONS_H
#define KA_REVOCATIONS_H

#include "ka/ka_revoked.h"
#include "ka/ka_source.h"

struct ka_revocations;

/* Read the list; place is copied, its texts are kept. NULL: fault. */
struct ka_revocations *ka_revocations_open(const struct ka_revoked_place *place,
                                           char fault[KA_REVOKED_FAULT_SIZE]);

/* From now on new rows are reported, and a database is watched. False: out of memory or threads. */
bool ka_revocations_start(struct ka_revocations *revocations, ka_changed *changed, void *argument);

/* On any thread. NULL: nothing is revoked. */
bool ka_revocations_have(struct ka_revocations *revocations, const char *device, const char *ka_id);

/* Put a list that was read again into use, and report what is new in it. It is taken over. A
 * database may have a newer one by now, and is asked again. */
void ka_revocations_use(struct ka_revocations *revocations, struct ka_revoked *list);

/* Nothing is reported any more. NULL is fine in both. */
void ka_revocations_stop(struct ka_revocations *revocations);
void ka_revocations_free(struct ka_revocations *revocations);

#endif
