/*
 * against_module - random inputs to device/ and to the module: the same key, or both refuse
 *
 *     against_module COUNT SEED
 *
 * Prints how many keys were alike and how many inputs both refused. A difference is printed with
 * its inputs, and the exit status is 1. The module is loaded as OPENSSL_CONF and OPENSSL_MODULES
 * say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "akma_device.h"
#include "hmac_openssl.h"

#include <akma/kdf.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX    70000
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* xorshift64*: the same inputs for the same seed, everywhere. */
static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * UINT64_C(2685821657736338717)) >> 33) % below;
}

struct value {
    const char *name;
    size_t length;
    int is_text, is_given;
    uint8_t octets[VALUE_MAX];
};

enum { KEY, KA, NAF_ID, FQDN, UA, REFRESH, USAGE, MODE, RAND, IMPI, VALUES };
static struct value values[VALUES] = {
    [KEY] = {.name = AKMA_PARAM_KEY},
    [KA] = {.name = AKMA_PARAM_KA},
    [NAF_ID] = {.name = AKMA_PARAM_NAF_ID},
    [FQDN] = {.name = AKMA_PARAM_NAF_FQDN, .is_text = 1},
    [UA] = {.name = AKMA_PARAM_UA_PROTOCOL_ID},
    [REFRESH] = {.name = AKMA_PARAM_REFRESH},
    [USAGE] = {.name = AKMA_PARAM_USAGE, .is_text = 1},
    [MODE] = {.name = AKMA_PARAM_MODE, .is_text = 1},
    [RAND] = {.name = AKMA_PARAM_RAND},
    [IMPI] = {.name = AKMA_PARAM_IMPI, .is_text = 1},
};

static const struct algorithm {
    const char *name;
    unsigned int has; /* 1 << value, of each */
} algorithms[] = {
    {AKMA_KDF_E2E, 1 << KEY | 1 << KA | 1 << NAF_ID | 1 << FQDN | 1 << UA | 1 << REFRESH |
                       1 << USAGE | 1 << MODE},
    {AKMA_KDF_KS_NAF, 1 << KEY | 1 << NAF_ID | 1 << FQDN | 1 << UA | 1 << RAND | 1 << IMPI},
    {AKMA_KDF_K_AF, 1 << KEY | 1 << NAF_ID | 1 << FQDN | 1 << UA},
};

static void fill(struct value *value, size_t length)
{
    value->is_given = 1;
    value->length = length;
    for (size_t i = 0; i < length; i++)
        value->octets[i] = (uint8_t)draw(256);
}

static void add_text(struct value *value, const char *text)
{
    memcpy(value->octets + value->length, text, strlen(text));
    value->length += strlen(text);
}

static void fill_text(struct value *value, const char *const pieces[], uint32_t count,
                      uint32_t parts)
{
    value->is_given = 1;
    value->length = 0;
    for (uint32_t i = 0; i < parts; i++)
        add_text(value, pieces[draw(count)]);
}

/* Inputs that are mostly good; each piece that is bad is rare. */
static void draw_texts(void)
{
    static const char *const labels[] = {"a.", "naf.", "x-1.", "B.", "example.", "7."};
    static const char *const last[] = {"com", "org", "x--y", "a7", "7b", "7"};
    static const char *const characters[] = {
        "a", "z", "0", " ", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "~", "=", "/"};
    static const char *const users[] = {"001010000000001", "user", "\xC3\xA4", "a.b", "tel", "sip"};

    fill_text(&values[FQDN], labels, COUNT(labels), draw(6));
    add_text(&values[FQDN], last[draw(8) == 0 ? draw(COUNT(last)) : 0]);
    fill_text(&values[USAGE], characters, COUNT(characters), draw(20));
    fill_text(&values[IMPI], users, COUNT(users), 1 + draw(2));
    add_text(&values[IMPI], "@");
    add_text(&values[IMPI], "ims.mnc001.mcc001.3gppnetwork.org");
    values[MODE].is_given = (int)draw(2);
    values[MODE].length = 0;
    add_text(&values[MODE], draw(2) == 0 ? AKMA_MODE_3GPP : AKMA_MODE_HKDF);
}

static void draw_octets(void)
{
    static const uint8_t protocols[][5] = {{1, 0, 0, 0, 7},
                                           {1, 0, 0, 0, 2},
                                           {1, 0, 1, 0xC0, 0x37},
                                           {0, 0, 0, 0, 0},
                                           {0xFF, 1, 2, 3, 4}};

    fill(&values[KEY], 32);
    fill(&values[KA], 16 + draw(100));
    fill(&values[RAND], 16);
    fill(&values[REFRESH], draw(256));
    fill(&values[UA], 5);
    memcpy(values[UA].octets, protocols[draw(COUNT(protocols))], 5);
    values[NAF_ID].is_given = 0;
    if (draw(2) == 0) {
        memcpy(values[NAF_ID].octets, values[FQDN].octets, values[FQDN].length);
        memcpy(values[NAF_ID].octets + values[FQDN].length, values[UA].octets, 5);
        values[NAF_ID].length = values[FQDN].length + 5;
        values[NAF_ID].is_given = 1;
        values[FQDN].is_given = values[UA].is_given = 0;
    }
}

/* A code point as UTF-8, surrogates and what is above U+10FFFF as well. */
static size_t encode(uint8_t *out, uint32_t code)
{
    const unsigned int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;

    for (unsigned int i = more; i > 0; i--, code >>= 6)
        out[i] = (uint8_t)(0x80 | (code & 0x3F));
    out[0] = (uint8_t)(more == 0 ? code : (0xF00U >> more & 0xF0U) | code);
    return more + 1;
}

/* Put a character of the interesting ranges, or an octet that is none, into a text. */
static void spoil_text(struct value *value)
{
    static const uint32_t near[] = {
        0,       0x1F,     0x7F,     0xA0,   0xAD,   0x1680, 0x200A, 0x2010, 0x2027, 0x202F,
        0x205F,  0x2065,   0x2070,   0x3000, 0xD7FF, 0xE000, 0xFDCF, 0xFDF0, 0xFEFE, 0xFFFD,
        0x1FFFD, 0x10FFFD, 0x110000, '@',    ':',    '/',    ' ',    '.',    '-',    '_'};
    const uint32_t code = near[draw(COUNT(near))] + draw(3) - 1;
    const size_t at = draw((uint32_t)value->length + 1);
    uint8_t octets[4];
    const size_t length = encode(octets, code <= 0x110001 ? code : 0);

    memmove(value->octets + at + length, value->octets + at, value->length - at);
    memcpy(value->octets + at, octets, length);
    value->length += length;
    if (draw(4) == 0)
        value->octets[draw((uint32_t)value->length)] = (uint8_t)draw(256);
}

static void spoil(void)
{
    struct value *value = &values[draw(VALUES)];

    switch (draw(6)) {
    case 0:
        value->is_given = !value->is_given;
        break;
    case 1:
        fill(value, draw(70));
        break;
    case 2:
        memset(value->octets, 0, value->length);
        break;
    case 3: /* Ka = Ks_NAF, or all but one bit of it */
        memcpy(values[KA].octets, values[KEY].octets, 32);
        values[KA].length = 32;
        values[KA].octets[draw(32)] ^= (uint8_t)(draw(2) << draw(8));
        break;
    case 4:
        fill(value, value == &values[KA] ? 65534 + draw(3) : 252 + draw(10));
        break;
    default:
        spoil_text(value->is_text ? value : &values[draw(2) == 0 ? USAGE : IMPI]);
    }
}

static struct akma_octets given(int which)
{
    const struct value *value = &values[which];

    return (struct akma_octets){value->is_given ? value->octets : NULL, value->length};
}

static enum akma_e2e_mode mode(void)
{
    const struct value *value = &values[MODE];

    if (!value->is_given ||
        (value->length == 4 && OPENSSL_strncasecmp((char *)value->octets, "3GPP", 4) == 0))
        return AKMA_E2E_3GPP;
    if (value->length == 4 && OPENSSL_strncasecmp((char *)value->octets, "HKDF", 4) == 0)
        return AKMA_E2E_HKDF;
    return (enum akma_e2e_mode)7;
}

static int on_device(const struct akma_hmac *hmac, const struct algorithm *algorithm, uint8_t *key,
                     size_t length)
{
    const struct akma_naf naf = {given(NAF_ID), given(FQDN), given(UA)};
    const struct akma_e2e_input e2e = {given(KEY),   given(KA), naf,  given(REFRESH),
                                       given(USAGE), mode(),    NULL, 0};
    const struct akma_ks_naf_input gba = {given(KEY), given(RAND), given(IMPI), naf};
    const struct akma_k_af_input akma = {given(KEY), naf};

    if (algorithm == &algorithms[0])
        return akma_e2e(hmac, &e2e, key, length);
    return algorithm == &algorithms[1] ? akma_ks_naf(hmac, &gba, key, length)
                                       : akma_k_af(hmac, &akma, key, length);
}

static int in_module(EVP_KDF *kdf, const struct algorithm *algorithm, uint8_t *key, size_t length)
{
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[VALUES + 1], *end = params;
    int done;

    for (int i = 0; i < VALUES; i++)
        if ((algorithm->has & 1U << i) != 0 && values[i].is_given)
            *end++ = values[i].is_text
                         ? OSSL_PARAM_construct_utf8_string(
                               values[i].name, (char *)values[i].octets, values[i].length)
                         : OSSL_PARAM_construct_octet_string(values[i].name, values[i].octets,
                                                             values[i].length);
    *end = OSSL_PARAM_construct_end();
    for (OSSL_PARAM *p = params; p < end; p++) /* construct takes a size of 0 as "measure it" */
        for (int i = 0; i < VALUES; i++)
            if (p->data == values[i].octets)
                p->data_size = values[i].length;
    done = EVP_KDF_derive(ctx, key, length, params) > 0;
    EVP_KDF_CTX_free(ctx);
    return done;
}

static void show(const struct algorithm *algorithm, int reason, int done, size_t length)
{
    printf("%s, %zu octets: device %d/%d, module %s\n", algorithm->name, length,
           AKMA_REASON_INPUT(reason), AKMA_REASON_FAULT(reason), done ? "derives" : "refuses");
    for (int i = 0; i < VALUES; i++) {
        if ((algorithm->has & 1U << i) == 0 || !values[i].is_given)
            continue;
        printf("  %s (%zu) ", values[i].name, values[i].length);
        for (size_t j = 0; j < values[i].length && j < 80; j++)
            printf("%02x", values[i].octets[j]);
        printf("\n");
    }
    ERR_print_errors_fp(stdout);
}

int main(int argc, char *argv[])
{
    const long count = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
    static uint8_t one[AKMA_E2E_KEY_MAX + 64], other[AKMA_E2E_KEY_MAX + 64];
    long alike = 0, refused = 0, differ = 0;
    EVP_KDF *kdfs[COUNT(algorithms)];
    struct akma_hmac_openssl mac;
    struct akma_hmac hmac;

    state = argc == 3 ? strtoull(argv[2], NULL, 10) * 2 + 1 : 1;
    if (akma_hmac_openssl_init(&mac, &hmac) != 0)
        return EXIT_FAILURE;
    for (size_t i = 0; i < COUNT(algorithms); i++)
        kdfs[i] = EVP_KDF_fetch(NULL, algorithms[i].name, AKMA_PROPERTY_QUERY);
    for (long i = 0; i < count; i++) {
        const uint32_t which = draw(COUNT(algorithms));
        const size_t length = draw(20) == 0 ? draw(AKMA_E2E_KEY_MAX + 3) : 1 + draw(33);
        int reason, done;

        draw_texts();
        draw_octets();
        if (draw(2) == 0)
            spoil();
        reason = on_device(&hmac, &algorithms[which], one, length);
        done = in_module(kdfs[which], &algorithms[which], other, length);
        alike += reason == 0 && done && memcmp(one, other, length) == 0;
        refused += reason != 0 && !done;
        if ((reason == 0) != done || (done && memcmp(one, other, length) != 0))
            if (differ++ < 20)
                show(&algorithms[which], reason, done, length);
        ERR_clear_error();
    }
    printf("%ld keys alike, %ld refused by both, %ld different\n", alike, refused, differ);
    for (size_t i = 0; i < COUNT(algorithms); i++)
        EVP_KDF_free(kdfs[i]);
    akma_hmac_openssl_free(&mac);
    return differ == 0 && alike > 0 && refused > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
