/*
 * e2e-as - the application server: NAF and third party in one process, on one address or two
 *
 * A first connection, with Ks_NAF, brings a nonce and gets the e2e flag; a second, with e2e_key, is
 * what the flag promised. One thread a connection; every step of a connection has a time limit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "address.h"
#include "common.h"
#include "devices.h"
#include "e2e_key.h"
#include "flag.h"
#include "options.h"
#include "printable.h"
#include "refresh.h"
#include "stream.h"
#include "tls13_psk.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1000 /* at a time; further ones wait */
#define STACK_SIZE      ((size_t)256 * 1024)
#define ENDPOINTS       2

static struct {
    const char *accept, *e2e_accept, *devices, *insecure_devices, *naf_fqdn, *ua_protocol_id, *e2e;
    const char *mode, *digest, *usage, *prefix, *separator, *lifetime, *connections, *keylog;
} option = {
    .ua_protocol_id = UA_PROTOCOL_ID,
    .e2e = "required",
    .mode = "3GPP",
    .digest = "SHA2-256",
    .usage = USAGE,
    .prefix = IDENTITY_PREFIX,
    .separator = IDENTITY_SEPARATOR,
    .lifetime = "30",
};

static const struct option_row rows[] = {
    {"accept", "HOST:PORT", &option.accept, true, "address of the NAF; port 0: any"},
    {"e2e-accept", "HOST:PORT", &option.e2e_accept, false,
     "address of the enterprise's e2e endpoint; without it the NAF's"},
    {"devices", "FILE", &option.devices, true, "keys of the UEs: identity,ks-naf,ka[,ka-id]"},
    {"insecure-devices", NULL, &option.insecure_devices, false,
     "take a devices file that others can read"},
    {"naf-fqdn", "NAME", &option.naf_fqdn, true, "FQDN of the NAF or AF"},
    {"ua-protocol-id", "HEX", &option.ua_protocol_id, false, "Ua security protocol identifier"},
    {"e2e", "WHEN", &option.e2e, false,
     "required: nothing goes in plain; offered: e2e for UEs with a Ka; off"},
    {"mode", "MODE", &option.mode, false, "3GPP or HKDF"},
    {"digest", "DIGEST", &option.digest, false, "hash of the HMAC"},
    {"usage", "TEXT", &option.usage, false, "what the key is for"},
    {"identity-prefix", "TEXT", &option.prefix, false, "3GPP-AKMA for AKMA"},
    {"identity-separator", "TEXT", &option.separator, false, "between prefix and identity"},
    {"refresh-lifetime", "SECONDS", &option.lifetime, false, "how long a refresh is good"},
    {"connections", "N", &option.connections, false, "exit after so many connections"},
    {"keylog", "FILE", &option.keylog, false, "write TLS secrets, for debugging"},
};

static const struct option_group groups[] = {OPTION_GROUP(NULL, rows)};

enum endpoint { ENDPOINT_NAF, ENDPOINT_E2E };

enum when { E2E_REQUIRED, E2E_OFFERED, E2E_OFF };

/* Set before the first connection, then only read. */
static struct {
    enum when when;
    struct e2e e2e;
    struct devices *devices;
    struct refresh_store *refreshes;
    SSL_CTX *ctx;
    unsigned int connections; /* 0: without end */
} server;

static atomic_uint running;
static volatile sig_atomic_t stopping;

/* Who is at the other end: what the handshake's callback found, which the handshake then proves. */
struct peer {
    enum endpoint endpoint;
    const struct device *device;          /* a first connection */
    char identity[REFRESH_IDENTITY_SIZE]; /* an e2e connection; empty: none */
};

static void report(const char *what, const char *why)
{
    fprintf(stderr, "e2e-as: %s: %s\n", PRINTABLE(what), PRINTABLE(why));
}

/* A first connection's identity is prefix, separator and the device's. */
static const struct device *find_device(const char *identity)
{
    const size_t prefix = strlen(option.prefix), separator = strlen(option.separator);

    if (strncmp(identity, option.prefix, prefix) != 0 ||
        strncmp(identity + prefix, option.separator, separator) != 0)
        return NULL;
    return devices_find(server.devices, identity + prefix + separator);
}

/* Get the key of an identity, where this endpoint has it, and note who the peer claims to be. */
static bool find_key(struct peer *peer, const char *identity, unsigned char key[E2E_KEY_LENGTH])
{
    const bool first = option.e2e_accept == NULL || peer->endpoint == ENDPOINT_NAF;
    const bool second = option.e2e_accept == NULL || peer->endpoint == ENDPOINT_E2E;

    peer->device = NULL;
    peer->identity[0] = '\0';
    if (second && strlen(identity) < REFRESH_IDENTITY_SIZE &&
        refresh_store_find(server.refreshes, identity, key)) {
        memcpy(peer->identity, identity, strlen(identity) + 1);
        return true;
    }
    if (first)
        peer->device = find_device(identity);
    if (peer->device != NULL)
        memcpy(key, peer->device->ks_naf, KS_NAF_LENGTH);
    return peer->device != NULL;
}

/* libssl's callback: before the binder is checked, and again after a HelloRetryRequest. */
static int find_session(SSL *ssl, const unsigned char *given, size_t length, SSL_SESSION **session)
{
    unsigned char key[E2E_KEY_LENGTH];
    char identity[TLS13_PSK_IDENTITY_MAX + 1];

    *session = NULL;
    if (length > TLS13_PSK_IDENTITY_MAX || memchr(given, '\0', length) != NULL)
        return 1; /* unknown */
    memcpy(identity, given, length);
    identity[length] = '\0';
    if (!find_key(SSL_get_app_data(ssl), identity, key))
        return 1;
    *session = tls13_psk_session(ssl, key, sizeof(key));
    OPENSSL_cleanse(key, sizeof(key));
    return *session != NULL;
}

/* Lines come back behind a prefix until the UE closes. */
static enum stream_result echo_lines(SSL *ssl, const char *prefix)
{
    char line[STREAM_LINE_MAX + 1];
    enum stream_result result = STREAM_OK;
    size_t length;

    while (result == STREAM_OK) {
        result = stream_read_line(ssl, line, &length);
        if (result == STREAM_OK)
            result = stream_write_line(ssl, prefix, line, length);
    }
    return result;
}

/* refresh = the UE's nonce, then ours; the key is kept for who presents the flag's identity. */
static bool make_flag(struct flag *flag, const struct device *device,
                      const unsigned char nonce[NONCE_LENGTH])
{
    const struct device *meant = devices_ka(server.devices, device, NULL);
    struct e2e_inputs inputs = {.refresh = flag->refresh};
    unsigned char key[E2E_KEY_LENGTH];
    char reason[E2E_REASON_SIZE];
    bool done;

    memset(flag, 0, sizeof(*flag));
    if (server.when == E2E_OFF || meant == NULL)
        return true;
    flag->e2e = true;
    flag->refresh_length = (size_t)2 * NONCE_LENGTH;
    memcpy(flag->refresh, nonce, NONCE_LENGTH);
    (void)snprintf(flag->mode, sizeof(flag->mode), "%s", server.e2e.mode);
    (void)snprintf(flag->digest, sizeof(flag->digest), "%s", server.e2e.digest);
    (void)snprintf(flag->usage, sizeof(flag->usage), "%s", server.e2e.usage);
    (void)snprintf(flag->ka_id, sizeof(flag->ka_id), "%s", meant->ka_id);
    inputs.ks_naf = meant->ks_naf;
    inputs.ka = meant->ka;
    inputs.ka_length = meant->ka_length;
    inputs.refresh_length = flag->refresh_length;
    if (RAND_bytes(flag->refresh + NONCE_LENGTH, NONCE_LENGTH) <= 0)
        return false;
    if (!e2e_derive(&server.e2e, &inputs, key, reason)) {
        report(device->identity, PRINTABLE(reason));
        return false;
    }
    done = refresh_store_add(server.refreshes, (size_t)(device - server.devices->rows), key,
                             flag->identity);
    OPENSSL_cleanse(key, sizeof(key));
    return done;
}

static enum stream_result send_flag(SSL *ssl, const struct device *device,
                                    const unsigned char nonce[NONCE_LENGTH])
{
    struct flag flag;
    char *line = make_flag(&flag, device, nonce) ? flag_encode(&flag) : NULL;
    const enum stream_result result =
        line == NULL ? STREAM_FAILED : stream_write_line(ssl, "", line, strlen(line));

    free(line);
    return result;
}

static void serve_first(SSL *ssl, const struct device *device)
{
    char line[STREAM_LINE_MAX + 1], fault[FLAG_FAULT_SIZE];
    unsigned char nonce[NONCE_LENGTH];
    enum stream_result result;
    size_t length;

    result = stream_read_line(ssl, line, &length);
    if (result == STREAM_OK && !nonce_decode(nonce, line, length, fault)) {
        report(device->identity, fault);
        return;
    }
    if (result == STREAM_OK)
        result = send_flag(ssl, device, nonce);
    if (result == STREAM_OK && server.when != E2E_REQUIRED)
        result = echo_lines(ssl, "plain: ");
    if (result != STREAM_OK && result != STREAM_END)
        report(device->identity, stream_says(result));
}

/* A refresh is used up by the first handshake that is complete. */
static void serve_e2e(SSL *ssl, const struct peer *peer)
{
    enum stream_result result;

    if (!refresh_store_take(server.refreshes, peer->identity)) {
        report(peer->identity, "the refresh was used before or is too old");
        return;
    }
    result = echo_lines(ssl, "e2e: ");
    if (result != STREAM_END)
        report(peer->identity, stream_says(result));
}

static void serve(SSL *ssl, struct peer *peer)
{
    const enum stream_result result = stream_handshake(ssl);

    if (result != STREAM_OK)
        report("handshake", result == STREAM_FAILED ? common_ssl_error() : stream_says(result));
    else if (!tls13_psk_was_used(ssl))
        report("handshake", "no key was used");
    else if (peer->identity[0] != '\0')
        serve_e2e(ssl, peer);
    else if (peer->device != NULL)
        serve_first(ssl, peer->device);
}

struct task {
    int fd;
    struct peer peer;
};

static void *serve_task(void *argument)
{
    struct task *task = argument;
    SSL *ssl = SSL_new(server.ctx);

    if (ssl == NULL || !SSL_set_fd(ssl, task->fd) || !SSL_set_app_data(ssl, &task->peer)) {
        report("connection", common_ssl_error());
        (void)close(task->fd);
        SSL_free(ssl);
    } else {
        SSL_set_accept_state(ssl);
        serve(ssl, &task->peer);
        stream_close(ssl);
    }
    OPENSSL_free(task);
    OPENSSL_thread_stop();
    (void)atomic_fetch_sub(&running, 1);
    return NULL;
}

/* Give the connection a thread of its own; false: it was closed. */
static void start_task(int fd, enum endpoint endpoint)
{
    struct task *task = OPENSSL_zalloc(sizeof(*task));
    pthread_attr_t attributes;
    pthread_t thread;
    int error = -1;

    (void)atomic_fetch_add(&running, 1);
    if (task != NULL) {
        task->fd = fd;
        task->peer.endpoint = endpoint;
        (void)pthread_attr_init(&attributes);
        (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
        (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        error = pthread_create(&thread, &attributes, serve_task, task);
        (void)pthread_attr_destroy(&attributes);
    }
    if (error == 0)
        return;
    report("connection", "no thread for it");
    OPENSSL_free(task);
    (void)close(fd);
    (void)atomic_fetch_sub(&running, 1);
}

static void pause_briefly(void)
{
    (void)poll(NULL, 0, 10);
}

/* Accept until told to stop, or as many connections as were asked for. */
static void accept_all(struct pollfd sockets[ENDPOINTS], nfds_t count)
{
    unsigned int left = server.connections;
    const bool counted = left > 0;

    while (!stopping && (!counted || left > 0)) {
        if (atomic_load(&running) >= CONNECTIONS_MAX) {
            pause_briefly();
            continue;
        }
        if (poll(sockets, count, 1000) <= 0)
            continue;
        for (nfds_t i = 0; i < count && (!counted || left > 0); i++) {
            const int fd = (sockets[i].revents & POLLIN) == 0
                               ? -1
                               : accept4(sockets[i].fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

            if (fd < 0)
                continue;
            left -= counted;
            start_task(fd, i == 0 ? ENDPOINT_NAF : ENDPOINT_E2E);
        }
    }
}

static bool listen_on(struct pollfd *socket, const char *name, const char *address)
{
    char shown[ADDRESS_SIZE];

    socket->events = POLLIN;
    socket->fd = address_listen(address, shown);
    if (socket->fd < 0)
        return false;
    printf("%s %s\n", name, shown);
    return fflush(stdout) == 0;
}

static void stop(int number)
{
    (void)number;
    stopping = 1;
}

static bool choose_when(void)
{
    static const char *const names[] = {"required", "offered", "off"};

    for (enum when when = E2E_REQUIRED; when <= E2E_OFF; when++)
        if (strcmp(option.e2e, names[when]) == 0) {
            server.when = when;
            return true;
        }
    fprintf(stderr, "--e2e %s: required, offered or off wanted\n", PRINTABLE(option.e2e));
    return false;
}

/* Understand the options; exits with EXIT_USAGE where that cannot be. */
static bool read_options(void)
{
    const unsigned int lifetime = options_number("refresh-lifetime", option.lifetime, 1, 86400);
    const struct e2e_setup setup = {.naf_fqdn = option.naf_fqdn,
                                    .mode = option.mode,
                                    .digest = option.digest,
                                    .usage = option.usage};

    if (option.connections != NULL)
        server.connections = options_number("connections", option.connections, 1, UINT_MAX);
    if (!choose_when())
        exit(EXIT_USAGE);
    switch (common_open(&server.e2e, &setup, option.ua_protocol_id)) {
    case E2E_OPEN:
        server.refreshes = refresh_store_new(lifetime);
        return server.refreshes != NULL;
    case E2E_REFUSED:
        exit(EXIT_USAGE);
    default:
        return false;
    }
}

static bool set_up(void)
{
    server.devices = common_devices(option.devices, option.insecure_devices != NULL);
    server.ctx = common_ctx(TLS_server_method(), option.keylog);
    if (server.devices == NULL || server.ctx == NULL)
        return false;
    SSL_CTX_set_psk_find_session_callback(server.ctx, find_session);
    return true;
}

static void handle_signals(void)
{
    struct sigaction action = {.sa_handler = stop};

    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static int run(void)
{
    struct pollfd sockets[ENDPOINTS];
    nfds_t count = 1;

    if (!listen_on(&sockets[0], "accept", option.accept))
        return EXIT_FAILURE;
    if (option.e2e_accept != NULL && !listen_on(&sockets[count++], "e2e-accept", option.e2e_accept))
        return EXIT_FAILURE;
    accept_all(sockets, count);
    for (nfds_t i = 0; i < count; i++)
        (void)close(sockets[i].fd);
    while (atomic_load(&running) > 0 && !stopping)
        pause_briefly();
    return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    int status = EXIT_FAILURE;

    options_parse(argc, argv, "an application server: NAF and third party, over TLS 1.3", groups,
                  sizeof(groups) / sizeof(groups[0]));
    handle_signals();
    if (read_options() && set_up())
        status = run();
    if (atomic_load(&running) > 0) /* told to stop: threads still use what would be freed */
        _exit(status);
    SSL_CTX_free(server.ctx);
    refresh_store_free(server.refreshes);
    devices_free(server.devices);
    e2e_close(&server.e2e);
    return status;
}
