/*
 * The store of outstanding e2e keys in a Redis that endpoints and third parties share
 *
 * Keys of Redis, with <naf>, NUL, <device> as they are in the record:
 *
 *     akma:key:<identity>          the sealed record (sealed_record.h), set with PX and NX, used by
 * GETDEL akma:naf:<naf>               sorted set of a NAF's outstanding records by their end
 *     akma:device:<naf>NUL<device> the same of one device
 *     akma:nafs                    set of the NAFs
 *
 * The sorted sets serve the bounds and revocations. Somebody who can write to them can delete
 * records, or hide them from bounds and revocations, but no more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_REDIS_H
#define STORE_REDIS_H

#include "current.h"
#include "net/loop.h"
#include "seal_keys.h"
#include "store/store.h"

#include <openssl/ssl.h>

/*
 * Is this redis://HOST:PORT or rediss://HOST:PORT and nothing more? User and password do not belong
 * here, because everybody can read a command line.
 */
bool store_redis_is_url(const char *url);

/* Is it rediss:, so TLS? */
bool store_redis_is_secure(const char *url);

/* The options, which are kept, not copied; NULL: not given. */
struct store_redis_options {
    const char *url;           /* --store: a URL as above */
    const char *key;           /* --store-key */
    const char *user;          /* --store-user */
    const char *password_file; /* --store-password-file */
    const char *ca;            /* --store-ca */
};

#define STORE_REDIS_FAULT_SIZE                                        \
    450 /* of a sentence that names the option and the file, filtered \
         */

/* What was read of the files, until it is put into use. */
struct store_redis_files {
    struct current_version *keys; /* struct seal_keys */
    struct current_version *tls;  /* SSL_CTX; NULL: plain */
};

/* Read the files, the password's as well, which is read again at each connection. False: fault. */
bool store_redis_read(const struct store_redis_options *options, struct store_redis_files *files,
                      char fault[STORE_REDIS_FAULT_SIZE]);

/* Release what is not put into use. */
void store_redis_drop(struct store_redis_files *files);

/* A connection for each of loops, which do not run yet. NULL: the reason went to standard error. */
struct store *store_redis_new(struct loops *loops, const struct store_redis_options *options);

/* From now on seal and open with these keys, connect with this CA; on any thread. */
void store_redis_use(struct store *base, struct store_redis_files *files);

#endif
