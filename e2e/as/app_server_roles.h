/*
 * What the roles of e2e-as work with: store, application, third party, source of keys
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef APP_SERVER_ROLES_H
#define APP_SERVER_ROLES_H

#include "as/app_server_setup.h"

/*
 * Open what the roles of this process work with. False: the reason went to standard error, and
 * app_server_release() releases what was opened.
 */
bool app_server_open_roles(struct app_server *app_server);

#endif
