/*
 * A private file in the making that a signal does not leave behind
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guarded_file.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const int deadly[] = {SIGINT, SIGTERM, SIGHUP};

/* What to remove; changed only while these signals are blocked. */
static const char *volatile pending;

static void end(int number)
{
    if (pending != NULL)
        (void)unlink(pending);
    (void)signal(number, SIG_DFL);
    (void)raise(number); /* it comes when this handler returns */
}

void guarded_file_signals(void)
{
    const struct sigaction action = {.sa_handler = end};
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

bool guarded_file_create(struct private_file *file, const char *path,
                         char fault[PRIVATE_FILE_FAULT_SIZE])
{
    const sigset_t before = block();
    const bool done = private_file_create(file, path, fault);

    pending = file->temporary;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return done;
}

bool guarded_file_commit(struct private_file *file, char fault[PRIVATE_FILE_FAULT_SIZE])
{
    const sigset_t before = block();
    const bool done = private_file_commit(file, fault);

    pending = NULL;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return done;
}

void guarded_file_discard(struct private_file *file)
{
    const sigset_t before = block();

    private_file_discard(file);
    pending = NULL;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

bool guarded_file_write(const char *path, const struct stat *status, const void *octets,
                        size_t length, char fault[PRIVATE_FILE_FAULT_SIZE])
{
    struct private_file file;
    bool done = guarded_file_create(&file, path, fault);

    if (done && !private_file_write(file.fd, octets, length)) {
        (void)snprintf(fault, PRIVATE_FILE_FAULT_SIZE, "%s", strerror(errno));
        done = false;
    }
    done = done && (status == NULL || private_file_keep(&file, status, fault)) &&
           guarded_file_commit(&file, fault);
    guarded_file_discard(&file);
    return done;
}
