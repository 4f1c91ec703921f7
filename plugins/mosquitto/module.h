/*
 * A private library context with the akma module
 *
 * The host process and OpenSSL's default context are not affected, and need not know the module.
 * openssl.cnf (OPENSSL_CONF) is read into the context, so the third party's policy
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

/* False: reason says why there is none. Call module_close() in any case. */
bool module_open(struct module *module, char reason[MODULE_REASON_SIZE]);

/* Release it; everything that was fetched from it must have been freed. */
void module_close(struct module *module);

#endif
