/*
 * akma - derive keys without secrets on a command line, key whole fleets, find out what is wrong
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "command.h"
#include "options.h"
#include "printable.h"
#include "program.h"
#include "secret_file_guard.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char *argv[]);
    const char *purpose;
} commands[] = {
    {"derive", command_derive, "derive one key, by any of the eight algorithms"},
    {"psk", command_psk, "derive the keys of a fleet, in the format of another program"},
    {"identity", command_identity, "make an A-KID or B-TID and its PSK identity"},
    {"config", command_config, "write an openssl.cnf with akma and the system's providers"},
    {"setup", command_setup, "write a whole deployment, and renew its certificates"},
    {"doctor", command_doctor, "check whether derivation works here, and if not, why"},
    {"ka", command_ka, "make Ka's, and change those of a devices file"},
#ifdef AKMA_GBA
    {"bootstrap", command_bootstrap, "get Ks and a B-TID with a USIM from the BSF"},
#endif
};

static void help(void)
{
    printf("akma - keys of GBA, AKMA and AKMA-E2E\n\nakma COMMAND [options]\n\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        printf("  %-10s %s\n", commands[i].name, commands[i].purpose);
    printf("\nakma COMMAND --help says more. The module has to be activated in the\n"
           "configuration that OPENSSL_CONF names: akma doctor checks this.\n");
}

int main(int argc, char *argv[])
{
    program_begin("akma");
    if (argc < 2) {
        help();
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        help();
        return EXIT_SUCCESS;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("akma %s\n", AKMA_VERSION);
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            char called[32];

            (void)snprintf(called, sizeof(called), "akma %s", commands[i].name);
            argv[1] = called;
            secret_file_guard_signals();
            return commands[i].run(argc - 1, argv + 1);
        }
    fprintf(stderr, "akma: %s: there is no such command; akma --help lists them\n",
            PRINTABLE(argv[1]));
    return EXIT_USAGE;
}
