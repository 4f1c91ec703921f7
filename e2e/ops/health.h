/*
 * Whether what a server depends on is there: the store, the link, the application, the operator
 *
 * Each user of a part reports its state. A part is up once all that use it have said so, and
 * down while one of them has said that. Any thread may call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HEALTH_H
#define HEALTH_H

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

/* X(name, the part's name, its labels in metrics or "", is it asked for UEs alone, what it is).
 * Nobody looks after such a part while no UE comes. */
#define HEALTH_ROWS(X)                                                                           \
    X(STORE, "store", "", false, "Whether the shared store answers.")                            \
    X(LINK, "link", "", false, "Whether the link to the third party is up.")                     \
    X(KA, "ka", "", true, "Whether Ka's can be looked up.")                                      \
    X(APPLICATION, "application", "", false, "Whether the application accepts connections.")     \
    X(SOURCE_AKMA, "source", "system=\"akma\"", true, "Whether the operator's network answers.") \
    X(SOURCE_GBA, "source", "system=\"gba\"", true, "Whether the operator's network answers.")   \
    X(TOKEN_AKMA, "token", "system=\"akma\"", true, "Whether the token server gives tokens.")    \
    X(TOKEN_GBA, "token", "system=\"gba\"", true, "Whether the token server gives tokens.")

#define HEALTH_FRESH_MS 30000 /* how long the outage of a part that UEs alone ask counts */

enum health_part {
#define HEALTH_NAME(name, part, labels, for_ues, help) HEALTH_##name,
    HEALTH_ROWS(HEALTH_NAME)
#undef HEALTH_NAME
        HEALTH_PARTS
};

enum health_verdict { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN };

/* One of several views of a part, such as one of several connections; all zeros at first. */
struct health_view {
    enum health_verdict verdict;
};

/* This process depends on the part; before any view of it. */
void health_use(enum health_part part);

/* view NULL: there is one view for all readers. reason: a sentence, cut at HEALTH_REASON_SIZE; it
 * may name no subscriber. */
void health_up(enum health_part part, struct health_view *view);
void health_down(enum health_part part, struct health_view *view, const char *reason);

#define HEALTH_REASON_SIZE 256

struct health_state {
    const char *name, *labels;
    bool is_used;
    bool is_fresh; /* HEALTH_DOWN: still so, as far as anybody can know */
    enum health_verdict verdict;
    time_t since;                    /* of the verdict; HEALTH_UNKNOWN: 0 */
    char reason[HEALTH_REASON_SIZE]; /* HEALTH_DOWN: why */
};

void health_look(enum health_part part, struct health_state *state);

/* The up gauges, in Prometheus' text format; what is not known yet has no value. */
void health_print(FILE *out);

/* What the process as a whole is doing. */
enum health_phase { HEALTH_STARTING, HEALTH_SERVING, HEALTH_DRAINING };

void health_set_phase(enum health_phase phase);
enum health_phase health_get_phase(void);

#endif
