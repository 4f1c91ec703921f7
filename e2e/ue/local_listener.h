/*
 * A listener for programs of this machine alone: a loopback address, or a socket of mode 0600
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOCAL_LISTENER_H
#define LOCAL_LISTENER_H

#include "net/addr.h"

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

struct local_listener {
    struct listenings sockets;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* to be removed; empty: none */
    dev_t device;                                           /* what was bound at the path */
    ino_t inode;
};

/*
 * HOST:PORT (127.0.0.0/8 or ::1; port 0 takes any) or unix:PATH. False: the reason went to standard
 * error.
 */
bool local_listener_open(struct local_listener *listener, const char *option, const char *text);

/*
 * Could it be opened, as far as one can tell without listening? udp:HOST:PORT, which dgram.h opens,
 * is allowed, too. False: as above.
 */
bool local_listener_check(const char *option, const char *text);

/* Can programs of this machine alone reach sockets that were inherited? False: as above. */
bool local_listener_is_private(const char *option, const struct listenings *sockets);

/* The path is removed, unless something else is there by now. */
void local_listener_close(struct local_listener *listener);

#endif
