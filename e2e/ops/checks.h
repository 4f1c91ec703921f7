/*
 * --check: one line for each thing that a start needs, "ok ..." or "not ok ...", on standard output
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CHECKS_H
#define CHECKS_H

#include "net/cert_dates.h"

#include <stdbool.h>
#include <stddef.h>

struct checks {
    size_t failed;
};

/*
 * "ok subject" or "not ok subject", filtered; detail: ": detail" behind it, NULL: nothing. A fault
 * of an option begins with the file and the line that it came from.
 */
void checks_say(struct checks *checks, bool is_ok, const char *subject, const char *detail);

/*
 * Make a step of a start, which returns whether it could and says the reason on standard error:
 * here it goes into the line. subject: what is said if the step says nothing.
 */
bool checks_step(struct checks *checks, const char *subject, bool (*step)(void *argument),
                 void *argument);

/* Does HOST:PORT resolve now? To be listened on, or to be connected to. */
void checks_address(struct checks *checks, const char *option, const char *address,
                    bool is_to_listen);

/* The same; udp:HOST:PORT is allowed, too. */
void checks_any_address(struct checks *checks, const char *option, const char *address,
                        bool is_to_listen);

/* The dates of the certificates, or of the lists of revoked ones, in a file. NULL: none is named.
 */
void checks_dates(struct checks *checks, const char *option, const char *path,
                  enum cert_dates_of which);

/* Could a line be appended to a file, which need not be there yet? is_secret: for its owner alone.
 * NULL: none is named. */
void checks_appended(struct checks *checks, const char *option, const char *path, bool is_secret);

/* Two listeners, either of which may be NULL: a line only where they cannot both be. */
void checks_conflict(struct checks *checks, const char *option, const char *address,
                     const char *other_option, const char *other_address);

/*
 * Could a listener, which may be NULL, be bound now? A line only where it could not. A port that is
 * in use, perhaps by the server that runs, or that this process may not bind, is no failure: a
 * restart frees the one, and a service may have what binds the other.
 */
void checks_bind(struct checks *checks, const char *option, const char *address);

/* EXIT_SUCCESS if nothing failed, else EXIT_FAILURE. */
int checks_status(const struct checks *checks);

#endif
