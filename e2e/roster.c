/*
 * The devices file in force, which a reload replaces while others read it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "roster.h"

#include "common.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

/* One reading of the file. Those that are not in force any more wait for their readers. */
struct version {
    struct devices *devices;
    size_t readers;
    struct version *older;
};

struct roster {
    const char *path;
    bool insecure;
    pthread_mutex_t lock;
    struct version *current;
};

static struct version *read_version(const struct roster *roster)
{
    struct version *version = OPENSSL_zalloc(sizeof(*version));

    if (version == NULL)
        return NULL;
    version->devices = common_devices(roster->path, roster->insecure);
    if (version->devices != NULL)
        return version;
    OPENSSL_free(version);
    return NULL;
}

struct roster *roster_open(const char *path, bool insecure)
{
    struct roster *roster = OPENSSL_zalloc(sizeof(*roster));

    if (roster == NULL)
        return NULL;
    roster->path = path;
    roster->insecure = insecure;
    (void)pthread_mutex_init(&roster->lock, NULL);
    roster->current = read_version(roster);
    if (roster->current != NULL)
        return roster;
    roster_free(roster);
    return NULL;
}

const struct devices *roster_acquire(struct roster *roster)
{
    const struct devices *devices;

    (void)pthread_mutex_lock(&roster->lock);
    roster->current->readers++;
    devices = roster->current->devices;
    (void)pthread_mutex_unlock(&roster->lock);
    return devices;
}

static void free_version(struct version *version)
{
    devices_free(version->devices);
    OPENSSL_free(version);
}

void roster_release(struct roster *roster, const struct devices *devices)
{
    struct version **place, *unused = NULL;

    (void)pthread_mutex_lock(&roster->lock);
    place = &roster->current;
    while ((*place)->devices != devices)
        place = &(*place)->older;
    (*place)->readers--;
    if ((*place)->readers == 0 && *place != roster->current) {
        unused = *place;
        *place = unused->older;
    }
    (void)pthread_mutex_unlock(&roster->lock);
    if (unused != NULL)
        free_version(unused);
}

/* Does a file have this row, wherever: the same identity, Ks_NAF, ka-id and Ka? */
static bool has_row(const struct devices *devices, const struct device *wanted)
{
    const struct device *row = devices_find(devices, wanted->identity);
    const struct device *const end = devices->rows + devices->count;

    for (; row != NULL && row < end && strcmp(row->identity, wanted->identity) == 0; row++)
        if (row->ka_length == wanted->ka_length && strcmp(row->ka_id, wanted->ka_id) == 0 &&
            CRYPTO_memcmp(row->ks_naf, wanted->ks_naf, KS_NAF_LENGTH) == 0 &&
            CRYPTO_memcmp(row->ka, wanted->ka, wanted->ka_length) == 0)
            return true;
    return false;
}

bool roster_reload(struct roster *roster, roster_removed *removed, void *argument)
{
    struct version *fresh = read_version(roster);
    const struct devices *old, *now;

    if (fresh == NULL)
        return false;
    old = roster_acquire(roster);
    (void)pthread_mutex_lock(&roster->lock);
    fresh->older = roster->current;
    roster->current = fresh;
    (void)pthread_mutex_unlock(&roster->lock);
    now = roster_acquire(roster);
    for (size_t i = 0; i < old->count; i++)
        if (!has_row(now, &old->rows[i]))
            removed(argument, &old->rows[i]);
    roster_release(roster, now);
    roster_release(roster, old);
    return true;
}

void roster_free(struct roster *roster)
{
    if (roster == NULL)
        return;
    if (roster->current != NULL)
        free_version(roster->current);
    (void)pthread_mutex_destroy(&roster->lock);
    OPENSSL_free(roster);
}
