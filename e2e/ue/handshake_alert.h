/*
 * What the alert that ended a handshake says about it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HANDSHAKE_ALERT_H
#define HANDSHAKE_ALERT_H

#include <stdbool.h>

struct handshake_alert {
    const char *text;  /* NULL: the server sent none */
    const char *cause; /* the probable one, and what to compare: the rest of a sentence */
    bool is_about_key; /* the server does not take the identity, or has another key for it */
};

/* error: of libssl's, 0: none; is_second: of an e2e connection, not of a first one. */
struct handshake_alert handshake_alert_of(unsigned long error, bool is_second);

#endif
