/*
 * Signals that would end the process, held back while something is made that they must not leave
 * half made; they come when it is complete, or removed
 *
 * For the thread that signals reach; calls may be nested.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HELD_SIGNALS_H
#define HELD_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

#define HELD_SIGNALS 3 /* how many they are */

/* SIGINT, SIGTERM, SIGHUP */
extern const int held_signals[HELD_SIGNALS];

/* From now on they wait. Returns what held_signals_end() takes. */
sigset_t held_signals_begin(void);

/* Does one wait? Then what takes long is best given up. */
bool held_signals_came(void);

/* Those that wait come now, unless they were held back before as well. */
void held_signals_end(const sigset_t *before);

#endif
