/*
 * What a Redis does for the store in one step: Lua, sent with EVAL
 *
 * A member of a sorted set is a record's identity, device, ka-id and subject, separated by NUL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_SCRIPT_H
#define STORE_SCRIPT_H

#include "store/store.h"

/* Names of Redis's keys begin so. */
#define STORE_SCRIPT_KEY    "akma:key:"
#define STORE_SCRIPT_NAF    "akma:naf:"
#define STORE_SCRIPT_DEVICE "akma:device:"
#define STORE_SCRIPT_NAFS   "akma:nafs"

/* Of revocations (revoked.h): how many, and each of them, which is the channel's name as well. */
#define STORE_SCRIPT_REVOCATIONS "akma:revocations"
#define STORE_SCRIPT_REVOKED     "akma:revoked"

/*
 * KEYS: the record's, the set of NAFs, the device's sorted set, the NAF's. ARGV: sealed record,
 * lifetime in milliseconds, member, NAF, and how many records a device and a NAF may have. 1:
 * stored; 0: the identity exists.
 */
extern const char store_script_put[];

/*
 * KEYS: the set of NAFs, the number of revocations. ARGV: device, ka-id, subject and NAF, each "="
 * and a text, or empty for any; the same sealed; how many milliseconds a revocation is kept, and
 * how many are.
 */
extern const char store_script_revoke[];

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

/* A record's member in the sorted sets: identity, device, ka-id, subject, separated by NUL. */
struct store_text store_text_member(const struct store_record *record);

/* "=" and the text that has to agree, or nothing: any does. */
struct store_text store_text_wanted(const char *member);

#endif
