/*
 * Signals that are held back; see the header
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "held_signals.h"

#include <stddef.h>

const int held_signals[HELD_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

sigset_t held_signals_begin(void)
{
    sigset_t set, before;

    (void)sigemptyset(&set);
    for (size_t i = 0; i < HELD_SIGNALS; i++)
        (void)sigaddset(&set, held_signals[i]);
    (void)pthread_sigmask(SIG_BLOCK, &set, &before);
    return before;
}

/* One that is ignored would wait as well while it is blocked. */
static bool is_ignored(int number)
{
    struct sigaction action;

    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

bool held_signals_came(void)
{
    sigset_t waiting;

    if (sigpending(&waiting) != 0)
        return false;
    for (size_t i = 0; i < HELD_SIGNALS; i++)
        if (sigismember(&waiting, held_signals[i]) == 1 && !is_ignored(held_signals[i]))
            return true;
    return false;
}

void held_signals_end(const sigset_t *before)
{
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}
