/*
 * A first connection: the UE's nonce, the flag; with UA_ALPN the next nonce, and its flag
 *
 * Each further nonce is served as on a new connection: the key is looked up again, so that
 * revocations, expiry and changes take effect, and the connection is counted among those of its
 * device meanwhile. In between it is held: it has no key, is closed by
 * either side without an error, and makes room if there is none. Over DTLS it is held likewise,
 * for repeats of its one nonce.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "messages/e2e_flag.h"
#include "net/clock.h"
#include "net/tls.h"
#include "ops/audit.h"
#include "ops/log.h"
#include "session/ue.h"
#include "session/ue_repeats.h"
#include "source/source.h"
#include "third_party/third_party.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

static const struct e2e_flag no_flag = {.e2e = false};

static void on_readable(void *argument, bool in_time);

/* Have done() called when the socket is ready, within the time limit of a line. */
static void begin_line(struct ue *ue, io_watch_done *done)
{
    struct connection *connection = &ue->connection;

    io_watch_cancel(&connection->watch);
    io_watch_init_ssl(&connection->watch, connection->worker->loop, connection->ssl, done, ue);
    connection_set_deadline(connection, ue_server(ue)->limits.line);
}

/* What a later answer of the source is compared with. */
static bool digest_of(const unsigned char key[UE_KEY_LENGTH],
                      unsigned char digest[UE_KEY_DIGEST_LENGTH])
{
    return EVP_Digest(key, UE_KEY_LENGTH, digest, NULL, EVP_sha256(), NULL) > 0;
}

/* Over DTLS a UE's goodbye may get lost. */
static bool is_kept_short(const struct ue *ue)
{
    return ue->repeats != NULL && ue_server(ue)->limits.idle > UE_REPEATS_SECONDS;
}

static void wait_for_next(struct ue *ue)
{
    const struct limits *limits = &ue_server(ue)->limits;
    struct connection *connection = &ue->connection;
    const int64_t session = connection->began + (int64_t)limits->session * 1000;

    if (!ue_hold(ue)) {
        connection_close(connection, NULL);
        return;
    }
    begin_line(ue, on_readable);
    connection->deadline =
        clock_ms() + 1000 * (int64_t)(is_kept_short(ue) ? UE_REPEATS_SECONDS : limits->idle);
    if (limits->session != 0 && session < connection->deadline)
        connection->deadline = session;
    if (tls_lines_has_begun(&ue->lines) || SSL_has_pending(connection->ssl)) {
        io_watch_set(&connection->watch, IO_OK, 0); /* the next line: no socket shows it */
        return;
    }
    tls_lines_clear(&ue->lines);
    io_watch_set(&connection->watch, IO_WANT_READ, connection->deadline);
}

static bool is_wanted(enum io_status status)
{
    return status == IO_WANT_READ || status == IO_WANT_WRITE;
}

/* Write the answer; then wait for the next nonce, or continue in plain if that is allowed. */
static void write_answer(void *argument, bool in_time)
{
    struct ue *ue = argument;
    const enum io_status result = in_time ? tls_lines_write(&ue->lines) : IO_WANT_WRITE;

    if (in_time && is_wanted(result))
        io_watch_set(&ue->connection.watch, result, ue->connection.deadline);
    else if (result != IO_OK)
        ue_refuse(ue, in_time ? METRIC_REFUSED_LINE : METRIC_REFUSED_TIMEOUT,
                  io_status_text(result));
    else if (ue->goes_on || ue->repeats != NULL)
        wait_for_next(ue);
    else if (ue_service(ue)->naf.when == WHEN_REQUIRED)
        connection_close(&ue->connection, NULL);
    else
        ue_attach_app(ue, "plain: ");
}

static void start_writing(struct ue *ue)
{
    ue->state = UE_WRITING_FLAG;
    begin_line(ue, write_answer);
    write_answer(ue, true);
}

static void answer_with_flag(struct ue *ue, const struct e2e_flag *flag)
{
    const char *ka_id = flag->ka_id[0] == '\0' ? NULL : flag->ka_id;
    char *line = e2e_flag_encode(flag);

    OPENSSL_cleanse(ue->claim.key, UE_KEY_LENGTH);
    if (line == NULL || !tls_lines_add(&ue->lines, "", line, strlen(line)) ||
        (ue->repeats != NULL && !ue_repeats_set_answer(ue->repeats, line))) {
        json_line_free(line);
        ue_refuse(ue, METRIC_REFUSED_INTERNAL, "out of memory");
        return;
    }
    json_line_free(line);
    ue->goes_on = ue->goes_on && flag->e2e;
    metrics_observe_since(METRIC_TIME_FLAG, ue->asked_at);
    metrics_count(flag->e2e ? METRIC_FLAGS : METRIC_FLAGS_NONE);
    ue_log(ue, flag->e2e ? "flag" : "no-flag", "ka-id", ka_id);
    start_writing(ue);
}

static void accept_flag(struct ue *ue, const struct third_party_answer *given)
{
    enum metric metric;

    if (third_party_refuses(given->result, &metric))
        ue_refuse(ue, metric, given->reason);
    else
        answer_with_flag(ue, &given->flag);
}

static void on_flag(void *argument, const struct third_party_answer *given)
{
    struct ue *ue = argument;

    ue->third_party_request = NULL;
    accept_flag(ue, given);
}

static void ask_for_flag(struct ue *ue)
{
    const struct naf_service *naf = &ue_service(ue)->naf;
    const struct third_party_query query = {
        .identity = ue->claim.identity,
        .device = ue->claimed_device == NULL ? ue->claim.device : ue->claimed_device,
        .ka_id = ue->claimed_ka_id,
        .ks_naf = ue->claim.key,
        .ua_protocol_id = ue->claim.ua_protocol_id,
        .nonce = ue->nonce,
        .not_after = ue->claim.not_after,
    };
    struct third_party_answer now;

    if (naf->when == WHEN_OFF) {
        answer_with_flag(ue, &no_flag);
        return;
    }
    ue->state = UE_ASKING_FOR_FLAG;
    ue->third_party_request = naf->third_party->ops->ask(
        naf->third_party, ue->connection.worker->loop, &query, on_flag, ue, &now);
    if (ue->third_party_request == NULL)
        accept_flag(ue, &now);
}

/* Is it the same key of the same device that the handshake has proved? */
static bool is_as_proved(struct ue *ue, const struct source_answer *answer)
{
    unsigned char digest[UE_KEY_DIGEST_LENGTH];

    return answer->result == SOURCE_FOUND && digest_of(answer->ks_naf, digest) &&
           CRYPTO_memcmp(digest, ue->proved, sizeof(digest)) == 0 &&
           strcmp(answer->device, ue->claim.device) == 0;
}

static void accept_key(struct ue *ue, const struct source_answer *answer)
{
    if (answer->result == SOURCE_REFUSED) {
        ue_refuse(ue, METRIC_REFUSED_SOURCE, answer->reason);
    } else if (!is_as_proved(ue, answer)) {
        ue_refuse(ue, METRIC_REFUSED_SOURCE, "the key of its handshake is no longer valid");
    } else {
        memcpy(ue->claim.key, answer->ks_naf, UE_KEY_LENGTH);
        ue->claim.not_after = answer->not_after;
        ask_for_flag(ue);
    }
}

static void on_key(void *argument, const struct source_answer *answer)
{
    struct ue *ue = argument;

    ue->source_request = NULL;
    accept_key(ue, answer);
}

static void look_up_again(struct ue *ue)
{
    struct source *source = ue_service(ue)->naf.source;
    const struct source_query query = {
        .identity = ue->claim.identity,
        .kind = ue->claim.kind,
        .ua_protocol_id = ue->claim.ua_protocol_id,
        .peer = &ue->connection.peer.any,
    };
    struct source_answer now;

    ue->state = UE_LOOKING_UP_KEY;
    ue->source_request =
        source->ops->lookup(source, ue->connection.worker->loop, &query, on_key, ue, &now);
    if (ue->source_request == NULL) {
        accept_key(ue, &now);
        OPENSSL_cleanse(&now, sizeof(now));
    }
}

/*
 * The UE names its device only if the source does not; what contradicts is refused. Limits do not
 * go by it: it is not proved, and a UE that claims another's name must not use up the other's
 * limits.
 */
static bool take_device(struct ue *ue, const char *device)
{
    OPENSSL_free(ue->claimed_device);
    ue->claimed_device = NULL;
    if (device[0] == '\0' || strcmp(device, ue->claim.device) == 0)
        return true;
    if (ue->claim.device[0] == '\0')
        ue->claimed_device = OPENSSL_strdup(device);
    return ue->claimed_device != NULL;
}

/* False: out of memory. */
static bool take_ka_id(struct ue *ue, const char *ka_id)
{
    OPENSSL_free(ue->claimed_ka_id);
    ue->claimed_ka_id = ka_id[0] == '\0' ? NULL : OPENSSL_strdup(ka_id);
    return ka_id[0] == '\0' || ue->claimed_ka_id != NULL;
}

/*
 * Over DTLS the answered line may come again, since the answer may have been lost. It gets the same
 * answer. Any other line ends the session.
 */
static void take_repeat(struct ue *ue, const char *line, size_t length)
{
    const char *answer = ue_repeats_answer(ue->repeats, line, length);

    if (answer == NULL) {
        connection_close(&ue->connection, "another line came than the one that was answered");
    } else if (!tls_lines_add(&ue->lines, "", answer, strlen(answer))) {
        ue_refuse(ue, METRIC_REFUSED_INTERNAL, "out of memory");
    } else {
        start_writing(ue);
    }
}

/* The key of the handshake is there for the first nonce alone. */
static void serve_nonce(struct ue *ue, const struct nonce *nonce)
{
    const bool is_first = ue->is_first_line;

    ue->is_first_line = false;
    memcpy(ue->nonce, nonce->octets, NONCE_LENGTH);
    ue->asked_at = clock_ms();
    if (is_first)
        ask_for_flag(ue);
    else
        look_up_again(ue);
}

static void take_nonce(struct ue *ue, const char *line, size_t length)
{
    char fault[E2E_FLAG_FAULT_SIZE];
    struct nonce nonce;

    if (!nonce_decode(&nonce, line, length, fault))
        ue_refuse(ue, METRIC_REFUSED_LINE, fault);
    else if (!take_device(ue, nonce.device))
        ue_refuse(ue, METRIC_REFUSED_LINE, "device: not the name that belongs to the identity");
    else if (!take_ka_id(ue, nonce.ka_id))
        ue_refuse(ue, METRIC_REFUSED_INTERNAL, "out of memory");
    else
        serve_nonce(ue, &nonce);
}

/* Over DTLS the line is remembered, for its repeats. */
static void take_line(struct ue *ue, const char *line, size_t length)
{
    if (ue->repeats != NULL)
        take_repeat(ue, line, length);
    else if (SSL_is_dtls(ue->connection.ssl) && !(ue->repeats = ue_repeats_new(line, length)))
        ue_refuse(ue, METRIC_REFUSED_INTERNAL, "out of memory");
    else
        take_nonce(ue, line, length);
}

/* When a line begins on a held connection, count the connection again. False: it was refused, and
 * is gone. */
static bool begin_if_held(struct ue *ue, enum io_status result)
{
    const bool has_begun = result == IO_OK || tls_lines_has_begun(&ue->lines);

    if (ue->state != UE_HELD || !has_begun)
        return true;
    connection_set_deadline(&ue->connection, ue_server(ue)->limits.line);
    return ue_resume(ue);
}

/* The peer has closed, which is the normal end of a held connection. */
static void end_without_line(struct ue *ue, enum io_status result)
{
    if (result == IO_EOF)
        connection_close(&ue->connection, NULL);
    else if (ue->state == UE_HELD)
        connection_close(&ue->connection, io_status_text(result));
    else
        ue_refuse(ue, METRIC_REFUSED_LINE, io_status_text(result));
}

static void end_late(struct ue *ue)
{
    if (ue->state == UE_HELD)
        connection_close(&ue->connection, "no other nonce came in time");
    else
        ue_refuse(ue, METRIC_REFUSED_TIMEOUT, io_status_text(IO_WANT_READ));
}

static void on_readable(void *argument, bool in_time)
{
    struct ue *ue = argument;
    const char *line;
    size_t length;
    const enum io_status result =
        in_time ? tls_lines_read(&ue->lines, &line, &length) : IO_WANT_READ;

    if (!begin_if_held(ue, result))
        return;
    if (!in_time) {
        end_late(ue);
    } else if (is_wanted(result)) {
        io_watch_set(&ue->connection.watch, result, ue->connection.deadline);
    } else if (result == IO_OK) {
        io_watch_cancel(&ue->connection.watch);
        take_line(ue, line, length);
    } else {
        end_without_line(ue, result);
    }
}

void ue_serve_first(struct ue *ue)
{
    struct connection *connection = &ue->connection;
    char peer[LOG_ADDRESS_SIZE], ua[UE_UA_TEXT_SIZE];
    int64_t handshake_ends;

    audit("key-used", "key", "Ks_NAF", "identity", ue->claim.identity, "device",
          ue->claim.device[0] == '\0' ? NULL : ue->claim.device, "naf", ue_service(ue)->naf.name,
          "peer", log_address(peer, &connection->peer.any), "ua-protocol-id", ue_ua_text(ue, ua),
          NULL);
    ue->lines.ssl = connection->ssl;
    if (SSL_is_dtls(connection->ssl))
        ue->lines.max = NONCE_LINE_MAX_UDP;
    ue->state = UE_READING_NONCE;
    ue->is_first_line = true;
    ue->goes_on = tls_alpn_is(connection->ssl, UA_ALPN) && digest_of(ue->claim.key, ue->proved);
    handshake_ends = connection->deadline;
    begin_line(ue, on_readable);
    if (SSL_is_dtls(connection->ssl) && connection->deadline < handshake_ends)
        connection->deadline = handshake_ends; /* the UE may not know yet that it is complete */
    io_watch_set(&connection->watch, IO_OK, 0);
}
