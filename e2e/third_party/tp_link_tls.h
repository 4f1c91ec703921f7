/*
 * TLS of the link between NAF and third party: version 1.3, certificates of a private CA on both
 * sides
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TP_LINK_TLS_H
#define TP_LINK_TLS_H

#include "current.h"
#include "net/tls_files.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TP_LINK_ALPN "akma-e2e/1"

/* Files in PEM. */
struct tp_link_files {
    const char *cert, *key, *ca;
    const char *crl; /* NULL: revocation is not checked */
};

struct tp_link_tls;

#define TP_LINK_TLS_FAULT_SIZE TLS_FILES_FAULT_SIZE

/* Read the files, whose names are kept, not copied. NULL: fault says why. */
struct tp_link_tls *tp_link_tls_new(const struct tp_link_files *files, bool is_server,
                                    char fault[TP_LINK_TLS_FAULT_SIZE]);

/* Read the files again; NULL: fault. Put it into use by the next call, or current_drop() it. */
struct current_version *tp_link_tls_read(const struct tp_link_tls *tls,
                                         char fault[TP_LINK_TLS_FAULT_SIZE]);
void tp_link_tls_use(struct tp_link_tls *tls, struct current_version *fresh);

/* The current context, on any thread; a reference to drop with SSL_CTX_free(). */
SSL_CTX *tp_link_tls_ctx(struct tp_link_tls *tls);

/* When the other side's certificate was verified last; zeros for a new connection. */
struct tp_link_verified {
    unsigned int number; /* by which of the files that have been in use */
    int64_t until;       /* clock_ms() */
};

/*
 * After the handshake: is the other side's certificate good by the current files, and has neither
 * it nor a CRL come to its end? Verified again for other files, and after a second.
 */
bool tp_link_tls_verifies_still(struct tp_link_tls *tls, SSL *ssl,
                                struct tp_link_verified *verified);

/* After the handshake: did both agree on the protocol of this link? */
bool tp_link_tls_is_agreed(const SSL *ssl);

/* Is this exactly a DNS name of the certificate of the other side? Wildcard names never match. */
bool tp_link_tls_names(const SSL *ssl, const char *dns_name);

/* The first DNS name of the other side's certificate, or "?" if there is none that fits. */
void tp_link_tls_first_name(const SSL *ssl, char *name, size_t size);

/* NULL is fine. */
void tp_link_tls_free(struct tp_link_tls *tls);

#endif
