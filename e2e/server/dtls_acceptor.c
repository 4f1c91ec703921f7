/*
 * The peers of a UDP socket: who is let in, and whose datagrams are whose
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/dtls_acceptor.h"

#include "net/clock.h"
#include "net/dgram_bio.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <unistd.h>

#define BUCKETS        1024
#define TURNS          64   /* datagrams taken before other events have their turn */
#define LAST_TURNS     64   /* ... so often before another program has the socket */
#define WAITING_MAX    4    /* datagrams of a peer during its handshake */
#define WAITING_OCTETS 4096 /* of each: a client's whole flight is shorter */
#define SESSION_MAX    64   /* ... and later */
#define SESSION_OCTETS (SSL3_RT_MAX_ENCRYPTED_LENGTH + DTLS1_RT_HEADER_LENGTH)
#define COOKIE_LENGTH  32 /* SHA-256 */
#define COOKIE_SECONDS 60 /* a cookie is good for this time, and for the one after it */

LIST_HEAD(peers, connection);

struct dtls_acceptor {
    struct worker *worker;
    struct endpoints *endpoints;
    const struct endpoint *endpoint;
    int fd;
    SSL *listener; /* answers clients without a cookie; NULL: not made yet */
    struct peers peers[BUCKETS];
    unsigned char datagram[DGRAM_MAX];
};

static void count_loss(enum dgram_loss loss)
{
    metrics_count(loss == DGRAM_TOO_LARGE ? METRIC_DATAGRAMS_TOO_LARGE : METRIC_DATAGRAMS_UNSENT);
}

/* Cookies (RFC 6347 4.2.1) */

static struct {
    unsigned char secret[DTLS_COOKIE_SECRET_LENGTH];
    bool is_there;
} cookies;
static CRYPTO_ONCE cookies_once = CRYPTO_ONCE_STATIC_INIT;

static void make_secret(void)
{
    cookies.is_there = RAND_bytes(cookies.secret, sizeof(cookies.secret)) > 0;
}

static bool has_secret(void)
{
    return CRYPTO_THREAD_run_once(&cookies_once, make_secret) && cookies.is_there;
}

bool dtls_acceptor_cookie_secret(unsigned char secret[DTLS_COOKIE_SECRET_LENGTH])
{
    if (!has_secret())
        return false;
    memcpy(secret, cookies.secret, sizeof(cookies.secret));
    return true;
}

void dtls_acceptor_take_cookie_secret(const unsigned char secret[DTLS_COOKIE_SECRET_LENGTH])
{
    if (has_secret())
        memcpy(cookies.secret, secret, sizeof(cookies.secret));
}

/* Address and port as octets that are equal if and only if these are. */
static size_t write_address(const struct sockaddr *peer, unsigned char octets[18])
{
    const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)peer;
    const struct sockaddr_in *ip4 = (const struct sockaddr_in *)peer;

    if (peer->sa_family == AF_INET6) {
        memcpy(octets, &ip6->sin6_addr, 16);
        memcpy(octets + 16, &ip6->sin6_port, 2);
        return 18;
    }
    memcpy(octets, &ip4->sin_addr, 4);
    memcpy(octets + 4, &ip4->sin_port, 2);
    return 6;
}

/* A cookie is an HMAC of address and period, so no state is kept about it. */
static bool derive_cookie(SSL *ssl, int64_t period, unsigned char cookie[COOKIE_LENGTH])
{
    BIO *bio = dgram_bio_of(ssl);
    unsigned char data[sizeof(period) + 18];
    size_t length;

    if (bio == NULL || !has_secret())
        return false;
    memcpy(data, &period, sizeof(period));
    length =
        write_address((const struct sockaddr *)&dgram_bio_path(bio)->peer, data + sizeof(period));
    return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, cookies.secret, sizeof(cookies.secret),
                     data, sizeof(period) + length, cookie, COOKIE_LENGTH, NULL) != NULL;
}

static int64_t period_now(void)
{
    return clock_ms() / 1000 / COOKIE_SECONDS;
}

static int make_cookie(SSL *ssl, unsigned char *cookie, unsigned int *length)
{
    *length = COOKIE_LENGTH;
    return derive_cookie(ssl, period_now(), cookie);
}

static int verify_cookie(SSL *ssl, const unsigned char *given, unsigned int length)
{
    const int64_t now = period_now();
    unsigned char cookie[COOKIE_LENGTH];

    for (int64_t period = now; length == COOKIE_LENGTH && period >= now - 1; period--)
        if (derive_cookie(ssl, period, cookie) && CRYPTO_memcmp(given, cookie, COOKIE_LENGTH) == 0)
            return 1;
    return 0;
}

void dtls_acceptor_set_up(SSL_CTX *ctx)
{
    SSL_CTX_set_cookie_generate_cb(ctx, make_cookie);
    SSL_CTX_set_cookie_verify_cb(ctx, verify_cookie);
}

/* Peers */

static struct peers *bucket(struct dtls_acceptor *acceptor, const struct sockaddr *peer)
{
    unsigned char octets[18];
    const size_t length = write_address(peer, octets);
    uint32_t sum = 2166136261U ^ acceptor->worker->server->seed;

    for (size_t i = 0; i < length; i++)
        sum = (sum ^ octets[i]) * 16777619U;
    return &acceptor->peers[(sum ^ sum >> 16) % BUCKETS];
}

static bool is_of(const struct connection *connection, const struct sockaddr *peer)
{
    unsigned char one[18], other[18];
    const size_t length = write_address(peer, other);

    return connection->peer.any.sa_family == peer->sa_family &&
           write_address(&connection->peer.any, one) == length && memcmp(one, other, length) == 0;
}

static struct connection *find(struct dtls_acceptor *acceptor, const struct sockaddr *peer)
{
    struct connection *connection;

    LIST_FOREACH(connection, bucket(acceptor, peer), peers)
    {
        if (is_of(connection, peer))
            break;
    }
    return connection;
}

/* Unknown peers */

/* A record of a handshake, not encrypted, whose message is a ClientHello: where its random is. */
#define RECORD_HEADER  13
#define MESSAGE_HEADER 12
#define RANDOM_AT      (RECORD_HEADER + MESSAGE_HEADER + 2)
#define RANDOM_LENGTH  32

static bool is_client_hello(const unsigned char *octets, size_t length)
{
    static const unsigned char epoch_0[2] = {0, 0};

    return length > RANDOM_AT + RANDOM_LENGTH && octets[0] == 22 && octets[1] == 0xFE &&
           memcmp(octets + 3, epoch_0, sizeof(epoch_0)) == 0 && octets[RECORD_HEADER] == 1;
}

/* One SSL answers all clients without a cookie; a client with a valid one takes it over. */
static bool make_listener(struct dtls_acceptor *acceptor)
{
    const struct endpoint *endpoint = acceptor->endpoint;
    SSL_CTX *ctx = endpoint->kind->dtls_ctx(endpoint->service);
    SSL *ssl = ctx == NULL ? NULL : SSL_new(ctx);
    BIO *bio = dgram_bio_new(acceptor->fd, count_loss);

    SSL_CTX_free(ctx);
    if (ssl == NULL || bio == NULL || !SSL_set_app_data(ssl, NULL)) {
        SSL_free(ssl);
        BIO_free(bio);
        ERR_clear_error();
        return false;
    }
    SSL_set_bio(ssl, bio, bio);
    (void)DTLS_set_link_mtu(ssl, DGRAM_LINK_MTU);
    (void)SSL_set_mode(ssl, SSL_MODE_ASYNC);
    acceptor->listener = ssl;
    return true;
}

/* Does a ClientHello have a cookie of ours? Then it is left for libssl to read. */
static bool proves_address(struct dtls_acceptor *acceptor, const struct dgram_path *path,
                           size_t length)
{
    BIO_ADDR *ignored = BIO_ADDR_new();
    BIO *bio = dgram_bio_of(acceptor->listener);
    bool is_proved;

    dgram_bio_set_path(bio, path);
    is_proved = ignored != NULL && dgram_bio_put(bio, acceptor->datagram, length, 1) &&
                DTLSv1_listen(acceptor->listener, ignored) == 1;
    if (!is_proved)
        dgram_bio_clear(bio);
    BIO_ADDR_free(ignored);
    ERR_clear_error();
    return is_proved;
}

/* The address is proved: from now on it is a connection like others. */
static void let_in(struct dtls_acceptor *acceptor, const struct sockaddr_storage *peer)
{
    const struct connection_kind *kind = acceptor->endpoint->kind;
    struct connection *connection;
    SSL *ssl = acceptor->listener;

    acceptor->listener = NULL;
    if (acceptor->worker->is_draining || !endpoints_take_number(acceptor->endpoints, kind) ||
        !acceptor_admit(acceptor->worker, kind, peer)) {
        SSL_free(ssl);
        return;
    }
    connection = connection_open_dtls(acceptor->worker, acceptor->endpoint, ssl, peer);
    if (connection == NULL) {
        acceptor_forget(acceptor->worker, kind, peer);
        return;
    }
    LIST_INSERT_HEAD(bucket(acceptor, &connection->peer.any), connection, peers);
    connection_resume(connection);
}

/* While the server drains, one that starts again loses its old session, so that another program can
 * hear it. */
static void greet(struct dtls_acceptor *acceptor, const struct dgram_path *path, size_t length,
                  struct connection *before)
{
    if ((acceptor->worker->is_draining && before == NULL) ||
        !connection_bound_jobs(acceptor->worker) ||
        (acceptor->listener == NULL && !make_listener(acceptor)))
        return;
    if (!proves_address(acceptor, path, length))
        return;
    if (before != NULL)
        connection_close(before, "its peer has started again");
    let_in(acceptor, &path->peer);
}

/* Does a known peer start again? Its first ClientHello may come late, or twice. */
static bool is_new_handshake(const struct connection *connection, const unsigned char *octets,
                             size_t length)
{
    unsigned char random[RANDOM_LENGTH];

    return is_client_hello(octets, length) &&
           SSL_get_client_random(connection->ssl, random, sizeof(random)) == sizeof(random) &&
           memcmp(random, octets + RANDOM_AT, sizeof(random)) != 0;
}

/*
 * Datagrams of a known peer. In a handshake the first ones are kept, since later ones repeat them;
 * in a session the newest ones are. What no record can be is not kept at all.
 */
static void hand_over(struct connection *connection, const unsigned char *octets, size_t length)
{
    BIO *bio = dgram_bio_of(connection->ssl);
    bool is_crowded;

    if (length > (connection->is_finished ? SESSION_OCTETS : WAITING_OCTETS)) {
        metrics_count(METRIC_DATAGRAMS_TOO_LARGE);
        return;
    }
    if (!connection->is_finished)
        dtls_finished_note(&connection->finished, octets, length);
    is_crowded = connection->is_finished && dgram_bio_make_room(bio, SESSION_MAX);
    if (!dgram_bio_put(bio, octets, length, connection->is_finished ? SESSION_MAX : WAITING_MAX) ||
        is_crowded)
        metrics_count(METRIC_DATAGRAMS_DROPPED);
}

static void serve_datagram(struct dtls_acceptor *acceptor, const struct dgram_path *path,
                           size_t length)
{
    struct connection *connection = find(acceptor, (const struct sockaddr *)&path->peer);

    if (connection == NULL || is_new_handshake(connection, acceptor->datagram, length)) {
        if (is_client_hello(acceptor->datagram, length))
            greet(acceptor, path, length, connection);
    } else {
        hand_over(connection, acceptor->datagram, length);
    }
}

/* False: there are no more. */
static bool serve_next(struct dtls_acceptor *acceptor, int fd)
{
    struct dgram_path path;
    const ssize_t length = dgram_receive(fd, acceptor->datagram, sizeof(acceptor->datagram), &path);

    if (length < 0)
        return false;
    serve_datagram(acceptor, &path, (size_t)length);
    return true;
}

/* False: there are no more. */
static bool serve_some(struct dtls_acceptor *acceptor)
{
    for (unsigned int turn = 0; turn < TURNS; turn++)
        if (!serve_next(acceptor, acceptor->fd))
            return false;
    return true;
}

void dtls_acceptor_on_readable(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    (void)serve_some(argument);
}

/* One at a time: it may end the connection, whose socket is closed then. */
static void on_own_readable(evutil_socket_t fd, short what, void *argument)
{
    (void)what;
    (void)serve_next(argument, (int)fd);
}

/* What comes to it before it is connected is of any peer. */
static bool open_own(struct dtls_acceptor *acceptor, struct connection *connection)
{
    BIO *bio = dgram_bio_of(connection->ssl);
    const int fd = bio == NULL
                       ? -1
                       : dgram_open_for(acceptor->endpoint->sockets, acceptor->endpoints->loops,
                                        acceptor->worker->loop->index, dgram_bio_path(bio));

    if (fd < 0)
        return false;
    connection->own_socket = event_new(acceptor->worker->loop->base, fd, EV_READ | EV_PERSIST,
                                       on_own_readable, acceptor);
    if (connection->own_socket == NULL) {
        (void)close(fd);
        return false;
    }
    return event_add(connection->own_socket, NULL) == 0;
}

void dtls_acceptor_hand_over(struct dtls_acceptor *acceptor)
{
    struct connection *connection, *next;

    for (size_t i = 0; i < BUCKETS; i++)
        for (connection = LIST_FIRST(&acceptor->peers[i]); connection != NULL; connection = next) {
            next = LIST_NEXT(connection, peers);
            if (!open_own(acceptor, connection))
                connection_close(connection, "there is no socket of its own for it after SIGUSR2");
        }
    for (unsigned int turn = 0; turn < LAST_TURNS; turn++)
        if (!serve_some(acceptor))
            break;
}

struct dtls_acceptor *dtls_acceptor_new(struct worker *worker, struct endpoints *endpoints,
                                        const struct endpoint *endpoint)
{
    struct dtls_acceptor *acceptor = OPENSSL_zalloc(sizeof(*acceptor));

    if (acceptor == NULL)
        return NULL;
    acceptor->worker = worker;
    acceptor->endpoints = endpoints;
    acceptor->endpoint = endpoint;
    acceptor->fd = endpoint->sockets[worker->loop->index];
    return acceptor;
}

void dtls_acceptor_free(struct dtls_acceptor *acceptor)
{
    if (acceptor == NULL)
        return;
    SSL_free(acceptor->listener);
    OPENSSL_free(acceptor);
}
