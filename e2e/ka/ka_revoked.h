/*
 * A list of Ka's that are revoked although a master secret would give them
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

/* Is it in a database, and that an address? False: fault. */
bool ka_revoked_is_in_database(const char *where);
bool ka_revoked_check(const char *where, char fault[KA_REVOKED_FAULT_SIZE]);

/*
 * Read a list, all of it or none: a list that was cut would let Ka's be good again. It holds no
 * secret, but nobody else may write the file. A database is waited for, some seconds at most. NULL:
 * fault.
 */
struct ka_revoked *ka_revoked_read(const struct ka_revoked_place *place,
                                   char fault[KA_REVOKED_FAULT_SIZE]);

/* A list's text, which is decoded in place; name: whose it is, for fault. NULL: fault. */
struct ka_revoked *ka_revoked_parse(const char *name, char *text, size_t length,
                                    char fault[KA_REVOKED_FAULT_SIZE]);

/* The list in a database. NULL: fault. */
struct ka_revoked *ka_revoked_query(const struct ka_revoked_place *place,
                                    char fault[KA_REVOKED_FAULT_SIZE]);

/* Is a device's Ka in the list, by whichever of its rows? */
bool ka_revoked_has(const struct ka_revoked *list, const char *device, const char *ka_id);

/* Call for each row that an older list did not have; NULL: of every device, every ka-id. */
void ka_revoked_new_rows(const struct ka_revoked *list, const struct ka_revoked *older,
                         void (*row)(void *argument, const char *device, const char *ka_id),
                         void *argument);

/* NULL is fine. */
void ka_revoked_free(struct ka_revoked *list);

#endif
