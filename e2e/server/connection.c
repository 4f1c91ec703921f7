/*
 * A TLS connection that was accepted: its handshake, its place in the lists, its end
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/connection.h"

#include "net/addr.h"
#include "net/clock.h"
#include "net/dgram_bio.h"
#include "net/dtls.h"
#include "net/tcp.h"
#include "net/tls.h"
#include "server/conn_limit.h"

#include <openssl/async.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REASON_SIZE 512  /* of a sentence, with what is known beside it */
#define PAUSED_MAX  2048 /* handshakes of a loop that wait for their keys */
#define JOBS_READY  4    /* of them: with stacks, and places in the pool, in advance */

static struct pool *pool_of(const struct connection *connection)
{
    return &connection->worker->server->pools[connection->kind->pool];
}

/* The page that shows the counters does not change them. */
static bool is_shown(const struct connection *connection)
{
    return connection->kind->pool != POOL_STATUS;
}

void connection_finish(struct connection *connection)
{
    struct worker *worker = connection->worker;
    const enum pool_kind pool = connection->kind->pool;
    unsigned char key[ADDR_NETWORK_SIZE];
    const size_t length = addr_network(&connection->peer.any, key);

    if (connection->is_finished)
        return;
    connection->is_finished = true;
    TAILQ_REMOVE(&worker->unfinished[pool], connection, evictable);
    (void)atomic_fetch_sub(&worker->evictable_count[pool], 1);
    conn_limit_release(pool_of(connection)->networks, key, length);
    if (is_shown(connection))
        metrics_add(METRIC_UNFINISHED, -1);
}

/*
 * Say goodbye and close. What is on its way still has as long as a line to get there: the kernel
 * would keep it for minutes for a peer that does not read.
 */
static void take_leave(const struct connection *connection, bool was_finished)
{
    if (was_finished && connection->ssl != NULL && dtls_acquire_buffers(connection->ssl))
        (void)SSL_shutdown(connection->ssl);
    ERR_clear_error();
    if (connection->fd < 0) {
        SSL_free(connection->ssl);
        return;
    }
    tcp_user_timeout(connection->fd, connection->worker->server->limits.line * 1000);
    (void)close(connection->fd);
    SSL_free(connection->ssl);
}

/* FNV-1a from a seed, so that nobody can choose names of one bucket. */
struct alike_connections *connection_bucket(struct worker *worker, enum connection_key key,
                                            const char *text)
{
    uint32_t sum = 2166136261U ^ worker->server->seed;

    for (; *text != '\0'; text++)
        sum = (sum ^ (unsigned char)*text) * 16777619U;
    return &worker->index[key][(sum ^ sum >> 16) % WORKER_BUCKETS];
}

static void index_by(struct connection *connection, enum connection_key key, const char *text)
{
    connection->is_indexed[key] = text != NULL && text[0] != '\0';
    if (connection->is_indexed[key])
        LIST_INSERT_HEAD(connection_bucket(connection->worker, key, text), connection, alike[key]);
}

void connection_index(struct connection *connection, const char *device, const char *subject)
{
    index_by(connection, KEY_OF_DEVICE, device);
    index_by(connection, KEY_OF_SUBJECT, subject);
}

/*
 * Each job has a stack of its own. libcrypto returns it to the thread's pool when the job ends, and
 * loses it if the pool has no memory to grow (async_release_job() does not look at the result). The
 * places of jobs that are made in advance are there already; only more at once need growth.
 */
bool connection_bound_jobs(struct worker *worker)
{
    worker->has_job_pool = worker->has_job_pool || ASYNC_init_thread(PAUSED_MAX, JOBS_READY) == 1;
    ERR_clear_error();
    return worker->has_job_pool;
}

/*
 * A job that is paused would keep its stack if its SSL were freed. It goes on without a key, which
 * ends it, and says nothing.
 */
static void end_job(const struct connection *connection)
{
    BIO *bio = connection->ssl == NULL ? NULL : dgram_bio_of(connection->ssl);

    if (connection->ssl == NULL || !SSL_waiting_for_async(connection->ssl))
        return;
    if (bio != NULL)
        dgram_bio_mute(bio);
    else
        (void)shutdown(connection->fd, SHUT_WR);
    (void)SSL_do_handshake(connection->ssl);
    ERR_clear_error();
}

/* The event first: a number that is closed may be another thread's at once. */
static void close_own_socket(const struct connection *connection)
{
    const int fd = connection->own_socket == NULL ? -1 : event_get_fd(connection->own_socket);

    if (fd < 0)
        return;
    event_free(connection->own_socket);
    (void)close(fd);
}

void connection_end(struct connection *connection)
{
    struct pool *pool = pool_of(connection);
    const size_t size = connection->kind->size;
    const bool was_finished = connection->is_finished;

    connection->kind->release(connection);
    io_watch_cancel(&connection->watch);
    connection_finish(connection);
    TAILQ_REMOVE(&connection->worker->all, connection, all);
    (void)atomic_fetch_sub(&connection->worker->open, 1);
    for (enum connection_key key = 0; key < CONNECTION_KEYS; key++)
        if (connection->is_indexed[key])
            LIST_REMOVE(connection, alike[key]);
    if (connection->fd < 0)
        LIST_REMOVE(connection, peers);
    close_own_socket(connection);
    end_job(connection);
    take_leave(connection, was_finished);
    if (is_shown(connection))
        metrics_add(METRIC_OPEN, -1);
    OPENSSL_clear_free(connection, size);
    (void)atomic_fetch_sub(&pool->open, 1);
}

void connection_close(struct connection *connection, const char *reason)
{
    char peer[LOG_ADDRESS_SIZE];

    if (connection->kind->pool != POOL_UES) { /* HTTP's requests have lines of their own */
        connection_end(connection);
        return;
    }
    log_event("closed", "endpoint", connection->kind->name, "peer",
              log_address(peer, &connection->peer.any), "reason", reason, NULL);
    connection_end(connection);
}

/* The cause of a refusal: an outage of ours, or what may be an attack. */
static const char *severity_of(enum metric metric)
{
    return metric == METRIC_REFUSED_SOURCE || metric == METRIC_REFUSED_STORE ||
                   metric == METRIC_REFUSED_THIRD_PARTY || metric == METRIC_REFUSED_INTERNAL
               ? "err"
               : "warning";
}

void connection_refuse(struct connection *connection, enum metric metric, const char *identity,
                       const char *reason)
{
    static struct log_limit limits[METRIC_COUNT];
    char peer[LOG_ADDRESS_SIZE];

    metrics_count(metric);
    log_limited(&limits[metric], "refused", "endpoint", connection->kind->name, "peer",
                log_address(peer, &connection->peer.any), "severity", severity_of(metric),
                "identity", identity, "reason", reason, NULL);
    connection_end(connection);
}

/* During the handshake: with what is known of it. An outage is not shown as a wrong key. */
static void refuse_handshake(struct connection *connection, enum metric metric, const char *reason)
{
    struct refusal_facts facts = {.identity = NULL};
    const char *why;
    char whole[REASON_SIZE];

    if (connection->kind->explain != NULL)
        connection->kind->explain(connection, &facts);
    why = facts.outage != NULL ? facts.outage : facts.lacks;
    (void)snprintf(whole, sizeof(whole), "%s%s%s%s", reason, why == NULL ? "" : ": ",
                   facts.outage == NULL ? "" : "its key cannot be had: ", why == NULL ? "" : why);
    connection_refuse(connection, facts.outage == NULL ? metric : facts.metric, facts.identity,
                      whole);
}

/* Why it failed, where libssl has no error of its own. */
static const char *what_failed(const struct connection *connection)
{
    if (client_hello_was_refused(connection->ssl))
        return "its second ClientHello announces too much, or is none";
    return tls_error(SSL_want_async_job(connection->ssl) ? "too many handshakes wait for their keys"
                                                         : "the connection was cut");
}

/* A ClientHello of TLS 1.2 was seen: what follows it is to be a job. */
static bool has_become_job(const SSL *ssl)
{
    return SSL_want_client_hello_cb(ssl) &&
           (SSL_get_mode((SSL *)(uintptr_t)ssl) & SSL_MODE_ASYNC) != 0;
}

/* Its key is there, or there is none. */
static bool has_found_key(struct connection *connection)
{
    return SSL_waiting_for_async(connection->ssl) && connection->kind->find_key(connection);
}

static void complete_handshake(struct connection *connection)
{
    if (connection->fd >= 0)
        client_hello_unguard(connection->ssl);
    (void)SSL_clear_mode(connection->ssl, SSL_MODE_ASYNC); /* a job is for a handshake alone */
    connection_finish(connection);
    io_watch_cancel(&connection->watch);
    metrics_count(METRIC_HANDSHAKES);
    metrics_observe_since(METRIC_TIME_HANDSHAKE, connection->began);
    connection->kind->ready(connection);
}

/* Its Finished is waited for after another key, too, unless the UE has said it twice. */
static const char *what_is_late(const struct connection *connection)
{
    return connection->fd < 0 && dtls_finished_is_awaited(connection->ssl)
               ? "the handshake was not complete in time: the UE's Finished was lost, or is of "
                 "another key"
               : "the handshake was not complete in time";
}

static void handshake(void *argument, bool in_time)
{
    struct connection *connection = argument;
    enum io_status result;
    int done;

    if (!in_time) {
        refuse_handshake(connection, METRIC_REFUSED_TIMEOUT, what_is_late(connection));
        return;
    }
    do {
        ERR_clear_error();
        done = SSL_do_handshake(connection->ssl);
    } while (has_become_job(connection->ssl) || has_found_key(connection));
    result = io_status_of_ssl(connection->ssl, done);
    if (done == 1)
        complete_handshake(connection);
    else if (dtls_finished_is_of_other_key(&connection->finished, connection->ssl))
        refuse_handshake(connection, METRIC_REFUSED_HANDSHAKE,
                         "the UE's Finished cannot be decrypted: it is of another key");
    else if (io_has_ended(result))
        refuse_handshake(connection, METRIC_REFUSED_HANDSHAKE, what_failed(connection));
    else
        io_watch_set(&connection->watch, result, connection->deadline);
}

void connection_resume(struct connection *connection)
{
    handshake(connection, true);
}

static SSL *new_ssl(const struct connection *connection)
{
    SSL_CTX *ctx = connection->kind->ctx(connection->service);
    SSL *ssl = ctx == NULL ? NULL : SSL_new(ctx);

    SSL_CTX_free(ctx);
    if (ssl != NULL && SSL_set_fd(ssl, connection->fd) &&
        client_hello_guard(ssl, connection->hello.octets) &&
        SSL_set_app_data(ssl, (void *)connection)) {
        SSL_set_accept_state(ssl);
        return ssl;
    }
    SSL_free(ssl);
    return NULL;
}

/* The ClientHello is whole: only now is there an SSL, and with it memory. */
static void begin_handshake(struct connection *connection)
{
    connection->ssl = new_ssl(connection);
    if (connection->ssl == NULL) {
        connection_refuse(connection, METRIC_REFUSED_INTERNAL, NULL, "out of memory");
        return;
    }
    connection->watch.done = handshake;
    handshake(connection, true);
}

static void await_hello(void *argument, bool in_time)
{
    struct connection *connection = argument;

    if (!in_time) {
        connection_refuse(connection, METRIC_REFUSED_TIMEOUT, NULL,
                          "the handshake was not complete in time");
        return;
    }
    switch (client_hello_look(connection->fd, &connection->hello)) {
    case CLIENT_HELLO_WHOLE:
        begin_handshake(connection);
        break;
    case CLIENT_HELLO_PARTIAL:
        io_watch_set(&connection->watch, IO_WANT_READ, connection->deadline);
        break;
    case CLIENT_HELLO_NOTHING:
        connection_end(connection);
        break;
    case CLIENT_HELLO_REFUSED:
        connection_refuse(connection, METRIC_REFUSED_HANDSHAKE, NULL, connection->hello.reason);
        break;
    }
}

/* Without TLS. One that is closed before it has said anything is a health check. */
static void await_octets(void *argument, bool in_time)
{
    struct connection *connection = argument;
    char octet;

    if (in_time && recv(connection->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
        connection->kind->ready(connection);
    else
        connection_end(connection);
}

/* A connection in its place among the others. NULL: out of memory, and the log says so. */
static struct connection *add(struct worker *worker, const struct endpoint *endpoint, int fd,
                              const struct sockaddr_storage *peer)
{
    static struct log_limit no_memory;
    const struct connection_kind *kind = endpoint->kind;
    struct connection *connection = OPENSSL_zalloc(kind->size);

    if (connection == NULL) {
        metrics_count(METRIC_REFUSED_INTERNAL);
        log_limited(&no_memory, "refused", "endpoint", kind->name, "severity", "err", "reason",
                    "out of memory", NULL);
        return NULL;
    }
    connection->kind = kind;
    connection->service = endpoint->service;
    connection->worker = worker;
    connection->fd = fd;
    memcpy(&connection->peer, peer, sizeof(connection->peer));
    connection->began = clock_ms();
    connection->deadline = connection->began + (int64_t)worker->server->limits.handshake * 1000;
    TAILQ_INSERT_TAIL(&worker->all, connection, all);
    (void)atomic_fetch_add(&worker->open, 1);
    TAILQ_INSERT_TAIL(&worker->unfinished[kind->pool], connection, evictable);
    (void)atomic_fetch_add(&worker->evictable_count[kind->pool], 1);
    if (is_shown(connection)) {
        metrics_add(METRIC_OPEN, 1);
        metrics_add(METRIC_UNFINISHED, 1);
        metrics_count(kind->accepted);
    }
    return connection;
}

bool connection_open(struct worker *worker, const struct endpoint *endpoint, int fd,
                     const struct sockaddr_storage *peer)
{
    struct connection *connection = add(worker, endpoint, fd, peer);

    if (connection == NULL) {
        (void)close(fd);
        return false;
    }
    io_watch_init(&connection->watch, worker->loop, fd,
                  endpoint->kind->ctx == NULL ? await_octets : await_hello, connection);
    io_watch_set(&connection->watch, IO_WANT_READ, connection->deadline);
    return true;
}

struct connection *connection_open_dtls(struct worker *worker, const struct endpoint *endpoint,
                                        SSL *ssl, const struct sockaddr_storage *peer)
{
    struct connection *connection = add(worker, endpoint, -1, peer);

    if (connection == NULL) {
        SSL_free(ssl);
        return NULL;
    }
    (void)SSL_set_app_data(ssl, (void *)connection); /* its place was made when ssl listened */
    connection->ssl = ssl;
    io_watch_init_ssl(&connection->watch, worker->loop, ssl, handshake, connection);
    return connection;
}

void connection_set_deadline(struct connection *connection, unsigned int seconds)
{
    connection->deadline = clock_ms() + (int64_t)seconds * 1000;
}

void connection_set_idle(struct connection *connection, bool is_idle)
{
    struct worker *worker = connection->worker;

    if (is_idle) {
        TAILQ_INSERT_TAIL(&worker->idle, connection, evictable);
        (void)atomic_fetch_add(&worker->evictable_count[connection->kind->pool], 1);
    } else {
        TAILQ_REMOVE(&worker->idle, connection, evictable);
        (void)atomic_fetch_sub(&worker->evictable_count[connection->kind->pool], 1);
    }
    metrics_add(METRIC_HELD, is_idle ? 1 : -1);
}

bool connection_evict(struct worker *worker, enum pool_kind pool)
{
    struct connection *oldest = TAILQ_FIRST(&worker->unfinished[pool]);

    if (oldest == NULL && pool == POOL_UES)
        oldest = TAILQ_FIRST(&worker->idle);
    if (oldest != NULL)
        connection_end(oldest);
    return oldest != NULL;
}
