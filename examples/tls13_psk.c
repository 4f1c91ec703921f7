/*
 * A derived key as external PSK of TLS 1.3; see the header
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tls13_psk.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

/*
 * The best list that this libssl takes. ML-KEM came with 3.5, as did the asterisk: a key share of
 * its own, so that a server without ML-KEM needs no second ClientHello. OpenSSL's fips provider
 * before 3.2 has P-256 alone.
 */
int tls13_psk_set_groups(SSL_CTX *ctx)
{
    static const char *const lists[] = {"*X25519MLKEM768:*X25519:P-256", "X25519:P-256", "P-256"};
    int done = 0;

    ERR_set_mark();
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && !done; i++)
        done = SSL_CTX_set1_groups_list(ctx, lists[i]) > 0;
    if (done)
        ERR_pop_to_mark();
    else
        ERR_clear_last_mark();
    return done;
}

SSL_CTX *tls13_psk_ctx(OSSL_LIB_CTX *libctx, const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new_ex(libctx, NULL, method);

    if (ctx != NULL && SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) &&
        SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256") &&
        tls13_psk_set_groups(ctx) && SSL_CTX_set_num_tickets(ctx, 0) &&
        SSL_CTX_set_max_early_data(ctx, 0) && SSL_CTX_set_recv_max_early_data(ctx, 0)) {
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_CLEANSE_PLAINTEXT);
        (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        if (method == TLS_client_method())
            SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        return ctx;
    }
    SSL_CTX_free(ctx);
    return NULL;
}

SSL_SESSION *tls13_psk_session(SSL *ssl, const unsigned char *key, size_t length)
{
    static const unsigned char aes_128_gcm_sha256[] = {0x13, 0x01};
    SSL_SESSION *session = SSL_SESSION_new();

    if (session != NULL && SSL_SESSION_set1_master_key(session, key, length) &&
        SSL_SESSION_set_cipher(session, SSL_CIPHER_find(ssl, aes_128_gcm_sha256)) &&
        SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION))
        return session;
    SSL_SESSION_free(session);
    return NULL;
}

/* What a client offers; lives as long as its SSL. */
struct offer {
    SSL_SESSION *session;
    char identity[TLS13_PSK_IDENTITY_MAX + 1];
};

static void free_offer(void *parent, void *value, CRYPTO_EX_DATA *data, int index, long argl,
                       void *argp)
{
    struct offer *offer = value;

    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    if (offer != NULL)
        SSL_SESSION_free(offer->session);
    OPENSSL_free(offer);
}

static int offer_index = -1;

static void get_offer_index(void)
{
    offer_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_offer);
}

static int use_offer(SSL *ssl, const EVP_MD *md, const unsigned char **identity, size_t *length,
                     SSL_SESSION **session)
{
    const struct offer *offer = SSL_get_ex_data(ssl, offer_index);

    if (md != NULL && !EVP_MD_is_a(md, "SHA2-256"))
        return 0; /* after a HelloRetryRequest: a suite that was not offered */
    if (!SSL_SESSION_up_ref(offer->session))
        return 0;
    *identity = (const unsigned char *)offer->identity;
    *length = strlen(offer->identity);
    *session = offer->session;
    return 1;
}

int tls13_psk_offer(SSL *ssl, const char *identity, const unsigned char *key, size_t length)
{
    static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
    struct offer *offer;

    if (strlen(identity) > TLS13_PSK_IDENTITY_MAX ||
        !CRYPTO_THREAD_run_once(&once, get_offer_index) || offer_index < 0)
        return 0;
    offer = OPENSSL_zalloc(sizeof(*offer));
    if (offer == NULL)
        return 0;
    memcpy(offer->identity, identity, strlen(identity));
    offer->session = tls13_psk_session(ssl, key, length);
    if (offer->session == NULL || !SSL_set_ex_data(ssl, offer_index, offer)) {
        SSL_SESSION_free(offer->session);
        OPENSSL_free(offer);
        return 0;
    }
    SSL_set_psk_use_session_callback(ssl, use_offer);
    return 1;
}

int tls13_psk_was_used(SSL *ssl)
{
    return SSL_session_reused(ssl);
}
