/*
 * A text that holds secrets and grows
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SECRET_BUF_H
#define SECRET_BUF_H

#include <stdbool.h>
#include <stddef.h>

/* A structure of zeros is empty. */
struct secret_buf {
    char *octets;
    size_t length, size;
    bool failed; /* out of memory: some of what was added is missing */
};

/* Append octets, or a text. */
void secret_buf_put(struct secret_buf *text, const void *octets, size_t length);
void secret_buf_puts(struct secret_buf *text, const char *words);

/* Append octets as hex. */
void secret_buf_hex(struct secret_buf *text, const unsigned char *octets, size_t length);

/*
 * Append the rest of a file, up to max octets. False: errno says why (EFBIG: there are more), or
 * failed is set.
 */
bool secret_buf_read(struct secret_buf *text, int fd, size_t max);

/* A copy, to be decoded in place; NULL when out of memory. Free with OPENSSL_clear_free(). */
char *secret_buf_copy(const struct secret_buf *text);

/* Cleanse and release. */
void secret_buf_free(struct secret_buf *text);

#endif
