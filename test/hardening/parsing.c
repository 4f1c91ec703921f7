/*
 * parsing - whatever comes from outside is read while memory runs out: it is understood as it
 * is, or refused; nothing crashes or leaks, and nothing is taken for something else
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "devices.h"
#include "failing_malloc.h"
#include "messages/tp_link_messages.h"
#include "net/tls_client.h"
#include "net/tls_files.h"
#include "store/redis_reply.h"
#include "store/sealed_record.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEX16 "000102030405060708090a0b0c0d0e0f"
#define HEX32 HEX16 HEX16

static const char *current;

static void want(bool is_so, const char *what)
{
    if (is_so)
        return;
    fprintf(stderr, "parsing: %s: %s\n", current, what);
    exit(EXIT_FAILURE);
}

/* What was understood is written as it came; true: it was written. */
static bool writes(char *written, const char *line)
{
    const bool done = written != NULL;

    want(!done || strcmp(written, line) == 0, "understood as something else");
    json_line_free(written);
    return done;
}

static bool try_nonce(void)
{
    static const char line[] = "{\"nonce\":\"" HEX16 "\",\"device\":\"d\"}";
    char fault[E2E_FLAG_FAULT_SIZE];
    struct nonce nonce;

    return nonce_decode(&nonce, line, strlen(line), fault) && writes(nonce_encode(&nonce), line);
}

static bool try_flag(void)
{
    static const char line[] =
        "{\"e2e\":1,\"mode\":\"3GPP\",\"digest\":\"SHA2-256\",\"refresh\":\"" HEX32
        "\",\"usage\":\"tls-psk\",\"identity\":\"i\",\"ka-id\":\"k\"}";
    char fault[E2E_FLAG_FAULT_SIZE];
    struct e2e_flag flag;

    return e2e_flag_decode(&flag, line, strlen(line), fault) &&
           writes(e2e_flag_encode(&flag), line);
}

static bool try_no_flag(void)
{
    static const char line[] = "{\"e2e\":0}", bad[] = "{\"e2e\":0,\"e2e\":1}";
    char fault[E2E_FLAG_FAULT_SIZE];
    struct e2e_flag flag;

    want(!e2e_flag_decode(&flag, bad, strlen(bad), fault), "a name twice was taken");
    return e2e_flag_decode(&flag, line, strlen(line), fault) &&
           writes(e2e_flag_encode(&flag), line);
}

static bool try_request(void)
{
    static const char line[] =
        "{\"id\":7,\"identity\":\"i\",\"ks-naf\":\"" HEX32
        "\",\"naf-fqdn\":\"n\",\"ua-protocol-id\":\"0100000007\",\"nonce\":\"" HEX16
        "\",\"device\":\"d\",\"not-after\":9}";
    char fault[JSON_FAULT_SIZE];
    struct tp_link_request request;

    return tp_link_request_decode(&request, line, strlen(line), fault) &&
           writes(tp_link_request_encode(&request), line);
}

static bool try_revocation(void)
{
    static const char line[] = "{\"id\":7,\"revoke\":\"i\"}";
    char fault[JSON_FAULT_SIZE];
    struct tp_link_request request;

    return tp_link_request_decode(&request, line, strlen(line), fault) &&
           writes(tp_link_request_encode(&request), line);
}

static bool answer_is(const char *line)
{
    char fault[JSON_FAULT_SIZE];
    struct tp_link_answer answer;

    return tp_link_answer_decode(&answer, line, strlen(line), fault) &&
           writes(tp_link_answer_encode(&answer), line);
}

static bool try_answers(void)
{
    return answer_is("{\"e2e\":1,\"mode\":\"HKDF\",\"digest\":\"SHA2-384\",\"refresh\":\"" HEX32
                     "\",\"usage\":\"u\",\"identity\":\"i\",\"ka-id\":\"k\",\"id\":0}") &&
           answer_is("{\"e2e\":0,\"id\":1}") && answer_is("{\"revoked\":true,\"id\":2}") &&
           answer_is("{\"error\":\"not today\",\"id\":3}");
}

/* Sealed and opened; and altered, which memory must not make good. */
static bool try_record(void)
{
    static const char text[] = "1:" HEX32 "\n";
    char fault[SEAL_KEYS_FAULT_SIZE];
    struct seal_keys *keys = seal_keys_parse(text, strlen(text), fault);
    struct store_record record = {.identity = "e2e-0", .device = "d", .key = {9}}, opened = record;
    unsigned char sealed[SEALED_RECORD_MAX];
    size_t length;
    bool done = keys != NULL && sealed_record_make(keys, "run", 10, &record, sealed, &length);

    OPENSSL_cleanse(opened.key, sizeof(opened.key));
    if (done && sealed_record_open(keys, "run", 10, sealed, length, &opened) != NULL)
        done = false;
    want(!done || memcmp(opened.key, record.key, sizeof(record.key)) == 0, "another key");
    if (done) {
        sealed[length - 1] ^= 1;
        want(sealed_record_open(keys, "run", 10, sealed, length, &opened) != NULL,
             "altered, and taken");
    }
    seal_keys_free(keys);
    return done;
}

static bool keep_integer(void *argument, const struct redis_reply *reply)
{
    *(long long *)argument = reply->integer;
    return true;
}

static bool try_replies(void)
{
    static const char octets[] = "+OK\r\n$3\r\nabc\r\n:41\r\n";
    struct redis_replies *replies = redis_replies_new(true);
    long long last = 0;
    const bool done =
        replies != NULL && redis_replies_feed(replies, octets, strlen(octets), keep_integer, &last);

    want(!done || last == 41, "another number");
    redis_replies_free(replies);
    return done;
}

static bool try_devices(void)
{
    const struct devices_rules rules = {.needs = DEVICES_KS_NAF};
    char text[] = "identity,ks-naf,ka,ka-id\nb," HEX32 "," HEX32 ",1\nb," HEX32 "," HEX16
                  ",2\na," HEX32 ",,\n";
    char fault[DEVICES_FAULT_SIZE];
    struct devices *devices = devices_parse(text, strlen(text), &rules, fault);
    const struct device *ka =
        devices == NULL ? NULL : devices_ka(devices, devices_find(devices, "b"), NULL);

    want(devices == NULL || (devices->count == 3 && ka != NULL && ka->ka_length == 16), "rows");
    devices_free(devices);
    return devices != NULL;
}

/* A certificate that is its own CA, into a file. */
static X509 *write_ca(FILE *file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *ca = X509_new();
    X509_NAME *name = X509_NAME_new();

    want(key != NULL && ca != NULL && name != NULL &&
             X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"ca", -1,
                                        -1, 0) > 0 &&
             X509_set_subject_name(ca, name) > 0 && X509_set_issuer_name(ca, name) > 0 &&
             X509_set_pubkey(ca, key) > 0 && X509_gmtime_adj(X509_getm_notBefore(ca), 0) != NULL &&
             X509_gmtime_adj(X509_getm_notAfter(ca), 60) != NULL &&
             X509_sign(ca, key, EVP_sha256()) > 0 && PEM_write_X509(file, ca) > 0 &&
             fflush(file) == 0,
         "no certificate");
    X509_NAME_free(name);
    EVP_PKEY_free(key);
    return ca;
}

/* As libssl does at its security level 2: a weak key counts as none. This, too, may run out once.
 */
static bool is_trusted(SSL_CTX *ctx, X509 *ca)
{
    X509_STORE_CTX *chain = X509_STORE_CTX_new();
    X509 *copy = X509_dup(ca); /* it would keep what ran out */
    bool done = chain != NULL && copy != NULL &&
                X509_STORE_CTX_init(chain, SSL_CTX_get_cert_store(ctx), copy, NULL) > 0;

    if (done) {
        X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(chain), 2);
        done = X509_verify_cert(chain) > 0;
    }
    X509_STORE_CTX_free(chain);
    X509_free(copy);
    return done;
}

/* A context with a CA whose key libssl takes for a weak one, or without ciphers that it had. */
static bool try_trust(void)
{
    static char path[40];
    static X509 *ca;
    static int ciphers;
    FILE *file = ca == NULL ? tmpfile() : NULL;
    SSL_CTX *ctx;
    bool done;

    if (file != NULL) {
        ca = write_ca(file);
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(file));
    }
    ctx = tls_client_ctx(path);
    done = ctx != NULL;
    if (done && ciphers == 0)
        ciphers = sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(ctx));
    if (done)
        want((is_trusted(ctx, ca) || is_trusted(ctx, ca)) &&
                 sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(ctx)) == ciphers,
             "a context that lacks something");
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return done;
}

static const struct {
    const char *name;
    bool (*run)(void);
} parts[] = {
    {"nonce", try_nonce},     {"flag", try_flag},       {"no flag", try_no_flag},
    {"request", try_request}, {"answers", try_answers}, {"revocation", try_revocation},
    {"record", try_record},   {"replies", try_replies}, {"devices file", try_devices},
    {"trust", try_trust},
};

int main(void)
{
    failing_malloc_set_up();
    failing_malloc_here();
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        unsigned long number = 0;
        bool failed;
        long before;

        current = parts[i].name;
        want(parts[i].run() && parts[i].run(), "refused with all memory there");
        OPENSSL_thread_stop(); /* the error stack keeps its texts' memory */
        before = failing_malloc_live();
        do {
            failing_malloc_arm(++number);
            (void)parts[i].run();
            failed = failing_malloc_disarm();
            OPENSSL_thread_stop();
            want(failing_malloc_live() == before, "blocks are left");
        } while (failed);
        want(number > 1, "no allocation failed");
        want(parts[i].run(), "refused afterwards");
        printf("%s: %lu allocations failed\n", current, number - 1);
    }
    return EXIT_SUCCESS;
}
