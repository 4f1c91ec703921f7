/*
 * e2e-as - the application server: NAF, third party and endpoint, in one process or apart
 *
 * A first connection, with Ks_NAF, brings a nonce and gets the e2e flag; a second, with e2e_key, is
 * what the flag promised.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/control.h"

#include <signal.h>
#include <stdlib.h>

int main(int argc, char *argv[])
{
    struct as as = {.options = NULL};
    int status;

    as.options = as_options_parse(argc, argv, &as.roles);
    (void)signal(SIGPIPE, SIG_IGN);
    status = as_set_up(&as);
    if (status == EXIT_SUCCESS)
        status = control_run(&as);
    as_release(&as);
    return status;
}
