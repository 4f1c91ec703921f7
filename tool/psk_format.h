/*
 * The files of PSKs that others read, one device per line
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PSK_FORMAT_H
#define PSK_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * One format: texts around the identity and the key, which is hex; or with a realm the hash that
 * HTTP Digest makes of both, MD5(identity ":" realm ":" base64 of the key) (RFC 7616 3.4.2).
 */
struct psk_format {
    const char *name;
    const char *begin, *end;              /* of the file */
    const char *before, *between, *after; /* of a line */
    const char *separator;                /* between lines, besides their ends */
    const char *forbidden;                /* characters that an identity cannot have */
    bool comments;                        /* '#' at its beginning makes a line something else */
    bool escaped;                         /* a backslash is doubled */
    const char *realm;                    /* what comes before the FQDN in it; NULL: none */
    /* What the program that reads it takes, in octets; 0: as many as there can be. */
    size_t key_min, key_max, identity_max;
};

/* The format of a name; NULL: there is none. */
const struct psk_format *psk_format_of(const char *name);

/* A character of this identity that the format cannot carry; NUL: it can carry them all. */
char psk_format_bad_char(const struct psk_format *format, const char *identity, size_t length);

/* What a line is about. */
struct psk_line {
    const char *identity, *fqdn;
    size_t length, fqdn_length;
    const unsigned char *key;
    size_t key_length;
};

/* The most octets that psk_format_write() needs. */
size_t psk_format_room(const struct psk_format *format, const struct psk_line *line);

/* Write the line of a device; its length. 0: there is no MD5. */
size_t psk_format_write(const struct psk_format *format, char *place, const struct psk_line *line);

#endif
