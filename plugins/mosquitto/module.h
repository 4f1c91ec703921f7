/*
 * A library context of one's own with the akma module in it
 *
 * What the host process does with OpenSSL's default context stays as it is, and need not know of
 * the module. openssl.cnf (OPENSSL_CONF) is read into the context, so the third party's policy
 * holds; if that file does not activate akma, the module is loaded by name from OpenSSL's
 * modules folder (OPENSSL_MODULES).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MODULE_H
#define MODULE_H

#include <openssl/types.h>
#include <stdbool.h>

#define MODULE_REASON_SIZE 512

struct module {
    OSSL_LIB_CTX *libctx;
    OSSL_PROVIDER *loaded; /* by name; NULL: openssl.cnf did it */
};

/* False: there is none, and reason says why. Call module_close() whatever is returned. */
bool module_open(struct module *module, char reason[MODULE_REASON_SIZE]);

/* Release; nothing that was fetched from it may be left. */
void module_close(struct module *module);

#endif
