/*
 * Derivers of one master whose secret is in this process: as many as threads derive at a time
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_derivers.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>

/* One that nobody uses. */
struct spare {
    struct spare *next;
    struct deriver *deriver;
};

struct ka_derivers {
    struct master *master;
    pthread_mutex_t lock;
    struct spare *first;
};

struct ka_derivers *ka_derivers_new(struct master *master)
{
    struct ka_derivers *derivers = OPENSSL_zalloc(sizeof(*derivers));

    if (derivers == NULL)
        return NULL;
    derivers->master = master;
    (void)pthread_mutex_init(&derivers->lock, NULL);
    return derivers;
}

static struct spare *acquire(struct ka_derivers *derivers)
{
    struct spare *spare;

    (void)pthread_mutex_lock(&derivers->lock);
    spare = derivers->first;
    if (spare != NULL)
        derivers->first = spare->next;
    (void)pthread_mutex_unlock(&derivers->lock);
    if (spare != NULL)
        return spare;
    spare = OPENSSL_zalloc(sizeof(*spare));
    if (spare != NULL && (spare->deriver = deriver_new(derivers->master)) != NULL)
        return spare;
    OPENSSL_free(spare);
    return NULL;
}

static void release(struct ka_derivers *derivers, struct spare *spare)
{
    (void)pthread_mutex_lock(&derivers->lock);
    spare->next = derivers->first;
    derivers->first = spare;
    (void)pthread_mutex_unlock(&derivers->lock);
}

enum master_result ka_derivers_derive(struct ka_derivers *derivers, const char *device,
                                      const char *ka_id, unsigned char ka[MASTER_KA_LENGTH],
                                      char fault[MASTER_FAULT_SIZE])
{
    struct spare *spare = acquire(derivers);
    enum master_result result;

    if (spare == NULL) {
        (void)snprintf(fault, MASTER_FAULT_SIZE, "out of memory");
        return MASTER_UNAVAILABLE;
    }
    result = deriver_derive(spare->deriver, device, ka_id, ka, fault);
    release(derivers, spare);
    return result;
}

void ka_derivers_free(struct ka_derivers *derivers)
{
    struct spare *spare;

    if (derivers == NULL)
        return;
    while ((spare = derivers->first) != NULL) {
        derivers->first = spare->next;
        deriver_free(spare->deriver);
        OPENSSL_free(spare);
    }
    (void)pthread_mutex_destroy(&derivers->lock);
    OPENSSL_free(derivers);
}
