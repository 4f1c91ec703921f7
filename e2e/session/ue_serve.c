/*
 * What a UE is given: on a first connection the flag, on an e2e one what the key is for
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "session/ue.h"

#include "messages/e2e_flag.h"
#include "net/clock.h"
#include "store/store.h"
#include "third_party/third_party.h"

#include <openssl/crypto.h>
#include <string.h>

static void log_ue(const struct ue *ue, const char *event, const char *key, const char *value)
{
    char peer[LOG_ADDRESS_SIZE];

    log_event(event, "endpoint", ue->connection.kind->name, "peer",
              log_address(peer, &ue->connection.peer.any), "identity", ue->claim.identity, "device",
              ue->claim.device, key, value, NULL);
}

static void refuse(struct ue *ue, enum metric metric, const char *reason)
{
    connection_refuse(&ue->connection, metric, ue->claim.identity, reason);
}

/* Write what there is; then on in plain, where that is allowed. */
static void write_answer(void *argument, bool in_time)
{
    struct ue *ue = argument;
    const enum io_status result = in_time ? tls_lines_write(&ue->lines) : IO_WANT_WRITE;

    if (in_time && (result == IO_WANT_READ || result == IO_WANT_WRITE))
        io_watch_set(&ue->connection.watch, result, ue->connection.deadline);
    else if (result != IO_OK)
        refuse(ue, in_time ? METRIC_REFUSED_LINE : METRIC_REFUSED_TIMEOUT, io_status_text(result));
    else if (ue_server(ue)->when == WHEN_REQUIRED)
        connection_close(&ue->connection, NULL);
    else
        ue_attach_app(ue, "plain: ");
}

static void answer(struct ue *ue, const struct e2e_flag *flag)
{
    const char *ka_id = flag->ka_id[0] == '\0' ? NULL : flag->ka_id;
    char *line = e2e_flag_encode(flag);

    OPENSSL_cleanse(ue->claim.key, UE_KEY_LENGTH);
    if (line == NULL || !tls_lines_add(&ue->lines, "", line, strlen(line))) {
        json_line_free(line);
        refuse(ue, METRIC_REFUSED_LINE, "out of memory");
        return;
    }
    json_line_free(line);
    metrics_count(flag->e2e ? METRIC_FLAGS : METRIC_FLAGS_NONE);
    log_ue(ue, flag->e2e ? "flag" : "no-flag", "ka-id", ka_id);
    ue->connection.deadline = clock_ms() + (int64_t)ue_server(ue)->limits.line * 1000;
    io_watch_init(&ue->connection.watch, ue->connection.worker->loop,
                  SSL_get_fd(ue->connection.ssl), write_answer, ue);
    write_answer(ue, true);
}

static void on_flag(void *argument, enum third_party_result result, const struct e2e_flag *flag,
                    const char *reason)
{
    static const struct e2e_flag none = {.e2e = false};
    struct ue *ue = argument;

    ue->third_party_request = NULL;
    if (result == FLAG_FAILED)
        refuse(ue, METRIC_REFUSED_THIRD_PARTY, reason);
    else
        answer(ue, result == FLAG_ISSUED ? flag : &none);
}

/*
 * The UE says who it is only where the source does not; what contradicts is refused. Limits do not
 * go by it: it is not proved, and who claims another's name must not use up what is the other's.
 */
static bool take_device(struct ue *ue, const char *device)
{
    if (device[0] == '\0' || strcmp(device, ue->claim.device) == 0)
        return true;
    if (ue->claim.device[0] == '\0')
        ue->claimed_device = OPENSSL_strdup(device);
    return ue->claimed_device != NULL;
}

static void ask_for_flag(struct ue *ue, const struct nonce *nonce)
{
    static const struct e2e_flag none = {.e2e = false};
    struct server *server = ue_server(ue);
    const struct third_party_query query = {
        .identity = ue->claim.identity,
        .device = ue->claimed_device == NULL ? ue->claim.device : ue->claimed_device,
        .ks_naf = ue->claim.key,
        .nonce = nonce->octets,
        .not_after = ue->claim.not_after,
    };
    struct third_party_request *request;

    if (server->when == WHEN_OFF) {
        answer(ue, &none);
        return;
    }
    request = server->third_party->ops->ask(server->third_party, ue->connection.worker->loop,
                                            &query, on_flag, ue);
    if (request != NULL) /* else the connection may be gone */
        ue->third_party_request = request;
}

static void read_nonce(void *argument, bool in_time)
{
    char fault[E2E_FLAG_FAULT_SIZE];
    struct ue *ue = argument;
    struct nonce nonce;
    const char *line;
    size_t length;
    const enum io_status result =
        in_time ? tls_lines_read(&ue->lines, &line, &length) : IO_WANT_READ;

    if (in_time && (result == IO_WANT_READ || result == IO_WANT_WRITE)) {
        io_watch_set(&ue->connection.watch, result, ue->connection.deadline);
        return;
    }
    io_watch_cancel(&ue->connection.watch);
    if (result == IO_EOF)
        connection_close(&ue->connection, NULL);
    else if (result != IO_OK)
        refuse(ue, in_time ? METRIC_REFUSED_LINE : METRIC_REFUSED_TIMEOUT, io_status_text(result));
    else if (!nonce_decode(&nonce, line, length, fault))
        refuse(ue, METRIC_REFUSED_LINE, fault);
    else if (!take_device(ue, nonce.device))
        refuse(ue, METRIC_REFUSED_LINE, "device: not the name that belongs to the identity");
    else
        ask_for_flag(ue, &nonce);
}

void ue_serve_first(struct ue *ue)
{
    struct connection *connection = &ue->connection;

    ue->lines.ssl = connection->ssl;
    connection->deadline = clock_ms() + (int64_t)ue_server(ue)->limits.line * 1000;
    io_watch_init(&connection->watch, connection->worker->loop, SSL_get_fd(connection->ssl),
                  read_nonce, ue);
    io_watch_set(&connection->watch, IO_OK, 0);
}

/* The key is used up by the first handshake that is complete, and it must be the one it was. */
static void on_consumed(void *argument, enum store_result result, const struct store_record *record,
                        const char *reason)
{
    struct ue *ue = argument;
    const bool same =
        result == STORE_OK && CRYPTO_memcmp(record->key, ue->claim.key, UE_KEY_LENGTH) == 0;

    ue->store_request = NULL;
    OPENSSL_cleanse(ue->claim.key, UE_KEY_LENGTH);
    if (result == STORE_UNAVAILABLE) {
        metrics_count(METRIC_STORE_ERRORS);
        refuse(ue, METRIC_REFUSED_STORE, reason);
    } else if (!same) {
        refuse(ue, METRIC_REFUSED_USED, "the refresh was used before, is too old, or was revoked");
    } else if (ue_count(ue)) {
        metrics_count(METRIC_E2E_TAKEN);
        log_ue(ue, "e2e", "ka-id", ue->claim.ka_id[0] == '\0' ? NULL : ue->claim.ka_id);
        ue_attach_app(ue, NULL);
    }
}

void ue_serve_e2e(struct ue *ue)
{
    struct store *store = ue_server(ue)->store;
    struct store_request *request = store->ops->consume(store, ue->connection.worker->loop,
                                                        ue->claim.identity, on_consumed, ue);

    if (request != NULL) /* else the connection may be gone */
        ue->store_request = request;
}
