/*
 * A test subscriber in a file, for laboratories: milenage:FILE
 *
 *     imsi 001010000000001
 *     k 465b5ce8b199b49faa5f0a2ee238a6bc
 *     opc cdc202d5123e20f62b6d676ac72cb318
 *     sqn ff9bb4d0b607
 *     mnc-length 2
 *
 * mnc-length may be left out; the default is 2. sqn is the highest SQN that was accepted: each
 * AUTHENTICATE that advances it rewrites the file before it returns.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hex.h"
#include "milenage.h"
#include "secret_file.h"
#include "usim_kind.h"

#include <openssl/crypto.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX     4096
#define LINE_SIZE    128
#define SQN_DISTANCE ((uint64_t)1 << 28) /* how far SQN may jump (TS 33.102 C.2.1) */

struct subscriber {
    char *path;
    struct milenage_keys keys;
    uint64_t sqn;
    struct usim_identity identity;
};

static void subscriber_free(struct subscriber *subscriber)
{
    OPENSSL_free(subscriber->path);
    OPENSSL_clear_free(subscriber, sizeof(*subscriber));
}

static bool read_hex(unsigned char *octets, size_t length, const char *value)
{
    return strlen(value) == 2 * length && hex_decode(octets, value, 2 * length);
}

static bool read_k(struct subscriber *subscriber, const char *value)
{
    return read_hex(subscriber->keys.k, MILENAGE_BLOCK, value);
}

static bool read_opc(struct subscriber *subscriber, const char *value)
{
    return read_hex(subscriber->keys.opc, MILENAGE_BLOCK, value);
}

static uint64_t sqn_number(const unsigned char sqn[MILENAGE_SQN])
{
    uint64_t number = 0;

    for (size_t i = 0; i < MILENAGE_SQN; i++)
        number = number << 8 | sqn[i];
    return number;
}

static bool read_sqn(struct subscriber *subscriber, const char *value)
{
    unsigned char sqn[MILENAGE_SQN];

    if (!read_hex(sqn, sizeof(sqn), value))
        return false;
    subscriber->sqn = sqn_number(sqn);
    return true;
}

static bool read_imsi(struct subscriber *subscriber, const char *value)
{
    const size_t length = strlen(value);

    if (length < 6 || length >= USIM_IMSI_SIZE || strspn(value, "0123456789") != length)
        return false;
    memcpy(subscriber->identity.imsi, value, length + 1);
    return true;
}

static bool read_mnc_length(struct subscriber *subscriber, const char *value)
{
    subscriber->identity.mnc_length = strcmp(value, "3") == 0 ? 3 : 2;
    return strcmp(value, "2") == 0 || strcmp(value, "3") == 0;
}

static const struct line {
    const char *name;
    bool (*read)(struct subscriber *subscriber, const char *value);
    bool is_required;
    const char *wanted;
} lines[] = {
    {"imsi", read_imsi, true, "6 to 15 digits"},      {"k", read_k, true, "32 hex digits"},
    {"opc", read_opc, true, "32 hex digits"},         {"sqn", read_sqn, true, "12 hex digits"},
    {"mnc-length", read_mnc_length, false, "2 or 3"},
};
#define LINES (sizeof(lines) / sizeof(lines[0]))

/* One line; seen has a bit for each row that was there. */
static bool read_line(struct subscriber *subscriber, char *text, unsigned int *seen,
                      char fault[GBA_FAULT_SIZE])
{
    char *value = strchr(text, ' ');
    size_t i = 0;

    if (value != NULL)
        *value++ = '\0';
    while (i < LINES && strcmp(text, lines[i].name) != 0)
        i++;
    if (i == LINES || value == NULL)
        return gba_fail(fault, "a line is no NAME VALUE; names are imsi, k, opc, sqn, mnc-length");
    if ((*seen & 1U << i) != 0)
        return gba_fail(fault, "%s: given twice", lines[i].name);
    *seen |= 1U << i;
    return lines[i].read(subscriber, value) ||
           gba_fail(fault, "%s: must be %s", lines[i].name, lines[i].wanted);
}

static bool read_lines(struct subscriber *subscriber, char *text, char fault[GBA_FAULT_SIZE])
{
    unsigned int seen = 0;

    subscriber->identity.mnc_length = 2;
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;)
        if (*line != '\0' && *line != '#' && !read_line(subscriber, line, &seen, fault))
            return false;
    for (size_t i = 0; i < LINES; i++)
        if (lines[i].is_required && (seen & 1U << i) == 0)
            return gba_fail(fault, "%s: missing; must be %s", lines[i].name, lines[i].wanted);
    return true;
}

static void *open_file(const char *place, const struct usim_settings *settings,
                       struct usim_identity *identity, char fault[GBA_FAULT_SIZE])
{
    struct subscriber *subscriber = OPENSSL_zalloc(sizeof(*subscriber));
    char why[SECRET_FILE_FAULT_SIZE];
    size_t length = 0;
    char *text = secret_file_read(place, FILE_MAX, false, &length, why);

    (void)settings;
    if (text == NULL)
        (void)gba_fail(fault, "%s", why);
    if (subscriber != NULL)
        subscriber->path = OPENSSL_strdup(place);
    if (text == NULL || subscriber == NULL || subscriber->path == NULL ||
        !read_lines(subscriber, text, fault)) {
        if (subscriber != NULL)
            subscriber_free(subscriber);
        subscriber = NULL;
    } else {
        *identity = subscriber->identity;
    }
    secret_file_free(text, length);
    return subscriber;
}

static void close_file(void *state)
{
    subscriber_free(state);
}

/* The file with its new SQN, all or nothing. */
static bool write_file(const struct subscriber *subscriber, char fault[GBA_FAULT_SIZE])
{
    char k[2 * MILENAGE_BLOCK + 1] = "", opc[sizeof(k)] = "", text[5 * LINE_SIZE],
                                why[SECRET_FILE_FAULT_SIZE];
    int length;
    bool done;

    (void)hex_encode(k, subscriber->keys.k, MILENAGE_BLOCK);
    (void)hex_encode(opc, subscriber->keys.opc, MILENAGE_BLOCK);
    length = snprintf(text, sizeof(text), "imsi %s\nk %s\nopc %s\nsqn %012llx\nmnc-length %u\n",
                      subscriber->identity.imsi, k, opc, (unsigned long long)subscriber->sqn,
                      subscriber->identity.mnc_length);
    done = secret_file_put(subscriber->path, NULL, false, text, (size_t)length, why);
    if (!done)
        (void)gba_fail(fault, "SQN is not kept: %s", why);
    OPENSSL_cleanse(k, sizeof(k));
    OPENSSL_cleanse(opc, sizeof(opc));
    OPENSSL_cleanse(text, sizeof(text));
    return done;
}

/* AUTS = (SQN_MS ^ AK*) || MAC-S, with AMF 0000 (TS 33.102 6.3.3) */
static bool make_auts(const struct subscriber *subscriber, const unsigned char rand[USIM_RAND],
                      const struct milenage_answer *milenage, unsigned char auts[USIM_AUTS])
{
    static const unsigned char amf[MILENAGE_AMF];
    unsigned char sqn[MILENAGE_SQN], mac_a[MILENAGE_MAC];

    for (size_t i = 0; i < MILENAGE_SQN; i++)
        sqn[i] = (unsigned char)(subscriber->sqn >> 8 * (MILENAGE_SQN - 1 - i));
    if (!milenage_mac(&subscriber->keys, rand, sqn, amf, mac_a, auts + MILENAGE_SQN))
        return false;
    for (size_t i = 0; i < MILENAGE_SQN; i++)
        auts[i] = sqn[i] ^ milenage->ak_star[i];
    return true;
}

/* Does AUTN prove knowledge of K (MAC), and is it newer than those before (SQN)? */
static enum usim_result check_autn(struct subscriber *subscriber,
                                   const unsigned char rand[USIM_RAND],
                                   const unsigned char autn[USIM_AUTN],
                                   const struct milenage_answer *milenage,
                                   struct usim_answer *answer, char fault[GBA_FAULT_SIZE])
{
    unsigned char sqn[MILENAGE_SQN], mac_a[MILENAGE_MAC], mac_s[MILENAGE_MAC];
    uint64_t given;

    for (size_t i = 0; i < MILENAGE_SQN; i++)
        sqn[i] = autn[i] ^ milenage->ak[i];
    if (!milenage_mac(&subscriber->keys, rand, sqn, autn + MILENAGE_SQN, mac_a, mac_s)) {
        (void)gba_fail(fault, "libcrypto gives no AES-128-ECB");
        return USIM_FAILED;
    }
    if (CRYPTO_memcmp(mac_a, autn + MILENAGE_SQN + MILENAGE_AMF, MILENAGE_MAC) != 0) {
        (void)gba_fail(fault, "the network is not genuine: MAC in AUTN is wrong");
        return USIM_FAILED;
    }
    given = sqn_number(sqn);
    if (given <= subscriber->sqn || given - subscriber->sqn > SQN_DISTANCE)
        return make_auts(subscriber, rand, milenage, answer->auts) ? USIM_AUTS_WANTED : USIM_FAILED;
    subscriber->sqn = given;
    return write_file(subscriber, fault) ? USIM_DONE : USIM_FAILED;
}

static enum usim_result authenticate(void *state, bool in_gba_context,
                                     const unsigned char rand[USIM_RAND],
                                     const unsigned char autn[USIM_AUTN],
                                     struct usim_answer *answer, char fault[GBA_FAULT_SIZE])
{
    struct subscriber *subscriber = state;
    struct milenage_answer milenage;
    enum usim_result result = USIM_FAILED;

    (void)in_gba_context;
    if (milenage_answer(&subscriber->keys, rand, &milenage))
        result = check_autn(subscriber, rand, autn, &milenage, answer, fault);
    else
        (void)gba_fail(fault, "libcrypto gives no AES-128-ECB");
    if (result == USIM_DONE) {
        memcpy(answer->res, milenage.res, MILENAGE_RES);
        answer->res_length = MILENAGE_RES;
        memcpy(answer->ck_ik, milenage.ck, MILENAGE_BLOCK);
        memcpy(answer->ck_ik + MILENAGE_BLOCK, milenage.ik, MILENAGE_BLOCK);
        answer->has_keys = true;
    }
    OPENSSL_cleanse(&milenage, sizeof(milenage));
    return result;
}

const struct usim_kind usim_milenage = {
    .prefix = "milenage:",
    .open = open_file,
    .authenticate = authenticate,
    .close = close_file,
};
