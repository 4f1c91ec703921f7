/*
 * The refresh values a server has given out: each good for one e2e connection, for a while
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef REFRESH_H
#define REFRESH_H

#include "e2e_key.h"

#define REFRESH_MAX           4096 /* outstanding at a time; then the oldest is gone */
#define REFRESH_MAX_OF_ONE    256  /* of one owner, so that it cannot crowd out the others */
#define REFRESH_IDENTITY_SIZE 37   /* "e2e-", 32 hex digits, NUL */

struct refresh_store;

/* lifetime: seconds. NULL when out of memory. */
struct refresh_store *refresh_store_new(unsigned int lifetime);
void refresh_store_free(struct refresh_store *store);

/*
 * Remember a key for who presents the identity, which is made up here and random. owner: the
 * device, as a number. False where there is no randomness.
 */
bool refresh_store_add(struct refresh_store *store, size_t owner,
                       const unsigned char key[E2E_KEY_LENGTH],
                       char identity[REFRESH_IDENTITY_SIZE]);

/* The key of an identity that is outstanding; it stays so. */
bool refresh_store_find(struct refresh_store *store, const char *identity,
                        unsigned char key[E2E_KEY_LENGTH]);

/* Use it up: true for one caller only, and only in time. */
bool refresh_store_take(struct refresh_store *store, const char *identity);

#endif
