/*
 * What a UE is given: on a first connection the flag, on an e2e one what the key is for
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "session/ue.h"

#include "messages/flag.h"
#include "net/clock.h"
#include "store/store.h"
#include "third_party/flags.h"

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
    const enum wire_result result = in_time ? wire_write(&ue->wire) : WIRE_WANT_WRITE;

    if (in_time && (result == WIRE_WANT_READ || result == WIRE_WANT_WRITE))
        wait_for(&ue->connection.wait, result, ue->connection.deadline);
    else if (result != WIRE_OK)
        refuse(ue, in_time ? METRIC_REFUSED_LINE : METRIC_REFUSED_TIMEOUT, wire_says(result));
    else if (ue_server(ue)->when == WHEN_REQUIRED)
        connection_close(&ue->connection, NULL);
    else
        ue_give_over(ue, "plain: ");
}

static void answer(struct ue *ue, const struct flag *flag)
{
    const char *ka_id = flag->ka_id[0] == '\0' ? NULL : flag->ka_id;
    char *line = flag_encode(flag);

    OPENSSL_cleanse(ue->claim.key, UE_KEY_LENGTH);
    if (line == NULL || !wire_add(&ue->wire, "", line, strlen(line))) {
        json_line_free(line);
        refuse(ue, METRIC_REFUSED_LINE, "out of memory");
        return;
    }
    json_line_free(line);
    metrics_count(flag->e2e ? METRIC_FLAGS : METRIC_FLAGS_NONE);
    log_ue(ue, flag->e2e ? "flag" : "no-flag", "ka-id", ka_id);
    ue->connection.deadline = clock_ms() + (int64_t)ue_server(ue)->limits.line * 1000;
    wait_begin(&ue->connection.wait, ue->connection.worker->loop, SSL_get_fd(ue->connection.ssl),
               write_answer, ue);
    write_answer(ue, true);
}

static void on_flag(void *argument, enum flags_result result, const struct flag *flag,
                    const char *reason)
{
    static const struct flag none = {.e2e = false};
    struct ue *ue = argument;

    ue->flags_request = NULL;
    if (result == FLAGS_FAILED)
        refuse(ue, METRIC_REFUSED_THIRD_PARTY, reason);
    else
        answer(ue, result == FLAGS_MADE ? flag : &none);
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
    static const struct flag none = {.e2e = false};
    struct server *server = ue_server(ue);
    const struct flags_query query = {
        .identity = ue->claim.identity,
        .device = ue->claimed_device == NULL ? ue->claim.device : ue->claimed_device,
        .ks_naf = ue->claim.key,
        .nonce = nonce->octets,
        .not_after = ue->claim.not_after,
    };
    struct flags_request *request;

    if (server->when == WHEN_OFF) {
        answer(ue, &none);
        return;
    }
    request =
        server->flags->ops->ask(server->flags, ue->connection.worker->loop, &query, on_flag, ue);
    if (request != NULL) /* else the connection may be gone */
        ue->flags_request = request;
}

static void read_nonce(void *argument, bool in_time)
{
    char fault[FLAG_FAULT_SIZE];
    struct ue *ue = argument;
    struct nonce nonce;
    const char *line;
    size_t length;
    const enum wire_result result = in_time ? wire_read(&ue->wire, &line, &length) : WIRE_WANT_READ;

    if (in_time && (result == WIRE_WANT_READ || result == WIRE_WANT_WRITE)) {
        wait_for(&ue->connection.wait, result, ue->connection.deadline);
        return;
    }
    wait_end(&ue->connection.wait);
    if (result == WIRE_END)
        connection_close(&ue->connection, NULL);
    else if (result != WIRE_OK)
        refuse(ue, in_time ? METRIC_REFUSED_LINE : METRIC_REFUSED_TIMEOUT, wire_says(result));
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

    ue->wire.ssl = connection->ssl;
    connection->deadline = clock_ms() + (int64_t)ue_server(ue)->limits.line * 1000;
    wait_begin(&connection->wait, connection->worker->loop, SSL_get_fd(connection->ssl), read_nonce,
               ue);
    wait_for(&connection->wait, WIRE_OK, 0);
}

/* The key is used up by the first handshake that is complete, and it must be the one it was. */
static void on_taken(void *argument, enum store_result result, const struct store_record *record,
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
        ue_give_over(ue, NULL);
    }
}

void ue_serve_e2e(struct ue *ue)
{
    struct store *store = ue_server(ue)->store;
    struct store_request *request =
        store->ops->take(store, ue->connection.worker->loop, ue->claim.identity, on_taken, ue);

    if (request != NULL) /* else the connection may be gone */
        ue->store_request = request;
}
