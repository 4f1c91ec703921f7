/*
 * What is done to a running server: signals, reload, drain, metrics
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "as_setup.h"

/*
 * Run the server until SIGTERM, SIGINT, or the last of --connections; on the calling thread, with a
 * loop of its own. An exit status.
 */
int control_run(struct as *as);

#endif
