/*
 * What a bootstrapping left, in a private file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "state.h"

#include "held_signals.h"
#include "hex.h"
#include "names.h"
#include "secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX 4096
#define VERSION  "akma-bootstrap 1"

static bool read_imsi(struct gba_state *state, const char *value)
{
    const size_t length = strlen(value);

    if (length < 6 || length >= sizeof(state->imsi) || strspn(value, "0123456789") != length)
        return false;
    memcpy(state->imsi, value, length + 1);
    return true;
}

static bool read_nai(char nai[USIM_NAME_SIZE], const char *value)
{
    if (names_nai_fault(value) != NULL)
        return false;
    memcpy(nai, value, strlen(value) + 1);
    return true;
}

static bool read_impi(struct gba_state *state, const char *value)
{
    return read_nai(state->impi, value);
}

static bool read_b_tid(struct gba_state *state, const char *value)
{
    return read_nai(state->b_tid, value);
}

static bool read_rand(struct gba_state *state, const char *value)
{
    return strlen(value) == (size_t)2 * USIM_RAND &&
           hex_decode(state->rand, value, (size_t)2 * USIM_RAND);
}

static bool read_lifetime(struct gba_state *state, const char *value)
{
    char *end;

    errno = 0;
    state->lifetime = strtoll(value, &end, 10);
    return errno == 0 && end != value && *end == '\0' && state->lifetime > 0;
}

static bool read_ks(struct gba_state *state, const char *value)
{
    state->has_ks = strcmp(value, "card") != 0;
    return !state->has_ks || (strlen(value) == (size_t)2 * USIM_KEY &&
                              hex_decode(state->ks, value, (size_t)2 * USIM_KEY));
}

/* The lines, in their order. */
static const struct line {
    const char *name;
    bool (*read)(struct gba_state *state, const char *value);
} lines[] = {
    {"imsi", read_imsi}, {"impi", read_impi},         {"b-tid", read_b_tid},
    {"rand", read_rand}, {"lifetime", read_lifetime}, {"ks", read_ks},
};

static bool read_lines(struct gba_state *state, char *text, char fault[GBA_FAULT_SIZE])
{
    char *line = strsep(&text, "\n");

    if (strcmp(line, VERSION) != 0)
        return gba_fail(fault, "%s: %s", "the state file",
                        "it does not begin with \"" VERSION "\"");
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const size_t length = strlen(lines[i].name);

        line = text == NULL ? NULL : strsep(&text, "\n");
        if (line == NULL || strncmp(line, lines[i].name, length) != 0 || line[length] != ' ' ||
            !lines[i].read(state, line + length + 1))
            return gba_fail(fault, "%s: %s", lines[i].name,
                            "the state file's line is missing or malformed");
    }
    return (text != NULL && *text == '\0') ||
           gba_fail(fault, "the state file: it does not end with its last line");
}

bool gba_state_read(struct gba_state *state, const char *path, char fault[GBA_FAULT_SIZE])
{
    char why[SECRET_FILE_FAULT_SIZE];
    size_t length = 0;
    char *text = secret_file_read(path, FILE_MAX, false, &length, why);
    bool done;

    memset(state, 0, sizeof(*state));
    if (text == NULL)
        return gba_fail(fault, "the state file: %s", why);
    done = read_lines(state, text, fault);
    secret_file_free(text, length);
    if (!done)
        OPENSSL_cleanse(state, sizeof(*state));
    return done;
}

/* Do not overwrite another file of secrets. */
static bool is_state_file(const char *path)
{
    char begin[sizeof(VERSION) - 1];
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
    const bool is_one = fd >= 0 && read(fd, begin, sizeof(begin)) == (ssize_t)sizeof(begin) &&
                        memcmp(begin, VERSION, sizeof(begin)) == 0;

    if (fd >= 0)
        (void)close(fd);
    return is_one || (fd < 0 && errno == ENOENT);
}

bool gba_state_check(const char *path, char fault[GBA_FAULT_SIZE])
{
    char why[SECRET_FILE_FAULT_SIZE];
    struct secret_file file;
    sigset_t before;
    bool done;

    if (!is_state_file(path))
        return gba_fail(fault, "%s is no state file, and is not written over: give another name",
                        path);
    before = held_signals_begin();
    done = secret_file_create(&file, path, why) || gba_fail(fault, "%s: %s", path, why);
    secret_file_discard(&file);
    held_signals_end(&before);
    return done;
}

static int encode(char text[FILE_MAX], const struct gba_state *state)
{
    char rand[2 * USIM_RAND + 1], ks[2 * USIM_KEY + 1] = "card";
    int length;

    rand[hex_encode(rand, state->rand, USIM_RAND)] = '\0';
    if (state->has_ks)
        ks[hex_encode(ks, state->ks, USIM_KEY)] = '\0';
    length = snprintf(text, FILE_MAX,
                      "%s\nimsi %s\nimpi %s\nb-tid %s\nrand %s\nlifetime %lld\nks %s\n", VERSION,
                      state->imsi, state->impi, state->b_tid, rand, (long long)state->lifetime, ks);
    OPENSSL_cleanse(ks, sizeof(ks));
    return length;
}

bool gba_state_write(const struct gba_state *state, const char *path, char fault[GBA_FAULT_SIZE])
{
    char text[FILE_MAX], why[SECRET_FILE_FAULT_SIZE];
    const int length = encode(text, state);
    const bool done = secret_file_put(path, NULL, false, text, (size_t)length, why);

    if (!done)
        (void)gba_fail(fault, "the state file: %s", why);
    OPENSSL_cleanse(text, sizeof(text));
    return done;
}
