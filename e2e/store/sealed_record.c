/*
 * An outstanding e2e_key as a shared store keeps it: sealed, and bound to its purpose
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sealed_record.h"

#include "seal.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#define VERSION       1
#define SEALED_LENGTH (STORE_KEY_LENGTH + SEAL_TAG_LENGTH)
#define INFO          "akma e2e store record"

/* What comes first in a record, before the texts. */
struct head {
    uint8_t version;
    uint32_t number;
    unsigned char salt[SEAL_SALT_LENGTH];
    uint64_t until;
};

/* Writes texts. */
static unsigned char *put_octets(unsigned char *place, const void *octets, size_t length)
{
    memcpy(place, octets, length);
    return place + length;
}

static unsigned char *put_text(unsigned char *place, const char *text)
{
    place = seal_put_number(place, strlen(text), 1);
    return put_octets(place, text, strlen(text));
}

/* Reads them again; what is too short leaves nothing behind. */
struct reader {
    const unsigned char *rest;
    size_t left;
    bool cut;
};

static const unsigned char *next_octets(struct reader *reader, size_t length)
{
    const unsigned char *octets = reader->rest;

    if (length > reader->left)
        reader->cut = true;
    if (reader->cut)
        return NULL;
    reader->rest += length;
    reader->left -= length;
    return octets;
}

static uint64_t get_number(struct reader *reader, size_t length)
{
    const unsigned char *octets = next_octets(reader, length);
    uint64_t value = 0;

    for (size_t i = 0; octets != NULL && i < length; i++)
        value = value << 8 | octets[i];
    return value;
}

static void get_text(struct reader *reader, char text[STORE_TEXT_SIZE])
{
    const size_t length = (size_t)get_number(reader, 1);
    const unsigned char *octets = next_octets(reader, length);

    if (octets != NULL)
        memcpy(text, octets, length);
}

/* The associated data: what comes first, the identity with its length, the run. */
struct bound {
    unsigned char identity_length[2];
    struct seal_part parts[4];
};

static struct seal bind_to(struct bound *bound, const struct seal_key *key,
                           const unsigned char *salt, struct seal_part head, const char *identity,
                           const char *run_id)
{
    (void)seal_put_number(bound->identity_length, strlen(identity), 2);
    bound->parts[0] = head;
    bound->parts[1] = (struct seal_part){bound->identity_length, 2};
    bound->parts[2] = (struct seal_part){identity, strlen(identity)};
    bound->parts[3] = (struct seal_part){run_id, strlen(run_id)};
    return (struct seal){.key = key, .salt = salt, .info = INFO, .parts = bound->parts, .count = 4};
}

bool sealed_record_make(const struct seal_keys *keys, const char *run_id, uint64_t until,
                        const struct store_record *record, unsigned char sealed[SEALED_RECORD_MAX],
                        size_t *length)
{
    const struct seal_key *key = &keys->keys[0];
    unsigned char salt[SEAL_SALT_LENGTH], *place = sealed;
    struct bound bound;
    struct seal seal;

    if (RAND_bytes(salt, sizeof(salt)) <= 0)
        return false;
    place = seal_put_number(place, VERSION, 1);
    place = seal_put_number(place, key->number, 4);
    place = put_octets(place, salt, sizeof(salt));
    place = seal_put_number(place, until, 8);
    place = put_text(place, record->device);
    place = put_text(place, record->ka_id);
    place = put_text(place, record->subject);
    place = put_text(place, record->naf);
    *length = (size_t)(place - sealed) + SEALED_LENGTH;
    seal = bind_to(&bound, key, salt, (struct seal_part){sealed, (size_t)(place - sealed)},
                   record->identity, run_id);
    return seal_octets(&seal, record->key, STORE_KEY_LENGTH, place);
}

/* Read what comes before the sealed octets; false: the record is truncated, or too long. */
static bool read_head(struct reader *reader, struct head *head, struct store_record *record)
{
    const unsigned char *salt;

    head->version = (uint8_t)get_number(reader, 1);
    head->number = (uint32_t)get_number(reader, 4);
    salt = next_octets(reader, SEAL_SALT_LENGTH);
    if (salt != NULL)
        memcpy(head->salt, salt, SEAL_SALT_LENGTH);
    head->until = get_number(reader, 8);
    get_text(reader, record->device);
    get_text(reader, record->ka_id);
    get_text(reader, record->subject);
    get_text(reader, record->naf);
    return !reader->cut && reader->left == SEALED_LENGTH;
}

static bool unseal(const struct seal_key *key, const struct head *head, const char *identity,
                   const char *run_id, const unsigned char *sealed, size_t head_length,
                   unsigned char out[STORE_KEY_LENGTH])
{
    struct bound bound;
    const struct seal seal =
        bind_to(&bound, key, head->salt, (struct seal_part){sealed, head_length}, identity, run_id);

    return seal_open(&seal, sealed + head_length, STORE_KEY_LENGTH, out);
}

const char *sealed_record_open(const struct seal_keys *keys, const char *run_id, uint64_t now,
                               const unsigned char *sealed, size_t length,
                               struct store_record *record)
{
    struct reader reader = {sealed, length, false};
    struct head head = {.version = 0};
    const struct seal_key *key = NULL;
    const char *wrong = NULL;

    if (!read_head(&reader, &head, record))
        wrong = "the store's record is cut or altered";
    else if (head.version != VERSION)
        wrong = "the store's record has another version";
    else if ((key = seal_keys_find(keys, head.number)) == NULL)
        wrong = "the store's record is sealed with a key that --store-key does not have";
    else if (!unseal(key, &head, record->identity, run_id, sealed, (size_t)(reader.rest - sealed),
                     record->key))
        wrong = "the store's record is altered, another identity's, or of another run of Redis";
    else if (now > head.until)
        wrong = "the store's record is too old";
    if (wrong != NULL) {
        OPENSSL_cleanse(record, sizeof(*record));
        record->not_after = key != NULL && now > head.until ? (int64_t)head.until : 0;
        return wrong;
    }
    record->not_after = (int64_t)head.until;
    record->lifetime = (int64_t)(head.until - now + 1) * 1000;
    return NULL;
}
