/*
 * What a NAF has asked for, from the request to its answer
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/tp_link_tasks.h"

#include "third_party/key_issuer.h"
#include "third_party/tp_link_tls.h"

#include <openssl/crypto.h>
#include <string.h>

/* A request under way. */
struct tp_link_task {
    LIST_ENTRY(tp_link_task) next;
    struct naf *naf;
    int64_t id;
    struct third_party_request *request;
    bool is_calling, is_over;
};

static struct key_issuer *issuer_of(const struct naf *naf)
{
    return naf->connection.worker->server->issuer;
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

void tp_link_tasks_answer_error(struct naf *naf, int64_t id, const char *reason)
{
    static struct log_limit limit_line_error;
    struct tp_link_answer error = {.id = id, .verdict = TP_LINK_ERROR};
    char peer[LOG_ADDRESS_SIZE];

    (void)json_line_fault(error.error, "", reason);
    log_limited(&limit_line_error, "line-error", "naf", naf->name, "peer",
                log_address(peer, &naf->connection.peer.any), "reason", reason, NULL);
    if (answer(naf, &error))
        return;
    (void)json_line_fault(error.error, "", "the third party's log says why");
    (void)answer(naf, &error); /* else the NAF's time limit ends it */
}

static void task_free(struct tp_link_task *task)
{
    LIST_REMOVE(task, next);
    task->naf->in_flight--;
    OPENSSL_free(task);
}

/* Its answer was given: the task is over, and goes once the call that started it returns. */
static void settle(struct tp_link_task *task)
{
    task->is_over = true;
    if (!task->is_calling)
        task_free(task);
}

static void on_flag(void *argument, enum third_party_result result, const struct e2e_flag *flag,
                    const char *reason)
{
    struct tp_link_task *task = argument;
    struct tp_link_answer made = {.id = task->id, .verdict = TP_LINK_FLAG};

    if (result == FLAG_FAILED) {
        tp_link_tasks_answer_error(task->naf, task->id, reason);
    } else {
        if (result == FLAG_ISSUED)
            made.flag = *flag;
        metrics_count(result == FLAG_ISSUED ? METRIC_FLAGS : METRIC_FLAGS_NONE);
        if (!answer(task->naf, &made))
            tp_link_tasks_answer_error(task->naf, task->id, "the flag cannot be encoded");
    }
    settle(task);
}

static void on_revoked(void *argument, bool revoked, const char *reason)
{
    struct tp_link_task *task = argument;
    const struct tp_link_answer done = {.id = task->id, .verdict = TP_LINK_REVOKED};

    if (!revoked || !answer(task->naf, &done))
        tp_link_tasks_answer_error(task->naf, task->id, reason);
    settle(task);
}

/* The setup of a request: that of the one before, or a new one that the provider has accepted. */
static bool find_setup(struct naf *naf, const struct tp_link_request *request,
                       char reason[E2E_REASON_SIZE])
{
    const struct e2e_setup setup = {
        .naf_fqdn = request->naf_fqdn,
        .ua_protocol_id = request->ua_protocol_id,
        .mode = naf->connection.worker->server->policy.mode,
        .digest = naf->connection.worker->server->policy.digest,
        .usage = naf->connection.worker->server->policy.usage,
    };

    if (naf->e2e.ctx != NULL && strcmp(naf->naf_fqdn, request->naf_fqdn) == 0 &&
        memcmp(naf->ua_protocol_id, request->ua_protocol_id, TP_LINK_UA_LENGTH) == 0)
        return true;
    e2e_close(&naf->e2e);
    if (e2e_open(&naf->e2e, &setup, reason) != E2E_OPEN) {
        e2e_close(&naf->e2e);
        return false;
    }
    memcpy(naf->naf_fqdn, request->naf_fqdn, sizeof(naf->naf_fqdn));
    memcpy(naf->ua_protocol_id, request->ua_protocol_id, TP_LINK_UA_LENGTH);
    return true;
}

static void start_task(struct tp_link_task *task, const struct tp_link_request *request)
{
    struct naf *naf = task->naf;
    struct loop *loop = naf->connection.worker->loop;
    const struct third_party_query query = {
        .identity = request->identity,
        .device = request->device,
        .ks_naf = request->ks_naf,
        .nonce = request->nonce,
        .not_after = request->not_after,
    };

    task->is_calling = true;
    task->request =
        request->is_revocation
            ? key_issuer_revoke(issuer_of(naf), loop, request->identity, naf->name, on_revoked,
                                task)
            : key_issuer_ask(issuer_of(naf), loop, &query, &naf->e2e, naf->name, on_flag, task);
    task->is_calling = false;
    if (task->is_over)
        task_free(task);
}

void tp_link_tasks_begin(struct naf *naf, const struct tp_link_request *request)
{
    char reason[E2E_REASON_SIZE];
    struct tp_link_task *task;

    if (!request->is_revocation && !tp_link_tls_names(naf->connection.ssl, request->naf_fqdn)) {
        tp_link_tasks_answer_error(naf, request->id,
                                   "naf-fqdn: not a DNS name of the NAF's certificate");
        return;
    }
    if (!request->is_revocation && !find_setup(naf, request, reason)) {
        tp_link_tasks_answer_error(naf, request->id, reason);
        return;
    }
    LIST_FOREACH(task, &naf->tasks, next)
    {
        if (task->id == request->id) {
            tp_link_tasks_answer_error(naf, request->id, "id: a request with it is under way");
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
    start_task(task, request);
}

void tp_link_tasks_cancel(struct naf *naf)
{
    while (!LIST_EMPTY(&naf->tasks)) {
        struct tp_link_task *task = LIST_FIRST(&naf->tasks);

        key_issuer_cancel(issuer_of(naf), task->request);
        task_free(task);
    }
}
