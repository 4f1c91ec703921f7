/*
 * A text that holds secrets and grows
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SECRET_TEXT_H
#define SECRET_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* All zero is an empty one. */
struct secret_text {
    char *octets;
    size_t length, size;
    bool failed; /* out of memory: what was put is not all there */
};

/* Put octets, or a text, at the end. */
void secret_text_put(struct secret_text *text, const void *octets, size_t length);
void secret_text_puts(struct secret_text *text, const char *words);

/* Put the hex of octets. */
void secret_text_hex(struct secret_text *text, const unsigned char *octets, size_t length);

/* Put what is left to be read from a file; false: errno says why, or failed is set. */
bool secret_text_read(struct secret_text *text, int fd);

/* A copy, to be decoded in place; NULL when out of memory. Free with OPENSSL_clear_free(). */
char *secret_text_copy(const struct secret_text *text);

/* Cleanse and release. */
void secret_text_free(struct secret_text *text);

#endif
