/*
 * From a name, or a path, to a connected socket
 *
 * Names are resolved when it is asked for, off the loop (resolver.h). All addresses are tried
 * within one deadline: the next one if one fails, and beside it if it has not answered after
 * 250 ms; families alternately, in the order that getaddrinfo() has them (RFC 8305). A socket of
 * UDP is connected as soon as there is a route to the address, even if no peer is there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTOR_H
#define CONNECTOR_H

#include "net/addrs.h"
#include "net/loop.h"

#include <stdint.h>
#include <sys/socket.h>

#define CONNECTOR_REASON_SIZE 200
#define CONNECTOR_BLAME_MS    10000 /* how long a useless address comes last, as a rule */

struct connected {
    int fd; /* the receiver's: it does not block, TCP_NODELAY and keep-alive are set; -1: none */
    char reason[CONNECTOR_REASON_SIZE]; /* ... and why */
    bool is_unknown;                    /* its name cannot be resolved: nothing was tried */
    struct sockaddr_storage address;    /* what it is connected to */
    size_t others; /* addresses of the name that were not tried; over UDP none was asked */
};

typedef void connector_done(void *argument, const struct connected *connected);

struct connector;

/*
 * Connect to addrs before clock_ms() is deadline. NULL: the answer is *now. Else it is pending:
 * done() comes later, from the loop, once, and the connector is gone then.
 */
struct connector *connector_start(struct loop *loop, const struct addrs *addrs, int64_t deadline,
                                  connector_done *done, void *argument, struct connected *now);

/*
 * A connection to this address was useless: for so long it comes after the name's others, as one
 * does that could not be connected to, and the name is resolved again.
 */
void connector_blame(const struct sockaddr_storage *address, int64_t milliseconds);

/* done() will not be called. NULL is fine. */
void connector_stop(struct connector *connector);

#endif
