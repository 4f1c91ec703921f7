/*
 * Fuzz target: what comes from a store that somebody else can write to
 *
 * The first octet chooses: replies of Redis, in one piece and octet by octet, which have to read
 * alike; a record to be opened, which never is unless it was sealed here; the keys' file; the
 * PROXY header of a device's name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "messages/proxy_header.h"
#include "store/redis_reply.h"
#include "store/sealed_record.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void want(int condition)
{
    if (!condition)
        abort();
}

/* A sum over replies: the same replies in the same order have the same. */
static bool add_reply(void *argument, const struct redis_reply *reply)
{
    uint64_t *sum = argument;
    char run_id[REDIS_RUN_ID_SIZE];

    want(reply->length <= REDIS_TEXT_MAX && reply->text[reply->length] == '\0');
    *sum = *sum * 31 + (uint64_t)reply->kind + 1;
    *sum = *sum * 31 + (uint64_t)reply->integer;
    for (size_t i = 0; i < reply->length; i++)
        *sum = *sum * 31 + (unsigned char)reply->text[i];
    if (redis_reply_run_id(reply, run_id))
        want(strlen(run_id) == REDIS_RUN_ID_SIZE - 1);
    return true;
}

static void try_replies(const char *octets, size_t length)
{
    struct redis_replies *whole = redis_replies_new(true), *single = redis_replies_new(true);
    uint64_t sums[2] = {0, 0};
    bool fine = redis_replies_feed(whole, octets, length, add_reply, &sums[0]), same = true;

    for (size_t i = 0; i < length && same; i++)
        same = redis_replies_feed(single, octets + i, 1, add_reply, &sums[1]);
    want(fine == same && sums[0] == sums[1]);
    redis_replies_free(whole);
    redis_replies_free(single);
}

static struct seal_keys *some_keys(void)
{
    static const char text[] =
        "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
    char fault[SEAL_KEYS_FAULT_SIZE];

    return seal_keys_parse(text, sizeof(text) - 1, fault);
}

static void try_record(const unsigned char *octets, size_t length)
{
    struct seal_keys *keys = some_keys();
    struct store_record record = {.identity = "e2e-0"};

    want(sealed_record_open(keys, "run", 0, octets, length, &record) != NULL);
    want(record.key[0] == 0 && record.device[0] == '\0');
    seal_keys_free(keys);
}

/* What is sealed with any texts is opened again, and not once an octet is another. */
static void try_sealing(const unsigned char *octets, size_t length)
{
    struct seal_keys *keys = some_keys();
    struct store_record record = {.identity = "e2e-0", .lifetime = 1}, opened = record;
    unsigned char sealed[SEALED_RECORD_MAX];
    size_t sealed_length, taken = length < STORE_TEXT_SIZE ? length : STORE_TEXT_SIZE - 1;

    memcpy(record.device, octets, taken);
    record.device[strlen(record.device)] = '\0';
    want(sealed_record_make(keys, "run", 10, &record, sealed, &sealed_length));
    want(sealed_record_open(keys, "run", 10, sealed, sealed_length, &opened) == NULL);
    want(strcmp(opened.device, record.device) == 0);
    sealed[length % sealed_length] ^= 1;
    memcpy(opened.identity, record.identity, sizeof(opened.identity));
    want(sealed_record_open(keys, "run", 10, sealed, sealed_length, &opened) != NULL);
    seal_keys_free(keys);
}

static void try_keys(const char *text, size_t length)
{
    char fault[SEAL_KEYS_FAULT_SIZE] = "";
    struct seal_keys *keys = seal_keys_parse(text, length, fault);

    want((keys == NULL) == (fault[0] != '\0'));
    for (size_t i = 0; keys != NULL && i < keys->count; i++)
        want(seal_keys_find(keys, keys->keys[i].number) == &keys->keys[i]);
    seal_keys_free(keys);
}

static void try_header(const char *octets, size_t length)
{
    const struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    unsigned char header[PROXY_HEADER_MAX];
    char device[PROXY_DEVICE_MAX + 1] = "";

    memcpy(device, octets, length < PROXY_DEVICE_MAX ? length : PROXY_DEVICE_MAX);
    want(proxy_header(header, (const struct sockaddr *)&address, (const struct sockaddr *)&address,
                      device, true) == PROXY_HEADER_MAX - PROXY_DEVICE_MAX + strlen(device));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    switch (data[0] % 5) {
    case 0:
        try_replies((const char *)data + 1, size - 1);
        break;
    case 1:
        try_record(data + 1, size - 1);
        break;
    case 2:
        try_sealing(data + 1, size - 1);
        break;
    case 3:
        try_keys((const char *)data + 1, size - 1);
        break;
    default:
        try_header((const char *)data + 1, size - 1);
    }
    return 0;
}
