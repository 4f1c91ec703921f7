/*
 * Threads that derive with masters (e2e/ka/ka_workers.h), with a master that waits for a gate
 *
 *     ka_workers
 *
 * "ok", or what went wrong.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_workers.h"

#include "net/clock.h"
#include "ops/health.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 2
#define JOBS    (KA_QUEUE_MAX + THREADS)

/* The gate is open, or the deriving thread waits. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_open;
static size_t at_gate;
static _Atomic(enum master_result) opens = MASTER_OK;

static struct loops *loops;
static size_t runs, given_up;

static void want(bool is_so, const char *what)
{
    if (is_so)
        return;
    printf("%s\n", what);
    exit(EXIT_FAILURE);
}

static void set_gate(bool open)
{
    (void)pthread_mutex_lock(&lock);
    is_open = open;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
}

static void wait_for_threads(void)
{
    (void)pthread_mutex_lock(&lock);
    while (at_gate < THREADS)
        (void)pthread_cond_wait(&changed, &lock);
    (void)pthread_mutex_unlock(&lock);
}

static enum master_result gate_open(struct master *master, char fault[MASTER_FAULT_SIZE])
{
    (void)master;
    return master_fault(fault, opens, "as told");
}

static struct deriver *gate_deriver(struct master *master)
{
    (void)master;
    return calloc(1, sizeof(struct deriver));
}

static enum master_result gate_derive(struct deriver *deriver, const char *device,
                                      const char *ka_id, unsigned char ka[MASTER_KA_LENGTH],
                                      char fault[MASTER_FAULT_SIZE])
{
    (void)deriver, (void)device, (void)ka_id;
    fault[0] = '\0';
    (void)pthread_mutex_lock(&lock);
    at_gate++;
    (void)pthread_cond_broadcast(&changed);
    while (!is_open)
        (void)pthread_cond_wait(&changed, &lock);
    at_gate--;
    (void)pthread_mutex_unlock(&lock);
    memset(ka, 7, MASTER_KA_LENGTH);
    return MASTER_OK;
}

static void gate_deriver_free(struct deriver *deriver)
{
    free(deriver);
}

/* A master that is there, or not, as told. */
static enum master_result other_derive(struct deriver *deriver, const char *device,
                                       const char *ka_id, unsigned char ka[MASTER_KA_LENGTH],
                                       char fault[MASTER_FAULT_SIZE])
{
    const enum master_result result = opens;

    (void)deriver, (void)device, (void)ka_id;
    memset(ka, 7, MASTER_KA_LENGTH);
    return master_fault(fault, result, "as told");
}

static enum master_result there_open(struct master *master, char fault[MASTER_FAULT_SIZE])
{
    (void)master;
    fault[0] = '\0';
    return MASTER_OK;
}

static const struct master_ops gate_ops = {gate_open, gate_deriver, gate_derive, gate_deriver_free,
                                           NULL};
static struct master gate = {.ops = &gate_ops, .is_slow = true};
static const struct master_ops other_ops = {gate_open, gate_deriver, other_derive,
                                            gate_deriver_free, NULL};
static const struct master_ops there_ops = {there_open, gate_deriver, gate_derive,
                                            gate_deriver_free, NULL};
static struct master other = {.ops = &other_ops, .is_slow = true};
static struct master there = {.ops = &there_ops, .is_slow = true};
static struct master *const masters[] = {&gate};
static struct master *const both[] = {&there, &other};

static void on_run(struct loop *loop, struct loop_message *message)
{
    struct ka_job *job = (struct ka_job *)message;

    (void)loop;
    runs++;
    given_up += job->is_given_up;
    want(job->is_given_up || job->result == opens || (job->result == MASTER_OK && job->ka[31] == 7),
         "a wrong result");
}

/* Until so many jobs have come back, and a moment longer: none comes twice. */
static void run_until(size_t count)
{
    const int64_t limit = clock_ms() + 20000;
    int64_t end = limit;

    while (clock_ms() < end && clock_ms() < limit) {
        (void)event_base_loop(loops->loop[0].base, EVLOOP_NONBLOCK);
        if (runs >= count && end == limit)
            end = clock_ms() + 50;
        (void)usleep(500);
    }
    want(runs == count, "as many come back as were given, each once");
}

static void make(struct ka_job *job)
{
    memset(job, 0, sizeof(*job));
    job->message.run = on_run;
    job->loop = &loops->loop[0];
    job->device = "device";
    job->ka_id = "";
}

static struct ka_workers *start(void)
{
    char fault[MASTER_FAULT_SIZE];
    struct ka_workers *workers = ka_workers_new(masters, 1, THREADS);

    want(workers != NULL && ka_workers_start(workers, 10000, fault), "no threads");
    return workers;
}

static void try_queue(void)
{
    static struct ka_job jobs[JOBS + 1];
    struct ka_workers *workers = start();

    for (size_t i = 0; i <= JOBS; i++)
        make(&jobs[i]);
    for (size_t i = 0; i < THREADS; i++)
        want(ka_workers_submit(workers, &jobs[i]), "a job is refused");
    wait_for_threads();
    for (size_t i = THREADS; i < JOBS; i++)
        want(ka_workers_submit(workers, &jobs[i]), "a job is refused although there is room");
    want(!ka_workers_submit(workers, &jobs[JOBS]), "the queue has no bound");
    want(ka_workers_give_up(workers, &jobs[JOBS - 1]), "one that waits does not come back at once");
    want(!ka_workers_give_up(workers, &jobs[0]), "one that runs comes back");
    want(ka_workers_submit(workers, &jobs[JOBS]), "the place of one that was given up is not free");
    set_gate(true);
    run_until(JOBS);
    want(given_up == 1, "one was given up");
    ka_workers_stop(workers);
    want(ka_workers_free(workers), "a thread is held up");
}

static void try_hanging(void)
{
    static struct ka_job jobs[THREADS];
    struct ka_workers *workers = start();

    set_gate(false);
    runs = 0;
    for (size_t i = 0; i < THREADS; i++) {
        make(&jobs[i]);
        want(ka_workers_submit(workers, &jobs[i]), "a job is refused");
    }
    wait_for_threads();
    for (size_t i = 0; i < THREADS; i++)
        want(!ka_workers_give_up(workers, &jobs[i]), "one that runs comes back");
    ka_workers_stop(workers);
    want(!ka_workers_free(workers), "it was released while a thread uses it");
    set_gate(true);
    run_until(0);
}

static void try_refusal(void)
{
    char fault[MASTER_FAULT_SIZE];
    struct ka_workers *workers;

    opens = MASTER_REFUSED;
    workers = ka_workers_new(masters, 1, THREADS);
    want(!ka_workers_start(workers, 10000, fault), "it starts all the same");
    want(strcmp(fault, "as told") == 0, "it does not say why");
    ka_workers_stop(workers);
    want(ka_workers_free(workers), "a thread is held up");
    opens = MASTER_UNAVAILABLE;
    workers = start();
    want(!ka_workers_are_up(workers, fault) && strcmp(fault, "as told") == 0, "it is up");
    ka_workers_stop(workers);
    want(ka_workers_free(workers), "a thread is held up");
    opens = MASTER_OK;
}

static bool is_up(void)
{
    struct health_state state;

    health_look(HEALTH_KA, &state);
    return state.verdict == HEALTH_UP;
}

static void wait_for_health(bool up, const char *what)
{
    const int64_t limit = clock_ms() + 20000;

    while (is_up() != up && clock_ms() < limit)
        (void)usleep(1000);
    want(is_up() == up, what);
}

/* What is away comes back although nobody asks for anything; what hangs is away. */
static void try_health(void)
{
    static struct ka_job job;
    struct ka_workers *workers = start();

    set_gate(false);
    at_gate = runs = 0;
    wait_for_health(true, "it is not up");
    opens = MASTER_UNAVAILABLE;
    ka_workers_say_late(workers, 0, "late");
    want(!is_up(), "it hangs, and is up");
    opens = MASTER_OK;
    wait_for_health(true, "it does not come back without a look-up");
    make(&job);
    want(ka_workers_submit(workers, &job), "a job is refused");
    set_gate(true);
    run_until(1);
    ka_workers_stop(workers);
    want(ka_workers_free(workers), "a thread is held up");
}

/* Two masters, of which one is away: its ka-down comes once, and no ka-up before it is back. */
static void try_two(void)
{
    static struct ka_job jobs[20];
    struct ka_workers *workers = ka_workers_new(both, 2, 1);
    char fault[MASTER_FAULT_SIZE];

    opens = MASTER_UNAVAILABLE;
    runs = 0;
    set_gate(true);
    fprintf(stderr, "two masters\n");
    want(workers != NULL && ka_workers_start(workers, 10000, fault), "no threads");
    for (size_t i = 0; i < 20; i++) {
        make(&jobs[i]);
        jobs[i].master = i % 2;
        want(ka_workers_submit(workers, &jobs[i]), "a job is refused");
    }
    run_until(20);
    want(!is_up(), "one is away, and it is up");
    opens = MASTER_OK;
    wait_for_health(true, "it does not come back");
    ka_workers_stop(workers);
    want(ka_workers_free(workers), "a thread is held up");
}

int main(void)
{
    loops = loops_new(1);
    want(loops != NULL, "no loop");
    try_refusal();
    try_queue();
    try_health();
    try_two();
    try_hanging();
    printf("ok\n");
    return EXIT_SUCCESS;
}
