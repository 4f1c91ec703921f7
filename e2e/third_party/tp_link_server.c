/*
 * The third party's side of the link: requests of NAFs
 *
 * A connection has at most IN_FLIGHT requests under way and reads no more while answers wait to be
 * written: a NAF that floods delays only itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/tp_link_server.h"

#include "messages/identity.h"
#include "messages/tp_link_messages.h"
#include "net/clock.h"
#include "net/tcp.h"
#include "net/tls_backlog.h"
#include "server/conn_limit.h"
#include "server/connection.h"
#include "third_party/key_issuer.h"
#include "third_party/tp_link_tls.h"

#include <openssl/crypto.h>
#include <string.h>

#define IN_FLIGHT     256
#define UNWRITTEN_MAX ((size_t)64 * 1024) /* octets of answers before no more is read */

/* A request, until it is answered. */
struct task {
    LIST_ENTRY(task) next;
    struct naf *naf;
    int64_t id;
    struct third_party_request *request;
};

enum naf_state {
    NAF_HANDSHAKING,
    NAF_SERVING, /* requests are read and answered */
    NAF_DRAINING /* no more requests are read; it ends when it has answered */
};

/* The connection of a NAF. */
struct naf {
    struct connection connection;
    struct tls_lines lines;
    char name[TP_LINK_TEXT_SIZE]; /* the first of its certificate */
    struct named_setup {
        struct naf_setup naf;
        char fqdn[TP_LINK_TEXT_SIZE];
    } setups[KEY_SYSTEMS]; /* of the requests before: most NAFs have one name */
    size_t next_setup;     /* the one to be replaced */
    LIST_HEAD(, task) tasks;
    size_t in_flight;
    struct tp_link_verified verified;
    enum naf_state state;
    bool is_reading; /* answers are written when it is done */
    bool is_counted; /* among the links of its name */
};

static struct tp_link_service *service_of(const struct naf *naf)
{
    return naf->connection.service;
}

/* Requests and answers */

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
    static struct log_limit limit_error;
    struct tp_link_answer error = {.id = id, .verdict = TP_LINK_ERROR, .culprit = culprit};
    char peer[LOG_ADDRESS_SIZE];

    (void)json_line_fault(error.error, "", reason);
    log_limited(&limit_error, "line-error", "naf", naf->name, "peer",
                log_address(peer, &naf->connection.peer.any), "reason", reason, NULL);
    if (answer(naf, &error))
        return;
    (void)json_line_fault(error.error, "", "the third party's log says why");
    (void)answer(naf, &error); /* else the NAF's time limit ends it */
}

static void refuse_request(struct naf *naf, int64_t id, const char *reason)
{
    answer_error(naf, id, TP_LINK_THIRD_PARTY, reason);
}

static void task_free(struct task *task)
{
    LIST_REMOVE(task, next);
    task->naf->in_flight--;
    OPENSSL_free(task);
}

static void answer_flag(const struct task *task, const struct third_party_answer *given)
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
        refuse_request(task->naf, task->id, "the flag cannot be encoded");
}

static void on_flag(void *argument, const struct third_party_answer *given)
{
    answer_flag(argument, given);
    task_free(argument);
}

static void answer_revocation(const struct task *task,
                              const struct third_party_revocation *revocation)
{
    const struct tp_link_answer done = {.id = task->id, .verdict = TP_LINK_REVOKED};

    if (!revocation->is_done)
        refuse_request(task->naf, task->id, revocation->reason);
    else if (!answer(task->naf, &done))
        refuse_request(task->naf, task->id, "out of memory");
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

static void start_revocation(struct task *task, const struct tp_link_request *request)
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

static void start_flag(struct task *task, const struct tp_link_request *request,
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

static void begin_request(struct naf *naf, const struct tp_link_request *request)
{
    char reason[E2E_REASON_SIZE];
    const struct e2e *e2e = NULL;
    struct task *task;

    if (!request->is_revocation && !tp_link_tls_names(naf->connection.ssl, request->naf_fqdn)) {
        refuse_request(naf, request->id, "naf-fqdn: not a DNS name of the NAF's certificate");
        return;
    }
    if (!request->is_revocation && (e2e = find_setup(naf, request, reason)) == NULL) {
        refuse_request(naf, request->id, reason);
        return;
    }
    LIST_FOREACH(task, &naf->tasks, next)
    {
        if (task->id == request->id) {
            refuse_request(naf, request->id, "id: a request with this id is in progress");
            return;
        }
    }
    task = OPENSSL_zalloc(sizeof(*task));
    if (task == NULL) {
        refuse_request(naf, request->id, "out of memory");
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

static void cancel_requests(struct naf *naf)
{
    while (!LIST_EMPTY(&naf->tasks)) {
        struct task *task = LIST_FIRST(&naf->tasks);

        task->request->cancel(task->request);
        task_free(task);
    }
}

/* The connection */

static SSL_CTX *get_ctx(void *service)
{
    return tp_link_tls_ctx(((const struct tp_link_service *)service)->tls);
}

/* Serve a line. False: it has no id, so it cannot be answered, and the connection must end. */
static bool serve_line(struct naf *naf, const char *line, size_t length,
                       char fault[JSON_FAULT_SIZE])
{
    struct tp_link_request request;
    const bool done = tp_link_request_decode(&request, line, length, fault);
    const bool has_id = request.id >= 0;

    if (done)
        begin_request(naf, &request);
    else if (has_id)
        refuse_request(naf, request.id, fault);
    OPENSSL_cleanse(&request, sizeof(request));
    return has_id;
}

/* Read and serve what has come. */
static enum io_status serve_lines(struct naf *naf, char fault[JSON_FAULT_SIZE])
{
    enum io_status result = IO_OK;
    const char *line;
    size_t length;

    for (unsigned int turn = 0; turn < IO_WATCH_TURNS; turn++) {
        if (naf->in_flight >= IN_FLIGHT || tls_lines_unwritten(&naf->lines) > UNWRITTEN_MAX)
            return IO_PAUSED;
        result = tls_lines_read(&naf->lines, &line, &length);
        if (result != IO_OK)
            return result;
        naf->connection.deadline = 0; /* that line came in time; the next has its own */
        if (!serve_line(naf, line, length, fault))
            return IO_ERROR;
    }
    return IO_OK;
}

/* A line that has begun, or answers that wait, have a time limit; else the link may be idle. */
static int64_t next_deadline(struct naf *naf)
{
    const int64_t limit = (int64_t)naf->connection.worker->server->limits.line * 1000;

    if (!tls_lines_has_begun(&naf->lines) && tls_lines_unwritten(&naf->lines) == 0)
        naf->connection.deadline = 0;
    else if (naf->connection.deadline == 0)
        naf->connection.deadline = clock_ms() + limit;
    return naf->connection.deadline;
}

/* New requests are not read, since this process could not keep a promise; the NAF will find the
 * next one. */
static void finish_answers(struct naf *naf)
{
    const enum io_status written = tls_lines_write(&naf->lines);

    if (written == IO_ERROR || (written == IO_OK && naf->in_flight == 0))
        connection_close(&naf->connection, "the server was told to stop");
    else
        io_watch_set(&naf->connection.watch, written == IO_OK ? IO_PAUSED : written,
                     next_deadline(naf));
}

/* What to wait for: room to write, then more requests; at once if writing has made room for them.
 */
static enum io_status next_wanted(const struct naf *naf, enum io_status reading,
                                  enum io_status writing)
{
    if (writing != IO_OK)
        return writing;
    return reading == IO_PAUSED && naf->in_flight < IN_FLIGHT ? IO_OK : reading;
}

static void serve_requests(struct naf *naf)
{
    char fault[JSON_FAULT_SIZE] = "";
    enum io_status reading, writing;

    naf->is_reading = true;
    reading = serve_lines(naf, fault);
    naf->is_reading = false;
    writing = tls_lines_write(&naf->lines);
    if (reading == IO_EOF)
        connection_close(&naf->connection, NULL);
    else if (io_has_ended(reading))
        connection_refuse(&naf->connection, METRIC_REFUSED_LINE, NULL,
                          fault[0] != '\0' ? fault : io_status_text(reading));
    else if (io_has_ended(writing))
        connection_refuse(&naf->connection, METRIC_REFUSED_LINE, NULL, io_status_text(writing));
    else
        io_watch_set(&naf->connection.watch, next_wanted(naf, reading, writing),
                     next_deadline(naf));
}

/* Neither did a whole request come in time, nor were the answers read. */
static void refuse_late(struct naf *naf)
{
    const bool is_unread = tls_lines_unwritten(&naf->lines) > 0;

    connection_refuse(&naf->connection, METRIC_REFUSED_TIMEOUT, NULL,
                      io_status_text(is_unread ? IO_WANT_WRITE : IO_WANT_READ));
}

static void on_ready(void *argument, bool in_time)
{
    struct naf *naf = argument;

    if (!in_time)
        refuse_late(naf);
    else if (!tp_link_tls_verifies_still(service_of(naf)->tls, naf->connection.ssl, &naf->verified))
        connection_refuse(&naf->connection, METRIC_REFUSED_HANDSHAKE, NULL,
                          "the NAF's certificate is no longer valid");
    else if (naf->state == NAF_DRAINING)
        finish_answers(naf);
    else
        serve_requests(naf);
}

static void ready(struct connection *connection)
{
    struct naf *naf = (struct naf *)connection;
    char peer[LOG_ADDRESS_SIZE];

    if (!tp_link_tls_is_agreed(connection->ssl)) {
        connection_refuse(connection, METRIC_REFUSED_HANDSHAKE, NULL,
                          "ALPN " TP_LINK_ALPN " was not agreed on");
        return;
    }
    tp_link_tls_first_name(connection->ssl, naf->name, sizeof(naf->name));
    naf->is_counted = conn_limit_acquire(service_of(naf)->per_naf, naf->name, strlen(naf->name));
    if (!naf->is_counted || !tls_backlog_add(connection->ssl)) {
        connection_refuse(connection, METRIC_REFUSED_FULL, naf->name,
                          naf->is_counted ? "out of memory"
                                          : "this NAF has as many links as it may have");
        return;
    }
    tcp_keep_alive(SSL_get_fd(connection->ssl));
    log_event("line", "naf", naf->name, "peer", log_address(peer, &connection->peer.any), NULL);
    naf->lines.ssl = connection->ssl;
    if (naf->state == NAF_HANDSHAKING)
        naf->state = NAF_SERVING;
    connection->deadline = 0;
    io_watch_init(&connection->watch, connection->worker->loop, SSL_get_fd(connection->ssl),
                  on_ready, naf);
    io_watch_set(&connection->watch, IO_OK, 0);
}

static void release_naf(struct connection *connection)
{
    struct naf *naf = (struct naf *)connection;

    cancel_requests(naf);
    if (naf->is_counted)
        conn_limit_release(service_of(naf)->per_naf, naf->name, strlen(naf->name));
    for (size_t i = 0; i < KEY_SYSTEMS; i++)
        e2e_close(&naf->setups[i].naf.e2e);
    tls_lines_clear(&naf->lines);
}

static void drain(struct connection *connection)
{
    struct naf *naf = (struct naf *)connection;

    if (naf->state == NAF_SERVING) /* else when its handshake is complete */
        io_watch_set(&connection->watch, IO_OK, 0);
    naf->state = NAF_DRAINING;
}

const struct connection_kind tp_link_kind = {
    .name = "line",
    .accepted = METRIC_CONNECTIONS_LINK,
    .size = sizeof(struct naf),
    .pool = POOL_UES,
    .ctx = get_ctx,
    .ready = ready,
    .release = release_naf,
    .drain = drain,
};
