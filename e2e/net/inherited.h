/*
 * Listening sockets that a program is started with: LISTEN_FDS, as sd_listen_fds(3) has it
 *
 * Which socket is for which option, LISTEN_FDNAMES alone says: its names are those of options, in
 * any order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INHERITED_H
#define INHERITED_H

#include "net/addr.h"

#include <stdbool.h>

/*
 * The sockets of an option's name, for its listener, which owns them then; once. No sockets: there
 * are none. False: one of them is no socket to accept connections on, and standard error says so.
 */
bool inherited_take(const char *name, struct listenings *listenings);

/*
 * One socket of datagrams of an option's name, the next at each call; *fd -1: there is none any
 * more. False: it is no such socket, and standard error says so.
 */
bool inherited_take_datagrams(const char *name, int *fd);

/* Is there one of this name that nobody has taken? */
bool inherited_has(const char *name);

/* Close those that no option has taken, and say so on standard error. */
void inherited_close_rest(void);

#endif
