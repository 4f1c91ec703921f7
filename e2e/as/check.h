/*
 * --check: could the server start with these options?
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CHECK_H
#define CHECK_H

#include "as/app_server_setup.h"

/*
 * After app_server_read_options(): look at everything that a start needs, without listening, and
 * say of each whether it is ok. An exit status.
 */
int check(struct app_server *app_server);

#endif
