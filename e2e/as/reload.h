/*
 * SIGHUP: the files again, all or nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RELOAD_H
#define RELOAD_H

#include "as/app_server_setup.h"
#include "ka/ka_kinds.h"

#define RELOAD_FAULT_SIZE KA_FAULT_SIZE /* of a sentence, filtered: the longest there is */

/* Half a devices file must never revoke half a fleet: it is read when somebody says so. */
enum reload_what { RELOAD_ALL, RELOAD_ALL_BUT_DEVICES };

/*
 * Read the files that options name. One that cannot be taken leaves all of the old ones in use:
 * false, and the log and fault say why. On any thread but a loop's: reading may take seconds.
 */
bool reload(struct app_server *app_server, enum reload_what what, char fault[RELOAD_FAULT_SIZE]);

/* The files were taken, by a reload or at the start: what metrics and page say of them. */
void reload_taken(struct app_server *app_server);

#endif
