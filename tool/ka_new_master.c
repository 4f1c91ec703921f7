/*
 * akma ka new --pkcs11: the master secret, made in a token
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka.h"

#include "master.h"
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ka_new_master(const char *uri, const char *pin)
{
    char fault[MASTER_FAULT_SIZE] = "must be a PKCS#11 URI, pkcs11:token=...;object=...";
    const bool is_uri = strncmp(uri, MASTER_TOKEN, strlen(MASTER_TOKEN)) == 0;
    struct master *master = is_uri ? master_new(uri, pin, fault) : NULL;
    const bool done = master != NULL && master_token_make(master, fault);

    master_free(master);
    if (!done)
        fprintf(stderr, "akma ka new: --pkcs11: %s\n", fault);
    return done ? EXIT_SUCCESS : is_uri ? EXIT_FAILURE : EXIT_USAGE;
}
