/*
 * What is done to a running server: signals, reload, drain, metrics
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "as/app_server_setup.h"

/* Let SIGUSR1 wait for control_run(). Call it before the logs are opened, which may be renamed
 * then.
 */
void control_hold_reopen(void);

/*
 * Let the others wait for it, which answers them. Call it before the server's address is
 * announced: from then on a signal may come.
 */
void control_hold_signals(void);

/*
 * Run the server until SIGTERM, SIGINT, or the last of --connections; on the calling thread, with a
 * loop of its own. An exit status.
 */
int control_run(struct app_server *app_server);

#endif
