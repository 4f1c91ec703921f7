/*
 * The ends of the certificates and revocation lists that the options name
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CERTIFICATES_H
#define CERTIFICATES_H

#include "as/app_server_options.h"

/* Look at the files, after each time that they were taken, and tell ops/expiry.h. On no loop. */
void certificates_look(const struct app_server_options *options);

#endif
