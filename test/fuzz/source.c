/*
 * Fuzz target: what a source of secrets gives: a file, the environment, a descriptor
 *
 * The first octet chooses the source and whether octets or hex is wanted, the rest is the text. The
 * secret is the one that is read here digit by digit, or both refuse; no fault has a piece of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "secret_source.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX 64

static void want(int condition)
{
    if (!condition)
        abort();
}

/* The octets of hex with white space; -1: it is none, or too long to be looked at whole. */
static int decode(unsigned char *octets, const uint8_t *text, size_t length)
{
    int high = -1, count = 0;

    for (size_t i = 0; i < length; i++) {
        const char digit[] = {(char)text[i], '\0'};
        int value;

        if (text[i] != '\0' && strchr(" \t\r\n\v\f", text[i]) != NULL)
            continue;
        if (strspn(digit, "0123456789abcdefABCDEF") != 1)
            return -1;
        value = (int)strtol(digit, NULL, 16);
        if (high >= 0)
            octets[count++] = (unsigned char)(high << 4 | value);
        high = high >= 0 ? -1 : value;
    }
    return high >= 0 ? -1 : count;
}

/* Put the text where the source will find it; its name. */
static const char *make_source(char name[64], unsigned int kind, const uint8_t *text, size_t length,
                               int *fd)
{
    static char value[8192];

    if (kind == 0) {
        memcpy(value, text, length);
        value[length] = '\0';
        want(setenv("FUZZED", value, 1) == 0);
        return "env:FUZZED";
    }
    *fd = memfd_create("fuzzed", MFD_CLOEXEC);
    want(*fd >= 0 && write(*fd, text, length) == (ssize_t)length && lseek(*fd, 0, SEEK_SET) == 0);
    want(fchmod(*fd, kind % 2 == 0 ? 0600 : 0644) == 0);
    (void)snprintf(name, 64, kind == 1 ? "fd:%d" : "file:/proc/self/fd/%d", *fd);
    return name;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char expected[8192];
    char fault[SECRET_FAULT_SIZE], name[64];
    const unsigned int kind = size == 0 ? 0 : (data[0] >> 1) % 4;
    const bool raw = size > 0 && data[0] % 2 != 0;
    const uint8_t *text = data + 1;
    size_t length = size == 0 ? 0 : size - 1;
    struct secret secret;
    bool done;
    int fd = -1, count;

    if (size == 0 || size > 4096)
        return 0;
    if (kind == 0)
        length = strnlen((const char *)text, length);
    count = raw ? (int)length : decode(expected, text, length);
    if (raw)
        memcpy(expected, text, length);
    done = secret_source_read(&secret, make_source(name, kind, text, length, &fd), raw, SECRET_MAX,
                              fault);
    want(memchr(fault, '\0', sizeof(fault)) != NULL);
    if (done)
        want(secret.length == (size_t)count && memcmp(secret.octets, expected, secret.length) == 0);
    else
        want(fault[0] != '\0' && secret.octets == NULL);
    if (count >= 1 && count <= SECRET_MAX && length <= (size_t)4 * SECRET_MAX)
        want(done);
    want(kind != 0 || !done || getenv("FUZZED") == NULL);
    secret_free(&secret);
    if (fd >= 0)
        (void)close(fd);
    return 0;
}
