/*
 * TLS of the link between NAF and third party: version 1.3, certificates of a private CA on both
 * sides
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/tp_link_tls.h"

#include "net/clock.h"
#include "net/tls.h"
#include "net/tls_files.h"
#include "printable.h"
#include "tls13_psk.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define SERVER_CERTIFICATES_MAX \
    16384              /* octets that a NAF's may have, which libssl allocates before it looks */
#define VERIFY_MS 1000 /* a certificate, or a CRL, can come to its end at any time */

struct tp_link_tls {
    struct tp_link_files files;
    bool is_server;
    struct current current; /* struct version */
};

struct version {
    SSL_CTX *ctx;
    unsigned int number; /* no other version has it; from 1 on */
};

/* As ALPN has it: its length first. */
static const unsigned char protocol[] = "\x0A" TP_LINK_ALPN;

static int select_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *length,
                           const unsigned char *offered, unsigned int offered_length,
                           void *argument)
{
    unsigned char *found;

    (void)ssl, (void)argument;
    if (SSL_select_next_proto(&found, length, protocol, sizeof(protocol) - 1, offered,
                              offered_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

static bool use_crl(SSL_CTX *ctx, const char *path, char fault[TP_LINK_TLS_FAULT_SIZE])
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());

    if (lookup != NULL && X509_load_crl_file(lookup, path, X509_FILETYPE_PEM) > 0 &&
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK))
        return true;
    (void)snprintf(fault, TP_LINK_TLS_FAULT_SIZE, "--crl %s: %s", PRINTABLE_PATH(path),
                   tls_file_error());
    return false;
}

static bool use_files(SSL_CTX *ctx, const struct tp_link_files *files,
                      char fault[TP_LINK_TLS_FAULT_SIZE])
{
    const struct tls_file_names names = {
        .certificate = files->cert,
        .key = files->key,
        .ca = files->ca,
        .options = {"cert", "key", "ca"},
    };
    struct tls_files *read = tls_files_read(&names, fault);
    const bool done = read != NULL && tls_files_use(read, &names, ctx, fault);

    tls_files_free(read);
    return done && (files->crl == NULL || use_crl(ctx, files->crl, fault));
}

static bool set_up(SSL_CTX *ctx, bool is_server)
{
    if (!SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) || !SSL_CTX_set_num_tickets(ctx, 0) ||
        !tls13_psk_set_groups(ctx) ||
        SSL_CTX_set_alpn_protos(ctx, protocol, sizeof(protocol) - 1) != 0)
        return false;
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    if (is_server) {
        SSL_CTX_set_alpn_select_cb(ctx, select_protocol, NULL);
        SSL_CTX_set_max_cert_list(ctx, SERVER_CERTIFICATES_MAX);
    }
    return true;
}

static SSL_CTX *new_ctx(const struct tp_link_files *files, bool is_server,
                        char fault[TP_LINK_TLS_FAULT_SIZE])
{
    SSL_CTX *ctx = tls_ctx_new(is_server ? TLS_server_method() : TLS_client_method());

    (void)snprintf(fault, TP_LINK_TLS_FAULT_SIZE, "out of memory");
    ERR_clear_error();
    if (ctx != NULL && set_up(ctx, is_server) && use_files(ctx, files, fault))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

static void free_version(void *value)
{
    struct version *version = value;

    SSL_CTX_free(version->ctx);
    OPENSSL_free(version);
}

struct current_version *tp_link_tls_read(const struct tp_link_tls *tls,
                                         char fault[TP_LINK_TLS_FAULT_SIZE])
{
    static atomic_uint numbers;
    struct version *version = OPENSSL_zalloc(sizeof(*version));

    (void)snprintf(fault, TP_LINK_TLS_FAULT_SIZE, "out of memory");
    if (version == NULL)
        return NULL;
    version->number = atomic_fetch_add(&numbers, 1) + 1;
    version->ctx = new_ctx(&tls->files, tls->is_server, fault);
    if (version->ctx != NULL)
        return current_prepare(version, free_version);
    free_version(version);
    return NULL;
}

struct tp_link_tls *tp_link_tls_new(const struct tp_link_files *files, bool is_server,
                                    char fault[TP_LINK_TLS_FAULT_SIZE])
{
    struct tp_link_tls *tls = OPENSSL_zalloc(sizeof(*tls));
    struct current_version *first;

    if (tls == NULL)
        return NULL;
    tls->files = *files;
    tls->is_server = is_server;
    current_init(&tls->current);
    first = tp_link_tls_read(tls, fault);
    if (first != NULL) {
        current_put(&tls->current, first);
        return tls;
    }
    tp_link_tls_free(tls);
    return NULL;
}

void tp_link_tls_use(struct tp_link_tls *tls, struct current_version *fresh)
{
    current_put(&tls->current, fresh);
}

SSL_CTX *tp_link_tls_ctx(struct tp_link_tls *tls)
{
    const struct version *version = current_acquire(&tls->current);
    SSL_CTX *ctx = SSL_CTX_up_ref(version->ctx) ? version->ctx : NULL;

    current_release(&tls->current, version);
    return ctx;
}

/* Verify the peer's chain as libssl does in a handshake, for the peer's role, client or server. */
static bool verify(const struct tp_link_tls *tls, SSL_CTX *ctx, SSL *ssl)
{
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    const bool good =
        check != NULL &&
        X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(ctx), SSL_get0_peer_certificate(ssl),
                            SSL_get_peer_cert_chain(ssl)) &&
        X509_STORE_CTX_set_default(check, tls->is_server ? "ssl_client" : "ssl_server") &&
        X509_verify_cert(check) > 0;

    X509_STORE_CTX_free(check);
    ERR_clear_error();
    return good;
}

bool tp_link_tls_verifies_still(struct tp_link_tls *tls, SSL *ssl,
                                struct tp_link_verified *verified)
{
    const struct version *version = current_acquire(&tls->current);
    const int64_t now = clock_ms();
    bool good = true;

    if (verified->number != version->number || now >= verified->until) {
        good = verify(tls, version->ctx, ssl);
        *verified = (struct tp_link_verified){good ? version->number : 0, now + VERIFY_MS};
    }
    current_release(&tls->current, version);
    return good;
}

bool tp_link_tls_is_agreed(const SSL *ssl)
{
    return tls_alpn_is(ssl, TP_LINK_ALPN);
}

/* Call visit() for each DNS name of the other side's certificate, until it returns true. */
static bool any_name(const SSL *ssl, bool (*visit)(const char *name, size_t length, void *argument),
                     void *argument)
{
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    GENERAL_NAMES *names = certificate == NULL
                               ? NULL
                               : X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool found = false;

    for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_DNS)
            found = visit((const char *)ASN1_STRING_get0_data(name->d.dNSName),
                          (size_t)ASN1_STRING_length(name->d.dNSName), argument);
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return found;
}

static bool is_same(const char *name, size_t length, void *argument)
{
    const char *wanted = argument;

    return strlen(wanted) == length && memcmp(name, wanted, length) == 0;
}

bool tp_link_tls_names(const SSL *ssl, const char *dns_name)
{
    char wanted[256];

    return strchr(dns_name, '*') == NULL &&
           OPENSSL_strlcpy(wanted, dns_name, sizeof(wanted)) < sizeof(wanted) &&
           any_name(ssl, is_same, wanted);
}

struct room {
    char *name;
    size_t size;
};

static bool copy_name(const char *name, size_t length, void *argument)
{
    const struct room *room = argument;

    if (length >= room->size || memchr(name, '\0', length) != NULL)
        return false;
    memcpy(room->name, name, length);
    room->name[length] = '\0';
    return true;
}

void tp_link_tls_first_name(const SSL *ssl, char *name, size_t size)
{
    struct room room = {name, size};

    if (!any_name(ssl, copy_name, &room))
        (void)OPENSSL_strlcpy(name, "?", size);
}

void tp_link_tls_free(struct tp_link_tls *tls)
{
    if (tls != NULL)
        current_close(&tls->current);
    OPENSSL_free(tls);
}
