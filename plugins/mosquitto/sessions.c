/*
 * Clients of the broker that were given a key, until they leave
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sessions.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

bool session_hash(unsigned char hash[SHA256_DIGEST_LENGTH], const struct device *row)
{
    return EVP_Digest(row->ka, row->ka_length, hash, NULL, EVP_sha256(), NULL) == 1;
}

/* The addresses of the broker's structures have the same low bits. */
static struct session **bucket_of(struct sessions *sessions, const struct mosquitto *client)
{
    const uint64_t address = (uint64_t)(uintptr_t)client;

    return &sessions->buckets[(address >> 4 ^ address >> 16) % SESSION_BUCKETS];
}

struct session *sessions_begin(struct sessions *sessions, const struct mosquitto *client,
                               const char *identity)
{
    struct session **bucket = bucket_of(sessions, client), *session;

    if (client == NULL || strlen(identity) > DEVICE_TEXT_MAX)
        return NULL;
    OPENSSL_free(sessions_take(sessions, client)); /* asked again, in one handshake */
    session = OPENSSL_zalloc(sizeof(*session));
    if (session == NULL)
        return NULL;
    session->client = client;
    memcpy(session->identity, identity, strlen(identity) + 1);
    session->next = *bucket;
    *bucket = session;
    return session;
}

struct session *sessions_take(struct sessions *sessions, const struct mosquitto *client)
{
    struct session **place = bucket_of(sessions, client), *session;

    while (*place != NULL && (*place)->client != client)
        place = &(*place)->next;
    session = *place;
    if (session != NULL)
        *place = session->next;
    return session;
}

struct session *sessions_take_over(struct sessions *sessions)
{
    for (size_t i = 0; i < SESSION_BUCKETS; i++)
        for (const struct session *session = sessions->buckets[i]; session != NULL;
             session = session->next)
            if (session->is_over)
                return sessions_take(sessions, session->client);
    return NULL;
}

void sessions_each(const struct sessions *sessions,
                   void (*call)(struct session *session, void *argument), void *argument)
{
    for (size_t i = 0; i < SESSION_BUCKETS; i++)
        for (struct session *session = sessions->buckets[i]; session != NULL;
             session = session->next)
            call(session, argument);
}

void sessions_close(struct sessions *sessions)
{
    for (size_t i = 0; i < SESSION_BUCKETS; i++)
        while (sessions->buckets[i] != NULL)
            OPENSSL_free(sessions_take(sessions, sessions->buckets[i]->client));
}
