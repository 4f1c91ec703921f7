/*
 * SIGINT, SIGTERM, SIGHUP: noted, so that what was begun is cleaned up, then obeyed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INTERRUPT_H
#define INTERRUPT_H

#include <stdbool.h>

/* From here on such a signal ends no more than the system call that waits: errno is EINTR then. */
void interrupt_catch(void);

/* True if one came. */
bool interrupt_came(void);

/* End as the signal would have ended the process, if one came. */
void interrupt_obey(void);

#endif
