/*
 * A private file in the making that a signal does not leave behind
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "secret_file_guard.h"

#include "held_signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What to remove; changed only while these signals are blocked. */
static const char *volatile pending;

static void on_deadly(int number)
{
    if (pending != NULL)
        (void)unlink(pending);
    (void)signal(number, SIG_DFL);
    (void)raise(number); /* it comes when this handler returns */
}

void secret_file_guard_signals(void)
{
    const struct sigaction action = {.sa_handler = on_deadly};
    struct sigaction before;

    for (size_t i = 0; i < HELD_SIGNALS; i++)
        if (sigaction(held_signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void)sigaction(held_signals[i], &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
}

bool secret_file_guard_create(struct secret_file *file, const char *path,
                              char fault[SECRET_FILE_FAULT_SIZE])
{
    const sigset_t before = held_signals_begin();
    const bool done = secret_file_create(file, path, fault);

    pending = file->temporary;
    held_signals_end(&before);
    return done;
}

bool secret_file_guard_commit(struct secret_file *file, char fault[SECRET_FILE_FAULT_SIZE])
{
    const sigset_t before = held_signals_begin();
    const bool done = secret_file_commit(file, fault);

    pending = NULL;
    held_signals_end(&before);
    return done;
}

void secret_file_guard_discard(struct secret_file *file)
{
    const sigset_t before = held_signals_begin();

    secret_file_discard(file);
    pending = NULL;
    held_signals_end(&before);
}

void secret_file_guard_name(const char *path)
{
    pending = path;
}

bool secret_file_guard_write(const char *path, const struct stat *status, const void *octets,
                             size_t length, char fault[SECRET_FILE_FAULT_SIZE])
{
    return secret_file_put(path, status, false, octets, length, fault);
}

bool secret_file_guard_write_new(const char *path, const void *octets, size_t length,
                                 char fault[SECRET_FILE_FAULT_SIZE])
{
    return secret_file_put(path, NULL, true, octets, length, fault);
}
