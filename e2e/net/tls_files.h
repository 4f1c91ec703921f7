/*
 * Certificates and keys of files, read whole before they are used: a reload takes all or nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TLS_FILES_H
#define TLS_FILES_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#define TLS_FILES_FAULT_SIZE 450 /* of a sentence that names the option and the file, filtered */

/* Names of files in PEM. */
struct tls_file_names {
    const char *certificate, *key, *ca;
    const char *options[3]; /* what to call them: names of options, in the same order */
};

struct tls_file {
    char *octets; /* and a NUL */
    size_t length;
};

/* What is in the files. */
struct tls_files {
    struct tls_file certificate, key, ca;
};

/* Read them; the key has to be private (secret_file.h). NULL: fault says why. */
struct tls_files *tls_files_read(const struct tls_file_names *names,
                                 char fault[TLS_FILES_FAULT_SIZE]);

/* Give a context our certificate, its chain and key, and whom we trust. False: fault. */
bool tls_files_use(const struct tls_files *files, const struct tls_file_names *names, SSL_CTX *ctx,
                   char fault[TLS_FILES_FAULT_SIZE]);

/* A context that has them. NULL: fault. */
SSL_CTX *tls_files_ctx(const struct tls_files *files, const struct tls_file_names *names,
                       const SSL_METHOD *method, char fault[TLS_FILES_FAULT_SIZE]);

/*
 * Are all certificates of CAs in a context usable? If memory fails OpenSSL keeps one without its
 * key, or takes it for invalid ever after. False: the reason is on the error stack.
 */
bool tls_files_trust_is_whole(SSL_CTX *ctx);

/* Cleanse and release; NULL is fine. */
void tls_files_free(struct tls_files *files);

#endif
