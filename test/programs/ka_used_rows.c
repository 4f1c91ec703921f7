/*
 * What a third party remembers of a database's rows, the Ka's that it has just found, and what it
 * reports of rows that change
 *
 *     ka_used_rows
 *
 * One line for each claim that holds; the first that does not ends it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_used_rows.h"
#include "ka/ka_leases.h"
#include "ka/ka_row_changes.h"
#include "ops/log.h"

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

static bool add(struct ka_used_rows *rows, const char *device, int64_t version)
{
    const struct ka_used_row row = {device, "2026", version};
    bool replaced = false;

    if (!ka_used_rows_add(rows, &row, now, &replaced))
        abort();
    return replaced;
}

static size_t count_all(struct ka_used_rows *rows)
{
    struct ka_used_row next[7];
    size_t count, all = 0;

    ka_used_rows_begin(rows);
    while ((count = ka_used_rows_next(rows, next, 7)) > 0)
        all += count;
    return all;
}

static void try_versions(void)
{
    struct ka_used_rows *rows = ka_used_rows_new(MAX, 0);
    struct ka_used_row next[7];

    hold("new", !add(rows, "a", 1));
    hold("same-version", !add(rows, "a", 1));
    hold("replaced", add(rows, "a", 2));
    hold("replaced-once", !add(rows, "a", 2));
    ka_used_rows_begin(rows);
    hold("one", ka_used_rows_next(rows, next, 7) == 1);
    hold("newest-version", next[0].version == 2 && strcmp(next[0].device, "a") == 0 &&
                               strcmp(next[0].ka_id, "2026") == 0);
    hold("end", ka_used_rows_next(rows, next, 7) == 0);
    ka_used_rows_remove(rows, "a", "2025");
    hold("another-ka-id-stays", count_all(rows) == 1);
    ka_used_rows_remove(rows, "a", "2026");
    hold("removed", count_all(rows) == 0);
    ka_used_rows_free(rows);
}

static void try_round(void)
{
    struct ka_used_rows *rows = ka_used_rows_new(MAX, 0);
    struct ka_used_row next[7];
    char name[16];

    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "d%d", i);
        (void)add(rows, name, i);
    }
    hold("each-once", count_all(rows) == 100);
    hold("each-once-again", count_all(rows) == 100);
    ka_used_rows_begin(rows);
    hold("first", ka_used_rows_next(rows, next, 7) == 7);
    (void)add(rows, "late", 1); /* it has just been looked up: not in this round */
    hold("rest-of-it", ka_used_rows_next(rows, next, 7) == 7);
    ka_used_rows_free(rows);
}

static void try_bound(void)
{
    struct ka_used_rows *rows = ka_used_rows_new(MAX, 0);
    char name[16];

    for (int i = 0; i < MAX; i++) {
        (void)snprintf(name, sizeof(name), "d%d", i);
        (void)add(rows, name, i);
    }
    hold("full-forgets-nothing", !ka_used_rows_has_forgotten(rows, now));
    (void)add(rows, "one-more", 1);
    hold("forgets-and-says-so", ka_used_rows_has_forgotten(rows, now));
    hold("bounded", count_all(rows) == MAX);
    hold("the-oldest-is-forgotten", !add(rows, "d0", 7));
    hold("the-others-are-not", add(rows, "d9", 7));
    ka_used_rows_clear(rows);
    hold("cleared", !ka_used_rows_has_forgotten(rows, now) && count_all(rows) == 0);
    ka_used_rows_free(rows);
}

/* A row that is added again is not old; forgetting one that is no longer in use is no loss. */
static void try_ages(void)
{
    struct ka_used_rows *rows = ka_used_rows_new(2, LIFE);

    (void)add(rows, "a", 1);
    now += 10;
    (void)add(rows, "b", 1);
    now += 10;
    (void)add(rows, "a", 1);
    now = LIFE + 11;
    (void)add(rows, "c", 1);
    hold("too-old-is-no-loss", !ka_used_rows_has_forgotten(rows, now));
    hold("added-again-stays", add(rows, "a", 2));
    (void)add(rows, "d", 1);
    hold("forgotten", ka_used_rows_has_forgotten(rows, now));
    now += LIFE;
    hold("forgotten-for-a-time", !ka_used_rows_has_forgotten(rows, now));
    ka_used_rows_free(rows);
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

/* What was reported of changed rows. */
static struct {
    size_t calls, rows;
    bool is_everything, is_refused;
    char device[KA_TEXT_SIZE], ka_id[KA_TEXT_SIZE];
} told;

static bool on_changed(void *argument, const struct ka_change *changes, size_t count)
{
    (void)argument;
    told.calls++;
    told.rows += count;
    told.is_everything = changes[0].device == NULL;
    (void)snprintf(told.device, sizeof(told.device), "%s",
                   told.is_everything ? "" : changes[0].device);
    (void)snprintf(told.ka_id, sizeof(told.ka_id), "%s",
                   told.is_everything ? "" : changes[0].ka_id);
    return !told.is_refused;
}

static bool depends(struct ka_row_changes *changes, int64_t version)
{
    return ka_row_changes_depend(changes, &(struct ka_used_row){"a", "1", version}) == NULL;
}

/* Has that been reported since the last question? */
static bool was_told(size_t calls, size_t rows)
{
    const bool is_so = told.calls == calls && told.rows == rows;

    told.calls = told.rows = 0;
    return is_so;
}

static void try_notifications(struct ka_row_changes *changes, struct ka_leases *leases)
{
    struct ka_answer answer = give(leases, "a", "1");

    hold("a-new-row", depends(changes, 1) && was_told(0, 0));
    ka_row_changes_notified(changes, "a\n1");
    ka_row_changes_notified(changes, "b\n2");
    hold("collected", was_told(0, 0) && ka_leases_is_good(leases, &answer));
    told.is_refused = true;
    ka_row_changes_settle(changes);
    hold("told-together", strcmp(told.device, "a") == 0 && strcmp(told.ka_id, "1") == 0 &&
                              was_told(1, 2) && !ka_leases_is_good(leases, &answer));
    told.is_refused = false;
    hold("untold-stays", !depends(changes, 2) && was_told(1, 1));
    hold("told-is-forgotten", depends(changes, 3) && was_told(0, 0));
    ka_row_changes_notified(changes, "the table was emptied");
    hold("everything", told.is_everything && was_told(1, 1) && depends(changes, 4));
    ka_leases_release(leases, &answer);
}

static void try_flood(struct ka_row_changes *changes)
{
    ka_row_changes_tick(changes); /* forgets those before */
    for (int i = 0; i < 65536; i++)
        ka_row_changes_notified(changes, "a\n1");
    ka_row_changes_settle(changes);
    ka_row_changes_tick(changes);
    hold("many", was_told(64, 65536));
    for (int i = 0; i < 65536; i++)
        ka_row_changes_notified(changes, "a\n1");
    ka_row_changes_settle(changes);
    hold("too-many", told.rows < 65536);
    ka_row_changes_tick(changes);
    hold("all-of-them", told.is_everything);
    told.calls = told.rows = 0;
    ka_row_changes_tick(changes);
    hold("once", was_told(0, 0));
}

static void try_changes(void)
{
    struct ka_leases leases;
    struct ka_row_changes *changes;

    log_set_up(LOG_LEVEL_ERR, NULL);
    ka_leases_open(&leases);
    changes = ka_row_changes_new(&leases, MAX, 0);
    if (changes == NULL)
        abort();
    ka_row_changes_report_to(changes, on_changed, NULL);
    try_notifications(changes, &leases);
    try_flood(changes);
    ka_row_changes_notified(changes, "left\nbehind");
    ka_row_changes_free(changes);
    ka_leases_close(&leases);
}

int main(void)
{
    try_versions();
    try_round();
    try_bound();
    try_ages();
    try_leases();
    try_changes();
    return EXIT_SUCCESS;
}
