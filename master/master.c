/*
 * Ka of any device, from one master secret: which kind of master
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "master.h"

#include "secret_source.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

static bool is_token(const char *where)
{
    return strncmp(where, MASTER_TOKEN, strlen(MASTER_TOKEN)) == 0;
}

bool master_check(const char *where, char fault[MASTER_FAULT_SIZE])
{
    if (is_token(where))
        return master_token_check(where, fault);
    (void)master_fault(fault, MASTER_REFUSED, SECRET_SOURCES);
    return secret_source_is_one(where);
}

struct master *master_new(const char *where, const char *pin, char fault[MASTER_FAULT_SIZE])
{
    if (is_token(where))
        return master_token_new(where, pin, fault);
    if (pin == NULL)
        return master_secret_new(where, fault);
    (void)master_fault(fault, MASTER_REFUSED, "a PIN is for a token: pkcs11:...");
    return NULL;
}

enum master_result master_open(struct master *master, char fault[MASTER_FAULT_SIZE])
{
    return master->ops->open(master, fault);
}

struct deriver *deriver_new(struct master *master)
{
    struct deriver *deriver = master->ops->deriver(master);

    if (deriver != NULL)
        deriver->master = master;
    return deriver;
}

enum master_result deriver_derive(struct deriver *deriver, const char *device, const char *ka_id,
                                  unsigned char ka[MASTER_KA_LENGTH], char fault[MASTER_FAULT_SIZE])
{
    const enum master_result result =
        deriver->master->ops->derive(deriver, device, ka_id, ka, fault);

    if (result != MASTER_OK)
        OPENSSL_cleanse(ka, MASTER_KA_LENGTH);
    return result;
}

void deriver_free(struct deriver *deriver)
{
    if (deriver != NULL)
        deriver->master->ops->deriver_free(deriver);
}

void master_free(struct master *master)
{
    if (master != NULL)
        master->ops->free(master);
}

enum master_result master_fault(char fault[MASTER_FAULT_SIZE], enum master_result result,
                                const char *what)
{
    (void)snprintf(fault, MASTER_FAULT_SIZE, "%s", what);
    return result;
}
