/*
 * The list of revoked Ka's in a PostgreSQL: read once, or again as soon as the table changes
 *
 * The table is akma_ka_revoked. A separate connection listens for the table's trigger; each new
 * connection also reads the table, so that nothing is missed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_REVOKED_TABLE_H
#define KA_REVOKED_TABLE_H

#include "ka/ka_revoked.h"

/* The list in the table, for which it waits some seconds at most. NULL: fault. */
struct ka_revoked *ka_revoked_query(const struct ka_revoked_place *place,
                                    char fault[KA_REVOKED_FAULT_SIZE]);

struct ka_revoked_watch;

/* Gets the new list, and owns it. Called on the watch's thread. */
typedef void ka_revoked_fresh(void *argument, struct ka_revoked *list);

/* Start a thread. place is kept, not copied. NULL: out of memory or threads, or built without
 * libpq. */
struct ka_revoked_watch *ka_revoked_watch_new(const struct ka_revoked_place *place,
                                              ka_revoked_fresh *fresh, void *argument);

/* Read the table once more, soon. On any thread. */
void ka_revoked_watch_again(struct ka_revoked_watch *watch);

/* Nothing is called any more. NULL is fine. */
void ka_revoked_watch_free(struct ka_revoked_watch *watch);

#endif
