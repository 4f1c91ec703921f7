/*
 * Where a connection is to go: HOST:PORT, or unix:PATH
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TARGET_H
#define TARGET_H

#include <netdb.h>
#include <stdbool.h>
#include <sys/un.h>

struct target {
    const struct addrinfo *places; /* to be tried one after the other */
    /* the target's own */
    struct addrinfo *resolved, path_place;
    struct sockaddr_un path;
};

/*
 * Understand and resolve, once. Without a HOST it is the loopback, for who listens every address.
 * False: the reason, behind the option's name, went to standard error.
 */
bool target_open(struct target *target, const char *option, const char *text);
bool target_open_to_listen(struct target *target, const char *option, const char *text);
void target_close(struct target *target);

/*
 * Begin to connect a socket that does not block to the first place that lets it, from *place on:
 * *place becomes that one. -1 with errno: none does.
 */
int target_connect(const struct addrinfo **place);

#endif
