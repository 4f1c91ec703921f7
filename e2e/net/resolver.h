/*
 * Names to addresses, off the loops: getaddrinfo(3) on threads of its own
 *
 * getaddrinfo() knows what the system's administrator has set up (hosts, nsswitch, search), may
 * take half a minute, and cannot be called off. So nobody waits for its threads: they are detached,
 * hold nothing that a loop owns, and the end of the program ends them. Each name has at most two of
 * them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RESOLVER_H
#define RESOLVER_H

#include "net/loop.h"

#include <netdb.h>
#include <sys/socket.h>

#define RESOLVER_REUSE_MS    10000 /* how long an answer is reused */
#define RESOLVER_REASON_SIZE 128

/* The addresses of a name, which all requests for it share. */
struct resolved;

const struct addrinfo *resolved_addresses(const struct resolved *resolved);

/* Drop a reference. NULL is fine. */
void resolved_release(struct resolved *resolved);

struct resolver_answer {
    struct resolved *resolved;         /* a reference, the receiver's; NULL: there is none */
    char reason[RESOLVER_REASON_SIZE]; /* ... and why */
};

typedef void resolver_done(void *argument, const struct resolver_answer *answer);

struct resolver_request;

/*
 * Ask for the addresses of a host and a service, TCP's. NULL: the answer is *now. Else it is
 * pending and done() comes later, from the loop, once.
 */
struct resolver_request *resolver_ask(struct loop *loop, const char *host, const char *service,
                                      resolver_done *done, void *argument,
                                      struct resolver_answer *now);

/* done() will not be called; on the request's loop. NULL is fine. */
void resolver_cancel(struct resolver_request *request);

/* These addresses were useless: ask again for their name the next time. NULL is fine. */
void resolver_forget(const struct resolved *resolved);

/* The same of every name that has this address. */
void resolver_forget_address(const struct sockaddr_storage *address);

#endif
