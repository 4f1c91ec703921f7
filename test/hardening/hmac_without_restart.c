/*
 * A module whose HMAC cannot be started again without its key, for akma doctor to find
 *
 * HMAC_RESTART in the environment says what it does instead: ignores, goes-on or refuses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hmac.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[RESTART_COUNT] = {
    [RESTARTS] = "restarts", [IGNORES] = "ignores", [GOES_ON] = "goes-on", [REFUSES] = "refuses"};

int OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                       const OSSL_DISPATCH **out, void **provctx)
{
    static OSSL_LIB_CTX *libctx; /* in which this module is not, and default is by itself */
    const char *word = getenv("HMAC_RESTART");

    for (unsigned int i = 0; word != NULL && i < RESTART_COUNT; i++)
        if (strcmp(word, words[i]) == 0)
            misbehaviour.restart = (enum restart)i;
    if (libctx == NULL)
        libctx = OSSL_LIB_CTX_new();
    return misbehave_with_hmac_of(libctx) && misbehaving_init(handle, in, out, provctx);
}
