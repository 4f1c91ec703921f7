/*
 * An outstanding e2e_key as a shared store keeps it: sealed, and bound to what it was promised for
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sealed_record.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

#define VERSION       1
#define SALT_LENGTH   32
#define CIPHER_KEY    32 /* AES-256 */
#define CIPHER_NONCE  12 /* GCM */
#define TAG_LENGTH    16
#define SEALED_LENGTH (STORE_KEY_LENGTH + TAG_LENGTH)
#define INFO          "akma e2e store record"

/* What stands first in a record, before the texts. */
struct head {
    uint8_t version;
    uint32_t number;
    unsigned char salt[SALT_LENGTH];
    uint64_t until;
};

/* Writes numbers and texts, highest octet first. */
static unsigned char *put_number(unsigned char *place, uint64_t value, size_t octets)
{
    for (size_t i = 0; i < octets; i++)
        place[i] = (unsigned char)(value >> 8 * (octets - 1 - i));
    return place + octets;
}

static unsigned char *put_octets(unsigned char *place, const void *octets, size_t length)
{
    memcpy(place, octets, length);
    return place + length;
}

static unsigned char *put_text(unsigned char *place, const char *text)
{
    place = put_number(place, strlen(text), 1);
    return put_octets(place, text, strlen(text));
}

/* Reads them again; what is too short leaves nothing behind. */
struct reader {
    const unsigned char *rest;
    size_t left;
    bool cut;
};

static const unsigned char *get(struct reader *reader, size_t length)
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
    const unsigned char *octets = get(reader, length);
    uint64_t value = 0;

    for (size_t i = 0; octets != NULL && i < length; i++)
        value = value << 8 | octets[i];
    return value;
}

static void get_text(struct reader *reader, char text[STORE_TEXT_SIZE])
{
    const size_t length = (size_t)get_number(reader, 1);
    const unsigned char *octets = get(reader, length);

    if (octets != NULL)
        memcpy(text, octets, length);
}

/* HKDF(wrapping key, salt) = key of AES-256-GCM || nonce. */
static bool derive(const struct seal_key *key, const unsigned char salt[SALT_LENGTH],
                   unsigned char out[CIPHER_KEY + CIPHER_NONCE])
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    char digest[] = "SHA2-256", info[] = INFO;
    struct seal_key copy = *key;
    unsigned char salted[SALT_LENGTH];
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, copy.octets, sizeof(copy.octets)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salted, sizeof(salted)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof(info) - 1),
        OSSL_PARAM_construct_end(),
    };
    bool done;

    memcpy(salted, salt, sizeof(salted));
    done = ctx != NULL && EVP_KDF_derive(ctx, out, CIPHER_KEY + CIPHER_NONCE, params) > 0;
    OPENSSL_cleanse(&copy, sizeof(copy));
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return done;
}

/* AES-256-GCM, keyed, with head, identity and run_id taken in; NULL where that cannot be. */
static EVP_CIPHER_CTX *start(const struct seal_key *key, const unsigned char salt[SALT_LENGTH],
                             int sealing, const unsigned char *head, size_t head_length,
                             const char *identity, const char *run_id)
{
    unsigned char derived[CIPHER_KEY + CIPHER_NONCE], identity_length[2];
    const struct {
        const void *octets;
        size_t length;
    } parts[] = {{head, head_length},
                 {identity_length, sizeof(identity_length)},
                 {identity, strlen(identity)},
                 {run_id, strlen(run_id)}};
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool done =
        ctx != NULL && derive(key, salt, derived) &&
        EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, derived, derived + CIPHER_KEY, sealing) > 0;
    int taken;

    OPENSSL_cleanse(derived, sizeof(derived));
    (void)put_number(identity_length, strlen(identity), sizeof(identity_length));
    for (size_t i = 0; done && i < sizeof(parts) / sizeof(parts[0]); i++)
        done = EVP_CipherUpdate(ctx, NULL, &taken, parts[i].octets, (int)parts[i].length) > 0;
    if (done)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

bool sealed_record_make(const struct seal_keys *keys, const char *run_id, uint64_t until,
                        const struct store_record *record, unsigned char sealed[SEALED_RECORD_MAX],
                        size_t *length)
{
    const struct seal_key *key = &keys->keys[0];
    unsigned char salt[SALT_LENGTH], *place = sealed;
    EVP_CIPHER_CTX *ctx = NULL;
    bool done = RAND_bytes(salt, sizeof(salt)) > 0;
    int written = 0, last = 0;

    place = put_number(place, VERSION, 1);
    place = put_number(place, key->number, 4);
    place = put_octets(place, salt, sizeof(salt));
    place = put_number(place, until, 8);
    place = put_text(place, record->device);
    place = put_text(place, record->ka_id);
    place = put_text(place, record->subject);
    place = put_text(place, record->naf);
    *length = (size_t)(place - sealed) + SEALED_LENGTH;
    if (done)
        ctx = start(key, salt, 1, sealed, (size_t)(place - sealed), record->identity, run_id);
    done = ctx != NULL &&
           EVP_CipherUpdate(ctx, place, &written, record->key, STORE_KEY_LENGTH) > 0 &&
           EVP_CipherFinal_ex(ctx, place + written, &last) > 0 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LENGTH, place + STORE_KEY_LENGTH) > 0;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return done;
}

/* What stands before the sealed octets; false: the record is cut, or too long. */
static bool read_head(struct reader *reader, struct head *head, struct store_record *record)
{
    const unsigned char *salt;

    head->version = (uint8_t)get_number(reader, 1);
    head->number = (uint32_t)get_number(reader, 4);
    salt = get(reader, SALT_LENGTH);
    if (salt != NULL)
        memcpy(head->salt, salt, SALT_LENGTH);
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
    EVP_CIPHER_CTX *ctx = start(key, head->salt, 0, sealed, head_length, identity, run_id);
    unsigned char tag[TAG_LENGTH];
    int written = 0, last = 0;
    bool done;

    memcpy(tag, sealed + head_length + STORE_KEY_LENGTH, sizeof(tag));
    done = ctx != NULL &&
           EVP_CipherUpdate(ctx, out, &written, sealed + head_length, STORE_KEY_LENGTH) > 0 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LENGTH, tag) > 0 &&
           EVP_CipherFinal_ex(ctx, out + written, &last) > 0;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return done;
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
