/*
 * load - many clients at once, for measuring e2e-as, e2e-ue and programs to compare with
 *
 *     load --way plain|tls|flow --task visit|hold|bulk --connect A [--e2e-connect B] ...
 *
 * Prints one line of JSON. With "hold" it prints it when all clients are connected, then keeps them
 * until standard input ends. Clients take the rows of the devices file by turns.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "devices.h"
#include "e2e_key.h"
#include "messages/e2e_flag.h"
#include "messages/identity.h"
#include "net/dgram.h"
#include "net/dtls.h"
#include "net/tls.h"
#include "options.h"
#include "ue/ue_protocols.h"
#include "visitor.h"

#include <openssl/crypto.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDENTITY_SIZE 320
#define HOLD_AT_ONCE  32

static struct {
    const char *way, *task, *connect, *e2e_connect, *devices, *naf_fqdn, *prefix, *separator;
    const char *dtls_ciphers, *clients, *seconds, *threads;
} option = {
    .way = "flow",
    .task = "visit",
    .naf_fqdn = "naf.example.com",
    .prefix = IDENTITY_PREFIX,
    .separator = ".",
    .dtls_ciphers = "ECDHE-PSK-CHACHA20-POLY1305",
    .clients = "16",
    .seconds = "5",
    .threads = "2",
};

static const struct option_row rows[] = {
    {"way", "WAY", &option.way, false, "plain, tls (one handshake with Ks_NAF) or flow"},
    {"task", "TASK", &option.task, false, "visit, hold or bulk"},
    {"connect", "[udp:]HOST:PORT", &option.connect, true, "the NAF, or what is to be measured"},
    {"e2e-connect", "[udp:]HOST:PORT", &option.e2e_connect, false, "the e2e endpoint, for flow"},
    {"devices", "FILE", &option.devices, false, "keys of the UEs, for tls and flow"},
    {"naf-fqdn", "NAME", &option.naf_fqdn, false, "FQDN of the NAF or AF"},
    {"identity-prefix", "TEXT", &option.prefix, false, "3GPP-AKMA for AKMA"},
    {"identity-separator", "TEXT", &option.separator, false, "between prefix and identity"},
    {"dtls-ciphers", "LIST", &option.dtls_ciphers, false, "one cipher suite, over DTLS"},
    {"clients", "N", &option.clients, false, "so many at once"},
    {"seconds", "N", &option.seconds, false, "for so long"},
    {"threads", "N", &option.threads, false, "so many loops"},
};

static const struct option_group groups[] = {OPTION_GROUP(NULL, rows)};

static size_t choose(const char *name, const char *value, const char *const names[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(value, names[i]) == 0)
            return i;
    fprintf(stderr, "--%s: --help says what there is\n", name);
    exit(EXIT_USAGE);
}

static int compare(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;

    return (a > b) - (a < b);
}

/* All loops' figures in one line. */
static void report(const struct counts *all_counts, size_t count, double seconds)
{
    struct counts sum = {.visits = 0};

    for (size_t i = 0; i < count; i++) {
        sum.milliseconds =
            realloc(sum.milliseconds, (sum.visits + all_counts[i].visits + 1) * sizeof(float));
        if (sum.milliseconds == NULL)
            abort();
        if (all_counts[i].visits > 0)
            memcpy(sum.milliseconds + sum.visits, all_counts[i].milliseconds,
                   all_counts[i].visits * sizeof(float));
        sum.visits += all_counts[i].visits;
        sum.octets += all_counts[i].octets;
        if (all_counts[i].failed > 0)
            fprintf(stderr, "load: %zu failed: %s\n", all_counts[i].failed, all_counts[i].reason);
        sum.failed += all_counts[i].failed;
    }
    if (sum.visits > 0)
        qsort(sum.milliseconds, sum.visits, sizeof(float), compare);
    printf("{\"visits\": %zu, \"failed\": %zu, \"seconds\": %.3f, \"octets\": %llu, "
           "\"median\": %.3f, \"p99\": %.3f}\n",
           sum.visits, sum.failed, seconds, (unsigned long long)sum.octets,
           sum.visits == 0 ? 0 : (double)sum.milliseconds[sum.visits / 2],
           sum.visits == 0 ? 0 : (double)sum.milliseconds[sum.visits * 99 / 100]);
    (void)fflush(stdout);
    free(sum.milliseconds);
}

/* Until all clients are in (read without a lock: it is only polled), or none comes any more. */
static void wait_until_held(const struct counts *all_counts, size_t count, size_t clients)
{
    size_t in = 0;

    for (int tenths = 0; tenths < 6000 && in < clients; tenths++) {
        (void)usleep(100000);
        in = 0;
        for (size_t i = 0; i < count; i++)
            in += *(const volatile size_t *)&all_counts[i].visits +
                  *(const volatile size_t *)&all_counts[i].failed;
    }
}

static void wait_for_end_of_input(void)
{
    char octet;

    while (read(STDIN_FILENO, &octet, 1) > 0)
        continue;
}

/* Let the clients in, wait, and say how it went. */
static void run(struct loops *loops, const struct visit *visit, size_t clients,
                unsigned int seconds, int64_t began)
{
    struct counts *all_counts = loops->loop[0].user;

    if (!loops_start(loops))
        exit(EXIT_FAILURE);
    if (visit->task == TASK_HOLD) {
        wait_until_held(all_counts, loops->count, clients);
        report(all_counts, loops->count, (double)(clock_us() - began) / 1e6);
        wait_for_end_of_input();
        exit(EXIT_SUCCESS);
    }
    (void)sleep(seconds);
    (void)usleep(200000); /* the last ones leave */
    loops_stop(loops);
    report(all_counts, loops->count, seconds);
}

/* Everything that bring() goes by; set before the loops run. */
static struct {
    struct visit visit;
    struct client_setup setup;
    size_t clients, threads;
    atomic_size_t turn;                /* of the devices */
    char (*identities)[IDENTITY_SIZE]; /* of each device */
} all;

/* Each visit is the next device's. */
static void choose_device(struct client_setup *setup)
{
    const size_t device = atomic_fetch_add(&all.turn, 1) % setup->devices->count;

    setup->device = &setup->devices->rows[device];
    setup->identity = all.identities[device];
}

/* False: out of memory. */
static bool name_devices(const struct devices *devices)
{
    all.identities = calloc(devices->count, sizeof(*all.identities));
    for (size_t i = 0; all.identities != NULL && i < devices->count; i++)
        (void)snprintf(all.identities[i], IDENTITY_SIZE, "%s%s%s", option.prefix, option.separator,
                       devices->rows[i].identity);
    return all.identities != NULL;
}

/* The next client of a loop: of every so many one is its. */
static void bring(struct counts *counts)
{
    const size_t client = counts->next;

    if (client >= all.clients)
        return;
    counts->next += all.threads;
    if (!visitor_begin(counts, &all.visit, &all.setup))
        abort();
}

/* All at once; those who stay come one after the other, HOLD_AT_ONCE at a time. */
static void begin_all(struct loops *loops, struct counts *all_counts)
{
    const size_t first =
        all.visit.task == TASK_HOLD && all.clients > HOLD_AT_ONCE ? HOLD_AT_ONCE : all.clients;

    for (size_t i = 0; i < loops->count; i++) {
        all_counts[i].loop = &loops->loop[i];
        all_counts[i].next = i;
        all_counts[i].bring = bring;
    }
    for (size_t i = 0; i < first; i++)
        bring(
            &all_counts[i % loops->count]); /* NOLINT(clang-analyzer-core.DivideZero): 1 or more */
}

/* Keys, context, derivation: what plain clients do without. */
static void open_keys(struct client_setup *setup)
{
    static struct ue_protocols protocols;
    const struct ue_protocols_options how = {.tls_min = "1.3",
                                             .ciphers = option.dtls_ciphers,
                                             .is_udp = dgram_address(option.connect) != NULL};
    const struct e2e_setup names = {.naf_fqdn = option.naf_fqdn, .usage = E2E_USAGE};
    const struct devices_rules rules = {.needs = DEVICES_KS_NAF};
    char fault[DEVICES_FAULT_SIZE], reason[E2E_REASON_SIZE];

    if (option.devices == NULL) {
        fprintf(stderr, "--devices is missing\n");
        exit(EXIT_USAGE);
    }
    setup->devices = devices_read(option.devices, &rules, fault);
    if (setup->devices == NULL)
        fprintf(stderr, "devices file: %s\n", fault);
    setup->ctx = tls_psk_ctx(TLS_client_method(), NULL);
    setup->dtls = dtls_psk_ctx(DTLS_client_method(), option.dtls_ciphers, NULL);
    if (setup->devices == NULL || setup->ctx == NULL || setup->dtls == NULL)
        exit(EXIT_FAILURE);
    if (!ue_protocols_read(&protocols, &how))
        exit(EXIT_USAGE);
    if (ue_protocols_open(&protocols, &names, reason) != E2E_OPEN) {
        fprintf(stderr, "%s\n", reason);
        exit(EXIT_FAILURE);
    }
    setup->protocols = protocols.protocol;
    setup->protocol_count = protocols.count;
}

int main(int argc, char *argv[])
{
    static const char *const ways[] = {"plain", "tls", "flow"};
    static const char *const tasks[] = {"visit", "hold", "bulk"};
    struct client_setup setup = {.allow_plain = false};
    struct addrs targets[2];
    struct visit visit;
    struct counts *all_counts;
    struct loops *loops;
    unsigned int clients, seconds, threads;
    int64_t began;

    options_parse(argc, argv, "many clients at once", groups, sizeof(groups) / sizeof(groups[0]));
    (void)signal(SIGPIPE, SIG_IGN);
    visit.way = (enum way)choose("way", option.way, ways, 3);
    visit.task = (enum task)choose("task", option.task, tasks, 3);
    clients = options_number("clients", option.clients, 1, 65535);
    seconds = options_number("seconds", option.seconds, 1, 86400);
    threads = options_number("threads", option.threads, 1, 64);
    if (!addrs_open_any(&targets[0], "connect", option.connect) ||
        !addrs_open_any(&targets[1], "e2e-connect",
                        option.e2e_connect == NULL ? option.connect : option.e2e_connect))
        return EXIT_USAGE;
    setup.naf = &targets[0];
    setup.endpoint = &targets[1];
    setup.naf_name = option.connect;
    setup.endpoint_name = option.e2e_connect == NULL ? option.connect : option.e2e_connect;
    if (visit.way != WAY_PLAIN)
        open_keys(&setup);
    loops = loops_new(threads);
    all_counts = calloc(threads, sizeof(*all_counts));
    visit.choose = setup.devices == NULL ? NULL : choose_device;
    if (loops == NULL || all_counts == NULL ||
        (setup.devices != NULL && !name_devices(setup.devices)))
        return EXIT_FAILURE;
    loops->loop[0].user = all_counts;
    began = clock_us();
    visit.until = visit.task == TASK_HOLD ? 0 : began + (int64_t)seconds * 1000000;
    all.visit = visit;
    all.setup = setup;
    all.clients = clients;
    all.threads = threads;
    begin_all(loops, all_counts);
    run(loops, &visit, clients, seconds, began);
    return EXIT_SUCCESS; /* the process ends: nothing is released */
}
