/*
 * A private file in the making that a signal does not leave behind
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "secret_file_guard.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const int deadly[] = {SIGINT, SIGTERM, SIGHUP};

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

    for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
        if (sigaction(deadly[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void)sigaction(deadly[i], &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
}

static sigset_t block(void)
{
    sigset_t set, before;

    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
        (void)sigaddset(&set, deadly[i]);
    (void)pthread_sigmask(SIG_BLOCK, &set, &before);
    return before;
}

bool secret_file_guard_create(struct secret_file *file, const char *path,
                              char fault[SECRET_FILE_FAULT_SIZE])
{
    const sigset_t before = block();
    const bool done = secret_file_create(file, path, fault);

    pending = file->temporary;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return done;
}

bool secret_file_guard_commit(struct secret_file *file, char fault[SECRET_FILE_FAULT_SIZE])
{
    const sigset_t before = block();
    const bool done = secret_file_commit(file, fault);

    pending = NULL;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return done;
}

void secret_file_guard_discard(struct secret_file *file)
{
    const sigset_t before = block();

    secret_file_discard(file);
    pending = NULL;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static bool write_all(const char *path, const struct stat *status, bool fresh, const void *octets,
                      size_t length, char fault[SECRET_FILE_FAULT_SIZE])
{
    struct secret_file file;
    bool done = secret_file_guard_create(&file, path, fault);

    file.fresh = fresh;
    if (done && !secret_file_write(file.fd, octets, length)) {
        (void)snprintf(fault, SECRET_FILE_FAULT_SIZE, "%s", strerror(errno));
        done = false;
    }
    done = done && (status == NULL || secret_file_keep_mode(&file, status, fault)) &&
           secret_file_guard_commit(&file, fault);
    secret_file_guard_discard(&file);
    return done;
}

bool secret_file_guard_write(const char *path, const struct stat *status, const void *octets,
                             size_t length, char fault[SECRET_FILE_FAULT_SIZE])
{
    return write_all(path, status, false, octets, length, fault);
}

bool secret_file_guard_write_new(const char *path, const void *octets, size_t length,
                                 char fault[SECRET_FILE_FAULT_SIZE])
{
    return write_all(path, NULL, true, octets, length, fault);
}
