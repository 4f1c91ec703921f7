/*
 * The flow as a UE runs it, on an event loop: first connection, nonce, flag, e2e connection
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client.h"

#include "clock.h"
#include "common.h"
#include "flag.h"
#include "stream.h"
#include "tls13_psk.h"
#include "wait.h"
#include "wire.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
    const struct client_setup *setup;
    struct loop *loop;
    client_done *done;
    void *argument;
    size_t step; /* of steps */
    struct wait wait;
    int64_t deadline;
    const struct addrinfo *place;
    int fd;           /* of a connection that is being made; -1: none, or it is wire.ssl's */
    struct wire wire; /* the connection that is under way */
    unsigned char nonce[NONCE_LENGTH];
    unsigned char e2e_key[E2E_KEY_LENGTH]; /* from the flag to the second handshake */
    struct flag flag;
    enum client_outcome outcome;
    char reason[CLIENT_REASON_SIZE];
};

static enum wire_result fail(struct client *client, enum client_outcome outcome, const char *format,
                             ...) __attribute__((format(printf, 3, 4)));

static enum wire_result fail(struct client *client, enum client_outcome outcome, const char *format,
                             ...)
{
    va_list arguments;

    client->outcome = outcome;
    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, in the line before */
    (void)vsnprintf(client->reason, sizeof(client->reason), format, arguments);
    va_end(arguments);
    return WIRE_FAILED;
}

/* The connection that is under way: the first one, or the one that the flag has promised. */
static bool is_second(const struct client *client)
{
    return client->flag.e2e;
}

static const char *server_name(const struct client *client)
{
    return is_second(client) ? client->setup->endpoint_name : client->setup->naf_name;
}

static void close_connection(struct client *client)
{
    wait_end(&client->wait);
    wire_clear(&client->wire);
    if (client->wire.ssl != NULL)
        stream_close(client->wire.ssl);
    else if (client->fd >= 0)
        (void)close(client->fd);
    client->wire.ssl = NULL;
    client->fd = -1;
}

static enum wire_result fail_to_connect(struct client *client, int error)
{
    char text[64];

    return fail(client, CLIENT_OTHER,
                "no connection to %s (%s): is the server up, is the address right?",
                server_name(client), strerror_r(error, text, sizeof(text)));
}

static void go_on(void *argument, bool in_time);

static enum wire_result begin_to_connect(struct client *client)
{
    client->fd = target_connect(&client->place);
    if (client->fd < 0)
        return fail_to_connect(client, errno);
    wait_begin(&client->wait, client->loop, client->fd, go_on, client);
    return WIRE_WANT_WRITE;
}

/* PSK and identity of the connection that is made now. */
static bool offer(struct client *client, SSL *ssl)
{
    if (!is_second(client))
        return tls13_psk_offer(ssl, client->setup->identity, client->setup->device->ks_naf,
                               KS_NAF_LENGTH);
    return tls13_psk_offer(ssl, client->flag.identity, client->e2e_key, E2E_KEY_LENGTH);
}

/* Connect to the first place that lets us. */
static enum wire_result connect_socket(struct client *client)
{
    int error = 0;
    socklen_t size = sizeof(error);
    SSL *ssl;

    if (client->fd < 0)
        return begin_to_connect(client);
    if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error != 0) {
        wait_end(&client->wait);
        (void)close(client->fd);
        client->fd = -1;
        client->place = client->place->ai_next;
        return client->place == NULL ? fail_to_connect(client, error) : begin_to_connect(client);
    }
    ssl = SSL_new(client->setup->ctx);
    if (ssl == NULL || !SSL_set_fd(ssl, client->fd)) {
        SSL_free(ssl);
        return fail(client, CLIENT_OTHER, "TLS cannot be set up: %s", common_ssl_error());
    }
    client->wire.ssl = ssl;
    if (!offer(client, ssl))
        return fail(client, CLIENT_OTHER, "TLS cannot be set up: %s", common_ssl_error());
    SSL_set_connect_state(ssl);
    (void)SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
    OPENSSL_cleanse(client->e2e_key, sizeof(client->e2e_key));
    return WIRE_OK;
}

static enum wire_result fail_handshake(struct client *client, const char *what)
{
    return fail(client, CLIENT_HANDSHAKE, "the TLS handshake with %s failed (%s): %s",
                server_name(client), what,
                is_second(client)
                    ? "compare Ka, NAF_Id, mode, digest and usage of both sides; a flag is good "
                      "once and for a short while"
                    : "compare identity, prefix, separator and ks-naf of both sides");
}

static enum wire_result shake_hands(struct client *client)
{
    SSL *ssl = client->wire.ssl;
    const int done = SSL_do_handshake(ssl);
    const enum wire_result result = done == 1 ? WIRE_OK : wire_outcome(ssl, done);

    if (result == WIRE_OK && !tls13_psk_was_used(ssl))
        return fail_handshake(client, "the key was not used");
    if (result == WIRE_FAILED)
        return fail_handshake(client, common_ssl_error());
    return result;
}

static enum wire_result send_nonce(struct client *client)
{
    struct nonce nonce = {.device = ""};
    char *line;
    bool added;

    if (wire_unwritten(&client->wire) > 0)
        return wire_write(&client->wire);
    if (RAND_bytes(client->nonce, sizeof(client->nonce)) <= 0)
        return fail(client, CLIENT_OTHER, "no randomness for a nonce");
    memcpy(nonce.octets, client->nonce, NONCE_LENGTH);
    if (client->setup->device_name != NULL)
        (void)snprintf(nonce.device, sizeof(nonce.device), "%s", client->setup->device_name);
    line = nonce_encode(&nonce);
    added = line != NULL && wire_add(&client->wire, "", line, strlen(line));
    json_line_free(line);
    return added ? wire_write(&client->wire) : fail(client, CLIENT_OTHER, "out of memory");
}

/* Is it the flag of this UE's setup, and fresh? */
static enum wire_result check_flag(struct client *client)
{
    const struct e2e *e2e = client->setup->e2e;
    const struct flag *flag = &client->flag;

    if (flag->refresh_length < (size_t)2 * NONCE_LENGTH ||
        memcmp(flag->refresh, client->nonce, NONCE_LENGTH) != 0)
        return fail(client, CLIENT_NO_E2E,
                    "the flag's refresh does not start with this UE's nonce and go on "
                    "with 16 octets or more: it is old or altered");
    if (!e2e_is_ours(e2e, flag->mode, flag->digest, flag->usage))
        return fail(client, CLIENT_NO_E2E,
                    "the flag does not say mode %s, digest %s, usage %s: it is altered, or the UE "
                    "is not set up as the server is",
                    e2e->mode, e2e->digest, e2e->usage);
    return WIRE_OK;
}

/* The key that the flag promises. */
static enum wire_result derive(struct client *client)
{
    const struct client_setup *setup = client->setup;
    const struct flag *flag = &client->flag;
    const struct device *meant =
        devices_ka(setup->devices, setup->device, flag->ka_id[0] == '\0' ? NULL : flag->ka_id);
    struct e2e_inputs inputs = {.refresh = flag->refresh, .refresh_length = flag->refresh_length};
    char reason[E2E_REASON_SIZE];

    if (meant == NULL)
        return fail(client, CLIENT_NO_E2E,
                    "the flag names a Ka (%s) that this UE does not hold: provision it",
                    flag->ka_id);
    if (setup->oldest != NULL && meant->row < setup->oldest->row)
        return fail(client, CLIENT_NO_E2E,
                    "the flag means a Ka (%s) that is older than --oldest-ka-id: somebody may have "
                    "got hold of it, or the server was not given the new one",
                    meant->ka_id);
    inputs.ks_naf = meant->ks_naf;
    inputs.ka = meant->ka;
    inputs.ka_length = meant->ka_length;
    if (!e2e_derive(setup->e2e, &inputs, client->e2e_key, reason))
        return fail(client, CLIENT_OTHER, "%s", reason);
    close_connection(client);
    client->place = setup->endpoint->places;
    return WIRE_OK;
}

/* After the flag: on to e2e, or in plain where that is allowed. */
static enum wire_result follow_flag(struct client *client)
{
    const struct client_setup *setup = client->setup;

    if (devices_ka(setup->devices, setup->device, NULL) == NULL) {
        client->flag.e2e = false; /* no Ka: nothing is expected of the flag */
        return WIRE_OK;
    }
    if (!client->flag.e2e && !setup->allow_plain)
        return fail(client, CLIENT_NO_E2E,
                    "the NAF offers no e2e although this UE holds a Ka: somebody may be "
                    "in the middle (--allow-plain goes on all the same)");
    if (!client->flag.e2e)
        return WIRE_OK;
    return check_flag(client) == WIRE_OK ? derive(client) : WIRE_FAILED;
}

/* What is no flag is refused whatever is allowed. */
static enum wire_result read_flag(struct client *client)
{
    char fault[FLAG_FAULT_SIZE];
    struct flag flag;
    const char *line;
    size_t length;
    enum wire_result result = wire_read(&client->wire, &line, &length);

    if (result != WIRE_OK)
        return result;
    if (!flag_decode(&flag, line, length, fault))
        return fail(client, CLIENT_NO_E2E,
                    "what came is no e2e flag (%s): somebody may be in the middle", fault);
    client->flag = flag;
    return follow_flag(client);
}

/* One after the other; without a promise of e2e the last two are left out. */
static enum wire_result (*const steps[])(struct client *client) = {
    connect_socket, shake_hands, send_nonce, read_flag, connect_socket, shake_hands,
};

#define STEP_FLAG  3
#define STEP_COUNT (sizeof(steps) / sizeof(steps[0]))

static bool is_complete(const struct client *client)
{
    return client->step == STEP_COUNT || (client->step > STEP_FLAG && !client->flag.e2e);
}

/* Where a step says only that it failed. */
static void explain(struct client *client, enum wire_result result)
{
    const char *what = wire_says(result);

    if (client->reason[0] != '\0')
        return;
    if (steps[client->step] == connect_socket)
        (void)fail_to_connect(client, ETIMEDOUT);
    else if (steps[client->step] == shake_hands)
        (void)fail_handshake(client, what);
    else
        (void)fail(client, CLIENT_NO_E2E,
                   "no e2e flag came (%s): does the NAF know the e2e scheme?", what);
}

static void release(struct client *client)
{
    close_connection(client);
    OPENSSL_clear_free(client, sizeof(*client));
}

/* Hand the connection over, or the reason why there is none. */
static void end(struct client *client)
{
    const struct client_result result = {
        .outcome = client->outcome,
        .ssl = client->outcome == CLIENT_READY ? client->wire.ssl : NULL,
        .is_e2e = client->flag.e2e,
        .reason = client->reason,
    };

    wait_end(&client->wait);
    if (result.ssl != NULL) {
        client->wire.ssl = NULL;
        client->fd = -1;
    }
    client->done(client->argument, &result);
    release(client);
}

static void go_on(void *argument, bool in_time)
{
    struct client *client = argument;
    enum wire_result result = in_time ? WIRE_OK : WIRE_WANT_READ;

    ERR_clear_error();
    while (in_time && result == WIRE_OK && !is_complete(client)) {
        result = steps[client->step](client);
        if (result == WIRE_OK) {
            client->step++;
            client->deadline = clock_ms() + (int64_t)CLIENT_SECONDS * 1000;
        }
    }
    if (in_time && (result == WIRE_WANT_READ || result == WIRE_WANT_WRITE)) {
        wait_for(&client->wait, result, client->deadline);
        return;
    }
    if (result != WIRE_OK)
        explain(client, result);
    end(client);
}

struct client *client_start(struct loop *loop, const struct client_setup *setup, client_done *done,
                            void *argument)
{
    struct client *client = OPENSSL_zalloc(sizeof(*client));

    if (client == NULL)
        return NULL;
    client->loop = loop;
    client->setup = setup;
    client->done = done;
    client->argument = argument;
    client->place = setup->naf->places;
    client->fd = -1;
    client->deadline = clock_ms() + (int64_t)CLIENT_SECONDS * 1000;
    wait_begin(&client->wait, loop, -1, go_on, client);
    wait_for(&client->wait, WIRE_OK, 0);
    return client;
}

void client_stop(struct client *client)
{
    release(client);
}
