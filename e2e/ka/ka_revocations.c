/*
 * The current list of revoked Ka's, and what is new in the next one
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_revocations.h"

#include "current.h"
#include "ka/ka_revoked_table.h"
#include "ops/log.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>

#define NEWS_MAX 256

struct ka_revocations {
    struct ka_revoked_place place;
    struct current list;            /* struct ka_revoked */
    struct ka_revoked_watch *watch; /* NULL: it is a file */
    pthread_mutex_t lock;           /* one list at a time is put into use */
    ka_changed *changed;
    void *argument;
};

/* Rows that are new in the list, some at a time. */
struct news {
    const struct ka_revocations *revocations;
    size_t count;
    struct ka_change changes[NEWS_MAX];
};

static void report_changes(struct news *news)
{
    if (news->count > 0)
        (void)news->revocations->changed(news->revocations->argument, news->changes, news->count);
    news->count = 0;
}

static void add_change(void *argument, const char *device, const char *ka_id)
{
    struct news *news = argument;

    if (news->count == NEWS_MAX)
        report_changes(news);
    news->changes[news->count++] = (struct ka_change){.device = device, .ka_id = ka_id};
}

/* New entries end keys and connections; first the list is in use, so that none is issued meanwhile.
 */
static void use_list(struct ka_revocations *revocations, struct ka_revoked *list)
{
    struct news news = {.revocations = revocations};
    const struct ka_revoked *older, *fresh;

    (void)pthread_mutex_lock(&revocations->lock);
    older = current_acquire(&revocations->list);
    if (current_replace(&revocations->list, list)) {
        fresh = current_acquire(&revocations->list);
        ka_revoked_new_rows(fresh, older, add_change, &news);
        report_changes(&news);
        current_release(&revocations->list, fresh);
    } else {
        log_event("revocation", "result", "failed", "reason",
                  "out of memory: the old --ka-revoked stays in use", NULL);
    }
    current_release(&revocations->list, older);
    (void)pthread_mutex_unlock(&revocations->lock);
}

static void on_fresh(void *argument, struct ka_revoked *list)
{
    use_list(argument, list);
}

struct ka_revocations *ka_revocations_open(const struct ka_revoked_place *place,
                                           char fault[KA_REVOKED_FAULT_SIZE])
{
    struct ka_revoked *list = ka_revoked_read(place, fault);
    struct ka_revocations *revocations = list == NULL ? NULL : OPENSSL_zalloc(sizeof(*revocations));

    if (list == NULL)
        return NULL;
    if (revocations == NULL ||
        !current_open(&revocations->list, list, (void (*)(void *))ka_revoked_free)) {
        (void)snprintf(fault, KA_REVOKED_FAULT_SIZE, "out of memory");
        OPENSSL_free(revocations);
        return NULL;
    }
    revocations->place = *place;
    (void)pthread_mutex_init(&revocations->lock, NULL);
    return revocations;
}

bool ka_revocations_start(struct ka_revocations *revocations, ka_changed *changed, void *argument)
{
    revocations->changed = changed;
    revocations->argument = argument;
    if (!ka_revoked_is_in_database(revocations->place.where))
        return true;
    revocations->watch = ka_revoked_watch_new(&revocations->place, on_fresh, revocations);
    return revocations->watch != NULL;
}

bool ka_revocations_have(struct ka_revocations *revocations, const char *device, const char *ka_id)
{
    const struct ka_revoked *list;
    bool found;

    if (revocations == NULL)
        return false;
    list = current_acquire(&revocations->list);
    found = ka_revoked_has(list, device, ka_id);
    current_release(&revocations->list, list);
    return found;
}

void ka_revocations_use(struct ka_revocations *revocations, struct ka_revoked *list)
{
    use_list(revocations, list);
    if (revocations->watch != NULL)
        ka_revoked_watch_again(revocations->watch);
}

void ka_revocations_stop(struct ka_revocations *revocations)
{
    if (revocations == NULL)
        return;
    ka_revoked_watch_free(revocations->watch);
    revocations->watch = NULL;
}

void ka_revocations_free(struct ka_revocations *revocations)
{
    if (revocations == NULL)
        return;
    current_close(&revocations->list);
    (void)pthread_mutex_destroy(&revocations->lock);
    OPENSSL_free(revocations);
}
