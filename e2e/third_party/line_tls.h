/*
 * TLS of the line between NAF and third party: version 1.3, certificates of a private CA both ways
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LINE_TLS_H
#define LINE_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_ALPN "akma-e2e/1"

/* Files in PEM. */
struct line_files {
    const char *cert, *key, *ca;
    const char *crl; /* NULL: revocation is not looked at */
};

struct line_tls;

#define LINE_TLS_FAULT_SIZE 450 /* of a sentence that names the option and the file, filtered */

/* Read the files, whose names are kept, not copied. NULL: fault says why. */
struct line_tls *line_tls_new(const struct line_files *files, bool is_server,
                              char fault[LINE_TLS_FAULT_SIZE]);

/* Read the files again; NULL: fault. What comes back is put in force by the next call, or freed. */
SSL_CTX *line_tls_read(const struct line_tls *tls, char fault[LINE_TLS_FAULT_SIZE]);
void line_tls_put_in_force(struct line_tls *tls, SSL_CTX *ctx);

/* The context in force, on any thread; a reference to drop with SSL_CTX_free(). */
SSL_CTX *line_tls_ctx(struct line_tls *tls);

/* When the other side's certificate was verified last; zeros for a new connection. */
struct line_verified {
    unsigned int number; /* by which of the files that have been in force */
    int64_t until;       /* clock_ms() */
};

/*
 * After the handshake: is the other side's certificate good by the files in force, and has neither
 * it nor a CRL come to its end? Verified again for other files, and after a second.
 */
bool line_tls_verifies_still(struct line_tls *tls, SSL *ssl, struct line_verified *verified);

/* After the handshake: did both agree on the protocol of this line? */
bool line_tls_is_agreed(const SSL *ssl);

/* Is this exactly a DNS name of the certificate of the other side? Wildcards count for nothing. */
bool line_tls_names(const SSL *ssl, const char *dns_name);

/* The first DNS name of the other side's certificate, or "?" where there is none that fits. */
void line_tls_first_name(const SSL *ssl, char *name, size_t size);

/* NULL is fine. */
void line_tls_free(struct line_tls *tls);

#endif
