/*
 * How much a client may say before it has proved anything: the bounds of a ClientHello
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/client_hello.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#define RECORD_HEADER  5 /* RFC 8446 5.1 */
#define MESSAGE_HEADER 4 /* RFC 8446 4 */
#define RECORD_MAX     ((size_t)16384)
#define STREAM_MAX     ((RECORD_HEADER + 1) * (MESSAGE_HEADER + CLIENT_HELLO_MAX))

/* Reading records and the messages in them: one octet after the other, the same for both uses. */

struct reader {
    unsigned char record[RECORD_HEADER], message[MESSAGE_HEADER];
    size_t record_have, message_have; /* of the two headers */
    size_t record_left, message_left; /* of the two bodies */
    bool is_whole;                    /* a message has just ended, and with it its record */
    const char *fault;
};

static size_t message_length(const struct reader *reader)
{
    return (size_t)reader->message[1] << 16 | (size_t)reader->message[2] << 8 | reader->message[3];
}

static void begin_record(struct reader *reader)
{
    reader->record_left = (size_t)reader->record[3] << 8 | reader->record[4];
    reader->record_have = 0;
    if (reader->record[0] != SSL3_RT_HANDSHAKE || reader->record[1] != 3)
        reader->fault = "the client did not send TLS";
    else if (reader->record_left == 0 || reader->record_left > RECORD_MAX)
        reader->fault = "a record's length is not allowed";
}

static void begin_message(struct reader *reader)
{
    reader->message_left = message_length(reader);
    reader->message_have = 0;
    if (reader->message[0] != SSL3_MT_CLIENT_HELLO)
        reader->fault = "the client did not send a ClientHello";
    else if (reader->message_left > CLIENT_HELLO_MAX)
        reader->fault = "a ClientHello announces more than 8192 octets";
}

/* So many octets of a record's body. */
static void read_body(struct reader *reader, const unsigned char *octets, size_t length)
{
    reader->record_left -= length;
    while (length > 0 && reader->fault == NULL) {
        size_t part = reader->message_left < length ? reader->message_left : length;

        if (reader->message_left == 0) {
            part = 1;
            reader->message[reader->message_have++] = *octets;
            if (reader->message_have == MESSAGE_HEADER)
                begin_message(reader);
        } else {
            reader->message_left -= part;
        }
        octets += part;
        length -= part;
        reader->is_whole = reader->message_left == 0 && reader->message_have == 0;
        if (reader->is_whole && (length > 0 || reader->record_left > 0))
            reader->fault = "its record has more than a ClientHello";
    }
}

/* Octets of the stream, until a message is whole; how many were read. */
static size_t read_stream(struct reader *reader, const unsigned char *octets, size_t length)
{
    size_t place = 0;

    while (place < length && !reader->is_whole && reader->fault == NULL) {
        const size_t rest = length - place;
        const size_t part = reader->record_left < rest ? reader->record_left : rest;

        if (reader->record_left > 0) {
            read_body(reader, octets + place, part);
            place += part;
            continue;
        }
        reader->record[reader->record_have++] = octets[place++];
        if (reader->record_have == RECORD_HEADER)
            begin_record(reader);
    }
    return place;
}

/* How many octets have to come at least before a message can be whole. */
static size_t least_missing(const struct reader *reader)
{
    const size_t message =
        reader->message_left > 0 ? reader->message_left : MESSAGE_HEADER - reader->message_have;

    return message + (message > reader->record_left ? RECORD_HEADER - reader->record_have : 0);
}

/* The first ClientHello, in the socket */

static _Thread_local unsigned char seen[STREAM_MAX];

/* A fatal alert in plain (RFC 8446 6): the other side learns that it is not to try again like this.
 */
static void send_alert(int fd, unsigned char description)
{
    const unsigned char alert[] = {SSL3_RT_ALERT, 3, 3, 0, 2, SSL3_AL_FATAL, description};

    (void)recv(fd, seen, sizeof(seen), MSG_DONTWAIT); /* unread, it would take the alert with it */
    (void)send(fd, alert, sizeof(alert), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static enum client_hello refuse(int fd, const struct reader *reader, struct client_hello_look *look)
{
    look->reason = reader->fault;
    send_alert(fd, reader->message_left > CLIENT_HELLO_MAX ? SSL_AD_ILLEGAL_PARAMETER
                                                           : SSL_AD_UNEXPECTED_MESSAGE);
    return CLIENT_HELLO_REFUSED;
}

/* Have the socket be readable when so many octets are there; not at each that comes. */
static void set_low_water(int fd, struct client_hello_look *look, size_t octets)
{
    const int wanted = (int)octets;

    if (look->low_water != wanted && (wanted > 1 || look->low_water != 0))
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof(wanted));
    look->low_water = wanted;
}

/* Will nothing come any more, or has the connection failed? */
static bool has_ended(int fd)
{
    struct pollfd ended = {.fd = fd, .events = POLLRDHUP};

    return poll(&ended, 1, 0) > 0 && (ended.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

enum client_hello client_hello_look(int fd, struct client_hello_look *look)
{
    const ssize_t got = recv(fd, seen, sizeof(seen), MSG_PEEK | MSG_DONTWAIT);
    struct reader reader = {.fault = NULL};

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return CLIENT_HELLO_PARTIAL;
    if (got <= 0)
        return CLIENT_HELLO_NOTHING;
    look->octets = read_stream(&reader, seen, (size_t)got);
    if (reader.fault != NULL)
        return refuse(fd, &reader, look);
    if (reader.is_whole) {
        set_low_water(fd, look, 1);
        return CLIENT_HELLO_WHOLE;
    }
    look->reason = "the connection ended within a ClientHello";
    if (has_ended(fd))
        return CLIENT_HELLO_REFUSED;
    set_low_water(fd, look, (size_t)got + least_missing(&reader));
    return CLIENT_HELLO_PARTIAL;
}

/* The guard: a BIO between an SSL and its socket, for what is read */

struct guard {
    SSL *ssl;
    size_t skip; /* octets of the first ClientHello that are still to come */
    bool is_over;
    bool is_refused;
    struct reader reader;
};

/*
 * In TLS 1.3 what is not encrypted behind the first ClientHello is a second one, changes of the
 * cipher that mean nothing (RFC 8446 D.4) and alerts. With TLS 1.2 there is no second one.
 */
static void watch(struct guard *guard, const unsigned char *octets, size_t length)
{
    struct reader *reader = &guard->reader;
    const size_t skipped = guard->skip < length ? guard->skip : length;

    guard->skip -= skipped;
    for (size_t place = skipped; place < length && !guard->is_over && !guard->is_refused;) {
        const bool is_header = reader->record_left == 0;
        const size_t rest = length - place;
        size_t part = is_header ? 1 : reader->record_left < rest ? reader->record_left : rest;

        if (is_header) {
            reader->record[reader->record_have++] = octets[place];
            if (reader->record_have == RECORD_HEADER) {
                reader->record_left = (size_t)reader->record[3] << 8 | reader->record[4];
                reader->record_have = 0;
                guard->is_over = reader->record[0] == SSL3_RT_APPLICATION_DATA;
            }
        } else if (reader->record[0] == SSL3_RT_HANDSHAKE) {
            read_body(reader, octets + place, part);
            guard->is_refused = reader->fault != NULL;
        } else {
            reader->record_left -= part;
        }
        place += part;
    }
}

static int guard_read(BIO *bio, char *octets, int length)
{
    struct guard *guard = BIO_get_data(bio);
    BIO *socket = BIO_next(bio);
    int got;

    BIO_clear_retry_flags(bio);
    if (guard->is_refused)
        return -1;
    got = BIO_read(socket, octets, length);
    BIO_copy_next_retry(bio);
    if (got > 0 && !guard->is_over && SSL_version(guard->ssl) == TLS1_3_VERSION)
        watch(guard, (const unsigned char *)octets, (size_t)got);
    else if (got > 0)
        guard->skip -= guard->skip < (size_t)got ? guard->skip : (size_t)got;
    return guard->is_refused ? -1 : got;
}

static long guard_ctrl(BIO *bio, int command, long number, void *argument)
{
    return BIO_next(bio) == NULL ? 0 : BIO_ctrl(BIO_next(bio), command, number, argument);
}

static int guard_free(BIO *bio)
{
    OPENSSL_free(BIO_get_data(bio));
    BIO_set_data(bio, NULL);
    return 1;
}

static BIO_METHOD *guard_method;

static void make_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_FILTER, "ClientHello guard");

    if (method != NULL && BIO_meth_set_read(method, guard_read) &&
        BIO_meth_set_ctrl(method, guard_ctrl) && BIO_meth_set_destroy(method, guard_free))
        guard_method = method;
    else
        BIO_meth_free(method);
}

bool client_hello_guard(SSL *ssl, size_t octets)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct guard *guard = OPENSSL_zalloc(sizeof(*guard));
    BIO *socket = SSL_get_rbio(ssl), *bio;

    (void)pthread_once(&once, make_method);
    bio = guard == NULL || guard_method == NULL ? NULL : BIO_new(guard_method);
    if (bio == NULL || !BIO_up_ref(socket)) {
        BIO_free(bio);
        OPENSSL_free(guard);
        return false;
    }
    *guard = (struct guard){.ssl = ssl, .skip = octets};
    BIO_set_data(bio, guard);
    BIO_set_init(bio, 1);
    SSL_set0_rbio(ssl, BIO_push(bio, socket));
    return true;
}

void client_hello_unguard(SSL *ssl)
{
    BIO *socket = BIO_pop(SSL_get_rbio(ssl)); /* with the reference that the guard had */

    SSL_set0_rbio(ssl, socket);
}

bool client_hello_was_refused(SSL *ssl)
{
    BIO *bio = SSL_get_rbio(ssl);
    const struct guard *guard = bio == NULL || BIO_next(bio) == NULL ? NULL : BIO_get_data(bio);

    return guard != NULL && guard->is_refused;
}
