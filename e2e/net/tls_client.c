/*
 * The client's side of TLS with certificates: the server has to prove the name that was asked for
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/tls_client.h"

#include "net/tls.h"
#include "net/tls_files.h"

#include <openssl/x509v3.h>
#include <stdbool.h>

SSL_CTX *tls_client_ctx(const char *ca)
{
    SSL_CTX *ctx = tls_ctx_new(TLS_client_method());

    if (ctx != NULL && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) > 0 &&
        (ca == NULL ? SSL_CTX_set_default_verify_paths(ctx) > 0
                    : SSL_CTX_load_verify_file(ctx, ca) > 0 && tls_files_trust_is_whole(ctx))) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        return ctx;
    }
    SSL_CTX_free(ctx);
    return NULL;
}

static bool expect(SSL *ssl, const char *host, unsigned int flags)
{
    X509_VERIFY_PARAM *rules = SSL_get0_param(ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(rules, host) > 0)
        return true;
    SSL_set_hostflags(ssl, flags | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return X509_VERIFY_PARAM_set1_host(rules, host, 0) > 0 &&
           SSL_set_tlsext_host_name(ssl, host) > 0;
}

SSL *tls_client_new(SSL_CTX *ctx, const char *host, unsigned int flags)
{
    SSL *ssl = SSL_new(ctx);

    if (ssl != NULL && expect(ssl, host, flags))
        return ssl;
    SSL_free(ssl);
    return NULL;
}
