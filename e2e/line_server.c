/*
 * The third party's side of the line: requests of NAFs
 *
 * A connection has at most IN_FLIGHT requests under way and reads no more while answers wait to be
 * written: a NAF that floods waits for itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "line_server.h"

#include "clock.h"
#include "flagger.h"
#include "line_messages.h"
#include "line_tls.h"

#include <openssl/crypto.h>
#include <string.h>

#define IN_FLIGHT     256
#define UNWRITTEN_MAX ((size_t)64 * 1024) /* octets of answers before no more is read */

struct naf;

/* A request under way. */
struct line_task {
    LIST_ENTRY(line_task) next;
    struct naf *naf;
    int64_t id;
    struct flags_request *request;
    bool is_calling, is_over;
};

struct naf {
    struct connection connection;
    struct wire wire;
    char name[LINE_TEXT_SIZE]; /* the first of its certificate */
    /* the setup of the request before: most NAFs have one name */
    struct e2e e2e;
    char naf_fqdn[LINE_TEXT_SIZE];
    unsigned char ua_protocol_id[LINE_UA_LENGTH];
    LIST_HEAD(, line_task) tasks;
    size_t in_flight;
    bool is_reading; /* answers are written when it is done */
};

static SSL_CTX *get_ctx(struct server *server)
{
    return line_tls_ctx(server->line);
}

static struct flagger *flagger_of(const struct naf *naf)
{
    return naf->connection.worker->server->flagger;
}

static void go_on(void *argument, bool in_time);

/* Add an answer; it is written at once unless more may come with it. */
static void answer(struct naf *naf, const struct line_answer *answer)
{
    char *line = line_answer_encode(answer);

    if (line != NULL)
        (void)wire_add(&naf->wire, "", line, strlen(line));
    json_line_free(line);
    if (!naf->is_reading)
        wait_for(&naf->connection.wait, WIRE_OK, 0);
}

static void answer_error(struct naf *naf, int64_t id, const char *reason)
{
    struct line_answer error = {.id = id, .verdict = LINE_ERROR};
    char peer[LOG_ADDRESS_SIZE];

    (void)json_line_fault(error.error, "", reason);
    log_event("line-error", "naf", naf->name, "peer", log_address(peer, &naf->connection.peer.any),
              "reason", reason, NULL);
    answer(naf, &error);
}

static void task_free(struct line_task *task)
{
    LIST_REMOVE(task, next);
    task->naf->in_flight--;
    OPENSSL_free(task);
}

/* Its answer was given: the task is over, and goes once the call that started it returns. */
static void settle(struct line_task *task)
{
    task->is_over = true;
    if (!task->is_calling)
        task_free(task);
}

static void on_flag(void *argument, enum flags_result result, const struct flag *flag,
                    const char *reason)
{
    struct line_task *task = argument;
    struct line_answer made = {.id = task->id, .verdict = LINE_FLAG};

    if (result == FLAGS_FAILED) {
        answer_error(task->naf, task->id, reason);
    } else {
        if (result == FLAGS_MADE)
            made.flag = *flag;
        metrics_count(result == FLAGS_MADE ? METRIC_FLAGS : METRIC_FLAGS_NONE);
        answer(task->naf, &made);
    }
    settle(task);
}

static void on_revoked(void *argument, bool revoked, const char *reason)
{
    struct line_task *task = argument;
    const struct line_answer done = {.id = task->id, .verdict = LINE_REVOKED};

    if (revoked)
        answer(task->naf, &done);
    else
        answer_error(task->naf, task->id, reason);
    settle(task);
}

/* The setup of a request: that of the one before, or a new one that the provider has accepted. */
static bool find_setup(struct naf *naf, const struct line_request *request,
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
        memcmp(naf->ua_protocol_id, request->ua_protocol_id, LINE_UA_LENGTH) == 0)
        return true;
    e2e_close(&naf->e2e);
    if (e2e_open(&naf->e2e, &setup, reason) != E2E_OPEN) {
        e2e_close(&naf->e2e);
        return false;
    }
    memcpy(naf->naf_fqdn, request->naf_fqdn, sizeof(naf->naf_fqdn));
    memcpy(naf->ua_protocol_id, request->ua_protocol_id, LINE_UA_LENGTH);
    return true;
}

static void start(struct line_task *task, const struct line_request *request)
{
    struct naf *naf = task->naf;
    struct loop *loop = naf->connection.worker->loop;
    const struct flags_query query = {
        .identity = request->identity,
        .device = request->device,
        .ks_naf = request->ks_naf,
        .nonce = request->nonce,
        .not_after = request->not_after,
    };

    task->is_calling = true;
    task->request =
        request->is_revocation
            ? flagger_revoke(flagger_of(naf), loop, request->identity, naf->name, on_revoked, task)
            : flagger_ask(flagger_of(naf), loop, &query, &naf->e2e, naf->name, on_flag, task);
    task->is_calling = false;
    if (task->is_over)
        task_free(task);
}

static void serve_request(struct naf *naf, const struct line_request *request)
{
    char reason[E2E_REASON_SIZE];
    struct line_task *task;

    if (!request->is_revocation && !line_tls_names(naf->connection.ssl, request->naf_fqdn)) {
        answer_error(naf, request->id, "naf-fqdn: not a DNS name of the NAF's certificate");
        return;
    }
    if (!request->is_revocation && !find_setup(naf, request, reason)) {
        answer_error(naf, request->id, reason);
        return;
    }
    LIST_FOREACH(task, &naf->tasks, next)
    {
        if (task->id == request->id) {
            answer_error(naf, request->id, "id: a request with it is under way");
            return;
        }
    }
    task = OPENSSL_zalloc(sizeof(*task));
    if (task == NULL) {
        answer_error(naf, request->id, "out of memory");
        return;
    }
    task->naf = naf;
    task->id = request->id;
    LIST_INSERT_HEAD(&naf->tasks, task, next);
    naf->in_flight++;
    start(task, request);
}

/* Serve a line. False: it bears no id, so that there is no answer to it, and the end is due. */
static bool serve_line(struct naf *naf, const char *line, size_t length,
                       char fault[JSON_FAULT_SIZE])
{
    struct line_request request;
    const bool done = line_request_decode(&request, line, length, fault);
    const bool has_id = request.id >= 0;

    if (done)
        serve_request(naf, &request);
    else if (has_id)
        answer_error(naf, request.id, fault);
    OPENSSL_cleanse(&request, sizeof(request));
    return has_id;
}

/* Read and serve what has come. */
static enum wire_result serve_lines(struct naf *naf, char fault[JSON_FAULT_SIZE])
{
    enum wire_result result = WIRE_OK;
    const char *line;
    size_t length;

    for (unsigned int turn = 0; turn < WAIT_TURNS; turn++) {
        if (naf->in_flight >= IN_FLIGHT || wire_unwritten(&naf->wire) > UNWRITTEN_MAX)
            return WIRE_PAUSED;
        result = wire_read(&naf->wire, &line, &length);
        if (result != WIRE_OK)
            return result;
        if (!serve_line(naf, line, length, fault))
            return WIRE_FAILED;
    }
    return WIRE_OK;
}

/* A line that has begun, or answers that wait, have a time limit; else the line may be idle. */
static int64_t next_deadline(struct naf *naf)
{
    const int64_t limit = (int64_t)naf->connection.worker->server->limits.line * 1000;

    if (!wire_has_begun(&naf->wire) && wire_unwritten(&naf->wire) == 0)
        naf->connection.deadline = 0;
    else if (naf->connection.deadline == 0)
        naf->connection.deadline = clock_ms() + limit;
    return naf->connection.deadline;
}

static void go_on(void *argument, bool in_time)
{
    struct naf *naf = argument;
    char fault[JSON_FAULT_SIZE] = "";
    enum wire_result result = WIRE_WANT_READ, written = WIRE_OK;

    if (in_time) {
        naf->is_reading = true;
        result = serve_lines(naf, fault);
        naf->is_reading = false;
        written = wire_write(&naf->wire);
    }
    if (result == WIRE_PAUSED && written == WIRE_OK && naf->in_flight < IN_FLIGHT)
        result = WIRE_OK;
    if (!in_time)
        connection_refuse(&naf->connection, METRIC_REFUSED_TIMEOUT, NULL, wire_says(result));
    else if (result == WIRE_END)
        connection_close(&naf->connection, NULL);
    else if (result == WIRE_FAILED || result == WIRE_TOO_LONG || written == WIRE_FAILED)
        connection_refuse(&naf->connection, METRIC_REFUSED_LINE, NULL,
                          fault[0] != '\0' ? fault : wire_says(result));
    else
        wait_for(&naf->connection.wait, written == WIRE_OK ? result : written, next_deadline(naf));
}

static void ready(struct connection *connection)
{
    struct naf *naf = (struct naf *)connection;
    char peer[LOG_ADDRESS_SIZE];

    if (!line_tls_is_agreed(connection->ssl)) {
        connection_refuse(connection, METRIC_REFUSED_HANDSHAKE, NULL,
                          "ALPN " LINE_ALPN " was not agreed on");
        return;
    }
    line_tls_first_name(connection->ssl, naf->name, sizeof(naf->name));
    log_event("line", "naf", naf->name, "peer", log_address(peer, &connection->peer.any), NULL);
    naf->wire.ssl = connection->ssl;
    connection->deadline = 0;
    wait_begin(&connection->wait, connection->worker->loop, SSL_get_fd(connection->ssl), go_on,
               naf);
    wait_for(&connection->wait, WIRE_OK, 0);
}

static void release(struct connection *connection)
{
    struct naf *naf = (struct naf *)connection;

    while (!LIST_EMPTY(&naf->tasks)) {
        struct line_task *task = LIST_FIRST(&naf->tasks);

        flagger_cancel(flagger_of(naf), task->request);
        task_free(task);
    }
    e2e_close(&naf->e2e);
    wire_clear(&naf->wire);
}

const struct connection_kind line_kind = {
    "line", METRIC_CONNECTIONS_LINE, sizeof(struct naf), false, get_ctx, ready, release, NULL,
};
