/*
 * The source of keys alone, with e2e-as's own options for it, on two loops
 *
 * A line on standard input is a look-up, its answer is a line on standard output:
 *
 *     LABEL akma|gba|uicc IDENTITY ADDRESS   ->   LABEL found KEY DEVICE NOT-AFTER
 *                                                 LABEL unknown
 *                                                 LABEL refused REASON
 *     LABEL cancel        (the look-up of that label; nothing is answered)
 *     - forget IDENTITY
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/source_options.h"
#include "messages/json_line.h"
#include "messages/ua_protocol_id.h"
#include "ops/log.h"
#include "options.h"
#include "source/source.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABELS_MAX 65536

static struct loops *loops;
static struct source *source;
static unsigned char ua[AKMA_UA_PROTOCOL_ID_LENGTH];

/* One look-up; it is released with the process. */
struct item {
    struct loop_message message, cancel;
    unsigned long label;
    char identity[512];
    enum identity_kind kind;
    struct sockaddr_storage peer;
    struct source_request *request;
    bool ended, cancelled;
};

static struct item *items[LABELS_MAX];

static void print_found(const struct item *item, const struct source_answer *answer)
{
    flockfile(stdout);
    printf("%lu found ", item->label);
    for (size_t i = 0; i < SOURCE_KEY_LENGTH; i++)
        printf("%02x", answer->ks_naf[i]);
    printf(" %s %" PRId64 "\n", answer->device[0] == '\0' ? "-" : answer->device,
           answer->not_after);
    (void)fflush(stdout);
    funlockfile(stdout);
}

static void on_answer(void *argument, const struct source_answer *answer)
{
    struct item *item = argument;

    if (item->cancelled)
        abort(); /* a caller that cancels cannot take an answer */
    item->ended = true;
    if (answer->result == SOURCE_FOUND) {
        print_found(item, answer);
        return;
    }
    flockfile(stdout);
    printf(answer->result == SOURCE_UNKNOWN ? "%lu unknown" : "%lu refused ", item->label);
    for (const char *c = answer->reason; c != NULL && *c != '\0'; c++)
        putchar(*c == '\n' ? ' ' : *c);
    printf("\n");
    (void)fflush(stdout);
    funlockfile(stdout);
}

static void look_up(struct loop *loop, struct loop_message *message)
{
    struct item *item = (struct item *)message;
    const struct source_query query = {item->identity, item->kind, ua,
                                       (const struct sockaddr *)&item->peer};
    struct source_answer now;

    item->request = source->ops->lookup(source, loop, &query, on_answer, item, &now);
    if (item->request == NULL)
        on_answer(item, &now);
}

static void cancel(struct loop *loop, struct loop_message *message)
{
    struct item *item = (struct item *)((char *)message - offsetof(struct item, cancel));

    (void)loop;
    if (item->ended)
        return;
    item->cancelled = true;
    source->ops->cancel(source, item->request);
}

static void read_peer(struct sockaddr_storage *peer, const char *text)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)peer;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)peer;

    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
        v4->sin_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
        v6->sin6_family = AF_INET6;
}

/* Look-up and cancellation on the same loop, so in this order. */
static void post(const struct item *item, struct loop_message *message)
{
    loop_post(&loops->loop[item->label % loops->count], message);
}

static void take_line(const char *line)
{
    char label[32], what[32], identity[512] = "", peer[64] = "127.0.0.1";
    const int words = sscanf(line, "%31s %31s %511s %63s", label, what, identity, peer);
    struct item *item;

    if (words == 3 && strcmp(what, "forget") == 0) {
        source->ops->forget(source, identity);
        return;
    }
    if (words == 2 && strcmp(what, "cancel") == 0) {
        item = items[strtoul(label, NULL, 10) % LABELS_MAX];
        item->cancel.run = cancel;
        post(item, &item->cancel);
        return;
    }
    item = calloc(1, sizeof(*item));
    if (item == NULL || words < 3)
        abort();
    item->label = strtoul(label, NULL, 10);
    items[item->label % LABELS_MAX] = item;
    item->kind = strcmp(what, "akma") == 0  ? IDENTITY_AKMA
                 : strcmp(what, "gba") == 0 ? IDENTITY_GBA_ME
                                            : IDENTITY_GBA_UICC;
    memcpy(item->identity, identity, sizeof(identity));
    read_peer(&item->peer, peer);
    item->message.run = look_up;
    post(item, &item->message);
}

int main(int argc, char *argv[])
{
    static const char *fqdn = "naf.example.com", *ua_protocol_id = "0100000007";
    static const struct option_row rows[] = {
        {"naf-fqdn", "NAME", &fqdn, false, "FQDN"},
        {"ua-protocol-id", "HEX", &ua_protocol_id, false, "Ua security protocol identifier"},
    };
    const struct option_group groups[] = {OPTION_GROUP(NULL, rows), source_options};
    char line[1024];

    options_parse(argc, argv, "the source of keys alone", groups, 2);
    if (!ua_protocol_id_read(ua, ua_protocol_id, false))
        return EXIT_FAILURE;
    source_options_check(fqdn, false, false);
    json_line_set_up();
    if (!log_open(LOG_FULL) || !source_options_open_files())
        return EXIT_FAILURE;
    loops = loops_new(2);
    source = source_options_open(NULL, NULL);
    if (loops == NULL || source == NULL || !source_options_start(source) || !loops_start(loops))
        return EXIT_FAILURE;
    printf("ready\n");
    (void)fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL)
        take_line(line);
    source_free(source);
    loops_stop(loops);
    loops_free(loops);
    source_options_close();
    for (size_t i = 0; i < LABELS_MAX; i++)
        free(items[i]);
    return EXIT_SUCCESS;
}
