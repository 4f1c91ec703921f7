/*
 * The form of a property query: libcrypto says, where it sets one as the default
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "property_query.h"

#include "utf8.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

const char *property_query_fault(const unsigned char *query, size_t length)
{
    const char *fault = utf8_fault(query, length);
    OSSL_LIB_CTX *libctx;
    char *text;

    if (fault != NULL || length == 0)
        return fault;
    (void)ERR_set_mark();
    libctx = OSSL_LIB_CTX_new();
    text = OPENSSL_strndup((const char *)query, length);
    if (libctx == NULL || text == NULL)
        fault = "no memory to look at it";
    else if (EVP_set_default_properties(libctx, text) <= 0)
        fault = "no property query; must be one, such as fips=yes";
    OPENSSL_free(text);
    OSSL_LIB_CTX_free(libctx);
    (void)ERR_pop_to_mark(); /* do not leave our probe's errors on the caller's stack */
    return fault;
}
