/*
 * Clients of the broker that were given a key, until they leave
 *
 * If a client's handshake fails while it is being accepted, the broker (2.0.11) releases it without
 * telling the plugin, and its session stays until another client has its address. So a client's
 * pointer is used only within the broker's calls about it.
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

/* Remove the session of a client; free it with OPENSSL_free(). NULL: there is none. */
struct session *sessions_take(struct sessions *sessions, const struct mosquitto *client);

/* Remove a session that is over; free it with OPENSSL_free(). NULL: there is none. */
struct session *sessions_take_over(struct sessions *sessions);

/* Call a function for each session; it must not add or remove any. */
void sessions_each(const struct sessions *sessions,
                   void (*call)(struct session *session, void *argument), void *argument);

/* Release all. */
void sessions_close(struct sessions *sessions);

#endif
