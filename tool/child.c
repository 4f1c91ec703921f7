/*
 * Work that may end its process, in a process of its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "child.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 20

static _Noreturn void run(child_work *work, const void *argument, int out)
{
    const struct rlimit none = {0, 0};
    char words[CHILD_WORDS_SIZE] = "";

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)alarm(SECONDS);
    work(argument, words);
    _exit(write(out, words, strlen(words)) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

bool child_run(child_work *work, const void *argument, char words[CHILD_WORDS_SIZE])
{
    int ends[2], status = 0;
    ssize_t got = 0;
    pid_t child;

    words[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    child = fork();
    if (child == 0)
        run(work, argument, ends[1]);
    (void)close(ends[1]);
    got = child < 0 ? 0 : read(ends[0], words, CHILD_WORDS_SIZE - 1);
    words[got < 0 ? 0 : got] = '\0';
    (void)close(ends[0]);
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
        return false;
    (void)snprintf(words, CHILD_WORDS_SIZE, "%s", strsignal(WTERMSIG(status)));
    return true;
}
