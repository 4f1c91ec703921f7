/*
 * A USIM behind a modem: at:/dev/TTY
 *
 * AT+CSIM carries APDUs, AT+CRSM reads files without selecting them (TS 27.007 8.17, 8.18). Echo,
 * blank lines and unsolicited lines are skipped. The modem's own software uses the card as well,
 * and no lock prevents that. A lock on the line keeps other bootstrappings out, because answers
 * would get mixed up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "at_answer.h"
#include "hex.h"
#include "printable.h"
#include "usim_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define LINES_MAX   64   /* of one answer, unsolicited ones included */
#define PATIENCE_MS 5000 /* for one command: a card may take a second or two */
#define LOOK_MS     200  /* between two checks whether to stop */

struct modem {
    struct apdu apdu; /* first, as apdu.h asks */
    int fd;
    char buffer[AT_LINE_SIZE];
    size_t have;
};

static long long now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wait until the modem's line is ready. False: not in time, or the program ends. */
static bool wait_for(const struct modem *modem, short what, long long until)
{
    struct pollfd ready = {.fd = modem->fd, .events = what};
    int result = 0;

    while (result == 0 && now_ms() < until && !apdu_ends(&modem->apdu))
        result = poll(&ready, 1, LOOK_MS);
    return result == 1;
}

static bool write_all(const struct modem *modem, const char *text, size_t length, long long until)
{
    while (length > 0) {
        ssize_t written;

        if (!wait_for(modem, POLLOUT, until))
            return false;
        written = write(modem->fd, text, length);
        if (written < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (written > 0) {
            text += written;
            length -= (size_t)written;
        }
    }
    return true;
}

/* The next line, without its end; it may be empty. False: none came in time, or it is too long. */
static bool read_line(struct modem *modem, char line[AT_LINE_SIZE], long long until)
{
    for (;;) {
        char *end = memchr(modem->buffer, '\n', modem->have);
        ssize_t got;

        if (end != NULL) {
            const size_t length = (size_t)(end - modem->buffer);

            memcpy(line, modem->buffer, length);
            line[length > 0 && line[length - 1] == '\r' ? length - 1 : length] = '\0';
            modem->have -= length + 1;
            memmove(modem->buffer, end + 1, modem->have);
            return true;
        }
        if (modem->have == sizeof(modem->buffer) || !wait_for(modem, POLLIN, until))
            return false;
        got = read(modem->fd, modem->buffer + modem->have, sizeof(modem->buffer) - modem->have);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        modem->have += got > 0 ? (size_t)got : 0;
    }
}

/* Discard what came before our command. */
static void forget_input(struct modem *modem)
{
    (void)tcflush(modem->fd, TCIFLUSH);
    OPENSSL_cleanse(modem->buffer, sizeof(modem->buffer));
    modem->have = 0;
}

/* Send a command and read its answer. False: ERROR, another failure, or no answer in time. */
static bool ask(struct modem *modem, struct at_answer *answer, char fault[GBA_FAULT_SIZE])
{
    const long long until = now_ms() + PATIENCE_MS;
    enum at_line result = AT_MORE;
    char line[AT_LINE_SIZE];

    forget_input(modem);
    if (!write_all(modem, answer->command, strlen(answer->command), until))
        return gba_fail(fault, "the modem takes no command");
    (void)gba_fail(fault, "the modem does not answer within %d s", PATIENCE_MS / 1000);
    for (unsigned int i = 0; i < LINES_MAX && result == AT_MORE && read_line(modem, line, until);
         i++)
        result = at_answer_take(answer, line, fault);
    OPENSSL_cleanse(line, sizeof(line));
    return result == AT_DONE;
}

static bool transmit(void *carrier, const unsigned char *command, size_t length,
                     unsigned char answer[APDU_ANSWER_MAX], size_t *answered,
                     char fault[GBA_FAULT_SIZE])
{
    char text[32 + 2 * APDU_COMMAND_MAX];
    struct at_answer asked = {.command = text, .wanted = "+CSIM: "};
    int at = snprintf(text, sizeof(text), "AT+CSIM=%zu,\"", 2 * length);
    bool done;

    at += (int)hex_encode(text + at, command, length);
    (void)snprintf(text + at, sizeof(text) - (size_t)at, "\"\r");
    done =
        ask(carrier, &asked, fault) && (at_answer_apdu(asked.found, answer, answered) ||
                                        gba_fail(fault, "the modem's +CSIM is no LENGTH,\"HEX\""));
    OPENSSL_cleanse(text, sizeof(text));
    OPENSSL_cleanse(&asked, sizeof(asked));
    return done;
}

static bool read_file(void *carrier, unsigned int file, unsigned char *octets, size_t length)
{
    char command[48], ignored[GBA_FAULT_SIZE];
    struct at_answer asked = {.command = command, .wanted = "+CRSM: "};

    (void)snprintf(command, sizeof(command), "AT+CRSM=176,%u,0,0,%zu\r", file, length);
    return ask(carrier, &asked, ignored) && at_answer_file(asked.found, octets, length);
}

static bool set_raw(int fd)
{
    struct termios settings;

    if (tcgetattr(fd, &settings) != 0)
        return false;
    cfmakeraw(&settings);
    settings.c_cflag |= CLOCAL | CREAD;
    (void)cfsetspeed(&settings, B115200);
    return tcsetattr(fd, TCSANOW, &settings) == 0;
}

static const char *explain(int error)
{
    if (error == ENOTTY)
        return "is no terminal line, such as a modem's";
    return error == EWOULDBLOCK ? "another program has locked it: wait until it ends, or end it"
                                : strerror(error);
}

static void close_modem(void *state)
{
    struct modem *modem = state;

    (void)close(modem->fd);
    OPENSSL_clear_free(modem, sizeof(*modem));
}

static void *open_modem(const char *place, const struct usim_settings *settings,
                        struct usim_identity *identity, char fault[GBA_FAULT_SIZE])
{
    struct modem *modem = OPENSSL_zalloc(sizeof(*modem));

    if (modem == NULL) {
        (void)gba_fail(fault, "out of memory");
        return NULL;
    }
    modem->fd = open(place, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (modem->fd < 0 || flock(modem->fd, LOCK_EX | LOCK_NB) != 0 || !set_raw(modem->fd)) {
        (void)gba_fail(fault, "%s: %s", PRINTABLE_PATH(place), explain(errno));
        if (modem->fd >= 0)
            (void)close(modem->fd);
        OPENSSL_free(modem);
        return NULL;
    }
    modem->apdu.transmit = transmit;
    modem->apdu.read_file = read_file;
    modem->apdu.carrier = modem;
    modem->apdu.ends = settings->ends;
    modem->apdu.pin_refused = settings->pin_refused;
    if (!apdu_open(&modem->apdu, settings->pin, identity, fault)) {
        close_modem(modem);
        return NULL;
    }
    return modem;
}

const struct usim_kind usim_at = {
    .prefix = "at:",
    .open = open_modem,
    .authenticate = apdu_authenticate,
    .keep_b_tid = apdu_keep_b_tid,
    .derive = apdu_derive,
    .close = close_modem,
};
