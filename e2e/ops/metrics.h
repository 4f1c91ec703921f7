/*
 * What is counted, and shown in Prometheus' text format
 *
 * One row says everything of a counter: to count something new, add its row. Rows of one family are
 * adjacent. Counting is one atomic addition and may be done on any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef METRICS_H
#define METRICS_H

#include <stddef.h>
#include <stdint.h>

/* X(name, family without "e2e_", labels or "", counter or gauge, what it says) */
#define METRICS(X)                                                                                 \
    X(CONNECTIONS_NAF, "connections_total", "endpoint=\"naf\"", counter, "Connections accepted.")  \
    X(CONNECTIONS_E2E, "connections_total", "endpoint=\"e2e\"", counter, "Connections accepted.")  \
    X(CONNECTIONS_LINK, "connections_total", "endpoint=\"line\"", counter,                         \
      "Connections accepted.")                                                                     \
    X(CONNECTIONS_NOTIFY, "connections_total", "endpoint=\"notify\"", counter,                     \
      "Connections accepted.")                                                                     \
    X(OPEN, "connections_open", "", gauge, "Connections that are open now.")                       \
    X(HELD, "first_connections_held", "", gauge, "First connections between two nonces.")          \
    X(UNFINISHED, "handshakes_unfinished", "", gauge, "TLS handshakes that are in progress now.")  \
    X(HANDSHAKES, "handshakes_total", "", counter, "TLS handshakes that were completed.")          \
    X(FLAGS, "flags_total", "e2e=\"1\"", counter, "Answers to a nonce.")                           \
    X(FLAGS_NONE, "flags_total", "e2e=\"0\"", counter, "Answers to a nonce.")                      \
    X(E2E_TAKEN, "e2e_connections_total", "", counter, "Connections secured with e2e_key.")        \
    X(REFUSED_HANDSHAKE, "refusals_total", "reason=\"handshake\"", counter, "Refusals.")           \
    X(REFUSED_TIMEOUT, "refusals_total", "reason=\"timeout\"", counter, "Refusals.")               \
    X(REFUSED_LINE, "refusals_total", "reason=\"line\"", counter, "Refusals.")                     \
    X(REFUSED_SOURCE, "refusals_total", "reason=\"source\"", counter, "Refusals.")                 \
    X(REFUSED_STORE, "refusals_total", "reason=\"store\"", counter, "Refusals.")                   \
    X(REFUSED_USED, "refusals_total", "reason=\"refresh-used\"", counter, "Refusals.")             \
    X(REFUSED_KA, "refusals_total", "reason=\"ka\"", counter, "Refusals.")                         \
    X(REFUSED_THIRD_PARTY, "refusals_total", "reason=\"third-party\"", counter, "Refusals.")       \
    X(REFUSED_APPLICATION, "refusals_total", "reason=\"application\"", counter, "Refusals.")       \
    X(REFUSED_INTERNAL, "refusals_total", "reason=\"internal\"", counter, "Refusals.")             \
    X(REFUSED_FULL, "refusals_total", "reason=\"connections-max\"", counter, "Refusals.")          \
    X(REFUSED_DEVICE, "refusals_total", "reason=\"connections-per-device\"", counter, "Refusals.") \
    X(REFUSED_ADDRESS, "refusals_total", "reason=\"handshakes-per-source\"", counter, "Refusals.") \
    X(DATAGRAMS_TOO_LARGE, "datagrams_lost_total", "reason=\"too-large\"", counter,                \
      "Datagrams that did not go on their way.")                                                   \
    X(DATAGRAMS_UNSENT, "datagrams_lost_total", "reason=\"unsent\"", counter,                      \
      "Datagrams that did not go on their way.")                                                   \
    X(DATAGRAMS_DROPPED, "datagrams_lost_total", "reason=\"queue\"", counter,                      \
      "Datagrams that did not go on their way.")                                                   \
    X(STORE_ERRORS, "store_errors_total", "", counter, "Operations the store did not answer.")     \
    X(RELOADS, "reloads_total", "result=\"taken\"", counter, "Reloads of the files.")              \
    X(RELOADS_REFUSED, "reloads_total", "result=\"refused\"", counter, "Reloads of the files.")    \
    X(REVOCATIONS, "revocations_total", "", counter, "Revocations of an identity or a Ka.")        \
    X(RELOADED, "last_reload_success_timestamp_seconds", "", gauge,                                \
      "When the current files were read, at the start or by a reload.")                            \
    X(RELOAD_REFUSED, "last_reload_refused_timestamp_seconds", "", gauge,                          \
      "When a reload was refused last; 0: never.")                                                 \
    X(STARTED, "start_time_seconds", "", gauge, "When this process began to serve.")               \
    X(DEVICES, "devices", "", gauge, "Devices of the devices file.")                               \
    X(KAS, "kas", "", gauge, "Ka's of the devices file.")

enum metric {
#define METRIC_NAME(name, family, labels, type, help) METRIC_##name,
    METRICS(METRIC_NAME)
#undef METRIC_NAME
        METRIC_COUNT
};

/* Add to a counter, or add to and (with a negative number) subtract from a gauge. */
void metrics_add(enum metric metric, long number);

/* What a gauge shows from now on, and what it or a counter shows now. */
void metrics_set(enum metric metric, long number);
long metrics_get(enum metric metric);

/* Its labels as /metrics has them, such as reason="line"; "": none. */
const char *metrics_labels(enum metric metric);

static inline void metrics_count(enum metric metric)
{
    metrics_add(metric, 1);
}

/* How long things take, in buckets from a millisecond to ten seconds. */
enum metric_time {
    METRIC_TIME_HANDSHAKE,
    METRIC_TIME_FLAG,
    METRIC_TIME_SOURCE,
    METRIC_TIME_THIRD_PARTY,
    METRIC_TIME_KA,
    METRIC_TIME_STORE,
    METRIC_TIME_APPLICATION,
    METRIC_TIME_LOOP,
    METRIC_TIME_COUNT
};

void metrics_observe(enum metric_time time, double seconds);

/* The time that has passed since a moment of clock_ms(). */
void metrics_observe_since(enum metric_time time, int64_t moment);

/* Everything in Prometheus' text format, to be released with free(); NULL when out of memory. */
char *metrics_text(void);

#endif
