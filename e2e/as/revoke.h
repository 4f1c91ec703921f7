/*
 * A revocation that another program was told of: of the keys here, and of what runs on them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef REVOKE_H
#define REVOKE_H

#include "as/app_server_setup.h"

/* On any thread but a loop's; the scope's texts are copied. A failure is logged. */
void revoke_here(struct app_server *app_server, const struct store_scope *scope);

#endif
