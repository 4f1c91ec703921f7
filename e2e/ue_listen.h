/*
 * e2e-ue --listen: each local connection is relayed over an e2e connection of its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UE_LISTEN_H
#define UE_LISTEN_H

#include "client.h"
#include "local_listener.h"

/*
 * Serve until SIGTERM or SIGINT, on a loop per core. False: it could not begin, and the reason went
 * to standard error.
 */
bool ue_listen(const struct local_listener *listener, const struct client_setup *setup);

#endif
