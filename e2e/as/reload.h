/*
 * SIGHUP: the files again, all or nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RELOAD_H
#define RELOAD_H

#include "as/app_server_setup.h"

/*
 * Read the devices file and the line's certificates. One that cannot be taken leaves all of the old
 * ones in force, and the log says so. On any thread but a loop's: reading may take seconds.
 */
void reload(struct app_server *app_server);

/* The files were taken, by a reload or at the start: what metrics and page say of them. */
void reload_taken(struct app_server *app_server);

#endif
