/*
 * Clients of the broker that were given a key, from there until they leave
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SESSIONS_H
#define SESSIONS_H

#include "devices.h"

#include <mosquitto.h>
#include <openssl/sha.h>
#include <stdbool.h>

struct session {
    struct session *next;           /* of its bucket */
    const struct mosquitto *client; /* the broker's; valid until it says that the client leaves */
    char identity[DEVICE_TEXT_MAX + 1];
    unsigned char ka[SHA256_DIGEST_LENGTH]; /* a hash of the Ka whose key it was given */
    bool was_old;                           /* that was the Ka before */
    bool is_connected;                      /* it has proved to have the key */
    bool is_checked;                        /* the rows have its Ka, as they are now */
};

#define SESSION_BUCKETS 4096

struct sessions {
    struct session *buckets[SESSION_BUCKETS];
};

/* The hash of a Ka; false: it cannot be made. */
bool session_hash(unsigned char hash[SHA256_DIGEST_LENGTH], const struct device *row);

/* A client was given a key; NULL: out of memory, or no client is given. */
struct session *sessions_begin(struct sessions *sessions, const struct mosquitto *client,
                               const char *identity);

/* Take the session of a client out, to be freed by OPENSSL_free(); NULL: there is none. */
struct session *sessions_take(struct sessions *sessions, const struct mosquitto *client);

/* Call a function for each; it may not add or take any. */
void sessions_each(const struct sessions *sessions,
                   void (*call)(struct session *session, void *argument), void *argument);

/* Release all. */
void sessions_close(struct sessions *sessions);

#endif
