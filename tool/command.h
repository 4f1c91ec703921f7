/*
 * The subcommands of akma
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMAND_H
#define COMMAND_H

#include "printable.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Each parses its own options; argv[0] is "akma <name>". The exit status comes back. */
int command_derive(int argc, char *argv[]);
int command_psk(int argc, char *argv[]);
int command_identity(int argc, char *argv[]);
int command_doctor(int argc, char *argv[]);
int command_ka(int argc, char *argv[]);
int command_config(int argc, char *argv[]);
int command_setup(int argc, char *argv[]);
int command_bootstrap(int argc, char *argv[]); /* in a build with AKMA_GBA */

/* Say why a command fails, and where; false. */
static inline bool command_fail(const char *command, const char *where, const char *what)
{
    fprintf(stderr, "akma %s: %s: %s\n", command, PRINTABLE(where), what);
    return false;
}

#endif
