/*
 * e2e-ue --message: one line over the flow's connection, and back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UE_MESSAGE_H
#define UE_MESSAGE_H

#include "ue/ue_bootstrap.h"

/*
 * Run the flow, say the line, and print what comes back. bootstrap: where the key comes from; NULL:
 * it is there. Returns the program's exit status; what went wrong is on standard error.
 */
int ue_message(const char *text, struct ue_keys *keys,
               const struct ue_bootstrap_options *bootstrap);

/* A sentence to standard error, filtered. Returns status. */
int ue_say(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
