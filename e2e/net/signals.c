/*
 * Signals that come before a program answers them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/signals.h"

#include <signal.h>
#include <stddef.h>

static void mask_hangup(int how)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    (void)sigprocmask(how, &set, NULL); /* there is one thread yet */
}

void signals_set_up(void)
{
    static const int ignored[] = {SIGPIPE, SIGUSR1, SIGUSR2};

    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        (void)signal(ignored[i], SIG_IGN);
    mask_hangup(SIG_BLOCK);
}

void signals_let_hangup_end(void)
{
    mask_hangup(SIG_UNBLOCK);
}
