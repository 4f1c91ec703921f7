/*
 * --check: could the server start with these options?
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/check.h"

#include "as/ka_options.h"
#include "as/source_options.h"
#include "as/status_page.h"
#include "ops/checks.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORE_SECONDS 5 /* for a Redis to answer */

static bool policy(void *app_server)
{
    return app_server_open_policy(app_server) == EXIT_SUCCESS;
}

static bool derives(void *argument)
{
    const struct app_server *app_server = argument;
    unsigned char keys[2][E2E_KEY_LENGTH], key[E2E_KEY_LENGTH];
    char reason[E2E_REASON_SIZE];
    const struct e2e_inputs inputs = {.ks_naf = keys[0],
                                      .ka = keys[1],
                                      .ka_length = sizeof(keys[1]),
                                      .refresh = keys[1],
                                      .refresh_length = sizeof(keys[1]),
                                      .not_after = (int64_t)1 << 37};
    const bool done = RAND_bytes(keys[0], sizeof(keys)) > 0 &&
                      e2e_derive(&app_server->naf_setups[0].e2e, &inputs, key, reason);

    if (!done)
        fprintf(stderr, "the policy refuses what the third party would derive: %s\n", reason);
    return done;
}

static bool devices(void *app_server)
{
    return app_server_open_devices(app_server);
}

static bool link_tls(void *app_server)
{
    return app_server_open_link_tls(app_server);
}

static bool source(void *app_server)
{
    (void)app_server;
    return source_options_open_files();
}

static bool loops(void *app_server)
{
    return app_server_open_loops(app_server);
}

static bool store(void *app_server)
{
    return app_server_open_store(app_server);
}

static bool ka(void *app_server)
{
    char fault[KA_FAULT_SIZE];
    bool done;

    if (!app_server_open_ka_devices(app_server))
        return false;
    done = ka_options_try(fault);
    if (!done)
        fprintf(stderr, "%s%s\n", options_where(fault), fault);
    return done;
}

static void check_files(struct checks *checks, struct app_server *app_server)
{
    const struct app_server_options *o = app_server->options;
    char subject[400];

    if (o->devices != NULL) {
        (void)snprintf(subject, sizeof(subject), "--devices %.300s", o->devices);
        (void)checks_step(checks, subject, devices, app_server);
    }
    checks_appended(checks, "log-file", o->log_file, false);
    checks_appended(checks, "audit-log", o->audit_log, false);
    checks_appended(checks, "keylog", o->keylog, true);
    if (ka_options_given())
        (void)checks_step(checks, "--ka-source", ka, app_server);
    if (o->cert != NULL && checks_step(checks, "--cert, --key, --ca and --crl belong together",
                                       link_tls, app_server)) {
        checks_dates(checks, "cert", o->cert, CERT_DATES_OF_ALL);
        checks_dates(checks, "ca", o->ca, CERT_DATES_OF_ANY);
        checks_dates(checks, "crl", o->crl, CERT_DATES_OF_ALL);
    }
    if (source_options_given() &&
        checks_step(checks, "--source-cert, --source-key and --source-ca belong together", source,
                    app_server))
        source_options_check_dates(checks);
}

static void check_addresses(struct checks *checks, const struct app_server_options *o)
{
    char port[STATUS_PAGE_PORT_SIZE];
    const struct {
        const char *option, *address;
        void (*check)(struct checks *checks, const char *option, const char *address,
                      bool is_to_listen);
    } listeners[] = {{"accept", o->accept, checks_any_address},
                     {"e2e-accept", o->e2e_accept, checks_any_address},
                     {"naf-accept", o->naf_accept, checks_address},
                     {"metrics", status_page_address(o->metrics, port), checks_address}};

    for (size_t i = 0; i < sizeof(listeners) / sizeof(listeners[0]); i++) {
        listeners[i].check(checks, listeners[i].option, listeners[i].address, true);
        checks_bind(checks, listeners[i].option, listeners[i].address);
        for (size_t j = 0; j < i; j++)
            checks_conflict(checks, listeners[j].option, listeners[j].address, listeners[i].option,
                            listeners[i].address);
    }
    checks_address(checks, "third-party", o->third_party, false);
    checks_any_address(checks, "forward", o->forward, false);
    source_options_check_addresses(checks);
}

/* Asks for a key that is not there. */
struct question {
    struct event_base *base;
    struct store_answer answer;
    bool is_answered;
};

static void take_answer(void *argument, const struct store_answer *answer)
{
    struct question *question = argument;

    question->answer = *answer;
    question->is_answered = true;
    (void)event_base_loopbreak(question->base);
}

static void check_store(struct checks *checks, struct app_server *app_server)
{
    static const struct timeval timeout = {.tv_sec = STORE_SECONDS};
    struct loop *loop = &app_server->server.loops->loop[0];
    struct question question = {.base = loop->base, .is_answered = false};
    char subject[400], identity[STORE_IDENTITY_SIZE];
    const struct store_ops *ops = app_server->store->ops;
    struct store_request *request = NULL;

    if (store_make_identity(identity)) {
        request =
            ops->get(app_server->store, loop, identity, take_answer, &question, &question.answer);
        question.is_answered = request == NULL;
    }
    if (request != NULL) {
        (void)event_base_loopexit(loop->base, &timeout);
        (void)event_base_dispatch(loop->base);
        if (!question.is_answered)
            ops->cancel(app_server->store, request);
    }
    (void)snprintf(subject, sizeof(subject), "--store %.300s", app_server->options->store);
    if (question.is_answered && question.answer.result == STORE_UNKNOWN)
        checks_say(checks, true, subject, "it answers");
    else
        checks_say(checks, false, subject,
                   question.is_answered ? question.answer.reason : "it does not answer");
    store_answer_clear(&question.answer);
}

int check(struct app_server *app_server)
{
    struct checks checks = {0};

    if ((app_server->roles.naf || app_server->roles.third_party) &&
        checks_step(&checks, "the module akma, mode, digest and usage", policy, app_server) &&
        app_server->roles.third_party)
        (void)checks_step(&checks, "the policy derives", derives, app_server);
    check_files(&checks, app_server);
    check_addresses(&checks, app_server->options);
    if (app_server->roles.shared_store &&
        checks_step(&checks, "an event loop for the store", loops, app_server) &&
        checks_step(&checks, "--store-key, --store-password-file and --store-ca", store,
                    app_server)) {
        checks_dates(&checks, "store-ca", app_server->options->store_ca, CERT_DATES_OF_ANY);
        check_store(&checks, app_server);
    }
    return checks_status(&checks);
}
