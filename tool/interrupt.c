/*
 * SIGINT, SIGTERM, SIGHUP: noted, so that what was begun is cleaned up, then obeyed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>

static const int caught[] = {SIGINT, SIGTERM, SIGHUP};

static volatile sig_atomic_t came;

static void note(int number)
{
    came = number;
}

void interrupt_catch(void)
{
    const struct sigaction action = {.sa_handler = note};
    struct sigaction before;

    for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
        if (sigaction(caught[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void)sigaction(caught[i], &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that is gone is an error of write() */
    (void)signal(SIGXFSZ, SIG_IGN); /* so is a limit of size */
}

bool interrupt_came(void)
{
    return came != 0;
}

void interrupt_obey(void)
{
    if (came == 0)
        return;
    (void)signal(came, SIG_DFL);
    (void)raise(came);
}
