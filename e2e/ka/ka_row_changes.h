/*
 * The rows of a database that keys depend on: which of them have changed or are gone
 *
 * A change is noticed by the table's notification, by a look-up that finds another version, or by
 * asking again after a new connection. It is reported, and ends the leases of the row. What cannot
 * be known is reported as a change of every row. All functions are for the database's loop, and
 * before it runs or after it has ended for any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_ROW_CHANGES_H
#define KA_ROW_CHANGES_H

#include "ka/ka_leases.h"
#include "ka/ka_used_rows.h"
#include "ka/pg_client.h"

struct ka_row_changes;

/* Which of some rows differ now from their versions: a client used here has to have it. */
extern const struct pg_statement ka_row_changes_statement;

/* leases: kept; rows_max and life: of ka_used_rows_new(). NULL: out of memory. */
struct ka_row_changes *ka_row_changes_new(struct ka_leases *leases, size_t rows_max, int64_t life);

/* Whom changes are reported to. */
void ka_row_changes_report_to(struct ka_row_changes *changes, ka_changed *changed, void *argument);

/* A key is about to depend on a row. NULL, or a sentence that says why it may not. */
const char *ka_row_changes_depend(struct ka_row_changes *changes, const struct ka_used_row *row);

/* A notification came: "<device>\n<ka-id>", collected until settle; anything else means every row,
 * because the table was emptied. */
void ka_row_changes_notified(struct ka_row_changes *changes, const char *payload);

/* Report all that was collected together, because each report takes memory. */
void ka_row_changes_settle(struct ka_row_changes *changes);

/* Some ten times a second: too many notifications at once are reported as a change of every row. */
void ka_row_changes_tick(struct ka_row_changes *changes);

/* The client has a new connection: ask about all rows, some at a time. */
void ka_row_changes_check(struct ka_row_changes *changes, struct pg_client *client);

/* NULL is fine. */
void ka_row_changes_free(struct ka_row_changes *changes);

#endif
