/*
 * The flow as a UE runs it, on an event loop: first connection, nonce, flag, e2e connection
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/client.h"

#include "messages/e2e_flag.h"
#include "net/clock.h"
#include "net/connector.h"
#include "net/dgram.h"
#include "net/dtls.h"
#include "net/io_watch.h"
#include "net/tls.h"
#include "net/tls_lines.h"
#include "ue/first_pool.h"
#include "ue/handshake_alert.h"
#include "ue/say_again.h"
#include "ue/ue_flag.h"
#include "ue/ue_offer.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* For the answer on a first connection that was kept, and may have gone silent meanwhile: more than
 * a NAF waits for its third party. Then a connection is made. */
#define REUSED_MS 4000

/* Those on the second connection follow where the flag promises e2e. */
enum client_step {
    STEP_KEY_GOOD,   /* is the key of the first connection? */
    STEP_TAKE_FIRST, /* a first connection that is kept needs no handshake */
    STEP_CONNECT,
    STEP_HANDSHAKE,
    STEP_NONCE,
    STEP_FLAG,
    STEP_CONNECT_E2E,
    STEP_HANDSHAKE_E2E,
    STEP_COMPLETE
};

struct client {
    const struct client_setup *setup;
    struct loop *loop;
    client_done *done;
    void *argument;
    enum client_step step;
    struct first_pool *pool;
    bool is_reused; /* the first connection is from there */
    struct io_watch watch;
    int64_t deadline;
    struct connector *connector; /* while a connection is being made */
    int fd; /* of a connection without TLS so far; -1: none, or it is lines.ssl's */
    struct sockaddr_storage address; /* of the connection that is under way */
    size_t others, given_up;         /* over UDP, of its name: addresses */
    int64_t shared_until;            /* ... clock_ms(): the end of the time that they share */
    struct tls_lines lines;          /* the connection that is under way */
    unsigned char nonce[NONCE_LENGTH];
    struct say_again again;    /* over DTLS: its line */
    bool is_second;            /* the flag's promise is being kept */
    struct ue_promise promise; /* then; its key until the handshake */
    enum client_outcome outcome;
    bool is_denied;    /* by an alert about identity or key */
    bool is_forgotten; /* the endpoint does not know the key that the flag has promised */
    bool is_repeated;  /* the flow, because of that */
    char broken[CLIENT_REASON_SIZE]; /* what that was: the reason if the other flow fails, too */
    char reason[CLIENT_REASON_SIZE];
};

static enum io_status client_fail(struct client *client, enum client_outcome outcome,
                                  const char *format, ...) __attribute__((format(printf, 3, 4)));

static enum io_status client_fail(struct client *client, enum client_outcome outcome,
                                  const char *format, ...)
{
    va_list arguments;

    client->outcome = outcome;
    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, in the line before */
    (void)vsnprintf(client->reason, sizeof(client->reason), format, arguments);
    va_end(arguments);
    return IO_ERROR;
}

/* The same octets each time. */
static enum io_status write_nonce(struct client *client)
{
    struct nonce nonce = {.device = ""};
    char *line;
    bool added;

    memcpy(nonce.octets, client->nonce, NONCE_LENGTH);
    if (client->setup->device_name != NULL)
        (void)snprintf(nonce.device, sizeof(nonce.device), "%s", client->setup->device_name);
    if (client->setup->ka_id != NULL)
        (void)snprintf(nonce.ka_id, sizeof(nonce.ka_id), "%s", client->setup->ka_id);
    line = nonce_encode(&nonce);
    added = line != NULL && tls_lines_add(&client->lines, "", line, strlen(line));
    json_line_free(line);
    if (SSL_is_dtls(client->lines.ssl))
        say_again_sent(&client->again);
    return added ? tls_lines_write(&client->lines)
                 : client_fail(client, CLIENT_OTHER, "out of memory");
}

static enum io_status client_send_nonce(struct client *client)
{
    if (tls_lines_unwritten(&client->lines) > 0)
        return tls_lines_write(&client->lines);
    if (RAND_bytes(client->nonce, sizeof(client->nonce)) <= 0)
        return client_fail(client, CLIENT_OTHER, "no randomness for a nonce");
    client->again = (struct say_again){0};
    return write_nonce(client);
}

static const char *server_name(const struct client *client)
{
    return client->is_second ? client->setup->endpoint_name : client->setup->naf_name;
}

static bool is_udp(const struct client *client)
{
    return client->is_second ? client->setup->endpoint->is_udp : client->setup->naf->is_udp;
}

/* Seconds for the step that is under way. */
static int step_seconds(const struct client *client)
{
    return is_udp(client) ? CLIENT_SECONDS_UDP : CLIENT_SECONDS;
}

static void on_ready(void *argument, bool in_time);

/* Close the connection that is under way. */
static void client_disconnect(struct client *client)
{
    connector_stop(client->connector);
    client->connector = NULL;
    io_watch_cancel(&client->watch);
    tls_lines_clear(&client->lines);
    if (client->lines.ssl != NULL)
        tls_close(client->lines.ssl);
    else if (client->fd >= 0)
        (void)close(client->fd);
    client->lines.ssl = NULL;
    client->fd = -1;
    io_watch_init(&client->watch, client->loop, -1, on_ready, client); /* nothing of the SSL */
}

static void client_leave_first(struct client *client)
{
    SSL *ssl = client->lines.ssl;

    if (client->pool != NULL && tls_alpn_is(ssl, UA_ALPN) && !tls_lines_has_begun(&client->lines)) {
        client->lines.ssl = NULL;
        client->fd = -1;
        first_pool_put(client->pool, client->setup, ssl);
    }
    client_disconnect(client);
}

static enum io_status client_read_flag(struct client *client)
{
    static const enum client_outcome outcomes[] = {
        [UE_FLAG_E2E] = CLIENT_READY,
        [UE_FLAG_PLAIN] = CLIENT_READY,
        [UE_FLAG_REFUSED] = CLIENT_NO_E2E,
        [UE_FLAG_FAILED] = CLIENT_OTHER,
    };
    const char *line;
    size_t length;
    const enum io_status status = tls_lines_read(&client->lines, &line, &length);
    enum ue_flag_result result;

    if (status != IO_OK)
        return status;
    result = ue_flag_read(client->setup, ue_offer_protocol(client->lines.ssl, client->setup),
                          client->nonce, line, length, &client->promise, client->reason);
    client->outcome = outcomes[result];
    client->is_second = result == UE_FLAG_E2E;
    if (client->is_second)
        client_leave_first(client);
    return client->outcome == CLIENT_READY ? IO_OK : IO_ERROR;
}

static enum io_status fail_to_connect(struct client *client, const char *reason)
{
    return client_fail(client, CLIENT_OTHER,
                       "no connection to %s (%s): is the server up, is the address right?",
                       server_name(client), reason);
}

static void client_finish(struct client *client);

static enum io_status take_socket(struct client *client, const struct connected *connected)
{
    client->fd = connected->fd;
    client->address = connected->address;
    client->others = connected->others;
    if (client->fd < 0)
        return fail_to_connect(client, connected->reason);
    io_watch_init(&client->watch, client->loop, client->fd, on_ready, client);
    return IO_OK;
}

static void on_connected(void *argument, const struct connected *connected)
{
    struct client *client = argument;

    client->connector = NULL;
    if (take_socket(client, connected) == IO_OK)
        on_ready(client, true);
    else
        client_finish(client);
}

/* No server can help: the operator does not know the key any more. */
static enum io_status check_key(struct client *client)
{
    const struct device *row = client->setup->device;

    if (!devices_expired(row))
        return IO_OK;
    return client_fail(client, CLIENT_OTHER,
                       "the key of %s expired %lld seconds ago (not-after %lld, line %zu of the "
                       "devices file): bootstrap again and add a row with the new key",
                       row->identity, (long long)time(NULL) - (long long)row->not_after,
                       (long long)row->not_after, row->row);
}

static enum io_status begin_to_connect(struct client *client)
{
    const struct client_setup *setup = client->setup;
    struct connected now;

    io_watch_cancel(&client->watch); /* connector.h has the deadline */
    client->connector =
        connector_start(client->loop, client->is_second ? setup->endpoint : setup->naf,
                        client->deadline, on_connected, client, &now);
    return client->connector == NULL ? take_socket(client, &now) : IO_PAUSED;
}

/* What the connection that is made now begins with. */
static bool offer(struct client *client, SSL *ssl)
{
    return client->is_second ? ue_offer_e2e_key(ssl, client->promise.identity, client->promise.key)
                             : ue_offer_ks_naf(ssl, client->setup);
}

/* Over UDP: those that may be there if nobody answers at this one. */
static bool has_other_addresses(const struct client *client)
{
    return is_udp(client) && client->given_up < client->others;
}

/* libssl is to know that the socket is one of datagrams, and connected. */
static bool set_socket(const struct client *client, SSL *ssl)
{
    return is_udp(client) ? dtls_set_connected(ssl, client->fd) : SSL_set_fd(ssl, client->fd) > 0;
}

static enum io_status set_up_tls(struct client *client)
{
    SSL *ssl = SSL_new(is_udp(client) ? client->setup->dtls : client->setup->ctx);

    if (ssl == NULL || !set_socket(client, ssl)) {
        SSL_free(ssl);
        return client_fail(client, CLIENT_OTHER, "TLS cannot be set up: %s",
                           tls_error("no reason given"));
    }
    client->lines.ssl = ssl;
    if (!offer(client, ssl))
        return client_fail(client, CLIENT_OTHER, "TLS cannot be set up: %s",
                           tls_error("no reason given"));
    SSL_set_connect_state(ssl);
    SSL_set_read_ahead(ssl, 1); /* one system call for what the server says in several records */
    (void)SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
    if (!has_other_addresses(client))
        OPENSSL_cleanse(client->promise.key, sizeof(client->promise.key));
    io_watch_cancel(&client->watch);
    io_watch_init_ssl(&client->watch, client->loop, ssl, on_ready, client);
    return IO_OK;
}

static enum io_status connect_socket(struct client *client)
{
    const enum io_status result = client->fd >= 0 ? IO_OK : begin_to_connect(client);

    return result == IO_OK ? set_up_tls(client) : result;
}

/* Over UDP it comes last until the name's others have had their turns. */
static void blame_address(const struct client *client)
{
    connector_blame(&client->address,
                    is_udp(client) ? CLIENT_SECONDS_UDP * 1000 : CONNECTOR_BLAME_MS);
}

/* error: what libssl has; 0: the connection ended, or nothing came. */
static enum io_status fail_handshake(struct client *client, const char *what, unsigned long error)
{
    const struct handshake_alert alert = handshake_alert_of(error, client->is_second);
    const char *identity = client->is_second ? client->promise.identity : client->setup->identity;

    blame_address(client);
    client->is_denied = alert.is_about_key;
    client->is_forgotten = alert.text == NULL || alert.is_about_key;
    if (alert.text != NULL)
        return client_fail(client, CLIENT_HANDSHAKE,
                           "the TLS handshake with %s failed (refused by the server: alert %s, "
                           "identity %s): %s",
                           server_name(client), alert.text, identity, alert.cause);
    return client_fail(client, CLIENT_HANDSHAKE,
                       "the TLS handshake with %s failed (%s, identity %s): is it the right "
                       "server? else %s",
                       server_name(client), what, identity, alert.cause);
}

/* A socket of UDP learns from ICMP what connect() says of one of TCP. */
static bool is_nobody_there(int error)
{
    return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH;
}

static enum io_status shake_hands(struct client *client)
{
    SSL *ssl = client->lines.ssl;
    enum io_status result;
    int done, error;

    errno = 0;
    done = SSL_do_handshake(ssl);
    error = errno; /* of a socket of UDP libssl says nothing */
    result = done == 1 ? IO_OK : io_status_of_ssl(ssl, done);

    if (result == IO_OK && !tls_psk_was_used(ssl))
        return fail_handshake(client, "the key was not used", 0);
    if (result == IO_ERROR) {
        const unsigned long why = ERR_peek_last_error();

        if (is_udp(client) && is_nobody_there(error)) {
            blame_address(client);
            return fail_to_connect(client, strerror(error));
        }
        return fail_handshake(client, tls_error(error == 0 ? "no reason given" : strerror(error)),
                              why);
    }
    return result;
}

static enum io_status take_first(struct client *client)
{
    SSL *ssl = client->pool == NULL ? NULL : first_pool_take(client->pool, client->setup);

    if (ssl == NULL)
        return IO_OK;
    client->lines.ssl = ssl;
    client->fd = SSL_get_fd(ssl);
    client->is_reused = true;
    client->step = STEP_HANDSHAKE; /* it was made before */
    io_watch_init(&client->watch, client->loop, client->fd, on_ready, client);
    return IO_OK;
}

static const struct {
    enum io_status (*run)(struct client *client);
    enum client_step next;
} steps[] = {
    [STEP_KEY_GOOD] = {check_key, STEP_TAKE_FIRST},
    [STEP_TAKE_FIRST] = {take_first, STEP_CONNECT},
    [STEP_CONNECT] = {connect_socket, STEP_HANDSHAKE},
    [STEP_HANDSHAKE] = {shake_hands, STEP_NONCE},
    [STEP_NONCE] = {client_send_nonce, STEP_FLAG},
    [STEP_FLAG] = {client_read_flag, STEP_CONNECT_E2E},
    [STEP_CONNECT_E2E] = {connect_socket, STEP_HANDSHAKE_E2E},
    [STEP_HANDSHAKE_E2E] = {shake_hands, STEP_COMPLETE},
};

/* The one after the step that is complete. */
static enum client_step next_step(const struct client *client)
{
    if (client->step == STEP_FLAG && !client->is_second)
        return STEP_COMPLETE;
    return steps[client->step].next;
}

static bool is_shaking_hands(const struct client *client)
{
    return client->step == STEP_HANDSHAKE || client->step == STEP_HANDSHAKE_E2E;
}

/* Of a handshake over UDP: has nothing come, or nothing but a cookie? */
static bool is_unheard(const struct client *client)
{
    return is_shaking_hands(client) && is_udp(client) &&
           SSL_get_state(client->lines.ssl) == TLS_ST_CW_CLNT_HELLO;
}

/* Has this UE done its part of a handshake? A server that drops it in silence has another key. */
static bool has_said_finished(const struct client *client)
{
    return client->lines.ssl != NULL && SSL_get_state(client->lines.ssl) == TLS_ST_CW_FINISHED;
}

static void fail_without_flag(struct client *client, enum io_status result, const char *what)
{
    if (result == IO_TOO_LONG)
        (void)client_fail(client, CLIENT_NO_E2E,
                          "the answer is not an e2e flag (%s): somebody may be in the middle",
                          what);
    else
        (void)client_fail(client, CLIENT_NO_ANSWER,
                          "there was no e2e flag (%s): the NAF, the third party or its store is "
                          "out of order, or the NAF does not know the e2e scheme; its log says why",
                          what);
}

/* Over TCP a server refuses another key with an alert: one that says nothing is out of order. */
static void fail_in_silence(struct client *client, const char *what)
{
    blame_address(client);
    (void)client_fail(client, CLIENT_NO_ANSWER,
                      "the TLS handshake with %s failed (%s, identity %s): the server is out of "
                      "order or overloaded, or is no server of TLS",
                      server_name(client), what,
                      client->is_second ? client->promise.identity : client->setup->identity);
}

/* If a step says only that it failed. */
static void explain(struct client *client, enum io_status result)
{
    const bool is_late = result == IO_WANT_READ || result == IO_WANT_WRITE;
    char what[60];

    if (client->reason[0] != '\0')
        return;
    if (is_late)
        (void)snprintf(what, sizeof(what), "no answer%s within %d s",
                       has_said_finished(client) ? " to this UE's Finished" : "",
                       step_seconds(client));
    else
        (void)snprintf(what, sizeof(what), "%s", io_status_text(result));
    if (is_late && is_unheard(client)) {
        blame_address(client);
        (void)fail_to_connect(client, what);
    } else if (is_late && is_shaking_hands(client) && !is_udp(client)) {
        fail_in_silence(client, what);
    } else if (is_shaking_hands(client)) {
        (void)fail_handshake(client, what, 0);
    } else {
        fail_without_flag(client, result, what);
    }
}

static void client_free(struct client *client)
{
    client_disconnect(client);
    OPENSSL_clear_free(client, sizeof(*client));
}

/* Hand the connection over, or the reason why there is none; then no key is left here. */
static void client_finish(struct client *client)
{
    const bool is_broken = client->is_repeated && client->outcome != CLIENT_READY;
    const struct client_result result = {
        .outcome = is_broken ? CLIENT_HANDSHAKE : client->outcome,
        .ssl = client->outcome == CLIENT_READY ? client->lines.ssl : NULL,
        .is_e2e = client->is_second,
        .is_refused = client->is_denied && !client->is_second,
        .reason = is_broken ? client->broken : client->reason,
    };

    if (result.ssl != NULL) {
        client->lines.ssl = NULL;
        client->fd = -1;
    }
    client_disconnect(client);
    OPENSSL_cleanse(client->promise.key, sizeof(client->promise.key));
    client->done(client->argument, &result);
    client_free(client);
}

/* Has the first connection of the pool turned out to be gone, before an answer came? */
static bool is_gone(const struct client *client, enum io_status result)
{
    const bool is_late = result == IO_WANT_READ;

    return client->is_reused && !client->is_second && client->reason[0] == '\0' &&
           (result == IO_EOF || result == IO_ERROR || is_late) &&
           !tls_lines_has_begun(&client->lines);
}

/*
 * What the flag has promised is not there: a server that was restarted, or upgraded, meanwhile held
 * it in memory alone. Once.
 */
static bool is_broken_promise(const struct client *client, enum io_status result)
{
    return client->step == STEP_HANDSHAKE_E2E && !client->is_repeated &&
           (result == IO_EOF || (result == IO_ERROR && client->is_forgotten));
}

static void wait_for_nothing(struct client *client)
{
    client->deadline = clock_ms() + (int64_t)step_seconds(client) * 1000;
    io_watch_init(&client->watch, client->loop, client->fd, on_ready, client);
    io_watch_set(&client->watch, IO_OK, 0);
}

static void connect_again(struct client *client, enum client_step step)
{
    client_disconnect(client);
    client->step = step;
    wait_for_nothing(client);
}

/* With a first connection of its own, and another nonce. */
static void restart(struct client *client)
{
    if (client->pool != NULL)
        first_pool_clear(client->pool);
    client->is_reused = false;
    client->given_up = 0;
    connect_again(client, STEP_CONNECT);
}

static void forget_failure(struct client *client)
{
    client->is_denied = client->is_forgotten = false;
    client->reason[0] = '\0';
    client->outcome = CLIENT_READY;
}

static void repeat(struct client *client)
{
    client->is_repeated = true;
    memcpy(client->broken, client->reason, sizeof(client->broken));
    forget_failure(client);
    client->is_second = false;
    OPENSSL_cleanse(&client->promise, sizeof(client->promise));
    restart(client);
}

/* Over DTLS the nonce, or its answer, may have got lost. */
static enum io_status ask_again(struct client *client)
{
    if (client->step != STEP_FLAG || !say_again_now(&client->again, client->deadline))
        return IO_OK;
    return write_nonce(client);
}

static void wait_on(struct client *client, enum io_status wanted)
{
    io_watch_set(&client->watch, wanted,
                 client->step == STEP_FLAG ? say_again_until(&client->again, client->deadline)
                                           : client->deadline);
}

/*
 * A socket of UDP is connected at once, whether somebody is there or not: only the handshake shows
 * it. The name's next address is tried then; this one was blamed, so that it comes last.
 */
static bool is_another_left(const struct client *client)
{
    return is_shaking_hands(client) && !client->is_denied && has_other_addresses(client);
}

/* Addresses over UDP share the time. */
static int64_t end_of_step(struct client *client)
{
    const int64_t now = clock_ms(), whole = now + (int64_t)step_seconds(client) * 1000;
    const size_t others = has_other_addresses(client) ? client->others - client->given_up : 0;

    if (client->is_reused && client->step == STEP_FLAG)
        return now + REUSED_MS;
    if (!is_shaking_hands(client) || !is_udp(client))
        return whole;
    if (client->given_up == 0)
        client->shared_until = whole;
    return now + (client->shared_until - now) / (int64_t)(others + 1);
}

/* One step after the other, until one has to wait or fails. */
static enum io_status run_steps(struct client *client)
{
    enum io_status result = ask_again(client);

    while (result == IO_OK && client->step != STEP_COMPLETE) {
        result = steps[client->step].run(client);
        if (result != IO_OK)
            return result;
        if (is_shaking_hands(client))
            client->given_up = 0;
        client->step = next_step(client);
        client->deadline = end_of_step(client);
    }
    return result;
}

static void try_another(struct client *client)
{
    client->given_up++;
    forget_failure(client);
    connect_again(client, client->is_second ? STEP_CONNECT_E2E : STEP_CONNECT);
}

/* A step has failed: what can be done about it is done, once. False: nothing. */
static bool has_recovered(struct client *client, enum io_status result)
{
    if (is_gone(client, result)) {
        restart(client);
        return true;
    }
    explain(client, result);
    if (is_another_left(client)) {
        try_another(client);
        return true;
    }
    if (!is_broken_promise(client, result))
        return false;
    repeat(client);
    return true;
}

/* The step's time is over. */
static void finish_late(struct client *client)
{
    if (is_gone(client, IO_WANT_READ)) {
        restart(client);
        return;
    }
    explain(client, IO_WANT_READ);
    if (is_another_left(client))
        try_another(client);
    else
        client_finish(client);
}

static void on_ready(void *argument, bool in_time)
{
    struct client *client = argument;
    const bool is_repeat_due =
        client->step == STEP_FLAG && say_again_now(&client->again, client->deadline);
    enum io_status result;

    ERR_clear_error();
    if (!in_time && !is_repeat_due) {
        finish_late(client);
        return;
    }
    result = run_steps(client);
    if (result == IO_WANT_READ || result == IO_WANT_WRITE)
        wait_on(client, result);
    else if (result == IO_OK || (result != IO_PAUSED && !has_recovered(client, result)))
        client_finish(client); /* IO_PAUSED: the connector continues */
}

struct client *client_start(struct loop *loop, const struct client_setup *setup,
                            struct first_pool *pool, client_done *done, void *argument)
{
    struct client *client = OPENSSL_zalloc(sizeof(*client));

    if (client == NULL)
        return NULL;
    client->loop = loop;
    client->setup = setup;
    client->pool = pool;
    client->done = done;
    client->argument = argument;
    client->fd = -1;
    wait_for_nothing(client);
    return client;
}

void client_stop(struct client *client)
{
    client_free(client);
}
