/*
 * Where this installation has its module and its configuration
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PLACES_H
#define PLACES_H

#include <limits.h>
#include <stdbool.h>

#define PLACE_SIZE PATH_MAX /* octets */

/*
 * The real path of the module: in the folder that OPENSSL_MODULES names, in libcrypto's own, or
 * where it was installed or built with this program. False: in none of them.
 */
bool places_module(char path[PLACE_SIZE]);

/* The configuration that was installed with this program, or by the package. False: there is none.
 */
bool places_config(char path[PLACE_SIZE]);

#endif
