/*
 * e2e-as - the application server: NAF, third party and endpoint, in one process or in several
 *
 * A first connection, with Ks_NAF, brings a nonce and gets the e2e flag; a second, with e2e_key, is
 * what the flag promised.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/check.h"
#include "as/control.h"
#include "as/predecessor.h"
#include "as/successor.h"
#include "ka/ka_workers.h"
#include "net/signals.h"
#include "ops/log_buffer.h"
#include "options.h"
#include "program.h"

#include <stdlib.h>
#include <unistd.h>

SIGNALS_SET_UP_FIRST;

static int serve(struct app_server *app_server)
{
    const int status = app_server_set_up(app_server);

    return status == EXIT_SUCCESS ? control_run(app_server) : status;
}

int main(int argc, char *argv[])
{
    struct app_server app_server = {.options = NULL};
    int status = EXIT_SUCCESS;

    program_begin("e2e-as");
    successor_remember(argv);
    predecessor_open();
    app_server.options = app_server_options_parse(argc, argv, &app_server.roles);
    app_server_read_options(&app_server);
    if (options_are_to_be_checked())
        status = check(&app_server);
    if (!options_print() && !options_are_to_be_checked())
        status = serve(&app_server);
    app_server_release(&app_server);
    if (ka_workers_were_left()) {
        log_buffer_flush_all();
        _exit(status);
    }
    return status;
}
