/*
 * Whether the event loops turn: each has a timer, whose delay is the loop's lag
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/heartbeat.h"

#include "net/clock.h"
#include "ops/metrics.h"

#include <openssl/crypto.h>
#include <stdatomic.h>

struct heartbeat {
    size_t count;
    struct beat {
        struct event *timer;
        _Atomic int64_t last; /* clock_ms() */
    } beats[];
};

/* The timer is set again each time: a loop that was held up has one late beat, not many. */
static void on_beat(evutil_socket_t fd, short what, void *argument)
{
    static const struct timeval interval = {HEARTBEAT_MS / 1000, HEARTBEAT_MS % 1000 * 1000L};
    struct beat *beat = argument;
    const int64_t late = clock_ms() - atomic_load(&beat->last) - HEARTBEAT_MS;

    (void)fd, (void)what;
    metrics_observe(METRIC_TIME_LOOP, late > 0 ? (double)late / 1000 : 0);
    atomic_store(&beat->last, clock_ms());
    loop_add_event(beat->timer, &interval);
}

struct heartbeat *heartbeat_new(struct loops *loops)
{
    static const struct timeval interval = {HEARTBEAT_MS / 1000, HEARTBEAT_MS % 1000 * 1000L};
    struct heartbeat *heartbeat =
        OPENSSL_zalloc(sizeof(*heartbeat) + loops->count * sizeof(heartbeat->beats[0]));
    bool done = heartbeat != NULL;

    for (size_t i = 0; done && i < loops->count; i++) {
        struct beat *beat = &heartbeat->beats[i];

        beat->timer = evtimer_new(loops->loop[i].base, on_beat, beat);
        atomic_init(&beat->last, clock_ms());
        heartbeat->count++;
        done = beat->timer != NULL && event_add(beat->timer, &interval) == 0;
    }
    if (done)
        return heartbeat;
    heartbeat_free(heartbeat);
    return NULL;
}

int64_t heartbeat_age(const struct heartbeat *heartbeat)
{
    const int64_t now = clock_ms();
    int64_t age = 0;

    for (size_t i = 0; i < heartbeat->count; i++) {
        const int64_t own = now - atomic_load(&heartbeat->beats[i].last);

        age = own > age ? own : age;
    }
    return age;
}

void heartbeat_free(struct heartbeat *heartbeat)
{
    if (heartbeat == NULL)
        return;
    for (size_t i = 0; i < heartbeat->count; i++)
        if (heartbeat->beats[i].timer != NULL)
            event_free(heartbeat->beats[i].timer);
    OPENSSL_free(heartbeat);
}
