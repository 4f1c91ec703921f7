/*
 * A key on its way out: in one of three formats, to standard output or to a file of mode 0600
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "output.h"

#include "hex.h"
#include "printable.h"
#include "secret_file_guard.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const names[OUTPUT_FORMATS] = {"hex", "raw", "base64"};

enum output_format output_format_of(const char *name)
{
    enum output_format format = OUTPUT_HEX;

    while (format < OUTPUT_FORMATS && strcmp(name, names[format]) != 0)
        format++;
    return format;
}

/* The longest form is hex, two digits an octet; then comes the end of the line. */
static size_t encode(char *text, enum output_format format, const unsigned char *key, size_t length)
{
    size_t used;

    switch (format) {
    case OUTPUT_RAW:
        memcpy(text, key, length);
        return length;
    case OUTPUT_BASE64:
        used = (size_t)EVP_EncodeBlock((unsigned char *)text, key, (int)length);
        break;
    default:
        used = hex_encode(text, key, length);
    }
    text[used] = '\n';
    return used + 1;
}

static bool complain(const char *where, const char *why)
{
    fprintf(stderr, "%s: %s\n", PRINTABLE(where), why);
    return false;
}

bool output_key(const char *path, enum output_format format, const unsigned char *key,
                size_t length)
{
    const size_t size = 2 * length + 8;
    char fault[SECRET_FILE_FAULT_SIZE], *text = OPENSSL_malloc(size);
    bool done = false;

    if (text == NULL) {
        (void)complain("output", "out of memory");
    } else if (path != NULL) {
        done =
            secret_file_guard_write(path, NULL, text, encode(text, format, key, length), fault) ||
            complain(path, fault);
    } else {
        done = secret_file_write(STDOUT_FILENO, text, encode(text, format, key, length)) ||
               complain("standard output", strerror(errno));
    }
    OPENSSL_clear_free(text, size);
    return done;
}
