/*
 * A TLS connection that was accepted: its handshake, its place in the lists, its end
 *
 * A kind of connection (of a UE to the NAF, to the endpoint; of a NAF) begins its own structure
 * with this one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include "net/io_watch.h"
#include "ops/log.h"
#include "ops/metrics.h"
#include "server/client_hello.h"
#include "server/dtls_finished.h"
#include "server/server.h"

#include <netinet/in.h>

/* What a kind knows of a connection whose handshake failed; NULL: nothing. They live as long. */
struct refusal_facts {
    const char *identity; /* as claimed: nobody has proved it */
    const char *lacks;    /* what the ClientHello has to have and has not */
    const char *outage;   /* why it could not be found out who it is: no fault of the client's */
    enum metric metric;   /* with outage: whose it is */
};

struct store_scope;

struct connection_kind {
    const char *name; /* of the endpoint, for the log */
    enum metric accepted;
    size_t size; /* octets of the kind's structure */
    bool counts; /* for --connections */
    enum pool_kind pool;
    bool stays; /* it is accepted while the server drains as well */
    /* The same for DTLS. NULL: it does not listen to datagrams. */
    SSL_CTX *(*dtls_ctx)(void *service);
    /* The context for one more; a reference that the connection drops. NULL: no TLS. */
    SSL_CTX *(*ctx)(void *service);
    /*
     * The handshake has paused for a key, as libssl's asynchronous jobs do: find it. True: it is
     * there, or there is none. False: connection_resume() comes later. NULL: it never pauses.
     */
    bool (*find_key)(struct connection *connection);
    /*
     * The handshake is complete; without TLS the first octets have come, and connection_finish() is
     * the kind's to call. The connection may be gone when this returns.
     */
    void (*ready)(struct connection *connection);
    /* Release what the kind has added. */
    void (*release)(struct connection *connection);
    /* Does the connection run on what scope describes? NULL: it never does. */
    bool (*runs_on)(const struct connection *connection, const struct store_scope *scope);
    /* No more is accepted: come to an end, if only by a message. NULL: it ends by itself. */
    void (*drain)(struct connection *connection);
    /* What is known of one whose handshake failed. NULL: nothing. */
    void (*explain)(const struct connection *connection, struct refusal_facts *facts);
};

/* What listens, on one address. */
struct endpoint {
    const struct connection_kind *kind;
    void *service; /* of its connections */
    int fd;
    const char *name; /* of the option */
    int *sockets;     /* of datagrams, one per loop or -1; NULL: connections are accepted at fd */
};

/* What a connection runs on: a device's name, a subscriber's identity. */
enum connection_key { KEY_OF_DEVICE, KEY_OF_SUBJECT, CONNECTION_KEYS };

struct connection {
    TAILQ_ENTRY(connection) all, evictable;
    LIST_ENTRY(connection) alike[CONNECTION_KEYS]; /* in the worker's index */
    bool is_indexed[CONNECTION_KEYS];
    const struct connection_kind *kind;
    void *service; /* what connections of the kind work with */
    struct worker *worker;
    int fd;                       /* -1: over datagrams */
    LIST_ENTRY(connection) peers; /* over datagrams: those of one socket, by their addresses */
    struct event *own_socket;     /* over datagrams, once another program reads that socket */
    struct client_hello_look hello;
    SSL *ssl;              /* NULL: the ClientHello is not whole yet */
    struct io_watch watch; /* the handshake's; the kind's afterwards */
    int64_t began, deadline;
    bool is_finished;              /* the handshake */
    struct dtls_finished finished; /* over datagrams */
    union {
        struct sockaddr any;
        struct sockaddr_in ip4;
        struct sockaddr_in6 ip6;
    } peer;
};

/*
 * Start with a socket of an endpoint, which is taken over. False: it was closed, and the log says
 * why. The network of the peer is counted (server.h) and is dropped with the handshake.
 */
bool connection_open(struct worker *worker, const struct endpoint *endpoint, int fd,
                     const struct sockaddr_storage *peer);

/*
 * The same for a DTLS connection whose address is proved: ssl, with its datagrams as BIO, is taken
 * over. connection_resume() then begins its handshake. NULL: ssl is freed, and the log says why.
 */
struct connection *connection_open_dtls(struct worker *worker, const struct endpoint *endpoint,
                                        SSL *ssl, const struct sockaddr_storage *peer);

/*
 * Bound the stacks of handshakes that pause as jobs, on the worker's loop, before the first one;
 * more than once is fine. False: out of memory, and no handshake is to become a job yet.
 */
bool connection_bound_jobs(struct worker *worker);

/* Go on with a handshake that has paused. */
void connection_resume(struct connection *connection);

/* Log, release, close. reason: NULL if the other side has closed. The connection is gone. */
void connection_close(struct connection *connection, const char *reason);

/* The same for one that is refused: the log says so, and metric counts it. */
void connection_refuse(struct connection *connection, enum metric metric, const char *identity,
                       const char *reason);

/* From now on: the time limit of what it does next. */
void connection_set_deadline(struct connection *connection, unsigned int seconds);

/* Whether it may be closed without harm, to make room; if its handshake is complete. */
void connection_set_idle(struct connection *connection, bool is_idle);

/*
 * It runs on this device's key and on this identity (NULL or empty: on none): if they are revoked
 * it is found by them. Once.
 */
void connection_index(struct connection *connection, const char *device, const char *subject);

/* Those of a loop that may be indexed by a text, and others. */
struct alike_connections *connection_bucket(struct worker *worker, enum connection_key key,
                                            const char *text);

/* The end of one of which the log has nothing to say. */
void connection_end(struct connection *connection);

/* It has shown that it is none that only takes a place: it is not evicted any more. */
void connection_finish(struct connection *connection);

/*
 * Close, in silence, a pool's oldest connection of a loop whose handshake is under way, or else the
 * one that has been idle for longest. False: there is none.
 */
bool connection_evict(struct worker *worker, enum pool_kind pool);

#endif
