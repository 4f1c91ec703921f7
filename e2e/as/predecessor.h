/*
 * The programs before this one, while they end their connections (SIGUSR2)
 *
 * Without any, nothing is said to anybody.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PREDECESSOR_H
#define PREDECESSOR_H

#include "as/handover.h"

#include <stdbool.h>

/* First in main(): whether there are any, the environment says. */
void predecessor_open(void);

/* Is there one? Then it accepts connections still. */
bool predecessor_is_there(void);

/*
 * This program can serve: wait until the one before it accepts no more, or is gone. Were both to
 * accept, a flag of one could lead to the other, which does not have the key in its memory.
 */
void predecessor_take_over(void);

/* Files were to be read again. */
void predecessor_say_reload(void);

/* Files of logs were renamed. */
void predecessor_say_reopen(void);

/* Keys are revoked, and what runs on them has to end there as well. On any thread. */
void predecessor_say_revoked(const struct store_scope *scope);

/* Descriptors to those that are still there, for a program that comes after this one. */
int predecessor_channels(int those[HANDOVER_MAX]);

#endif
