/*
 * A connection to PostgreSQL as every program of this project makes it
 *
 * libpq's own rules hold (its URI, ~/.pgpass, PGSERVICE and so on), with these differences:
 * - sslmode is verify-full if the address says nothing else, unless all its hosts are Unix sockets
 *   (a service may name any host);
 * - GSS-API does not encrypt, unless the address says so;
 * - the server's notices are dropped;
 * - target_session_attrs is read-write, so that the primary of several hosts is found;
 * - a peer that is gone is noticed within seconds;
 * - the address must not have a password.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef POSTGRESQL_H
#define POSTGRESQL_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#define POSTGRESQL_FAULT_SIZE 300 /* of a sentence, filtered */

struct postgresql_address {
    const char *uri;           /* "postgresql://...", or without its "postgresql:" */
    const char *password_file; /* of mode 0600, read again for each connection; NULL: none */
    const char *program;       /* whose connection it is: application_name */
    unsigned int turn;         /* which of several hosts is tried first: one may never answer */
};

/* Is that an address? False: fault says what is wrong, without quoting it. */
bool postgresql_check(const char *uri, char fault[POSTGRESQL_FAULT_SIZE]);

/* Can the password be read from its file? False: fault, which does not name the file. */
bool postgresql_password_is_there(const char *path, char fault[POSTGRESQL_FAULT_SIZE]);

/* Begin a connection, for PQconnectPoll(). NULL: fault. */
PGconn *postgresql_start(const struct postgresql_address *address,
                         char fault[POSTGRESQL_FAULT_SIZE]);

/* Connect, and wait until it is done. NULL: fault. */
PGconn *postgresql_connect(const struct postgresql_address *address,
                           char fault[POSTGRESQL_FAULT_SIZE]);

/* What libpq or the server says, without line ends, filtered. */
void postgresql_say(char fault[POSTGRESQL_FAULT_SIZE], const char *message);

#endif
