/*
 * Clients of the broker that were given a key, from there until they leave
 *
 * A client whose handshake fails while it is accepted is released by the broker (2.0.11) without a
 * word: its session is left over until another client has its address. So nothing is asked of a
 * client but in the broker's own calls about it.
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
    const struct mosquitto *client; /* an address to compare, no more */
    char identity[DEVICE_TEXT_MAX + 1];
    unsigned char ka[SHA256_DIGEST_LENGTH]; /* a hash of the Ka whose key it was given */
    bool was_old;                           /* that was the Ka before */
    bool is_over;                           /* its row or its Ka is gone */
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

/* Take out one that is over, to be freed by OPENSSL_free(); NULL: there is none. */
struct session *sessions_take_over(struct sessions *sessions);

/* Call a function for each; it may not add or take any. */
void sessions_each(const struct sessions *sessions,
                   void (*call)(struct session *session, void *argument), void *argument);

/* Release all. */
void sessions_close(struct sessions *sessions);

#endif
