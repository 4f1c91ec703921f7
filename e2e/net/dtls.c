/*
 * DTLS 1.2 and TLS 1.2 with a pre-shared key, as both programs set them up
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/dtls.h"

#include "net/dgram.h"
#include "net/tls.h"
#include "options.h"
#include "printable.h"

#include <netinet/in.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define MESSAGE_MAX                                                              \
    2048 /* octets that a message of a handshake may announce; libssl adds to it \
          */

#define BITS_WANTED 128 /* bits of a cipher */

static bool fail(const char *ciphers, const char *what)
{
    fprintf(stderr, "%s--dtls-ciphers %s: %s\n", options_where("dtls-ciphers"), PRINTABLE(ciphers),
            what);
    return false;
}

/* OpenSSL counts CCM_8's tag of 64 bits as that strength, which its usual level refuses. */
static bool set_ciphers(SSL_CTX *ctx, const char *ciphers)
{
    if (strstr(ciphers, "CCM8") != NULL)
        SSL_CTX_set_security_level(ctx, 0);
    return SSL_CTX_set_cipher_list(ctx, ciphers) > 0;
}

static bool is_psk(const SSL_CIPHER *cipher)
{
    const int exchange = SSL_CIPHER_get_kx_nid(cipher);

    return SSL_CIPHER_get_auth_nid(cipher) == NID_auth_psk &&
           (exchange == NID_kx_psk || exchange == NID_kx_ecdhe_psk);
}

/*
 * NULL has none, and CCM_8 lowers the level at which libssl would refuse it. Of an AEAD the key
 * counts: since OpenSSL 3.2 the strength of CCM_8 is that of its tag.
 */
static bool has_strength(const SSL_CIPHER *cipher)
{
    int key = 0;
    const int strength = SSL_CIPHER_get_bits(cipher, &key);

    return (SSL_CIPHER_is_aead(cipher) ? key : strength) >= BITS_WANTED;
}

static bool is_tls13(const SSL_CIPHER *cipher)
{
    return SSL_CIPHER_get_kx_nid(cipher) == NID_kx_any;
}

static bool collect(struct dtls_suites *suites, const SSL_CTX *ctx, const char *ciphers)
{
    STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);

    suites->count = 0;
    for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(all, i);

        if (is_tls13(cipher))
            continue;
        if (!is_psk(cipher))
            return fail(ciphers,
                        "must name cipher suites of PSK or ECDHE-PSK alone, as openssl ciphers "
                        "-psk has them");
        if (!has_strength(cipher))
            return fail(ciphers, "must name cipher suites that encrypt, with 128 bits or more");
        if (suites->count == DTLS_CIPHERS_MAX)
            return fail(ciphers, "must name at most 8 cipher suites");
        suites->number[suites->count++] = SSL_CIPHER_get_protocol_id(cipher);
    }
    return suites->count > 0 || fail(ciphers, "names no cipher suite");
}

/* What every connection here requires, whatever a system's openssl.cnf says. */
static void require_extensions(SSL_CTX *ctx)
{
    (void)SSL_CTX_clear_options(ctx, SSL_OP_NO_ENCRYPT_THEN_MAC | SSL_OP_NO_EXTENDED_MASTER_SECRET);
}

/* OpenSSL leaves out what it does not know, as long as there is something that it does. */
static bool knows_each(SSL_CTX *ctx, const char *ciphers)
{
    char *copy = OPENSSL_strdup(ciphers), *rest = copy;
    const char *one;
    bool done = copy != NULL;

    while (done && (one = strsep(&rest, ":,; ")) != NULL)
        done = set_ciphers(ctx, one);
    OPENSSL_free(copy);
    return done;
}

bool dtls_read_ciphers(struct dtls_suites *suites, const char *ciphers)
{
    SSL_CTX *ctx = tls_ctx_new(DTLS_method());
    const bool done = ctx == NULL ? fail(ciphers, "out of memory")
                      : !knows_each(ctx, ciphers) || !set_ciphers(ctx, ciphers)
                          ? fail(ciphers, "OpenSSL has no such suite")
                          : collect(suites, ctx, ciphers);

    SSL_CTX_free(ctx);
    ERR_clear_error();
    return done;
}

SSL_CTX *dtls_psk_ctx(const SSL_METHOD *method, const char *ciphers, const char *keylog)
{
    SSL_CTX *ctx = tls_ctx_new(method);

    if (ctx == NULL || !SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) ||
        !SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION) || !set_ciphers(ctx, ciphers) ||
        !SSL_CTX_set1_groups_list(ctx, "X25519:P-256") || !tls_log_keys(ctx, keylog)) {
        if (ctx == NULL || ERR_peek_error() != 0) /* of a key log it is said */
            fprintf(stderr, "DTLS: %s\n", tls_error("out of memory"));
        SSL_CTX_free(ctx);
        return NULL;
    }
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                       SSL_OP_NO_QUERY_MTU | SSL_OP_CIPHER_SERVER_PREFERENCE);
    require_extensions(ctx);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_max_cert_list(ctx, MESSAGE_MAX);
    (void)SSL_CTX_set_max_send_fragment(ctx, DTLS_RECORD_MAX);
    return ctx;
}

bool dtls_allow_tls12(SSL_CTX *ctx, const char *ciphers)
{
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    require_extensions(ctx);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) && set_ciphers(ctx, ciphers);
}

uint16_t dtls_suite_of(const SSL *ssl)
{
    const SSL_CIPHER *pending = SSL_get_pending_cipher(ssl);
    const SSL_CIPHER *cipher = pending != NULL ? pending : SSL_get_current_cipher(ssl);

    return cipher == NULL ? 0 : SSL_CIPHER_get_protocol_id(cipher);
}

static bool has_extension(SSL *ssl, unsigned int number)
{
    const unsigned char *octets;
    size_t length;

    return SSL_client_hello_get0_ext(ssl, number, &octets, &length) == 1;
}

/* Those with authenticated encryption, as a list; empty: there is none. */
static void list_aead(const SSL *ssl, char list[256])
{
    STACK_OF(SSL_CIPHER) *all = SSL_get_ciphers(ssl);

    list[0] = '\0';
    for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(all, i);
        const size_t length = strlen(list);

        if (is_psk(cipher) && SSL_CIPHER_is_aead(cipher))
            (void)snprintf(list + length, 256 - length, ":%s", SSL_CIPHER_get_name(cipher));
    }
}

const char *dtls_judge_client_hello(SSL *ssl)
{
    char list[256];

    if (!has_extension(ssl, TLSEXT_TYPE_extended_master_secret))
        return "it offers no extended master secret (RFC 7627)";
    if (has_extension(ssl, TLSEXT_TYPE_encrypt_then_mac))
        return NULL;
    list_aead(ssl, list);
    if (list[0] == '\0' || SSL_set_cipher_list(ssl, list + 1) <= 0)
        return "it offers no encrypt-then-MAC (RFC 7366)";
    return NULL;
}

void dtls_release_buffers(SSL *ssl)
{
    if (SSL_is_init_finished(ssl) && SSL_pending(ssl) == 0)
        (void)SSL_free_buffers(ssl);
}

bool dtls_acquire_buffers(SSL *ssl)
{
    return !SSL_is_dtls(ssl) || SSL_alloc_buffers(ssl) > 0;
}

bool dtls_set_connected(SSL *ssl, int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in ip4;
        struct sockaddr_in6 ip6;
    } peer = {.any = {.sa_family = AF_UNSPEC}};
    socklen_t size = sizeof(peer);
    BIO *bio = BIO_new_dgram(fd, BIO_NOCLOSE);
    BIO_ADDR *address = BIO_ADDR_new();
    bool done = bio != NULL && address != NULL && getpeername(fd, &peer.any, &size) == 0;

    if (done && peer.any.sa_family == AF_INET6)
        done = BIO_ADDR_rawmake(address, AF_INET6, &peer.ip6.sin6_addr, sizeof(peer.ip6.sin6_addr),
                                peer.ip6.sin6_port);
    else if (done)
        done = BIO_ADDR_rawmake(address, AF_INET, &peer.ip4.sin_addr, sizeof(peer.ip4.sin_addr),
                                peer.ip4.sin_port);
    if (done)
        (void)BIO_ctrl_set_connected(bio, address);
    BIO_ADDR_free(address);
    if (!done) {
        BIO_free(bio);
        return false;
    }
    SSL_set_bio(ssl, bio, bio);
    (void)DTLS_set_link_mtu(ssl, DGRAM_LINK_MTU);
    return true;
}

/* What a client offers. */
struct offer {
    char identity[PSK_MAX_IDENTITY_LEN + 1];
    size_t count;
    struct {
        uint16_t suite; /* 0: every one */
        unsigned char octets[DTLS_KEY_LENGTH];
    } keys[DTLS_CIPHERS_MAX];
    bool has_etm; /* the server has agreed on encrypt-then-MAC */
};

static int offer_index = -1;

static void free_offer(void *parent, void *value, CRYPTO_EX_DATA *data, int index, long argl,
                       void *argp)
{
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    OPENSSL_clear_free(value, sizeof(struct offer));
}

static void get_offer_index(void)
{
    offer_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_offer);
}

static unsigned int use_offer(SSL *ssl, const char *hint, char *identity, unsigned int identity_max,
                              unsigned char *key, unsigned int key_max)
{
    const struct offer *offer = SSL_get_ex_data(ssl, offer_index);
    const uint16_t suite = dtls_suite_of(ssl);

    (void)hint; /* not authenticated */
    if (offer == NULL || SSL_version(ssl) == TLS1_3_VERSION || suite == 0 ||
        strlen(offer->identity) > identity_max || key_max < DTLS_KEY_LENGTH)
        return 0;
    for (size_t i = 0; i < offer->count; i++)
        if (offer->keys[i].suite == 0 || offer->keys[i].suite == suite) {
            memcpy(identity, offer->identity, strlen(offer->identity) + 1);
            memcpy(key, offer->keys[i].octets, DTLS_KEY_LENGTH);
            return DTLS_KEY_LENGTH;
        }
    return 0;
}

/* Does a ServerHello, behind its header, agree on encrypt-then-MAC (RFC 7366)? */
static bool agrees_on_etm(const unsigned char *hello, size_t length)
{
    size_t at = 2 + 32; /* version, random */

    if (length < at + 1)
        return false;
    at += (size_t)hello[at] + 6; /* session, suite, compression, length of extensions */
    while (at + 4 <= length) {
        const unsigned int number = (unsigned int)hello[at] << 8 | hello[at + 1];

        if (number == TLSEXT_TYPE_encrypt_then_mac)
            return true;
        at += 4 + ((size_t)hello[at + 2] << 8 | hello[at + 3]);
    }
    return false;
}

/* libssl does not tell what was negotiated: the offer remembers it. */
static void look_at_message(int written, int version, int type, const void *octets, size_t length,
                            SSL *ssl, void *argument)
{
    struct offer *offer = SSL_get_ex_data(ssl, offer_index);
    const unsigned char *message = octets;
    const size_t header = SSL_is_dtls(ssl) ? DTLS1_HM_HEADER_LENGTH : SSL3_HM_HEADER_LENGTH;

    (void)version, (void)argument;
    if (written == 0 && type == SSL3_RT_HANDSHAKE && length > header &&
        message[0] == SSL3_MT_SERVER_HELLO && offer != NULL)
        offer->has_etm = agrees_on_etm(message + header, length - header);
}

bool dtls_psk_offer(SSL *ssl, const char *identity, const struct dtls_key *keys, size_t count)
{
    static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
    struct offer *offer = NULL;

    if (strlen(identity) < sizeof(offer->identity) && count <= DTLS_CIPHERS_MAX)
        offer = OPENSSL_zalloc(sizeof(*offer));
    if (offer == NULL || !CRYPTO_THREAD_run_once(&once, get_offer_index)) {
        OPENSSL_free(offer);
        return false;
    }
    memcpy(offer->identity, identity, strlen(identity) + 1);
    offer->count = count;
    for (size_t i = 0; i < count; i++) {
        offer->keys[i].suite = keys[i].suite;
        memcpy(offer->keys[i].octets, keys[i].octets, DTLS_KEY_LENGTH);
    }
    if (!SSL_set_ex_data(ssl, offer_index, offer)) {
        OPENSSL_clear_free(offer, sizeof(*offer));
        return false;
    }
    SSL_set_psk_client_callback(ssl, use_offer);
    SSL_set_msg_callback(ssl, look_at_message);
    return true;
}

bool dtls_psk_was_used(const SSL *ssl)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    const struct offer *offer = offer_index < 0 ? NULL : SSL_get_ex_data(ssl, offer_index);

    /* at a server dtls_judge_client_hello() has checked it */
    if (cipher == NULL || (offer != NULL && !SSL_CIPHER_is_aead(cipher) && !offer->has_etm))
        return false;
    return is_psk(cipher) && SSL_get_extms_support((SSL *)(uintptr_t)ssl) == 1;
}
