/*
 * What the service manager is told: systemd's protocol (sd_notify(3)), whose few lines these are
 *
 * Without NOTIFY_SOCKET nothing is said to anybody.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SERVICE_MANAGER_H
#define SERVICE_MANAGER_H

#include <stdint.h>

#define SERVICE_STATUS_SIZE 800 /* octets of a status, with its NUL; what is longer is cut */

/* A state, such as "READY=1", with the text of STATUS= behind it; status NULL: only the state. */
void service_say(const char *state, const char *status);

/* The files are read again from now on: until READY=1 is said. */
void service_say_reloading(void);

/* No more than this many milliseconds may pass between two WATCHDOG=1; 0: nobody counts. */
int64_t service_watchdog_ms(void);

#endif
