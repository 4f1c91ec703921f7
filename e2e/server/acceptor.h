/*
 * The addresses that are listened on, and who is let in
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ACCEPTOR_H
#define ACCEPTOR_H

#include "net/addr.h"
#include "server/connection.h"

#define ENDPOINTS_MAX (5 * ADDRS_MAX)

/* What all loops accept on. */
struct endpoints {
    struct endpoint endpoint[ENDPOINTS_MAX];
    size_t count;
    size_t loops;      /* how many there are */
    bool counted;      /* left is checked */
    atomic_int left;   /* connections that are still to be accepted: --connections */
    atomic_int closed; /* loops that do not accept any more */
    bool are_waiting;  /* before endpoints_accept(): nothing is accepted until endpoints_begin() */
    void (*closed_all)(
        void *argument); /* when endpoints_close() is done, on a loop; NULL: nobody */
    void *argument;
    bool are_handed_over; /* all are closed, those that stay while the server drains, too */
};

/*
 * Listen, and print "name HOST:PORT" for each address. passive: without a HOST it is every address,
 * else the loopback. False: the reason is on stderr.
 */
bool endpoints_listen(struct endpoints *endpoints, const struct connection_kind *kind,
                      void *service, const char *name, const char *address, bool passive);

/* Accept on every loop of the server; before the loops run. False: out of memory. */
bool endpoints_accept(struct endpoints *endpoints, struct server *server);

/* For those that are waiting: accept from now on. Once, while the loops run. */
void endpoints_begin(struct endpoints *endpoints, struct server *server);

/*
 * Accept no more; the sockets are closed when every loop has let go of them. Once. What was
 * accepted is served. are_handed_over says whether other programs have the sockets.
 */
void endpoints_close(struct endpoints *endpoints, struct server *server);

/*
 * Let a peer in, whose connection is to be on this loop: it counts as one of its network's and of
 * the pool's, until connection_end(). False: the log says why not.
 */
bool acceptor_admit(struct worker *worker, const struct connection_kind *kind,
                    const struct sockaddr_storage *peer);

/* One that was let in has not become a connection. */
void acceptor_forget(struct worker *worker, const struct connection_kind *kind,
                     const struct sockaddr_storage *peer);

/* One of those that --connections counts. False: there are no more. */
bool endpoints_take_number(struct endpoints *endpoints, const struct connection_kind *kind);

/* After the loops have ended. */
void endpoints_free(struct endpoints *endpoints, struct server *server);

#endif
