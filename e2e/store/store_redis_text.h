/*
 * The texts in the commands of the store in a Redis: names of keys, members, and what to revoke
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_REDIS_TEXT_H
#define STORE_REDIS_TEXT_H

#include "store/store.h"

#define STORE_MEMBER_SIZE (STORE_IDENTITY_SIZE + 3 * STORE_TEXT_SIZE)

/* A text that a command needs; its octets may hold NUL. */
struct store_text {
    char octets[STORE_MEMBER_SIZE];
    size_t length;
};

/* The key of a record, and the sorted sets of a NAF's records and of those of one device. */
struct store_text store_text_key(const char *identity);
struct store_text store_text_naf(const char *naf);
struct store_text store_text_device(const char *naf, const char *device);

/* What the sorted sets hold of a record: identity, device, ka-id, subject, NUL between them. */
struct store_text store_text_member(const struct store_record *record);

/* "=" and the text that has to agree, or nothing: any does. */
struct store_text store_text_wanted(const char *member);

#endif
