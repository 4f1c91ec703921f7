/*
 * What the roles of e2e-as work with: store, application, third party, source of keys
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AS_ROLES_H
#define AS_ROLES_H

#include "as/as_setup.h"

/*
 * Open what the roles of this process work with. False: the reason went to standard error, and
 * as_release() releases what was opened.
 */
bool as_open_roles(struct as *as);

#endif
