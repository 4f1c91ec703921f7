/*
 * What a third party remembers of a database's rows, and the Ka's that it has just found
 *
 *     ka_rests
 *
 * One line for each claim that holds; the first that does not ends it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_rests.h"
#include "ka/ka_leases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX  20000
#define LIFE 1000 /* ms */

static int64_t now = 1;

static void hold(const char *claim, bool holds)
{
    printf("%s %s\n", holds ? "ok" : "WRONG", claim);
    if (!holds)
        exit(EXIT_FAILURE);
}

static bool add(struct ka_rests *rests, const char *device, int64_t version)
{
    const struct ka_rest rest = {device, "2026", version};
    bool replaced = false;

    if (!ka_rests_add(rests, &rest, now, &replaced))
        abort();
    return replaced;
}

static size_t count_all(struct ka_rests *rests)
{
    struct ka_rest next[7];
    size_t count, all = 0;

    ka_rests_begin(rests);
    while ((count = ka_rests_next(rests, next, 7)) > 0)
        all += count;
    return all;
}

static void try_versions(void)
{
    struct ka_rests *rests = ka_rests_new(MAX, 0);
    struct ka_rest next[7];

    hold("new", !add(rests, "a", 1));
    hold("same-version", !add(rests, "a", 1));
    hold("replaced", add(rests, "a", 2));
    hold("replaced-once", !add(rests, "a", 2));
    ka_rests_begin(rests);
    hold("one", ka_rests_next(rests, next, 7) == 1);
    hold("newest-version", next[0].version == 2 && strcmp(next[0].device, "a") == 0 &&
                               strcmp(next[0].ka_id, "2026") == 0);
    hold("end", ka_rests_next(rests, next, 7) == 0);
    ka_rests_remove(rests, "a", "2025");
    hold("another-ka-id-stays", count_all(rests) == 1);
    ka_rests_remove(rests, "a", "2026");
    hold("removed", count_all(rests) == 0);
    ka_rests_free(rests);
}

static void try_round(void)
{
    struct ka_rests *rests = ka_rests_new(MAX, 0);
    struct ka_rest next[7];
    char name[16];

    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "d%d", i);
        (void)add(rests, name, i);
    }
    hold("each-once", count_all(rests) == 100);
    hold("each-once-again", count_all(rests) == 100);
    ka_rests_begin(rests);
    hold("first", ka_rests_next(rests, next, 7) == 7);
    (void)add(rests, "late", 1); /* it has just been looked up: not in this round */
    hold("rest-of-it", ka_rests_next(rests, next, 7) == 7);
    ka_rests_free(rests);
}

static void try_bound(void)
{
    struct ka_rests *rests = ka_rests_new(MAX, 0);
    char name[16];

    for (int i = 0; i < MAX; i++) {
        (void)snprintf(name, sizeof(name), "d%d", i);
        (void)add(rests, name, i);
    }
    hold("full-forgets-nothing", !ka_rests_has_forgotten(rests, now));
    (void)add(rests, "one-more", 1);
    hold("forgets-and-says-so", ka_rests_has_forgotten(rests, now));
    hold("bounded", count_all(rests) == MAX);
    hold("the-oldest-is-forgotten", !add(rests, "d0", 7));
    hold("the-others-are-not", add(rests, "d9", 7));
    ka_rests_clear(rests);
    hold("cleared", !ka_rests_has_forgotten(rests, now) && count_all(rests) == 0);
    ka_rests_free(rests);
}

/* Who is added again is not old; what nothing can rest on any more is no loss. */
static void try_ages(void)
{
    struct ka_rests *rests = ka_rests_new(2, LIFE);

    (void)add(rests, "a", 1);
    now += 10;
    (void)add(rests, "b", 1);
    now += 10;
    (void)add(rests, "a", 1);
    now = LIFE + 11;
    (void)add(rests, "c", 1);
    hold("too-old-is-no-loss", !ka_rests_has_forgotten(rests, now));
    hold("added-again-stays", add(rests, "a", 2));
    (void)add(rests, "d", 1);
    hold("forgotten", ka_rests_has_forgotten(rests, now));
    now += LIFE;
    hold("forgotten-for-a-time", !ka_rests_has_forgotten(rests, now));
    ka_rests_free(rests);
}

static struct ka_answer give(struct ka_leases *leases, const char *device, const char *ka_id)
{
    struct ka_answer answer;
    unsigned char *ka;

    if (!ka_leases_give(leases, device, ka_id, 32, &ka, &answer))
        abort();
    memset(ka, 1, 32);
    return answer;
}

static void try_leases(void)
{
    struct ka_leases leases;
    struct ka_answer one, other, device;

    ka_leases_open(&leases);
    one = give(&leases, "a", "1");
    other = give(&leases, "a", "2");
    device = give(&leases, "b", "1");
    hold("found", one.result == KA_FOUND && one.ka_length == 32 && strcmp(one.device, "a") == 0);
    ka_leases_end(&leases, &(struct ka_change){"a", "1"});
    hold("gone", !ka_leases_is_good(&leases, &one));
    hold("other-ka-id", ka_leases_is_good(&leases, &other));
    ka_leases_end(&leases, &(struct ka_change){"a", NULL});
    hold("whole-device", !ka_leases_is_good(&leases, &other));
    hold("other-device", ka_leases_is_good(&leases, &device));
    ka_leases_release(&leases, &other);
    ka_leases_release(&leases, &one);
    ka_leases_end(&leases, &(struct ka_change){NULL, NULL});
    hold("everything", !ka_leases_is_good(&leases, &device));
    ka_leases_release(&leases, &device);
    hold("all-released", leases.first == NULL);
    ka_leases_close(&leases);
}

int main(void)
{
    try_versions();
    try_round();
    try_bound();
    try_ages();
    try_leases();
    return EXIT_SUCCESS;
}
