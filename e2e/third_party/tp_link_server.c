/*
 * The third party's side of the link: requests of NAFs
 *
 * A connection has at most IN_FLIGHT requests under way and reads no more while answers wait to be
 * written: a NAF that floods delays only itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/tp_link_server.h"

#include "net/clock.h"
#include "net/tcp.h"
#include "net/tls_backlog.h"
#include "server/conn_limit.h"
#include "third_party/tp_link_tasks.h"
#include "third_party/tp_link_tls.h"

#include <openssl/crypto.h>
#include <string.h>

#define IN_FLIGHT     256
#define UNWRITTEN_MAX ((size_t)64 * 1024) /* octets of answers before no more is read */

static struct tp_link_service *service_of(const struct naf *naf)
{
    return naf->connection.service;
}

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
        tp_link_tasks_begin(naf, &request);
    else if (has_id)
        tp_link_tasks_answer_error(naf, request.id, fault);
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

/* A line that has begun, or answers that wait, have a time limit; else the line may be idle. */
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
                                          : "this NAF has as many lines as it may have");
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

    tp_link_tasks_cancel(naf);
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
    .accepted = METRIC_CONNECTIONS_LINE,
    .size = sizeof(struct naf),
    .pool = POOL_UES,
    .ctx = get_ctx,
    .ready = ready,
    .release = release_naf,
    .drain = drain,
};
