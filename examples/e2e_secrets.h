/*
 * Ks_NAF and Ka of one device from standard input, and the e2e_key they give: e2e_client,
 * e2e_server
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef E2E_SECRETS_H
#define E2E_SECRETS_H

#include "e2e_key.h"

/*
 * Read 32 octets of Ks_NAF and 32 of Ka, and derive for naf.example.com and TLS 1.3. refresh: 0 to
 * 255 octets of text. False: the reason was printed, after the program's name.
 */
bool e2e_secrets_key(unsigned char key[E2E_KEY_LENGTH], const char *refresh, const char *program);

#endif
