/*
 * Threads against processes that do the same: the difference is what threads share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure.h"
#include "sections.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS_MAX 4
#define CALLS       20000
#define WARM_UP     200

/* One race, in memory that processes share as threads do. */
struct race {
    pthread_barrier_t ready;
    const struct variant *variant;
    double start[WORKERS_MAX], end[WORKERS_MAX];
};

struct runner {
    struct race *race;
    size_t number;
    pthread_t thread;
};

static void *run(void *argument)
{
    const struct runner *runner = argument;
    struct race *race = runner->race;
    struct instance instance;

    instance_open(&instance, race->variant);
    instance_start(&instance);
    for (size_t i = 0; i < WARM_UP; i++)
        race->variant->call(&instance);
    (void)pthread_barrier_wait(&race->ready);
    race->start[runner->number] = wall_clock();
    for (size_t i = 0; i < CALLS; i++)
        race->variant->call(&instance);
    race->end[runner->number] = wall_clock();
    instance_close(&instance);
    return NULL;
}

static void run_threads(struct runner *runners, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pthread_create(&runners[i].thread, NULL, run, &runners[i]) != 0)
            fail("pthread_create");
    for (size_t i = 0; i < count; i++)
        (void)pthread_join(runners[i].thread, NULL);
}

static void run_processes(struct runner *runners, size_t count)
{
    pid_t children[WORKERS_MAX];

    for (size_t i = 0; i < count; i++) {
        children[i] = fork();
        if (children[i] < 0)
            fail("fork");
        if (children[i] == 0) {
            (void)run(&runners[i]);
            _exit(EXIT_SUCCESS);
        }
    }
    for (size_t i = 0; i < count; i++) {
        int status;

        if (waitpid(children[i], &status, 0) != children[i] || status != 0)
            fail("a process of the benchmark failed");
    }
}

/* Nanoseconds a call, from the first start to the last end. */
static double hold(struct race *race, const struct variant *variant, size_t count,
                   void (*with)(struct runner *, size_t))
{
    struct runner runners[WORKERS_MAX];
    pthread_barrierattr_t shared;
    double start, end;

    race->variant = variant;
    (void)pthread_barrierattr_init(&shared);
    (void)pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    (void)pthread_barrier_init(&race->ready, &shared, (unsigned int)count);
    for (size_t i = 0; i < count; i++)
        runners[i] = (struct runner){.race = race, .number = i};
    with(runners, count);
    (void)pthread_barrier_destroy(&race->ready);
    start = race->start[0];
    end = race->end[0];
    for (size_t i = 1; i < count; i++) {
        start = race->start[i] < start ? race->start[i] : start;
        end = race->end[i] > end ? race->end[i] : end;
    }
    return (end - start) / CALLS;
}

static void compare(FILE *json, struct race *race, const char *name, size_t count, size_t rounds)
{
    const struct variant *variant = variant_find(name);
    double *threads = calloc(rounds, sizeof(*threads)),
           *processes = calloc(rounds, sizeof(*processes));

    if (threads == NULL || processes == NULL)
        fail("out of memory");
    for (size_t i = 0; i < rounds; i++) {
        threads[i] = hold(race, variant, count, run_threads);
        processes[i] = hold(race, variant, count, run_processes);
    }
    fprintf(json, "{\"variant\": \"%s\", \"workers\": %zu, ", name, count);
    json_quartiles(json, "ratio", ratio_quartiles(threads, processes, rounds));
    fprintf(json, ", ");
    json_quartiles(json, "threads_ns", quartiles(threads, rounds));
    fprintf(json, ", ");
    json_quartiles(json, "processes_ns", quartiles(processes, rounds));
    free(threads);
    free(processes);
}

void compare_threads(FILE *json, size_t rounds)
{
    static const char *const names[] = {"AKMA-E2E one shot", "AKMA-E2E refresh", "KBKDF one shot"};
    static const size_t counts[] = {1, 2, WORKERS_MAX};
    struct race *race =
        mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const char *separator = "";

    if (race == MAP_FAILED)
        fail("mmap");
    fprintf(json, "\"threads\": [\n");
    for (size_t name = 0; name < sizeof(names) / sizeof(names[0]); name++)
        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
            fprintf(json, "%s", separator);
            compare(json, race, names[name], counts[i], rounds);
            if (name == 0 && counts[i] == 2)
                fprintf(json, ", \"limit\": 1.15");
            fprintf(json, "}");
            separator = ",\n";
        }
    fprintf(json, "],\n");
    (void)munmap(race, sizeof(*race));
}
