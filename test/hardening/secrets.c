/*
 * secrets - looks through the process's own memory for what the provider should have wiped
 *
 * The secrets are made from masks, so that this program holds no copy of what it looks for: octets
 * are compared with the mask applied on the way. Looked through is everything writable: heap,
 * stacks, data, libraries.
 *
 * What is looked for: Ks_NAF, Ka, the derived key, and the keyed state of the HMAC (SHA-256 after
 * the block of key ^ ipad and of key ^ opad, which is as good as the key).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _XOPEN_SOURCE                700 /* pread() */
#define OPENSSL_SUPPRESS_DEPRECATED  /* SHA256_Transform(): how else to know an HMAC's inner state \
                                      */
#include "cases.h"

#include <fcntl.h>
#include <inttypes.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MASK       0x5C
#define SECRET_MAX 2000
#define PATTERNS   6
#define CHUNK      (1 << 20)
#define STACK_SIZE (1 << 18)
#define PART       12 /* octets: so many of a secret in a row are a find */

/* Octets ^ MASK. */
struct masked {
    const char *name;
    size_t length;
    unsigned char octets[SECRET_MAX];
};

enum { KS_NAF, KA, KEY, INNER, OUTER, PRK };

static struct masked secrets[PATTERNS] = {{.name = "Ks_NAF"},
                                          {.name = "Ka"},
                                          {.name = "derived key"},
                                          {.name = "HMAC's inner state"},
                                          {.name = "HMAC's outer state"},
                                          {.name = "PRK of mode HKDF"}};

static void mask(struct masked *to, const void *from, size_t length)
{
    const unsigned char *octets = from;

    to->length = length;
    for (size_t i = 0; i < length; i++)
        to->octets[i] = octets[i] ^ MASK;
}

static void unmask(unsigned char *to, const struct masked *from)
{
    for (size_t i = 0; i < from->length; i++)
        to[i] = from->octets[i] ^ MASK;
}

/* Is there a run of PART octets of the secret at this place? Any aligned part of it counts. */
static bool is_part(const unsigned char *place, const struct masked *secret)
{
    for (size_t start = 0; start + PART <= secret->length; start += PART) {
        size_t same = 0;

        while (same < PART && (place[same] ^ MASK) == secret->octets[start + same])
            same++;
        if (same == PART)
            return true;
    }
    return false;
}

/* A first look, so that most places cost little. */
static void make_table(bool first[256], const struct masked *secret)
{
    memset(first, 0, 256 * sizeof(*first));
    for (size_t start = 0; start + PART <= secret->length; start += PART)
        first[secret->octets[start] ^ MASK] = true;
}

static unsigned long find_in(const unsigned char *octets, size_t length,
                             const struct masked *secret)
{
    bool first[256];
    unsigned long found = 0;

    make_table(first, secret);
    for (size_t i = 0; i + PART <= length; i++)
        if (first[octets[i]] && is_part(octets + i, secret))
            found++;
    return found;
}

/* Where the scanner keeps what it reads; not looked through itself. */
static unsigned char *window;

static unsigned long find_in_range(int memory, uintptr_t start, uintptr_t end,
                                   const struct masked *secret)
{
    unsigned long found = 0;

    for (uintptr_t place = start; place < end; place += CHUNK - PART) {
        const size_t wanted = end - place < CHUNK ? end - place : CHUNK;
        const ssize_t got = pread(memory, window, wanted, (off_t)place);

        if (got > 0)
            found += find_in(window, (size_t)got, secret);
    }
    return found;
}

/* How often parts of a secret are in writable memory. */
static unsigned long find(const struct masked *secret)
{
    const int memory = open("/proc/self/mem", O_RDONLY);
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long found = 0;
    char line[600];

    if (memory < 0 || maps == NULL)
        fail("/proc/self");
    while (fgets(line, sizeof(line), maps) != NULL) {
        uintptr_t start, end;
        char access[5];

        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &start, &end, access) == 3 &&
            access[0] == 'r' && access[1] == 'w' &&
            !((uintptr_t)window >= start && (uintptr_t)window < end))
            found += find_in_range(memory, start, end, secret);
    }
    (void)fclose(maps);
    (void)close(memory);
    return found;
}

static void expect_none(unsigned int which, const struct kdf_case *one, const char *when)
{
    for (unsigned int i = 0; i < PATTERNS; i++)
        if ((which & 1U << i) != 0 && secrets[i].length > 0 && find(&secrets[i]) != 0)
            fail("%s %s, %s: %s is still in memory", one->algorithm,
                 one->mode == NULL ? "" : one->mode, when, secrets[i].name);
}

/* SHA-256 after one block of the key and a pad; the state's words as in memory. */
static void mask_state(struct masked *to, const unsigned char *key, unsigned char pad)
{
    unsigned char block[SHA256_CBLOCK];
    SHA256_CTX state;

    memset(block, pad, sizeof(block));
    for (size_t i = 0; i < AKMA_KEY_LENGTH; i++)
        block[i] ^= key[i];
    SHA256_Init(&state);
    SHA256_Transform(&state, block);
    mask(to, state.h, sizeof(state.h));
    OPENSSL_cleanse(block, sizeof(block));
    OPENSSL_cleanse(&state, sizeof(state));
}

/* HKDF-Extract(salt = Ks_NAF, IKM = FC || P0 || L0 || Ka || La), of the digest that most cases use.
 */
static void mask_prk(const unsigned char *key, const unsigned char *ka)
{
    unsigned char ikm[12 + sizeof(case_ka) + 2] = "\xff\xe2"
                                                  "akma-e2e\0\x08";
    unsigned char prk[EVP_MAX_MD_SIZE];
    size_t length = 0;

    memcpy(ikm + 12, ka, sizeof(case_ka));
    ikm[sizeof(ikm) - 2] = 0;
    ikm[sizeof(ikm) - 1] = sizeof(case_ka);
    if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA2-256", NULL, key, AKMA_KEY_LENGTH, ikm, sizeof(ikm), prk,
                  sizeof(prk), &length) == NULL)
        fail("EVP_Q_mac");
    mask(&secrets[PRK], prk, length);
    OPENSSL_cleanse(ikm, sizeof(ikm));
    OPENSSL_cleanse(prk, sizeof(prk));
}

/* A new Ks_NAF and Ka for each life. They are in memory as masks alone when this returns. */
static void make_secrets(unsigned char seed)
{
    for (unsigned int i = KS_NAF; i <= KA; i++) {
        secrets[i].length = i == KS_NAF ? AKMA_KEY_LENGTH : sizeof(case_ka);
        for (size_t k = 0; k < secrets[i].length; k++)
            secrets[i].octets[k] = (unsigned char)(seed * 31 + i * 101 + k * k * 7 + k);
    }
    unmask(case_key, &secrets[KS_NAF]);
    mask_state(&secrets[INNER], case_key, 0x36);
    mask_state(&secrets[OUTER], case_key, 0x5C);
    unmask(case_ka, &secrets[KA]);
    mask_prk(case_key, case_ka);
    OPENSSL_cleanse(case_key, sizeof(case_key));
    OPENSSL_cleanse(case_ka, sizeof(case_ka));
}

/*
 * The call runs on a stack of its own, of which a copy is taken at once: whatever runs next
 * overwrites what the call's frames left behind.
 */
static _Alignas(4096) unsigned char stack[STACK_SIZE], left_behind[STACK_SIZE];

struct call {
    EVP_KDF_CTX *ctx;
    unsigned char *out;
    size_t length;
    const OSSL_PARAM *params;
    bool done;
};

static void *run_call(void *argument)
{
    struct call *call = argument;

    call->done = EVP_KDF_derive(call->ctx, call->out, call->length, call->params) > 0;
    memcpy(left_behind, stack, sizeof(stack));
    return NULL;
}

static bool derive_on_stack(struct call *call)
{
    pthread_attr_t attributes;
    pthread_t thread;

    memset(stack, 0, sizeof(stack));
    if (pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setstack(&attributes, stack, sizeof(stack)) != 0 ||
        pthread_create(&thread, &attributes, run_call, call) != 0 ||
        pthread_join(thread, NULL) != 0)
        fail("pthread");
    (void)pthread_attr_destroy(&attributes);
    return call->done;
}

static void derive(EVP_KDF_CTX *ctx, const struct kdf_case *one, bool is_to_fail)
{
    OSSL_PARAM params[CASE_PARAMS_MAX];
    unsigned char out[CASE_OUT_MAX] = {0};
    struct call call = {ctx, out, is_to_fail ? (size_t)1 << 20 : one->length, params, false};

    case_params(one, params);
    unmask(case_key, &secrets[KS_NAF]);
    unmask(case_ka, &secrets[KA]);
    for (size_t i = 0; i + sizeof(case_ka) <= sizeof(case_long_ka); i += sizeof(case_ka))
        unmask(case_long_ka + i, &secrets[KA]);
    if (derive_on_stack(&call) == is_to_fail)
        fail("%s: derive", one->algorithm);
    mask(&secrets[KEY], out, is_to_fail ? 0 : one->length);
    OPENSSL_cleanse(out, sizeof(out));
    OPENSSL_cleanse(case_key, sizeof(case_key));
    OPENSSL_cleanse(case_ka, sizeof(case_ka));
    OPENSSL_cleanse(case_long_ka, sizeof(case_long_ka));
    ERR_clear_error();
}

#define ALL (1U << KS_NAF | 1U << KA | 1U << KEY | 1U << INNER | 1U << OUTER | 1U << PRK)

/*
 * Another key and another Ka, longer or shorter, in a derive: what it saves of those before is not
 * left on the stack, whether they are put back or given up.
 */
static void replace_secrets(EVP_KDF_CTX *ctx, const struct kdf_case *one, size_t ka_length,
                            bool is_to_fail)
{
    static unsigned char key[AKMA_KEY_LENGTH] = {1}, ka[sizeof(case_long_ka)] = {2};
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_KEY, key, sizeof(key)),
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_KA, ka, ka_length),
        OSSL_PARAM_construct_end(),
    };
    unsigned char out[CASE_OUT_MAX];
    struct call call = {ctx, out, is_to_fail ? (size_t)1 << 20 : one->length, params, false};

    if (derive_on_stack(&call) == is_to_fail)
        fail("%s: derive with other secrets", one->algorithm);
    for (unsigned int i = KS_NAF; i <= KA; i++)
        if (find_in(left_behind, sizeof(left_behind), &secrets[i]) != 0)
            fail("%s: %s is still on the stack after a derive that %s", one->algorithm,
                 secrets[i].name, is_to_fail ? "put it back" : "replaced it");
    ERR_clear_error();
}

static void live_through(struct loaded *loaded, const struct kdf_case *one)
{
    EVP_KDF *kdf = EVP_KDF_fetch(loaded->libctx, one->algorithm, NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf), *copy;
    size_t other_ka;

    derive(ctx, one, true);
    EVP_KDF_CTX_reset(ctx);
    expect_none(ALL, one, "after a failed derive and a reset");
    derive(ctx, one, false);
    /* A context that holds Ks_NAF and Ka keeps the HMAC as well, whose SHA-3 state is the last
     * output. */
    if (one->digest == NULL || strncmp(one->digest, "SHA3", 4) != 0)
        expect_none(1U << KEY, one, "after a derive");
    if (find_in(left_behind, sizeof(left_behind), &secrets[PRK]) != 0)
        fail("%s: the PRK is still on the stack after a derive", one->algorithm);
    if (find(&secrets[one->mode == NULL && one->has_long_ka ? KA : KS_NAF]) == 0)
        fail("%s: the scanner does not find the key that the context holds", one->algorithm);
    other_ka = one->has_long_ka ? AKMA_KA_MIN : sizeof(case_long_ka);
    replace_secrets(ctx, one, other_ka, true);
    replace_secrets(ctx, one, other_ka, false);
    if (one->mode != NULL) /* nor is it behind the new end, or in the memory that was outgrown */
        expect_none(1U << KS_NAF | 1U << KA, one, "after others");
    EVP_KDF_CTX_reset(ctx);
    expect_none(ALL, one, "after a reset");
    derive(ctx, one, false);
    copy = EVP_KDF_CTX_dup(ctx);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_CTX_free(copy);
    expect_none(ALL, one, "after free");
    EVP_KDF_free(kdf);
}

/* Secret inputs live in the secure heap where the application has set one up. */
static void live_in_secure_heap(struct loaded *loaded, const struct kdf_case *one)
{
    EVP_KDF *kdf = EVP_KDF_fetch(loaded->libctx, one->algorithm, NULL);
    const size_t ka_length = one->has_long_ka ? sizeof(case_long_ka) : sizeof(case_ka);
    const size_t before = CRYPTO_secure_used();
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

    derive(ctx, one, false);
    if (CRYPTO_secure_used() < before + ka_length + AKMA_KEY_LENGTH)
        fail("%s: no secure memory is used", one->algorithm);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    if (CRYPTO_secure_used() > before)
        printf("%s: libcrypto's HMAC, waiting in the pool, keeps %zu octets of secure memory\n",
               one->algorithm, CRYPTO_secure_used() - before);
}

static void check_scanner(void)
{
    static unsigned char planted[AKMA_KEY_LENGTH];

    make_secrets(1);
    if (find(&secrets[KS_NAF]) != 0)
        fail("the scanner finds what is not there");
    unmask(planted, &secrets[KS_NAF]);
    if (find(&secrets[KS_NAF]) == 0)
        fail("the scanner does not find what is planted");
    OPENSSL_cleanse(planted, sizeof(planted));
}

int main(int argc, char *argv[])
{
    struct loaded loaded;

    /* Binding a symbol at its first call saves vector registers, with what they hold, on the stack.
     */
    if (getenv("LD_BIND_NOW") == NULL && setenv("LD_BIND_NOW", "1", 1) == 0)
        (void)execv("/proc/self/exe", argv);
    window = aligned_alloc(4096, (size_t)CHUNK * 2); /* large: a mapping of its own */
    if (window == NULL || !load(&loaded))
        fail("load");
    check_scanner();
    if (argc > 1 && !CRYPTO_secure_malloc_init((size_t)1 << 20, 32))
        fail("CRYPTO_secure_malloc_init");
    for (size_t i = 0; i < CASE_COUNT; i++) {
        make_secrets((unsigned char)(i + 2));
        if (argc > 1)
            live_in_secure_heap(&loaded, &cases[i]);
        else
            live_through(&loaded, &cases[i]);
    }
    unload(&loaded);
    expect_none(ALL, &cases[CASE_COUNT - 1], "after unload");
    free(window);
    return EXIT_SUCCESS;
}
