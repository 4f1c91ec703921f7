/*
 * A list of Ka's that are revoked, although they can be derived from a master secret
 *
 *     device,ka-id
 *     meter-1,          every Ka of this device
 *     meter-2,2026      this one
 *     ,2025             this one of every device
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_REVOKED_H
#define KA_REVOKED_H

#include <stdbool.h>
#include <stddef.h>

#define KA_REVOKED_FAULT_SIZE 500 /* of a sentence that names the file, filtered */

struct ka_revoked;

/* Where a list is. */
struct ka_revoked_place {
    const char *where;         /* a file, or postgresql:URI: the table akma_ka_revoked */
    const char *password_file; /* of the database; NULL: none */
};

/* Does it name a database? */
bool ka_revoked_is_in_database(const char *where);

/* Is it well formed? False: fault. */
bool ka_revoked_check(const char *where, char fault[KA_REVOKED_FAULT_SIZE]);

/*
 * Read a list, all of it or nothing: a truncated list would make revoked Ka's valid again. It holds
 * no secret, but nobody else may write the file. Waits some seconds at most for a database. NULL:
 * fault.
 */
struct ka_revoked *ka_revoked_read(const struct ka_revoked_place *place,
                                   char fault[KA_REVOKED_FAULT_SIZE]);

/* Parse a list's text in place; name: what fault calls it. NULL: fault. */
struct ka_revoked *ka_revoked_parse(const char *name, char *text, size_t length,
                                    char fault[KA_REVOKED_FAULT_SIZE]);

/* Does any row of the list match a device's Ka? */
bool ka_revoked_has(const struct ka_revoked *list, const char *device, const char *ka_id);

/* Call row() for each row that an older list did not have; a NULL text means every one. */
void ka_revoked_new_rows(const struct ka_revoked *list, const struct ka_revoked *older,
                         void (*row)(void *argument, const char *device, const char *ka_id),
                         void *argument);

/* NULL is fine. */
void ka_revoked_free(struct ka_revoked *list);

#endif
