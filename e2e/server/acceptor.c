/*
 * The addresses that are listened on, and who is let in
 *
 * Every loop accepts on every address: whichever has time takes the next connection, and gives it
 * to the one that has the fewest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/acceptor.h"

#include "net/addr.h"
#include "net/clock.h"
#include "net/dgram.h"
#include "server/conn_limit.h"
#include "server/dtls_acceptor.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TURNS    16   /* connections accepted of one address before others have their turn */
#define PAUSE_MS 100L /* while there are no descriptors */

enum refusal { REFUSAL_NETWORK, REFUSAL_EVICTED, REFUSAL_FULL, REFUSAL_STARVED, REFUSALS };

static const struct {
    const char *reason;
    enum metric metric;
} refusals[REFUSALS] = {
    [REFUSAL_NETWORK] = {"too many unfinished handshakes of one address: --handshakes-per-source",
                         METRIC_REFUSED_ADDRESS},
    [REFUSAL_EVICTED] =
        {"the oldest handshake in progress, or a first connection between two nonces, was closed "
         "for one more: as many connections as --connections-max or the descriptors allow",
         METRIC_REFUSED_FULL},
    [REFUSAL_FULL] =
        {"there are as many connections as --connections-max or the descriptors allow, all in use",
         METRIC_REFUSED_FULL},
    [REFUSAL_STARVED] = {"no descriptor for one more connection: raise LimitNOFILE, or lower "
                         "--connections-max",
                         METRIC_REFUSED_FULL},
};

struct acceptor {
    struct worker *worker;
    struct endpoints *endpoints;
    struct event *listening[ENDPOINTS_MAX], *pause;
    struct dtls_acceptor *dtls[ENDPOINTS_MAX]; /* of those of datagrams */
    struct loop_message close, begin;
    struct eviction {
        struct loop_message message;
        struct acceptor *acceptor;
        enum pool_kind pool;
        atomic_bool is_asked_for; /* by another loop */
    } evictions[POOLS];
};

static void report_refusal(enum refusal refusal, const struct sockaddr_storage *peer)
{
    static struct log_limit limits[REFUSALS];
    char shown[LOG_ADDRESS_SIZE];

    metrics_count(refusals[refusal].metric);
    log_limited(&limits[refusal], "refused", "peer",
                peer == NULL ? NULL : log_address(shown, (const struct sockaddr *)peer), "severity",
                "warning", "reason", refusals[refusal].reason, NULL);
}

static void evict_here(struct loop *loop, struct loop_message *message)
{
    struct eviction *eviction = (struct eviction *)message;

    (void)loop;
    atomic_store(&eviction->is_asked_for, false);
    (void)connection_evict(eviction->acceptor->worker, eviction->pool);
}

/* Have another loop give one up; until then there is one connection more than allowed. */
static bool evict_elsewhere(const struct server *server, enum pool_kind pool)
{
    for (size_t i = 0; i < server->loops->count; i++) {
        struct worker *other = &server->workers[i];
        struct eviction *eviction = &other->acceptor->evictions[pool];

        if (atomic_load(&other->evictable_count[pool]) > 0 &&
            !atomic_exchange(&eviction->is_asked_for, true)) {
            eviction->message.run = evict_here;
            loop_post(other->loop, &eviction->message);
            return true;
        }
    }
    return false;
}

enum place { PLACE_NONE, PLACE_FREE, PLACE_EVICTED };

/*
 * A place for one more: a free one, or that of a connection that is closed for it. The latter is
 * this loop's to fill: one that gives away the places of its own would soon evict the newest.
 */
static enum place find_place(struct acceptor *acceptor, enum pool_kind number)
{
    struct server *server = acceptor->worker->server;
    struct pool *pool = &server->pools[number];

    if (atomic_fetch_add(&pool->open, 1) < pool->max)
        return PLACE_FREE;
    if (connection_evict(acceptor->worker, number) || evict_elsewhere(server, number)) {
        report_refusal(REFUSAL_EVICTED, NULL);
        return PLACE_EVICTED;
    }
    (void)atomic_fetch_sub(&pool->open, 1);
    return PLACE_NONE;
}

/* A connection that has its place, on its way to the loop that serves it. */
struct admission {
    struct loop_message message;
    struct worker *worker;
    const struct endpoint *endpoint;
    int fd;
    struct sockaddr_storage peer;
};

void acceptor_forget(struct worker *worker, const struct connection_kind *kind,
                     const struct sockaddr_storage *peer)
{
    struct pool *pool = &worker->server->pools[kind->pool];
    unsigned char key[ADDR_NETWORK_SIZE];
    const size_t length = addr_network((const struct sockaddr *)peer, key);

    (void)atomic_fetch_sub(&pool->open, 1);
    conn_limit_release(pool->networks, key, length);
}

static void open_here(const struct admission *admission)
{
    if (!connection_open(admission->worker, admission->endpoint, admission->fd, &admission->peer))
        acceptor_forget(admission->worker, admission->endpoint->kind, &admission->peer);
}

static void open_there(struct loop *loop, struct loop_message *message)
{
    struct admission *admission = (struct admission *)message;
    struct worker *worker = admission->worker;

    (void)loop;
    open_here(admission); /* while the server drains as well: its client was let in */
    (void)atomic_fetch_sub(&worker->open, 1);
    (void)atomic_fetch_sub(&worker->evictable_count[admission->endpoint->kind->pool], 1);
    OPENSSL_free(admission);
}

/* The loop with the fewest connections; among equals the one that has accepted, at no cost. */
static struct worker *find_least_loaded(struct worker *here)
{
    struct server *server = here->server;
    struct worker *least = here;

    for (size_t i = 0; i < server->loops->count; i++)
        if (atomic_load(&server->workers[i].open) < atomic_load(&least->open))
            least = &server->workers[i];
    return least;
}

/*
 * A loop takes all that come at once, and gives each other loop its share: those that stay would
 * all be its own. One on its way counts as evictable there: what evicts it is posted after it.
 */
static void share(struct acceptor *acceptor, const struct admission *here)
{
    struct worker *worker = find_least_loaded(acceptor->worker);
    struct admission *there =
        worker == acceptor->worker ? NULL : OPENSSL_memdup(here, sizeof(*here));

    if (there == NULL) {
        open_here(here);
        return;
    }
    there->worker = worker;
    (void)atomic_fetch_add(&worker->open, 1);
    (void)atomic_fetch_add(&worker->evictable_count[here->endpoint->kind->pool], 1);
    loop_post(worker->loop, &there->message);
}

/* Is there a place for one more of this peer's network? Where there is none, the log says so. */
static enum place admit_peer(struct acceptor *acceptor, const struct connection_kind *kind,
                             const struct sockaddr_storage *peer)
{
    struct pool *pool = &acceptor->worker->server->pools[kind->pool];
    unsigned char key[ADDR_NETWORK_SIZE];
    const size_t length = addr_network((const struct sockaddr *)peer, key);
    enum refusal refusal = REFUSAL_NETWORK;

    if (conn_limit_acquire(pool->networks, key, length)) {
        const enum place place = find_place(acceptor, kind->pool);

        if (place != PLACE_NONE)
            return place;
        conn_limit_release(pool->networks, key, length);
        refusal = REFUSAL_FULL;
    }
    report_refusal(refusal, peer);
    return PLACE_NONE;
}

bool acceptor_admit(struct worker *worker, const struct connection_kind *kind,
                    const struct sockaddr_storage *peer)
{
    return admit_peer(worker->acceptor, kind, peer) != PLACE_NONE;
}

static void admit(struct acceptor *acceptor, const struct admission *admission)
{
    switch (admit_peer(acceptor, admission->endpoint->kind, &admission->peer)) {
    case PLACE_FREE:
        share(acceptor, admission);
        break;
    case PLACE_EVICTED:
        open_here(admission);
        break;
    case PLACE_NONE:
        (void)close(admission->fd);
        break;
    }
}

/* Is it closed when the server drains? What is left of datagrams' peers needs their socket. */
static bool is_to_close(const struct endpoints *endpoints, size_t i)
{
    return endpoints->endpoint[i].sockets == NULL &&
           (endpoints->are_handed_over || !endpoints->endpoint[i].kind->stays);
}

/* ... and let go of, by that or since another program has it. */
static bool is_to_leave(const struct endpoints *endpoints, size_t i)
{
    return is_to_close(endpoints, i) || endpoints->are_handed_over;
}

static void pause_listening(struct acceptor *acceptor)
{
    static const struct timeval pause = {.tv_usec = PAUSE_MS * 1000};

    for (size_t i = 0; i < acceptor->endpoints->count; i++)
        if (acceptor->endpoints->endpoint[i].sockets == NULL) /* a datagram needs no descriptor */
            (void)event_del(acceptor->listening[i]);
    loop_add_event(acceptor->pause, &pause);
}

/* Without descriptors: one that may be closed goes; without any, do not ask again at once. */
static void starve(struct acceptor *acceptor)
{
    report_refusal(REFUSAL_STARVED, NULL);
    for (enum pool_kind pool = 0; pool < POOLS; pool++)
        if (connection_evict(acceptor->worker, pool))
            return;
    pause_listening(acceptor);
}

static void resume_accepting(evutil_socket_t fd, short what, void *argument)
{
    struct acceptor *acceptor = argument;
    bool listens = true;

    (void)fd, (void)what;
    for (size_t i = 0; listens && i < acceptor->endpoints->count; i++)
        if (!acceptor->worker->is_draining || !is_to_leave(acceptor->endpoints, i))
            listens = event_add(acceptor->listening[i], NULL) == 0;
    if (!listens)
        pause_listening(acceptor);
}

/* One of the connections that --connections counts; without it there is no end of them. */
bool endpoints_take_number(struct endpoints *endpoints, const struct connection_kind *kind)
{
    if (!endpoints->counted || !kind->counts)
        return true;
    if (atomic_fetch_sub(&endpoints->left, 1) > 0)
        return true;
    (void)atomic_fetch_add(&endpoints->left, 1);
    return false;
}

/* NULL: it does not belong to these. */
static const struct endpoint *endpoint_of(const struct endpoints *endpoints, int fd)
{
    for (size_t i = 0; i < endpoints->count; i++)
        if (endpoints->endpoint[i].fd == fd)
            return &endpoints->endpoint[i];
    return NULL;
}

/* False: none is there, or none may be accepted now. */
static bool accept_one(struct acceptor *acceptor, const struct endpoint *endpoint)
{
    struct endpoints *endpoints = acceptor->endpoints;
    struct admission admission = {{open_there, NULL}, acceptor->worker, endpoint, -1, {0}};
    socklen_t size = sizeof(admission.peer);

    if (!endpoints_take_number(endpoints, endpoint->kind))
        return false;
    admission.fd = accept4(endpoint->fd, (struct sockaddr *)&admission.peer, &size,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (admission.fd >= 0) {
        admit(acceptor, &admission);
        return true;
    }
    if (endpoints->counted && endpoint->kind->counts)
        (void)atomic_fetch_add(&endpoints->left, 1);
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        starve(acceptor);
    return false;
}

static void accept_some(evutil_socket_t fd, short what, void *argument)
{
    struct acceptor *acceptor = argument;
    const struct endpoint *endpoint = endpoint_of(acceptor->endpoints, fd);

    (void)what;
    for (unsigned int turn = 0; endpoint != NULL && turn < TURNS; turn++)
        if (!accept_one(acceptor, endpoint))
            return;
}

static bool listen_to_datagrams(struct endpoints *endpoints, const struct connection_kind *kind,
                                void *service, const char *name, const char *address)
{
    const size_t loops = endpoints->loops;
    struct listenings listenings;
    int *sockets[ADDRS_MAX] = {NULL};
    bool done = true;

    for (size_t i = 0; i < ADDRS_MAX; i++)
        done = (sockets[i] = OPENSSL_zalloc(loops * sizeof(*sockets[i]))) != NULL && done;
    listenings.count = 0;
    done = done && dgram_listen(&listenings, sockets, loops, name, address);
    for (size_t i = 0; i < ADDRS_MAX; i++) {
        if (!done || i >= listenings.count) {
            OPENSSL_free(sockets[i]);
            continue;
        }
        endpoints->endpoint[endpoints->count++] =
            (struct endpoint){kind, service, listenings.at[i].fd, name, sockets[i]};
        printf("%s " DGRAM_PREFIX "%s\n", name, listenings.at[i].shown);
    }
    return done && fflush(stdout) == 0;
}

bool endpoints_listen(struct endpoints *endpoints, const struct connection_kind *kind,
                      void *service, const char *name, const char *address, bool passive)
{
    struct listenings listenings;

    if (kind->dtls_ctx != NULL && dgram_address(address) != NULL)
        return listen_to_datagrams(endpoints, kind, service, name, address);
    if (!addr_listen(&listenings, name, address, passive))
        return false;
    for (size_t i = 0; i < listenings.count; i++) {
        endpoints->endpoint[endpoints->count++] =
            (struct endpoint){kind, service, listenings.at[i].fd, name, NULL};
        printf("%s %s\n", name, listenings.at[i].shown);
    }
    return fflush(stdout) == 0;
}

/* False: out of memory, and there is no event. */
static void listen_on(struct acceptor *acceptor, size_t i)
{
    struct endpoints *endpoints = acceptor->endpoints;
    const struct endpoint *endpoint = &endpoints->endpoint[i];
    struct loop *loop = acceptor->worker->loop;

    if (endpoint->sockets == NULL) {
        acceptor->listening[i] =
            event_new(loop->base, endpoint->fd, EV_READ | EV_PERSIST, accept_some, acceptor);
        return;
    }
    acceptor->dtls[i] = dtls_acceptor_new(acceptor->worker, endpoints, endpoint);
    if (acceptor->dtls[i] != NULL)
        acceptor->listening[i] =
            event_new(loop->base, endpoint->sockets[loop->index], EV_READ | EV_PERSIST,
                      dtls_acceptor_on_readable, acceptor->dtls[i]);
}

static struct acceptor *acceptor_new(struct worker *worker, struct endpoints *endpoints)
{
    struct acceptor *acceptor = OPENSSL_zalloc(sizeof(*acceptor));
    bool done = acceptor != NULL;

    if (!done)
        return NULL;
    acceptor->worker = worker;
    acceptor->endpoints = endpoints;
    for (enum pool_kind pool = 0; pool < POOLS; pool++) {
        acceptor->evictions[pool].acceptor = acceptor;
        acceptor->evictions[pool].pool = pool;
    }
    acceptor->pause = evtimer_new(worker->loop->base, resume_accepting, acceptor);
    done = acceptor->pause != NULL;
    for (size_t i = 0; done && i < endpoints->count; i++) {
        listen_on(acceptor, i);
        done = acceptor->listening[i] != NULL &&
               (endpoints->are_waiting || event_add(acceptor->listening[i], NULL) == 0);
    }
    return acceptor; /* endpoints_free() releases one that is not complete */
}

bool endpoints_accept(struct endpoints *endpoints, struct server *server)
{
    bool done = true;

    for (size_t i = 0; i < server->loops->count; i++) {
        struct worker *worker = &server->workers[i];

        worker->acceptor = acceptor_new(worker, endpoints);
        done = done && worker->acceptor != NULL;
        for (size_t j = 0; done && j < endpoints->count; j++)
            done = worker->acceptor->listening[j] != NULL;
    }
    return done;
}

static void begin(struct loop *loop, struct loop_message *message)
{
    struct acceptor *acceptor =
        (struct acceptor *)(void *)((char *)message - offsetof(struct acceptor, begin));

    (void)loop;
    resume_accepting(-1, 0, acceptor);
}

void endpoints_begin(struct endpoints *endpoints, struct server *server)
{
    for (size_t i = 0; endpoints->are_waiting && i < server->loops->count; i++) {
        struct acceptor *acceptor = server->workers[i].acceptor;

        acceptor->begin.run = begin;
        loop_post(server->workers[i].loop, &acceptor->begin);
    }
    endpoints->are_waiting = false;
}

static void drain_all(struct worker *worker)
{
    struct connection *connection, *next;

    worker->is_draining = true;
    for (connection = TAILQ_FIRST(&worker->all); connection != NULL; connection = next) {
        next = TAILQ_NEXT(connection, all);
        if (connection->kind->drain != NULL)
            connection->kind->drain(connection);
    }
}

/* Every loop has let go of the sockets. */
static void close_sockets(struct endpoints *endpoints)
{
    for (size_t i = 0; i < endpoints->count; i++)
        if (is_to_close(endpoints, i))
            (void)close(endpoints->endpoint[i].fd);
    if (endpoints->closed_all != NULL)
        endpoints->closed_all(endpoints->argument);
}

/* The last loop to let go closes the sockets. */
static void let_go(struct loop *loop, struct loop_message *message)
{
    struct acceptor *acceptor =
        (struct acceptor *)(void *)((char *)message - offsetof(struct acceptor, close));
    struct endpoints *endpoints = acceptor->endpoints;
    const int loops = (int)acceptor->worker->server->loops->count;

    (void)loop;
    drain_all(acceptor->worker);
    for (size_t i = 0; i < endpoints->count; i++) {
        if (acceptor->dtls[i] != NULL && endpoints->are_handed_over)
            dtls_acceptor_hand_over(acceptor->dtls[i]);
        if (is_to_leave(endpoints, i))
            (void)event_del(acceptor->listening[i]);
    }
    if (atomic_fetch_add(&endpoints->closed, 1) + 1 == loops)
        close_sockets(endpoints);
}

void endpoints_close(struct endpoints *endpoints, struct server *server)
{
    (void)endpoints;
    for (size_t i = 0; i < server->loops->count; i++) {
        struct acceptor *acceptor = server->workers[i].acceptor;

        acceptor->close.run = let_go;
        loop_post(server->workers[i].loop, &acceptor->close);
    }
}

static void close_at_end(struct endpoints *endpoints, size_t i)
{
    struct endpoint *endpoint = &endpoints->endpoint[i];

    for (size_t j = 0; endpoint->sockets != NULL && j < endpoints->loops; j++)
        if (endpoint->sockets[j] >= 0)
            (void)close(endpoint->sockets[j]);
    if (endpoint->sockets == NULL && !is_to_close(endpoints, i))
        (void)close(endpoint->fd);
    OPENSSL_free(endpoint->sockets);
}

void endpoints_free(struct endpoints *endpoints, struct server *server)
{
    for (size_t i = 0; server->workers != NULL && i < server->loops->count; i++) {
        struct acceptor *acceptor = server->workers[i].acceptor;

        for (size_t j = 0; acceptor != NULL && j < endpoints->count; j++)
            if (acceptor->listening[j] != NULL)
                event_free(acceptor->listening[j]);
        for (size_t j = 0; acceptor != NULL && j < endpoints->count; j++)
            dtls_acceptor_free(acceptor->dtls[j]);
        if (acceptor != NULL && acceptor->pause != NULL)
            event_free(acceptor->pause);
        OPENSSL_free(acceptor);
    }
    for (size_t i = 0; i < endpoints->count; i++)
        close_at_end(endpoints, i);
}
