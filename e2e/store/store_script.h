/*
 * What a Redis does for the store in one step: Lua, sent with EVAL
 *
 * A member of a sorted set is identity, device, ka-id and subject of a record, NUL between them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_SCRIPT_H
#define STORE_SCRIPT_H

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
 * lifetime in milliseconds, member, NAF, and how many a device and a NAF may have. 1: it is there;
 * 0: there is one of that identity.
 */
extern const char store_script_put[];

/*
 * KEYS: the set of NAFs, the number of revocations. ARGV: device, ka-id, subject, NAF, each "=" and
 * a text, or empty: any; the same sealed, for how many milliseconds and how many of them are kept.
 */
extern const char store_script_revoke[];

#endif
