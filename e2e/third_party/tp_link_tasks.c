/*
 * What a NAF has asked for, from the request to its answer
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/tp_link_tasks.h"

#include "third_party/key_issuer.h"
#include "third_party/tp_link_server.h"
#include "third_party/tp_link_tls.h"

#include <openssl/crypto.h>
#include <string.h>

/* A request under way. */
struct tp_link_task {
    LIST_ENTRY(tp_link_task) next;
    struct naf *naf;
    int64_t id;
    struct third_party_request *request;
};

static const struct tp_link_service *service_of(const struct naf *naf)
{
    return naf->connection.service;
}

/*
 * Add an answer; it is written at once unless more may come with it. False: it cannot be encoded,
 * or memory does not suffice.
 */
static bool answer(struct naf *naf, const struct tp_link_answer *answer)
{
    char *line = tp_link_answer_encode(answer);
    const bool done = line != NULL && tls_lines_add(&naf->lines, "", line, strlen(line));

    json_line_free(line);
    if (!naf->is_reading)
        io_watch_set(&naf->connection.watch, IO_OK, 0);
    return done;
}

static void answer_error(struct naf *naf, int64_t id, enum tp_link_culprit culprit,
                         const char *reason)
{
    static struct log_limit limit_line_error;
    struct tp_link_answer error = {.id = id, .verdict = TP_LINK_ERROR, .culprit = culprit};
    char peer[LOG_ADDRESS_SIZE];

    (void)json_line_fault(error.error, "", reason);
    log_limited(&limit_line_error, "line-error", "naf", naf->name, "peer",
                log_address(peer, &naf->connection.peer.any), "reason", reason, NULL);
    if (answer(naf, &error))
        return;
    (void)json_line_fault(error.error, "", "the third party's log says why");
    (void)answer(naf, &error); /* else the NAF's time limit ends it */
}

void tp_link_tasks_answer_error(struct naf *naf, int64_t id, const char *reason)
{
    answer_error(naf, id, TP_LINK_THIRD_PARTY, reason);
}

static void task_free(struct tp_link_task *task)
{
    LIST_REMOVE(task, next);
    task->naf->in_flight--;
    OPENSSL_free(task);
}

static void answer_flag(const struct tp_link_task *task, const struct third_party_answer *given)
{
    static const enum tp_link_culprit culprits[] = {
        [FLAG_FAILED] = TP_LINK_THIRD_PARTY,
        [FLAG_UNSTORED] = TP_LINK_STORE,
        [FLAG_WITHOUT_KA] = TP_LINK_KA,
    };
    const struct tp_link_answer made = {
        .id = task->id, .verdict = TP_LINK_FLAG, .flag = given->flag};
    enum metric metric;

    if (third_party_refuses(given->result, &metric)) {
        metrics_count(metric);
        answer_error(task->naf, task->id, culprits[given->result], given->reason);
        return;
    }
    metrics_count(given->result == FLAG_ISSUED ? METRIC_FLAGS : METRIC_FLAGS_NONE);
    if (!answer(task->naf, &made))
        tp_link_tasks_answer_error(task->naf, task->id, "the flag cannot be encoded");
}

static void on_flag(void *argument, const struct third_party_answer *given)
{
    answer_flag(argument, given);
    task_free(argument);
}

static void answer_revocation(const struct tp_link_task *task,
                              const struct third_party_revocation *revocation)
{
    const struct tp_link_answer done = {.id = task->id, .verdict = TP_LINK_REVOKED};

    if (!revocation->is_done)
        tp_link_tasks_answer_error(task->naf, task->id, revocation->reason);
    else if (!answer(task->naf, &done))
        tp_link_tasks_answer_error(task->naf, task->id, "out of memory");
}

static void on_revoked(void *argument, const struct third_party_revocation *revocation)
{
    answer_revocation(argument, revocation);
    task_free(argument);
}

static bool is_setup_of(const struct named_setup *setup, const struct tp_link_request *request)
{
    return setup->naf.e2e.ctx != NULL && strcmp(setup->fqdn, request->naf_fqdn) == 0 &&
           memcmp(setup->naf.ua_protocol_id, request->ua_protocol_id, TP_LINK_UA_LENGTH) == 0;
}

/*
 * The setup of a request: that of one before, or a new one that the provider has accepted; NULL and
 * the reason if it has not.
 */
static const struct e2e *find_setup(struct naf *naf, const struct tp_link_request *request,
                                    char reason[E2E_REASON_SIZE])
{
    struct named_setup *named = &naf->setups[naf->next_setup];
    const struct e2e_setup setup = {
        .naf_fqdn = request->naf_fqdn,
        .ua_protocol_id = request->ua_protocol_id,
        .mode = service_of(naf)->mode,
        .digest = service_of(naf)->digest,
        .usage = service_of(naf)->usage,
    };

    for (size_t i = 0; i < KEY_SYSTEMS; i++)
        if (is_setup_of(&naf->setups[i], request))
            return &naf->setups[i].naf.e2e;
    e2e_close(&named->naf.e2e);
    if (e2e_open(&named->naf.e2e, &setup, reason) != E2E_OPEN) {
        e2e_close(&named->naf.e2e);
        return NULL;
    }
    memcpy(named->fqdn, request->naf_fqdn, sizeof(named->fqdn));
    memcpy(named->naf.ua_protocol_id, request->ua_protocol_id, TP_LINK_UA_LENGTH);
    naf->next_setup = (naf->next_setup + 1) % KEY_SYSTEMS;
    return &named->naf.e2e;
}

static void start_revocation(struct tp_link_task *task, const struct tp_link_request *request)
{
    struct naf *naf = task->naf;
    struct third_party_revocation now;

    task->request = key_issuer_revoke(service_of(naf)->issuer, naf->connection.worker->loop,
                                      request->identity, naf->name, on_revoked, task, &now);
    if (task->request == NULL) {
        answer_revocation(task, &now);
        task_free(task);
    }
}

static void start_flag(struct tp_link_task *task, const struct tp_link_request *request,
                       const struct e2e *e2e)
{
    struct naf *naf = task->naf;
    const struct third_party_query query = {
        .identity = request->identity,
        .device = request->device,
        .ka_id = request->ka_id[0] == '\0' ? NULL : request->ka_id,
        .ks_naf = request->ks_naf,
        .ua_protocol_id = request->ua_protocol_id,
        .nonce = request->nonce,
        .not_after = request->not_after,
    };
    struct third_party_answer now;

    task->request = key_issuer_ask(service_of(naf)->issuer, naf->connection.worker->loop, &query,
                                   e2e, naf->name, on_flag, task, &now);
    if (task->request == NULL) {
        answer_flag(task, &now);
        task_free(task);
    }
}

void tp_link_tasks_begin(struct naf *naf, const struct tp_link_request *request)
{
    char reason[E2E_REASON_SIZE];
    const struct e2e *e2e = NULL;
    struct tp_link_task *task;

    if (!request->is_revocation && !tp_link_tls_names(naf->connection.ssl, request->naf_fqdn)) {
        tp_link_tasks_answer_error(naf, request->id,
                                   "naf-fqdn: not a DNS name of the NAF's certificate");
        return;
    }
    if (!request->is_revocation && (e2e = find_setup(naf, request, reason)) == NULL) {
        tp_link_tasks_answer_error(naf, request->id, reason);
        return;
    }
    LIST_FOREACH(task, &naf->tasks, next)
    {
        if (task->id == request->id) {
            tp_link_tasks_answer_error(naf, request->id,
                                       "id: a request with this id is in progress");
            return;
        }
    }
    task = OPENSSL_zalloc(sizeof(*task));
    if (task == NULL) {
        tp_link_tasks_answer_error(naf, request->id, "out of memory");
        return;
    }
    task->naf = naf;
    task->id = request->id;
    LIST_INSERT_HEAD(&naf->tasks, task, next);
    naf->in_flight++;
    if (request->is_revocation)
        start_revocation(task, request);
    else
        start_flag(task, request, e2e);
}

void tp_link_tasks_cancel(struct naf *naf)
{
    while (!LIST_EMPTY(&naf->tasks)) {
        struct tp_link_task *task = LIST_FIRST(&naf->tasks);

        key_issuer_cancel(service_of(naf)->issuer, task->request);
        task_free(task);
    }
}
