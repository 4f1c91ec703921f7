/*
 * Look-ups without an answer yet: the requests that wait for each, and which is asked next
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/lookups.h"

#include "source/networks.h"

#include <openssl/crypto.h>
#include <search.h>
#include <string.h>

enum lookup_state {
    LOOKUP_QUEUED,
    LOOKUP_ASKED,
    LOOKUP_REVOKED /* asked, but its answer will be discarded */
};

struct lookup {
    TAILQ_ENTRY(lookup) place; /* of those that are not asked yet, the oldest first, or are */
    TAILQ_HEAD(waiters, lookup_waiter) waiters;
    struct network *network;
    int64_t since;
    enum lookup_state state;
    struct key_wanted wanted; /* its identity follows the structure, but in a search */
};

struct lookups {
    struct lookups_setup setup;
    struct networks networks;
    void *tree; /* of look-ups, by what is wanted */
    TAILQ_HEAD(lookup_list, lookup) waiting, asked;
    size_t waiting_count, asked_count;
    struct rate *rate;
};

static int compare_lookups(const void *one, const void *other)
{
    return key_wanted_compare(&((const struct lookup *)one)->wanted,
                              &((const struct lookup *)other)->wanted);
}

static struct lookup *find(struct lookups *lookups, const struct key_wanted *wanted)
{
    const struct lookup sought = {.wanted = *wanted};
    struct lookup *const *found = tfind(&sought, &lookups->tree, compare_lookups);

    return found == NULL ? NULL : *found;
}

static void queue(struct lookups *lookups, struct lookup *lookup, struct network *network)
{
    lookup->network = network;
    lookups->waiting_count++;
    TAILQ_INSERT_TAIL(&lookups->waiting, lookup, place);
}

static void unqueue(struct lookups *lookups, struct lookup *lookup)
{
    lookups->waiting_count--;
    TAILQ_REMOVE(&lookups->waiting, lookup, place);
}

static void lookup_end(struct lookups *lookups, struct lookup *lookup, const void *answer)
{
    struct lookup_waiter *waiter;

    if (lookup->state == LOOKUP_QUEUED) {
        unqueue(lookups, lookup);
    } else {
        lookups->asked_count--;
        TAILQ_REMOVE(&lookups->asked, lookup, place);
    }
    lookup->network->waiting--;
    (void)tdelete(lookup, &lookups->tree, compare_lookups);
    while ((waiter = TAILQ_FIRST(&lookup->waiters)) != NULL) {
        TAILQ_REMOVE(&lookup->waiters, waiter, place);
        waiter->lookup = NULL;
        lookups->setup.tell(lookups->setup.context, waiter, answer);
    }
    OPENSSL_free(lookup);
}

/* The one that is served last: of the network whose turn is last, the youngest. */
static struct lookup *last_of(struct lookups *lookups)
{
    struct lookup *lookup = NULL, *last = TAILQ_FIRST(&lookups->waiting);

    TAILQ_FOREACH(lookup, &lookups->waiting, place)
    {
        if (!networks_has_priority(lookup->network, last->network))
            last = lookup;
    }
    return last;
}

/* The one to be served next; NULL where each has to wait. */
static struct lookup *next_of(struct lookups *lookups, int64_t now)
{
    struct lookup *lookup = NULL, *next = NULL;

    TAILQ_FOREACH(lookup, &lookups->waiting, place)
    {
        if (rate_allows(lookup->network->rate, now) &&
            (next == NULL || networks_has_priority(lookup->network, next->network)))
            next = lookup;
    }
    return next;
}

/* Have room for one more of a network. */
static bool make_room(struct lookups *lookups, const struct network *network)
{
    struct lookup *last;

    if (lookups->waiting_count < lookups->setup.waiting)
        return true;
    last = last_of(lookups);
    if (!networks_has_priority(network, last->network))
        return false;
    lookup_end(lookups, last, NULL);
    return true;
}

static struct lookup *add(struct lookups *lookups, const struct key_wanted *wanted,
                          struct network *network, int64_t now)
{
    const size_t length = strlen(wanted->identity) + 1;
    struct lookup *lookup =
        make_room(lookups, network) ? OPENSSL_zalloc(sizeof(*lookup) + length) : NULL;

    if (lookup == NULL)
        return NULL;
    TAILQ_INIT(&lookup->waiters);
    lookup->wanted = *wanted;
    lookup->wanted.identity = memcpy(lookup + 1, wanted->identity, length);
    lookup->since = now;
    if (tsearch(lookup, &lookups->tree, compare_lookups) == NULL) {
        OPENSSL_free(lookup);
        return NULL;
    }
    network->waiting++;
    queue(lookups, lookup, network);
    return lookup;
}

/* A look-up counts for the network that is served first: a flood holds up no other network. */
static void improve(struct lookups *lookups, struct lookup *lookup, struct network *network)
{
    if (lookup->state == LOOKUP_QUEUED && networks_has_priority(network, lookup->network)) {
        unqueue(lookups, lookup);
        lookup->network->waiting--;
        network->waiting++;
        queue(lookups, lookup, network);
    }
}

bool lookups_wait(struct lookups *lookups, const struct key_wanted *wanted,
                  const struct sockaddr *peer, struct lookup_waiter *waiter, int64_t now)
{
    struct lookup *lookup = find(lookups, wanted);
    struct network *network = networks_find(&lookups->networks, peer);

    waiter->lookup = NULL;
    if (network == NULL)
        return false;
    networks_want(&lookups->networks, network, now);
    if (lookup == NULL)
        lookup = add(lookups, wanted, network, now);
    else
        improve(lookups, lookup, network);
    if (lookup == NULL)
        return false;
    waiter->lookup = lookup;
    TAILQ_INSERT_TAIL(&lookup->waiters, waiter, place);
    return true;
}

void lookups_leave(struct lookups *lookups, struct lookup_waiter *waiter)
{
    struct lookup *lookup = waiter->lookup;

    if (lookup == NULL)
        return;
    waiter->lookup = NULL;
    TAILQ_REMOVE(&lookup->waiters, waiter, place);
    if (lookup->state == LOOKUP_QUEUED && TAILQ_EMPTY(&lookup->waiters))
        lookup_end(lookups, lookup, NULL);
}

static void give_up(struct lookups *lookups, int64_t now)
{
    struct lookup *lookup = TAILQ_FIRST(&lookups->waiting), *next;

    for (; lookup != NULL; lookup = next) {
        next = TAILQ_NEXT(lookup, place);
        if (now - lookup->since >= lookups->setup.timeout_ms)
            lookup_end(lookups, lookup, NULL);
    }
}

static void ask(struct lookups *lookups, struct lookup *lookup, int64_t now)
{
    enum lookup_verdict verdict;
    const void *answer = NULL;

    networks_serve(lookup->network, now);
    rate_count(lookups->rate, now);
    unqueue(lookups, lookup);
    lookup->state = LOOKUP_ASKED;
    lookups->asked_count++;
    TAILQ_INSERT_TAIL(&lookups->asked, lookup, place);
    verdict = lookups->setup.ask(lookups->setup.context, lookup, &lookup->wanted, &answer);
    if (verdict != LOOKUP_PENDING)
        lookups_answer(lookups, lookup, verdict, answer);
}

bool lookups_run(struct lookups *lookups, int64_t now)
{
    struct lookup *next;

    give_up(lookups, now);
    networks_sweep(&lookups->networks, now);
    while (lookups->asked_count < lookups->setup.max_active && rate_allows(lookups->rate, now) &&
           (next = next_of(lookups, now)) != NULL)
        ask(lookups, next, now);
    return !TAILQ_EMPTY(&lookups->waiting);
}

void lookups_answer(struct lookups *lookups, struct lookup *lookup, enum lookup_verdict verdict,
                    const void *answer)
{
    lookup->network->credit += (verdict == LOOKUP_FOUND) - (verdict == LOOKUP_NONE);
    lookup_end(lookups, lookup, answer);
}

void lookups_revoke(struct lookups *lookups, enum key_system system, const char *identity)
{
    const struct key_wanted wanted = {.system = system, .identity = identity};
    struct lookup *lookup;

    TAILQ_FOREACH(lookup, &lookups->asked, place)
    {
        if (key_wanted_compare_owners(&lookup->wanted, &wanted) == 0)
            lookup->state = LOOKUP_REVOKED;
    }
}

bool lookups_is_revoked(const struct lookup *lookup)
{
    return lookup->state == LOOKUP_REVOKED;
}

struct lookups *lookups_new(const struct lookups_setup *setup)
{
    struct lookups *lookups = OPENSSL_zalloc(sizeof(*lookups));

    if (lookups == NULL)
        return NULL;
    lookups->setup = *setup;
    TAILQ_INIT(&lookups->waiting);
    TAILQ_INIT(&lookups->asked);
    networks_open(&lookups->networks, setup->per_network);
    lookups->rate = rate_new(setup->per_second);
    if (lookups->rate == NULL) {
        OPENSSL_free(lookups);
        return NULL;
    }
    return lookups;
}

static void free_lookup(void *lookup)
{
    OPENSSL_free(lookup);
}

void lookups_free(struct lookups *lookups)
{
    if (lookups == NULL)
        return;
    tdestroy(lookups->tree, free_lookup);
    networks_close(&lookups->networks);
    OPENSSL_free(lookups->rate);
    OPENSSL_free(lookups);
}
