/*
 * Whether what a server depends on is there: the store, the link, the application, the operator
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/health.h"

#include "net/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static const struct {
    const char *name, *labels, *help;
    bool for_ues;
} rows[] = {
#define HEALTH_ROW(name, part, labels, for_ues, help) {part, labels, help, for_ues},
    HEALTH_ROWS(HEALTH_ROW)
#undef HEALTH_ROW
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct part {
    bool is_used;
    struct health_view only; /* if there are no others */
    unsigned int up, down;   /* views */
    enum health_verdict verdict;
    time_t since;
    int64_t failed; /* clock_ms() of the last outage that was seen */
    char reason[HEALTH_REASON_SIZE];
} parts[HEALTH_PARTS];

static atomic_int current_phase = HEALTH_STARTING;

void health_use(enum health_part part)
{
    (void)pthread_mutex_lock(&lock);
    parts[part].is_used = true;
    (void)pthread_mutex_unlock(&lock);
}

static unsigned int *count_of(struct part *part, enum health_verdict verdict)
{
    return verdict == HEALTH_UP ? &part->up : &part->down;
}

static void change(struct part *part, struct health_view *view, enum health_verdict verdict)
{
    enum health_verdict whole;

    if (view == NULL)
        view = &part->only;
    if (view->verdict != HEALTH_UNKNOWN)
        --*count_of(part, view->verdict);
    view->verdict = verdict;
    ++*count_of(part, verdict);
    whole = part->down > 0 ? HEALTH_DOWN : HEALTH_UP;
    if (part->verdict != whole)
        part->since = time(NULL);
    part->verdict = whole;
}

void health_up(enum health_part part, struct health_view *view)
{
    (void)pthread_mutex_lock(&lock);
    change(&parts[part], view, HEALTH_UP);
    (void)pthread_mutex_unlock(&lock);
}

void health_down(enum health_part part, struct health_view *view, const char *reason)
{
    (void)pthread_mutex_lock(&lock);
    change(&parts[part], view, HEALTH_DOWN);
    parts[part].failed = clock_ms();
    (void)snprintf(parts[part].reason, HEALTH_REASON_SIZE, "%s", reason);
    (void)pthread_mutex_unlock(&lock);
}

void health_look(enum health_part part, struct health_state *state)
{
    (void)pthread_mutex_lock(&lock);
    *state = (struct health_state){
        .name = rows[part].name,
        .labels = rows[part].labels,
        .is_used = parts[part].is_used,
        .is_fresh =
            !rows[part].for_ues || clock_ms() - parts[part].failed < (int64_t)HEALTH_FRESH_MS,
        .verdict = parts[part].verdict,
        .since = parts[part].since,
    };
    memcpy(state->reason, parts[part].reason, HEALTH_REASON_SIZE);
    (void)pthread_mutex_unlock(&lock);
}

void health_print(FILE *out)
{
    struct health_state state;

    for (enum health_part part = 0; part < HEALTH_PARTS; part++) {
        health_look(part, &state);
        if (part == 0 || strcmp(state.name, rows[part - 1].name) != 0)
            fprintf(out, "# HELP e2e_%s_up %s\n# TYPE e2e_%s_up gauge\n", state.name,
                    rows[part].help, state.name);
        if (!state.is_used || state.verdict == HEALTH_UNKNOWN)
            continue;
        fprintf(out, state.labels[0] == '\0' ? "e2e_%s_up%s %d\n" : "e2e_%s_up{%s} %d\n",
                state.name, state.labels, state.verdict == HEALTH_UP);
    }
}

void health_set_phase(enum health_phase phase)
{
    atomic_store(&current_phase, (int)phase);
}

enum health_phase health_get_phase(void)
{
    return (enum health_phase)atomic_load(&current_phase);
}
