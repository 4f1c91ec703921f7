/*
 * A master secret in a PKCS#11 token: left out of this build
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "master.h"

static const char absent[] = "pkcs11: this build has no PKCS#11: it was made without p11-kit "
                             "(Debian's libp11-kit-dev)";

bool master_token_check(const char *uri, char fault[MASTER_FAULT_SIZE])
{
    (void)uri;
    return master_fault(fault, MASTER_REFUSED, absent) == MASTER_OK;
}

struct master *master_token_new(const char *uri, const char *pin, char fault[MASTER_FAULT_SIZE])
{
    (void)uri, (void)pin;
    (void)master_fault(fault, MASTER_REFUSED, absent);
    return NULL;
}

bool master_token_make(struct master *master, char fault[MASTER_FAULT_SIZE])
{
    (void)master;
    (void)master_fault(fault, MASTER_REFUSED, absent);
    return false;
}
