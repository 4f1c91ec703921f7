/*
 * The third party's side of the line: requests of NAFs
 *
 * A connection has at most IN_FLIGHT requests under way and reads no more while answers wait to be
 * written: a NAF that floods waits for itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/line_server.h"

#include "net/clock.h"
#include "net/stream.h"
#include "server/tally.h"
#include "third_party/line_tasks.h"
#include "third_party/line_tls.h"

#include <openssl/crypto.h>
#include <string.h>

#define IN_FLIGHT     256
#define UNWRITTEN_MAX ((size_t)64 * 1024) /* octets of answers before no more is read */

static SSL_CTX *get_ctx(struct server *server)
{
    return line_tls_ctx(server->line);
}

/* Serve a line. False: it bears no id, so that there is no answer to it, and the end is due. */
static bool serve_line(struct naf *naf, const char *line, size_t length,
                       char fault[JSON_FAULT_SIZE])
{
    struct line_request request;
    const bool done = line_request_decode(&request, line, length, fault);
    const bool has_id = request.id >= 0;

    if (done)
        line_tasks_begin(naf, &request);
    else if (has_id)
        line_tasks_answer_error(naf, request.id, fault);
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
        naf->connection.deadline = 0; /* that line came in time; the next has its own */
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

/* What is asked now would be promised by a process that ends: the NAF finds the next one. */
static void go_on_draining(struct naf *naf)
{
    const enum wire_result written = wire_write(&naf->wire);

    if (written == WIRE_FAILED || (written == WIRE_OK && naf->in_flight == 0))
        connection_close(&naf->connection, "the server was told to stop");
    else
        wait_for(&naf->connection.wait, written == WIRE_OK ? WIRE_PAUSED : written,
                 next_deadline(naf));
}

static void go_on(void *argument, bool in_time)
{
    struct naf *naf = argument;
    char fault[JSON_FAULT_SIZE] = "";
    enum wire_result result, written;

    if (!in_time) {
        result = wire_unwritten(&naf->wire) > 0 ? WIRE_WANT_WRITE : WIRE_WANT_READ;
        connection_refuse(&naf->connection, METRIC_REFUSED_TIMEOUT, NULL, wire_says(result));
        return;
    }
    if (!line_tls_verifies_still(naf->connection.worker->server->line, naf->connection.ssl,
                                 &naf->verified)) {
        connection_refuse(&naf->connection, METRIC_REFUSED_HANDSHAKE, NULL,
                          "the NAF's certificate is not good any more");
        return;
    }
    if (naf->is_draining) {
        go_on_draining(naf);
        return;
    }
    naf->is_reading = true;
    result = serve_lines(naf, fault);
    naf->is_reading = false;
    written = wire_write(&naf->wire);
    if (result == WIRE_PAUSED && written == WIRE_OK && naf->in_flight < IN_FLIGHT)
        result = WIRE_OK;
    if (result == WIRE_END)
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
    naf->is_counted = tally_take(connection->worker->server->lines, naf->name, strlen(naf->name));
    if (!naf->is_counted) {
        connection_refuse(connection, METRIC_REFUSED_FULL, naf->name,
                          "this NAF has as many lines as it may have");
        return;
    }
    stream_keep_alive(SSL_get_fd(connection->ssl));
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

    line_tasks_cancel(naf);
    if (naf->is_counted)
        tally_drop(connection->worker->server->lines, naf->name, strlen(naf->name));
    e2e_close(&naf->e2e);
    wire_clear(&naf->wire);
}

static void drain(struct connection *connection)
{
    struct naf *naf = (struct naf *)connection;

    naf->is_draining = true;
    if (naf->wire.ssl != NULL) /* else when its handshake is complete */
        wait_for(&connection->wait, WIRE_OK, 0);
}

const struct connection_kind line_kind = {
    "line", METRIC_CONNECTIONS_LINE, sizeof(struct naf), false, get_ctx, ready, release, NULL,
    drain,
};
