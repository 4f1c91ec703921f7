/*
 * Fuzz target: any sequence of set, derive, dup, reset and get, with any parameter arrays
 *
 * Beside the context runs a model: what was set by calls that succeeded. A key that is derived is
 * compared with one that is put together here, from the model, by HMAC() in a straight line. A call
 * that fails changes nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <akma/kdf.h>

#include <openssl/core_dispatch.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PARAMS_MAX 6
#define VALUE_MAX  66000
#define S_MAX      (PARAMS_MAX * (VALUE_MAX + 2) + 600)
#define OUT_MAX    (AKMA_OUTPUT_BLOCKS_MAX * 64 + 1)

extern OSSL_provider_init_fn OSSL_provider_init;

/* The input, taken from its front. */
static const uint8_t *rest;
static size_t left;

static unsigned int take(void)
{
    if (left == 0)
        return 0;
    left--;
    return *rest++;
}

struct text {
    bool given;
    size_t length;
    unsigned char octets[VALUE_MAX];
};

/* What the context should hold; "p" is one text with each length behind its part already. */
enum slot {
    KEY,
    KA,
    NAF_ID,
    FQDN,
    UA,
    REFRESH,
    USAGE,
    RAND,
    IMPI,
    SUPI,
    DEVICE,
    KA_ID,
    FC,
    P,
    DIGEST,
    MODE,
    SLOTS
};

static struct text model[SLOTS];
static unsigned char p_list[S_MAX];
static size_t p_length;

static const struct {
    const char *name;
    enum slot slot;
    unsigned int type;
    const char *good; /* a value that is in order */
    size_t length;
} names[] = {
    {AKMA_PARAM_KS_NAF, KEY, OSSL_PARAM_OCTET_STRING, "0123456789abcdefghijklmnopqrstuv", 32},
    {AKMA_PARAM_KEY, KEY, OSSL_PARAM_OCTET_STRING, "0123456789abcdefghijklmnopqrstuv", 32},
    {AKMA_PARAM_KA, KA, OSSL_PARAM_OCTET_STRING, "0123456789abcdefg", 17},
    {AKMA_PARAM_SECRET, KA, OSSL_PARAM_OCTET_STRING, "0123456789abcdefg", 17},
    {AKMA_PARAM_NAF_ID, NAF_ID, OSSL_PARAM_OCTET_STRING, "a.example\x01\0\0\0\x07", 14},
    {AKMA_PARAM_NAF_FQDN, FQDN, OSSL_PARAM_UTF8_STRING, "b.example", 9},
    {AKMA_PARAM_UA_PROTOCOL_ID, UA, OSSL_PARAM_OCTET_STRING, "\xff\0\0\0\x07", 5},
    {AKMA_PARAM_REFRESH, REFRESH, OSSL_PARAM_OCTET_STRING, "refresh", 7},
    {AKMA_PARAM_USAGE, USAGE, OSSL_PARAM_UTF8_STRING, "usage", 5},
    {AKMA_PARAM_RAND, RAND, OSSL_PARAM_OCTET_STRING, "0123456789abcdef", 16},
    {AKMA_PARAM_IMPI, IMPI, OSSL_PARAM_UTF8_STRING, "user@realm", 10},
    {AKMA_PARAM_SUPI, SUPI, OSSL_PARAM_UTF8_STRING, "234150999999999", 15},
    {AKMA_PARAM_DEVICE, DEVICE, OSSL_PARAM_UTF8_STRING, "device-7@enterprise.example", 27},
    {AKMA_PARAM_KA_ID, KA_ID, OSSL_PARAM_UTF8_STRING, "2027", 4},
    {AKMA_PARAM_FC, FC, OSSL_PARAM_OCTET_STRING, "\x69", 1},
    {AKMA_PARAM_P, P, OSSL_PARAM_OCTET_STRING, "part", 4},
    {AKMA_PARAM_DIGEST, DIGEST, OSSL_PARAM_UTF8_STRING, "SHA3-384", 8},
    {AKMA_PARAM_DIGEST, DIGEST, OSSL_PARAM_UTF8_STRING, "sha512-256", 10},
    {AKMA_PARAM_MODE, MODE, OSSL_PARAM_UTF8_STRING, "HKDF", 4},
    {AKMA_PARAM_MODE, MODE, OSSL_PARAM_UTF8_STRING, "3gpp", 4},
};

#define NAMES (sizeof(names) / sizeof(names[0]))

/* The algorithms, the slots that each has, and S of the 3GPP ones: FC, P0 and what follows. */
static const struct {
    const char *name;
    unsigned int slots;
    const char *fc, *p0;
    enum slot parts[4];
} algorithms[] = {
    {AKMA_KDF_E2E,
     1U << KEY | 1U << KA | 1U << NAF_ID | 1U << FQDN | 1U << UA | 1U << REFRESH | 1U << USAGE |
         1U << DIGEST | 1U << MODE,
     NULL,
     NULL,
     {SLOTS}},
    {AKMA_KDF_3GPP, 1U << KEY | 1U << FC | 1U << P, NULL, NULL, {SLOTS}},
    {AKMA_KDF_KS_NAF,
     1U << KEY | 1U << RAND | 1U << IMPI | 1U << NAF_ID | 1U << FQDN | 1U << UA,
     "\x01",
     "gba-me",
     {RAND, IMPI, NAF_ID, SLOTS}},
    {AKMA_KDF_KS_INT_NAF,
     1U << KEY | 1U << RAND | 1U << IMPI | 1U << NAF_ID | 1U << FQDN | 1U << UA,
     "\x01",
     "gba-u",
     {RAND, IMPI, NAF_ID, SLOTS}},
    {AKMA_KDF_K_AKMA, 1U << KEY | 1U << SUPI, "\x80", "AKMA", {SUPI, SLOTS}},
    {AKMA_KDF_A_TID, 1U << KEY | 1U << SUPI, "\x81", "A-TID", {SUPI, SLOTS}},
    {AKMA_KDF_K_AF, 1U << KEY | 1U << NAF_ID | 1U << FQDN | 1U << UA, "\x82", "", {NAF_ID, SLOTS}},
    {AKMA_KDF_KA,
     1U << KEY | 1U << DEVICE | 1U << KA_ID,
     "\xff\xe2",
     "akma-ka",
     {DEVICE, KA_ID, SLOTS}},
};

enum { E2E, ANY, ALGORITHMS = sizeof(algorithms) / sizeof(algorithms[0]) };

static void want(bool condition)
{
    if (!condition)
        abort();
}

static EVP_KDF *kdfs[ALGORITHMS];

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();

    (void)argc, (void)argv;
    want(OSSL_PROVIDER_add_builtin(libctx, "akma", OSSL_provider_init) == 1);
    want(OSSL_PROVIDER_load(libctx, "default") != NULL);
    want(OSSL_PROVIDER_load(libctx, "akma") != NULL);
    for (size_t i = 0; i < ALGORITHMS; i++)
        want((kdfs[i] = EVP_KDF_fetch(libctx, algorithms[i].name, NULL)) != NULL);
    return 0;
}

/* Parameters of one call: made from the input, each with memory of its own. */
static OSSL_PARAM params[PARAMS_MAX + 1];
static size_t chosen[PARAMS_MAX];
static unsigned char values[PARAMS_MAX][VALUE_MAX];

static size_t make_value(unsigned char *value, size_t name)
{
    const unsigned int kind = take();
    size_t length = take() | (size_t)take() << 8;

    if (kind % 4 != 0) { /* mostly one that is in order */
        memcpy(value, names[name].good, names[name].length);
        value[0] = (unsigned char)(value[0] + (kind % 16 == 5));
        return names[name].length;
    }
    if (kind % 8 == 0) { /* long, or short: octets from the input, and on from there */
        unsigned char octet = 'a';

        for (size_t i = 0; i < length; i++)
            value[i] = i < 300 && left > 0 ? (octet = (unsigned char)take()) : octet;
        return length;
    }
    length %= 300;
    memset(value, 'x', length);
    return length;
}

static size_t make_params(void)
{
    static const unsigned int types[] = {OSSL_PARAM_OCTET_STRING, OSSL_PARAM_UTF8_STRING,
                                         OSSL_PARAM_INTEGER, OSSL_PARAM_UNSIGNED_INTEGER, 77};
    const size_t count = take() % (PARAMS_MAX + 1);

    for (size_t i = 0; i < count; i++) {
        const size_t name = take() % NAMES;
        const unsigned int odd = take();

        chosen[i] = name;
        params[i] = (OSSL_PARAM){names[name].name, names[name].type, values[i],
                                 make_value(values[i], name), OSSL_PARAM_UNMODIFIED};
        if (odd % 32 == 1)
            params[i].data_type = types[odd / 32 % 5];
        if (odd % 32 == 2)
            params[i].data = NULL;
    }
    params[count] = OSSL_PARAM_construct_end();
    return count;
}

static void append_counted(unsigned char *s, size_t *length, const void *octets, size_t count)
{
    if (count > 0)
        memcpy(s + *length, octets, count);
    *length += count;
    s[(*length)++] = (unsigned char)(count >> 8);
    s[(*length)++] = (unsigned char)count;
}

/* The context took these: so does the model. */
static void follow(unsigned int algorithm, size_t count)
{
    bool first_p = true;

    for (size_t i = 0; i < count; i++) {
        const enum slot slot = names[chosen[i]].slot;
        struct text *text = &model[slot];

        if ((algorithms[algorithm].slots & 1U << slot) == 0 ||
            (algorithm != E2E && strcmp(params[i].key, AKMA_PARAM_KS_NAF) == 0))
            continue; /* a name that the algorithm has not */
        if (slot == P) {
            p_length = first_p ? 0 : p_length;
            first_p = false;
            append_counted(p_list, &p_length, params[i].data, params[i].data_size);
        }
        text->given = true;
        text->length = params[i].data_size;
        if (text->length > 0)
            memcpy(text->octets, params[i].data, text->length);
        if (slot == NAF_ID)
            model[FQDN].given = model[UA].given = false;
        if (slot == FQDN || slot == UA)
            model[NAF_ID].given = false;
    }
}

static size_t naf_id(unsigned char *octets)
{
    if (model[NAF_ID].given) {
        memcpy(octets, model[NAF_ID].octets, model[NAF_ID].length);
        return model[NAF_ID].length;
    }
    want(model[FQDN].given && model[UA].given && model[UA].length == 5);
    memcpy(octets, model[FQDN].octets, model[FQDN].length);
    memcpy(octets + model[FQDN].length, model[UA].octets, 5);
    return model[FQDN].length + 5;
}

static void append_slot(unsigned char *s, size_t *length, enum slot slot)
{
    append_counted(s, length, model[slot].octets, model[slot].given ? model[slot].length : 0);
}

static void append_naf_id(unsigned char *s, size_t *length)
{
    static unsigned char octets[2 * VALUE_MAX];

    append_counted(s, length, octets, naf_id(octets));
}

static const EVP_MD *digest(void)
{
    char name[VALUE_MAX + 1];

    if (!model[DIGEST].given)
        return EVP_sha256();
    memcpy(name, model[DIGEST].octets, model[DIGEST].length);
    name[model[DIGEST].length] = '\0';
    return EVP_get_digestbyname(OPENSSL_strcasecmp(name, "SHA2-512/256") == 0 ? "SHA512-256"
                                                                              : name);
}

/* T(i) = HMAC(key, before || s || i || behind), one after the other. */
static void straight_hmac(const EVP_MD *md, const unsigned char *key, size_t key_length,
                          bool feedback, unsigned char *s, size_t s_length, size_t i_at,
                          unsigned char *out, size_t length)
{
    static unsigned char in[S_MAX + 64];
    unsigned char block[64];
    unsigned int size = 0;

    for (size_t done = 0; done < length; done += size) {
        const size_t front = feedback && done > 0 ? size : 0;

        s[i_at]++;
        memcpy(in, block, front);
        memcpy(in + front, s, s_length);
        want(HMAC(md, key, (int)key_length, in, front + s_length, block, &size) != NULL);
        memcpy(out + done, block, length - done < size ? length - done : size);
    }
}

static bool is_zero(const struct text *text)
{
    size_t i = 0;

    while (i < text->length && text->octets[i] == 0)
        i++;
    return i == text->length;
}

static void oracle_e2e(unsigned char *out, size_t length)
{
    static unsigned char s[S_MAX];
    const unsigned char l[] = {(unsigned char)(length >> 8), (unsigned char)length}, zero = 0;
    const bool hkdf = model[MODE].given && model[MODE].octets[0] != '3';
    const EVP_MD *md = digest();
    unsigned char prk[64];
    unsigned int prk_length = 0;
    size_t n = 2;

    want(model[KEY].length == 32 && model[KA].length >= 16 && model[KA].length <= 65535);
    want(!is_zero(&model[KEY]) && !is_zero(&model[KA]));
    want(model[KA].length != 32 || memcmp(model[KEY].octets, model[KA].octets, 32) != 0);
    memcpy(s, "\xff\xe2", 2);
    append_counted(s, &n, "akma-e2e", 8);
    append_slot(s, &n, KA);
    if (hkdf) {
        want(HMAC(md, model[KEY].octets, 32, s, n, prk, &prk_length) != NULL);
        n = 12;
    }
    append_naf_id(s, &n);
    append_slot(s, &n, REFRESH);
    append_slot(s, &n, USAGE);
    append_counted(s, &n, l, 2);
    if (hkdf) {
        s[n] = 0;
        straight_hmac(md, prk, prk_length, true, s, n + 1, n, out, length);
    } else {
        append_counted(s, &n, &zero, 1);
        straight_hmac(md, model[KEY].octets, 32, false, s, n, n - 3, out, length);
    }
}

static void oracle_3gpp(unsigned int algorithm, unsigned char *out, size_t length)
{
    static unsigned char s[S_MAX];
    unsigned char block[32];
    unsigned int size;
    size_t n = 0;

    if (algorithm == ANY) {
        memcpy(s, model[FC].octets, model[FC].length);
        n = model[FC].length;
        want(model[P].given);
        memcpy(s + n, p_list, p_length);
        n += p_length;
    } else {
        want(!is_zero(&model[KEY]));
        n = strlen(algorithms[algorithm].fc);
        memcpy(s, algorithms[algorithm].fc, n);
        if (algorithms[algorithm].p0[0] != '\0')
            append_counted(s, &n, algorithms[algorithm].p0, strlen(algorithms[algorithm].p0));
        for (const enum slot *part = algorithms[algorithm].parts; *part != SLOTS; part++)
            if (*part == NAF_ID)
                append_naf_id(s, &n);
            else
                append_slot(s, &n, *part);
    }
    want(HMAC(EVP_sha256(), model[KEY].octets, (int)model[KEY].length, s, n, block, &size) != NULL);
    memcpy(out, block, length);
}

static void try_derive(EVP_KDF_CTX *ctx, unsigned int algorithm, const OSSL_PARAM *given,
                       size_t count)
{
    static unsigned char out[OUT_MAX], expected[OUT_MAX];
    const unsigned int kind = take();
    const size_t length = kind % 4 != 0 ? 32 : (take() | (size_t)take() << 8) % OUT_MAX;

    memset(out, 0xA5, sizeof(out));
    if (EVP_KDF_derive(ctx, out, length, given) <= 0) {
        for (size_t i = 0; i < length; i++)
            want(out[i] == 0 || out[i] == 0xA5);
        want(length == 0 || out[0] == out[length - 1]);
        if (given != NULL && EVP_KDF_CTX_set_params(ctx, given) > 0)
            follow(algorithm, count); /* taken, though something else was amiss */
        return;
    }
    follow(algorithm, count);
    if (algorithm == E2E)
        oracle_e2e(expected, length);
    else
        oracle_3gpp(algorithm, expected, length);
    want(memcmp(out, expected, length) == 0);
}

static void try_set(EVP_KDF_CTX *ctx, unsigned int algorithm)
{
    const size_t count = make_params();

    if (EVP_KDF_CTX_set_params(ctx, params) > 0)
        follow(algorithm, count);
}

static void try_get(EVP_KDF_CTX *ctx)
{
    unsigned char refresh[255];
    OSSL_PARAM wanted[] = {
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_REFRESH, refresh, sizeof(refresh)),
        OSSL_PARAM_construct_end(),
    };

    want(EVP_KDF_CTX_get_params(ctx, wanted) > 0);
    if (OSSL_PARAM_modified(wanted))
        want(wanted->return_size == (model[REFRESH].given ? model[REFRESH].length : 0) &&
             memcmp(refresh, model[REFRESH].octets, wanted->return_size) == 0);
}

static void forget(void)
{
    for (size_t i = 0; i < SLOTS; i++) {
        model[i].given = false;
        model[i].length = 0;
    }
    p_length = 0;
}

static EVP_KDF_CTX *replace_by_copy(EVP_KDF_CTX *ctx)
{
    EVP_KDF_CTX *copy = EVP_KDF_CTX_dup(ctx);

    want(copy != NULL);
    EVP_KDF_CTX_free(ctx);
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned int algorithm;
    EVP_KDF_CTX *ctx;

    rest = data;
    left = size;
    algorithm = take() % ALGORITHMS;
    ctx = EVP_KDF_CTX_new(kdfs[algorithm]);
    forget();
    while (left > 0) {
        switch (take() % 8) {
        case 0:
            ctx = replace_by_copy(ctx);
            break;
        case 1:
            EVP_KDF_CTX_reset(ctx);
            forget();
            break;
        case 2:
            try_get(ctx);
            break;
        case 3:
        case 4:
            try_derive(ctx, algorithm, NULL, 0);
            break;
        case 5: {
            const size_t count = make_params();

            try_derive(ctx, algorithm, params, count);
            break;
        }
        default:
            try_set(ctx, algorithm);
        }
        ERR_clear_error();
    }
    EVP_KDF_CTX_free(ctx);
    return 0;
}
