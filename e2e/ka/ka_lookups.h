/*
 * Look-ups of Ka's in a database: from the loop that asks to the database's loop, and back
 *
 * A bounded number of them is sent to the database. Others wait for their turn, or for a
 * connection, until their time is over; those that were sent on a connection that is lost wait
 * again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_LOOKUPS_H
#define KA_LOOKUPS_H

#include "ka/ka_source.h"
#include "ka/pg_client.h"

struct ka_lookups_setup {
    struct ka_source *source; /* releases answers that nobody waits for any more */
    struct loop *loop;        /* the database's */
    int64_t timeout_ms;
    const struct pg_statement *newest; /* of a device */
    const struct pg_statement *named;  /* of a device and a ka-id */
    /* Make the answer from the one row that was found; on the database's loop. NULL, or a sentence
     * that says why there is none. */
    const char *(*read)(struct ka_source *source, const char *device, const PGresult *row,
                        struct ka_answer *answer);
};

struct ka_lookups;

/* setup is copied. NULL: out of memory. */
struct ka_lookups *ka_lookups_new(const struct ka_lookups_setup *setup);

/* As lookup and cancel of a source: on the loop that asks. */
struct ka_request *ka_lookups_ask(struct ka_lookups *lookups, struct loop *loop,
                                  const struct ka_query *query, ka_done *done, void *argument,
                                  struct ka_answer *now);
void ka_lookups_cancel(struct ka_request *request);

/* The client of the database, before its loop runs; it has both statements. */
void ka_lookups_use(struct ka_lookups *lookups, struct pg_client *client);

/* Send what waits, as far as it can be sent now; on the database's loop, as ka_lookups_tick(). */
void ka_lookups_send(struct ka_lookups *lookups);

/* End those whose time is over, and send others: some ten times a second. */
void ka_lookups_tick(struct ka_lookups *lookups);

/* Drop those that have no answer, when the database's loop and its client are gone. */
void ka_lookups_drop(struct ka_lookups *lookups);

/* When the loops that ask are gone as well. NULL is fine. */
void ka_lookups_free(struct ka_lookups *lookups);

#endif
