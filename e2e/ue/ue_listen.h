/*
 * e2e-ue --listen: each local connection is relayed over an e2e connection of its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UE_LISTEN_H
#define UE_LISTEN_H

#include "ue/ue_bootstrap.h"

#include <stdbool.h>

/*
 * Listen on --listen's HOST:PORT or unix:PATH, say where on standard output, and serve until
 * SIGTERM or SIGINT, on a loop per core; SIGHUP reads the keys again, for connections from then on.
 * bootstrap: where the keys come from; local connections wait for them, or are reset. NULL: they
 * are there. interval: seconds between two checks of the devices file, 0: none. False: it could not
 * begin, and the reason went to standard error.
 */
bool ue_listen(const char *where, struct ue_keys *keys,
               const struct ue_bootstrap_options *bootstrap, unsigned int interval);

#endif
