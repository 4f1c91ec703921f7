/*
 * e2e-as - the application server: NAF, third party and endpoint, in one process or apart
 *
 * A first connection, with Ks_NAF, brings a nonce and gets the e2e flag; a second, with e2e_key, is
 * what the flag promised.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/control.h"
#include "program.h"

#include "net/signals.h"

#include <stdlib.h>

SIGNALS_SET_UP_FIRST;

int main(int argc, char *argv[])
{
    struct app_server app_server = {.options = NULL};
    int status;

    program_begin("e2e-as");
    app_server.options = app_server_options_parse(argc, argv, &app_server.roles);
    status = app_server_set_up(&app_server);
    if (status == EXIT_SUCCESS)
        status = control_run(&app_server);
    app_server_release(&app_server);
    return status;
}
