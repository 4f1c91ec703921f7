/*
 * tls13_psk.h - a derived key as external PSK of TLS 1.3, on either side; lift this one file
 *
 * Client:  SSL_CTX *ctx = tls13_psk_ctx(TLS_client_method());
 *          tls13_psk_offer(ssl, identity, key, 32), then the handshake, then
 * tls13_psk_was_used(ssl) Server:  SSL_CTX *ctx = tls13_psk_ctx(TLS_server_method());
 *          SSL_CTX_set_psk_find_session_callback(ctx, find), where find gives
 *          tls13_psk_session(ssl, key, 32) for an identity it knows
 *
 * What it takes care of:
 * - (EC)DHE with the PSK always; no tickets, no resumption, no early data: nothing outlives the
 * key.
 * - An external PSK belongs to one hash, here SHA-256: both sides keep to its cipher suites.
 * - A server that ignores the PSK answers with a certificate, which a client by default does not
 *   verify. Here it verifies, without any CA: such a handshake fails. tls13_psk_was_used() makes
 *   sure.
 * - A callback for the client's PSK is called again after a HelloRetryRequest; so is the server's,
 *   and it is called before the binder is checked: what it finds is not yet proven.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TLS13_PSK_H
#define TLS13_PSK_H

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <string.h>

#define TLS13_PSK_IDENTITY_MAX 256 /* octets: libssl's own limit */

/* A context for nothing but such connections; NULL with the reason on OpenSSL's error stack. */
static inline SSL_CTX *tls13_psk_ctx(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    if (ctx != NULL && SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) &&
        SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256") &&
        SSL_CTX_set_num_tickets(ctx, 0) && SSL_CTX_set_max_early_data(ctx, 0) &&
        SSL_CTX_set_recv_max_early_data(ctx, 0)) {
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        if (method == TLS_client_method())
            SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        return ctx;
    }
    SSL_CTX_free(ctx);
    return NULL;
}

/* The PSK as a session, for one connection; NULL with the reason on the error stack. */
static inline SSL_SESSION *tls13_psk_session(SSL *ssl, const unsigned char *key, size_t length)
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
struct tls13_psk {
    SSL_SESSION *session;
    char identity[TLS13_PSK_IDENTITY_MAX + 1];
};

static inline void tls13_psk_free(void *parent, void *psk, CRYPTO_EX_DATA *data, int index,
                                  long argl, void *argp)
{
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    if (psk != NULL)
        SSL_SESSION_free(((struct tls13_psk *)psk)->session);
    OPENSSL_free(psk);
}

static int tls13_psk_index = -1;

static inline void tls13_psk_get_index(void)
{
    tls13_psk_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, tls13_psk_free);
}

static inline int tls13_psk_use(SSL *ssl, const EVP_MD *md, const unsigned char **identity,
                                size_t *length, SSL_SESSION **session)
{
    struct tls13_psk *psk = SSL_get_ex_data(ssl, tls13_psk_index);

    if (md != NULL && !EVP_MD_is_a(md, "SHA2-256"))
        return 0; /* after a HelloRetryRequest: a suite that was not offered */
    if (!SSL_SESSION_up_ref(psk->session))
        return 0;
    *identity = (const unsigned char *)psk->identity;
    *length = strlen(psk->identity);
    *session = psk->session;
    return 1;
}

/* Offer this PSK, and no other. identity: 1 to 256 octets. 0 with the reason on the error stack. */
static inline int tls13_psk_offer(SSL *ssl, const char *identity, const unsigned char *key,
                                  size_t length)
{
    static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
    struct tls13_psk *psk;

    if (strlen(identity) > TLS13_PSK_IDENTITY_MAX ||
        !CRYPTO_THREAD_run_once(&once, tls13_psk_get_index) || tls13_psk_index < 0)
        return 0;
    psk = OPENSSL_zalloc(sizeof(*psk));
    if (psk == NULL)
        return 0;
    memcpy(psk->identity, identity, strlen(identity));
    psk->session = tls13_psk_session(ssl, key, length);
    if (psk->session == NULL || !SSL_set_ex_data(ssl, tls13_psk_index, psk)) {
        SSL_SESSION_free(psk->session);
        OPENSSL_free(psk);
        return 0;
    }
    SSL_set_psk_use_session_callback(ssl, tls13_psk_use);
    return 1;
}

/* After the handshake: is the connection secured with the PSK? */
static inline int tls13_psk_was_used(SSL *ssl)
{
    return SSL_session_reused(ssl);
}

#endif
