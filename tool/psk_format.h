/*
 * The files of PSKs that others read, one device per line
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PSK_FORMAT_H
#define PSK_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

/* One format; all of it is texts around the identity and the key, which is hex in each. */
struct psk_format {
    const char *name;
    const char *begin, *end;              /* of the file */
    const char *before, *between, *after; /* of a line */
    const char *separator;                /* between lines, besides their ends */
    const char *forbidden;                /* characters that an identity cannot have */
    bool comments;                        /* '#' at its beginning makes a line something else */
    bool escaped;                         /* a backslash is doubled */
    /* What the program that reads it takes, in octets; 0: as many as there can be. */
    size_t key_min, key_max, identity_max;
};

/* The format of a name; NULL: there is none. */
const struct psk_format *psk_format_of(const char *name);

/* A character of this identity that the format cannot carry; NUL: it can carry them all. */
char psk_format_bad_char(const struct psk_format *format, const char *identity, size_t length);

/* The most octets that psk_format_write() needs. */
size_t psk_format_room(const struct psk_format *format, size_t identity_length, size_t key_length);

/* Write the line of a device; its length. */
size_t psk_format_write(const struct psk_format *format, char *line, const char *identity,
                        size_t length, const unsigned char *key, size_t key_length);

#endif
