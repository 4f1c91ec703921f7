/*
 * Signals that come before a program answers them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIGNALS_H
#define SIGNALS_H

/*
 * SIGHUP waits until the program answers it: a service manager may send it at any time.
 * SIGPIPE, SIGUSR1 and SIGUSR2 are ignored.
 */
void signals_set_up(void);

/* In a program's main file: signals_set_up() is called before the libraries' constructors run. */
#define SIGNALS_SET_UP_FIRST                                                                    \
    __attribute__((section(".preinit_array"), used)) static void (*const signals_first)(void) = \
        signals_set_up

/* SIGHUP ends the program after all: it has nothing to read again. */
void signals_let_hangup_end(void);

#endif
