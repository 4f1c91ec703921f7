/*
 * TLS of the notifications' listener
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/notify_tls.h"

#include <openssl/x509v3.h>

#define NOTIFY_CERTIFICATES_MAX 16384 /* octets, which libssl allocates before it looks at them */

/* An AAnF speaks HTTP/2 (TS 29.500 5.2.1); a NEF may speak either. */
static int select_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *length,
                           const unsigned char *offered, unsigned int offered_length,
                           void *argument)
{
    static const unsigned char protocols[] = "\x02h2\x08http/1.1";
    unsigned char *found;

    (void)ssl, (void)argument;
    if (SSL_select_next_proto(&found, length, protocols, sizeof(protocols) - 1, offered,
                              offered_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

bool notify_tls_set_up(SSL_CTX *ctx, const char *name)
{
    X509_VERIFY_PARAM *rules = SSL_CTX_get0_param(ctx);

    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_alpn_select_cb(ctx, select_protocol, NULL);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(ctx, NOTIFY_CERTIFICATES_MAX);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return X509_VERIFY_PARAM_set1_host(rules, name, 0) && SSL_CTX_set_num_tickets(ctx, 0) &&
           SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
}
