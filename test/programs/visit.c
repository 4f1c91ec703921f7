/*
 * visit - a UE that makes one flow after the other, as fast as they go
 *
 *     visit NAF ENDPOINT DEVICES PREFIX NAF-FQDN < lines
 *
 * Lines are IDENTITY MESSAGE. One line out for each: "ok" where it came back as it was sent, behind
 * whatever the endpoint puts before it; else why not. A flow that takes longer than SECONDS is
 * given up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "e2e_key.h"
#include "messages/e2e_flag.h"
#include "messages/identity.h"
#include "net/tls.h"
#include "stream.h"
#include "ue/client.h"
#include "ue/ue_keys.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS 4

struct visit {
    struct loop *loop;
    struct client *client;
    struct event *limit;
    const char *message;
    char said[CLIENT_REASON_SIZE];
};

static void say(SSL *ssl, struct visit *visit)
{
    char answer[STREAM_ANSWER_MAX + 1];
    const size_t sent = strlen(visit->message);
    size_t got = 0;
    enum stream_result result = stream_write_line(ssl, "", visit->message, sent);

    if (result == STREAM_OK)
        result = stream_read_line(ssl, answer, &got);
    if (result != STREAM_OK)
        (void)snprintf(visit->said, sizeof(visit->said), "message: %s", stream_says(result));
    else if (got < sent || memcmp(answer + got - sent, visit->message, sent) != 0)
        (void)snprintf(visit->said, sizeof(visit->said), "another answer");
    else
        (void)snprintf(visit->said, sizeof(visit->said), "ok");
}

static void on_end(void *argument, const struct client_result *result)
{
    struct visit *visit = argument;

    visit->client = NULL;
    if (result->outcome != CLIENT_READY)
        (void)snprintf(visit->said, sizeof(visit->said), "%s", result->reason);
    else if (!result->is_e2e)
        (void)snprintf(visit->said, sizeof(visit->said), "not e2e");
    else
        say(result->ssl, visit);
    tls_close(result->ssl);
    (void)event_base_loopbreak(visit->loop->base);
}

static void on_limit(evutil_socket_t fd, short what, void *argument)
{
    struct visit *visit = argument;

    (void)fd, (void)what;
    client_stop(visit->client);
    visit->client = NULL;
    (void)snprintf(visit->said, sizeof(visit->said), "no end of it");
    (void)event_base_loopbreak(visit->loop->base);
}

/* What all flows have in common. */
struct common_setup {
    struct client_setup client;
    struct ue_keys_options keys;
};

static void make(struct visit *visit, const struct common_setup *common, const char *identity)
{
    static const struct timeval limit = {.tv_sec = SECONDS};
    struct ue_keys_options options = common->keys;
    const struct client_setup *setup;
    char fault[UE_KEYS_FAULT_SIZE];
    struct ue_keys *keys;

    options.identity = identity;
    keys = ue_keys_open(&common->client, &options, fault);
    if (keys == NULL)
        exit(EXIT_FAILURE);
    setup = ue_keys_acquire(keys);
    visit->client = client_start(visit->loop, setup, NULL, on_end, visit);
    if (visit->client == NULL || event_add(visit->limit, &limit) != 0)
        exit(EXIT_FAILURE);
    (void)event_base_dispatch(visit->loop->base);
    (void)event_del(visit->limit);
    ue_keys_release(keys, setup);
    ue_keys_free(keys);
    printf("%s\n", visit->said);
    (void)fflush(stdout);
}

static void make_all(const struct common_setup *common)
{
    struct loops *loops = loops_new(1);
    struct visit visit = {.loop = loops == NULL ? NULL : loops->loop};
    char line[STREAM_LINE_MAX + 2];

    if (loops != NULL)
        visit.limit = evtimer_new(visit.loop->base, on_limit, &visit);
    if (visit.limit == NULL)
        exit(EXIT_FAILURE);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        const size_t length = strcspn(line, " ");

        line[strcspn(line, "\n")] = '\0';
        line[length] = '\0';
        visit.message = line + length + 1;
        make(&visit, common, line);
    }
    event_free(visit.limit);
    loops_free(loops);
}

int main(int argc, char *argv[])
{
    const struct e2e_setup setup = {.naf_fqdn = argc == 6 ? argv[5] : "",
                                    .ua_protocol_id = (const unsigned char[]){1, 0, 0, 0, 7},
                                    .usage = E2E_USAGE};
    struct addrs addrs[2] = {{.fixed = NULL}};
    struct common_setup common = {.client = {.naf = &addrs[0], .endpoint = &addrs[1]},
                                  .keys = {.needs_ka = true}};
    char reason[E2E_REASON_SIZE];
    struct ue_protocol protocol = {.is_tls13 = true};

    if (argc != 6 || e2e_open(&protocol.e2e, &setup, reason) != E2E_OPEN)
        return EXIT_FAILURE;
    (void)signal(SIGPIPE, SIG_IGN);
    common.client.protocols = &protocol;
    common.client.protocol_count = 1;
    common.client.ctx = tls_psk_ctx(TLS_client_method(), NULL);
    common.client.naf_name = argv[1];
    common.client.endpoint_name = argv[2];
    common.keys.devices = argv[3];
    common.keys.prefix = argv[4];
    common.keys.separator = identity_separator(argv[4]);
    if (common.client.ctx == NULL || !addrs_open(&addrs[0], "naf", argv[1]) ||
        !addrs_open(&addrs[1], "endpoint", argv[2]))
        return EXIT_FAILURE;
    make_all(&common);
    addrs_close(&addrs[0]);
    addrs_close(&addrs[1]);
    SSL_CTX_free(common.client.ctx);
    e2e_close(&protocol.e2e);
    return EXIT_SUCCESS;
}
