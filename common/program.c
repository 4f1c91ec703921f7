/*
 * The beginning of every program
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "program.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

/* open() gives the lowest number that is free; without /dev/null nothing is safe to write to. */
static void open_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            abort();
}

/* AT_SECURE (getauxval(3)): the file gives capabilities, or another user; libcrypto then trusts no
 * environment. */
static void say_what_is_ignored(const char *name)
{
    static const char *const variables[] = {"OPENSSL_CONF", "OPENSSL_MODULES"};

    if (getauxval(AT_SECURE) == 0)
        return;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        if (getenv(variables[i]) != NULL)
            fprintf(stderr,
                    "%s: %s is ignored, because the program's file has privileges of its own "
                    "(setcap, setuid; AT_SECURE): use the system's openssl.cnf, or give a service "
                    "the capability instead (systemd: AmbientCapabilities)\n",
                    name, variables[i]);
}

void program_begin(const char *name)
{
    open_standard_descriptors();
    say_what_is_ignored(name);
}
