/*
 * Ka's that were found, until the requester has used them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_leases.h"

#include <openssl/crypto.h>
#include <string.h>

struct ka_lease {
    struct ka_lease *next, **place; /* place: what points to it */
    bool is_gone;
    char device[KA_TEXT_SIZE], ka_id[KA_TEXT_SIZE];
    size_t length;
    unsigned char ka[];
};

void ka_leases_open(struct ka_leases *leases)
{
    (void)pthread_mutex_init(&leases->lock, NULL);
    leases->first = NULL;
}

bool ka_leases_give(struct ka_leases *leases, const char *device, const char *ka_id, size_t length,
                    unsigned char **ka, struct ka_answer *answer)
{
    struct ka_lease *lease = OPENSSL_zalloc(sizeof(*lease) + length);

    if (lease == NULL)
        return false;
    (void)OPENSSL_strlcpy(lease->device, device, sizeof(lease->device));
    (void)OPENSSL_strlcpy(lease->ka_id, ka_id, sizeof(lease->ka_id));
    lease->length = length;
    (void)pthread_mutex_lock(&leases->lock);
    lease->next = leases->first;
    lease->place = &leases->first;
    if (lease->next != NULL)
        lease->next->place = &lease->next;
    leases->first = lease;
    (void)pthread_mutex_unlock(&leases->lock);
    *ka = lease->ka;
    *answer = (struct ka_answer){.result = KA_FOUND,
                                 .ka = lease->ka,
                                 .ka_length = length,
                                 .device = lease->device,
                                 .ka_id = lease->ka_id,
                                 .basis = lease};
    return true;
}

void ka_leases_end(struct ka_leases *leases, const struct ka_change *change)
{
    (void)pthread_mutex_lock(&leases->lock);
    for (struct ka_lease *lease = leases->first; lease != NULL; lease = lease->next)
        if ((change->device == NULL || strcmp(change->device, lease->device) == 0) &&
            (change->ka_id == NULL || strcmp(change->ka_id, lease->ka_id) == 0))
            lease->is_gone = true;
    (void)pthread_mutex_unlock(&leases->lock);
}

bool ka_leases_is_good(struct ka_leases *leases, const struct ka_answer *answer)
{
    const struct ka_lease *lease = answer->basis;
    bool is_good;

    (void)pthread_mutex_lock(&leases->lock);
    is_good = !lease->is_gone;
    (void)pthread_mutex_unlock(&leases->lock);
    return is_good;
}

void ka_leases_release(struct ka_leases *leases, struct ka_answer *answer)
{
    struct ka_lease *lease = answer->basis;

    answer->basis = NULL;
    if (lease == NULL)
        return;
    (void)pthread_mutex_lock(&leases->lock);
    *lease->place = lease->next;
    if (lease->next != NULL)
        lease->next->place = lease->place;
    (void)pthread_mutex_unlock(&leases->lock);
    OPENSSL_clear_free(lease, sizeof(*lease) + lease->length);
}

void ka_leases_close(struct ka_leases *leases)
{
    (void)pthread_mutex_destroy(&leases->lock);
}
