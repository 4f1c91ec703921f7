/*
 * Who is asked for next, with a clock of our own: lines on standard input are calls
 *
 *     lookups PER-SECOND PER-NETWORK AT-A-TIME WAITING PATIENCE
 *
 *     NOW wait WAITER IDENTITY ADDRESS       NOW leave WAITER       NOW answer IDENTITY
 * [found|none] NOW void IDENTITY                      NOW run
 *
 * On standard output: "NOW ask IDENTITY", "NOW told WAITER answer|given-up|void", "NOW full
 * WAITER".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/lookups.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 4096

struct person {
    struct lookup_waiter waiter;
    char name[64];
};

static struct person people[MANY];
static struct {
    struct lookup *lookup;
    char identity[64];
} asked[MANY];
static size_t people_count, asked_count;
static int64_t now;

static enum lookup_verdict ask(void *context, struct lookup *lookup,
                               const struct key_wanted *wanted, const void **answered)
{
    const char *identity = wanted->identity;

    (void)context, (void)answered;
    printf("%" PRId64 " ask %s\n", now, identity);
    asked[asked_count].lookup = lookup;
    (void)snprintf(asked[asked_count].identity, sizeof(asked[0].identity), "%s", identity);
    asked_count++;
    return LOOKUP_PENDING;
}

static void tell(void *context, struct lookup_waiter *waiter, const void *answer)
{
    const struct person *person = (struct person *)waiter;

    (void)context;
    printf("%" PRId64 " told %s %s%s\n", now, person->name,
           answer == NULL ? "given-up" : (const char *)answer,
           waiter->lookup == NULL ? "" : " and waits");
}

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage peer = {.ss_family = AF_INET};

    if (inet_pton(AF_INET, text, &((struct sockaddr_in *)&peer)->sin_addr) != 1) {
        peer.ss_family = AF_INET6;
        if (inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)&peer)->sin6_addr) != 1)
            abort();
    }
    return peer;
}

static void begin(struct lookups *lookups, const char *name, const char *identity, const char *from)
{
    struct person *person = &people[people_count++];
    const struct sockaddr_storage peer = address(from);
    const struct key_wanted wanted = {.system = KEY_AKMA, .identity = identity};

    (void)snprintf(person->name, sizeof(person->name), "%s", name);
    if (!lookups_wait(lookups, &wanted, (const struct sockaddr *)&peer, &person->waiter, now))
        printf("%" PRId64 " full %s\n", now, name);
}

static void answer(struct lookups *lookups, const char *identity, const char *what)
{
    const enum lookup_verdict verdict = strcmp(what, "found") == 0  ? LOOKUP_FOUND
                                        : strcmp(what, "none") == 0 ? LOOKUP_NONE
                                                                    : LOOKUP_FAILED;

    for (size_t i = 0; i < asked_count; i++)
        if (strcmp(asked[i].identity, identity) == 0) {
            asked[i].identity[0] = '\0';
            lookups_answer(lookups, asked[i].lookup, verdict,
                           lookups_is_revoked(asked[i].lookup) ? "void" : "answer");
            return;
        }
}

static void leave(struct lookups *lookups, const char *name)
{
    for (size_t i = 0; i < people_count; i++)
        if (strcmp(people[i].name, name) == 0)
            lookups_leave(lookups, &people[i].waiter);
}

static void take_line(struct lookups *lookups, const char *line)
{
    char what[32], first[64] = "", second[64] = "", third[64] = "";

    if (sscanf(line, "%" SCNd64 " %31s %63s %63s %63s", &now, what, first, second, third) < 2)
        abort();
    if (strcmp(what, "wait") == 0)
        begin(lookups, first, second, third);
    else if (strcmp(what, "leave") == 0)
        leave(lookups, first);
    else if (strcmp(what, "answer") == 0)
        answer(lookups, first, second);
    else if (strcmp(what, "void") == 0)
        lookups_revoke(lookups, KEY_AKMA, first);
    else
        (void)lookups_run(lookups, now);
}

int main(int argc, char *argv[])
{
    struct lookups_setup setup = {.ask = ask, .tell = tell};
    struct lookups *lookups;
    char line[256];

    if (argc != 6)
        return EXIT_FAILURE;
    setup.per_second = (unsigned int)strtoul(argv[1], NULL, 10);
    setup.per_network = (unsigned int)strtoul(argv[2], NULL, 10);
    setup.max_active = strtoul(argv[3], NULL, 10);
    setup.waiting = strtoul(argv[4], NULL, 10);
    setup.timeout_ms = (unsigned int)strtoul(argv[5], NULL, 10);
    lookups = lookups_new(&setup);
    while (lookups != NULL && fgets(line, sizeof(line), stdin) != NULL)
        take_line(lookups, line);
    lookups_free(lookups);
    return EXIT_SUCCESS;
}
