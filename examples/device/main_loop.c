/*
 * A device's main loop: derive, connect, send a reading, and never wait
 *
 * The functions of board.h hide the RTOS: a socket and k_uptime_get_32() of Zephyr, lwIP and
 * xTaskGetTickCount() of FreeRTOS. It can be a separate task, or one call among others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "board.h"
#include "flow.h"

#include <mbedtls/platform_util.h>

#define READING_EVERY_MS UINT32_C(60000)
#define PAUSE_MIN_MS     UINT32_C(5000)
#define PAUSE_MAX_MS     UINT32_C(3600000)

struct task {
    struct flow flow;
    uint32_t since, pause; /* since when this flow pauses or is open; the pause after a failure */
    int is_pausing;
};

/* Never retry at once: the pause doubles, and half of it is random. */
static void pause_longer(struct task *task)
{
    uint8_t chance = 0;

    flow_end(&task->flow);
    (void)board_random(NULL, &chance, 1);
    task->pause = task->pause == 0                 ? PAUSE_MIN_MS
                  : task->pause < PAUSE_MAX_MS / 2 ? task->pause * 2
                                                   : PAUSE_MAX_MS;
    task->since = board_now(NULL) - task->pause / 512 * chance;
    task->is_pausing = 1;
}

static void begin(struct task *task)
{
    flow_begin(&task->flow, board_platform(), board_settings());
    task->is_pausing = 0;
}

/* The application, under e2e_key. */
static void talk(struct task *task)
{
    uint8_t datagram[256];
    const int n = flow_receive(&task->flow, datagram, sizeof(datagram));

    if (n > 0)
        board_received(datagram, (size_t)n);
    else if (n != MBEDTLS_ERR_SSL_WANT_READ)
        pause_longer(task); /* the endpoint closed: a new flow makes a new key */
    else if (board_now(NULL) - task->since >= READING_EVERY_MS) {
        task->since = board_now(NULL);
        (void)flow_send(&task->flow, datagram, board_reading(datagram, sizeof(datagram)));
    }
}

static void step(struct task *task)
{
    if (task->is_pausing) {
        if (board_now(NULL) - task->since >= task->pause)
            begin(task);
        return;
    }
    switch (flow_step(&task->flow)) {
    case FLOW_OPEN:
        task->pause = 0;
        talk(task);
        break;
    case FLOW_FAILED:
        board_report(task->flow.fault, task->flow.error);
        pause_longer(task);
        break;
    default:
        break;
    }
}

int main(void)
{
    static struct task task; /* some hundred octets, and what mbed TLS allocates */

    board_start();
    begin(&task);
    for (;;) {
        step(&task);
        board_wait(); /* for a datagram or a tick: other tasks run */
    }
}
