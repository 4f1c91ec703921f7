/*
 * The rule for asynchronous calls, tried with each interface of e2e/: a call returns the answer, or
 * it is pending, and then the callback comes later, from the loop, exactly once
 *
 *     async_rule KEYS DEVICES CERT KEY CA      a file for --store-key; a devices file with "ue" and
 *                                              "bare"; files of the link to a third party
 *
 * One line for each kind of call: its name, what the call returned ("at-once", "pending"), how
 * often the callback came from inside the call, and how often later.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "app/dgram_relay.h"
#include "app/echo.h"
#include "app/relay.h"
#include "devices_current.h"
#include "ka/ka_file.h"
#include "ka/ka_kinds.h"
#include "messages/json_line.h"
#include "net/clock.h"
#include "net/connector.h"
#include "net/io_watch.h"
#include "net/resolver.h"
#include "ops/log.h"
#include "server/server.h"
#include "source/key_service.h"
#include "source/source_http.h"
#include "store/redis.h"
#include "store/store_redis.h"
#include "third_party/dialer.h"
#include "third_party/key_issuer.h"
#include "third_party/tp_link_client.h"
#include "tls_pair.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESS_SIZE 32 /* 127.0.0.1:PORT */

static struct loops *loops;
static struct loop *loop;

/* The call that is tried. */
static struct {
    bool is_inside;
    unsigned int inside, later;
} call;

static void count(void)
{
    if (call.is_inside)
        call.inside++;
    else
        call.later++;
}

static void begin(void)
{
    call.is_inside = true;
    call.inside = call.later = 0;
}

static void want(bool is_so, const char *what)
{
    if (is_so)
        return;
    fprintf(stderr, "async_rule: %s\n", what);
    exit(EXIT_FAILURE);
}

static void run(int milliseconds)
{
    const int64_t until = clock_ms() + milliseconds;

    while (clock_ms() < until) {
        (void)event_base_loop(loop->base, EVLOOP_NONBLOCK);
        (void)usleep(1000);
    }
}

/* Go on until the callback has come, and a while longer: it must not come twice. */
static void end(const char *name, bool is_pending)
{
    const int64_t limit = clock_ms() + 20000;

    call.is_inside = false;
    while (is_pending && call.later == 0 && clock_ms() < limit)
        run(1);
    run(20);
    printf("%s %s %u %u\n", name, is_pending ? "pending" : "at-once", call.inside, call.later);
    (void)fflush(stdout);
}

/* A port of the loopback that accepts, and says nothing. */
static int silent_port(char address[ADDRESS_SIZE])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(at);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    want(fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 8) == 0 &&
             getsockname(fd, (struct sockaddr *)&at, &length) == 0,
         "no port");
    (void)snprintf(address, ADDRESS_SIZE, "127.0.0.1:%u", (unsigned int)ntohs(at.sin_port));
    return fd;
}

/* A store that answers later: what the one in memory says. */

struct late_store {
    struct store store;
    struct store *memory;
};

struct store_request {
    struct loop_message message;
    struct store_answer answer;
    store_done *done;
    void *argument;
};

static void deliver(struct loop *on, struct loop_message *message)
{
    struct store_request *request = (struct store_request *)message;

    (void)on;
    request->done(request->argument, &request->answer);
    free(request);
}

static struct store_request *late(struct loop *on, store_done *done, void *argument)
{
    struct store_request *request = calloc(1, sizeof(*request));

    want(request != NULL, "out of memory");
    request->message.run = deliver;
    request->done = done;
    request->argument = argument;
    loop_post(on, &request->message);
    return request;
}

static struct store *memory_of(struct store *store)
{
    return ((struct late_store *)store)->memory;
}

static struct store_request *late_put(struct store *store, struct loop *on,
                                      const struct store_record *record, store_done *done,
                                      void *argument, struct store_answer *now)
{
    struct store_request *request = late(on, done, argument);

    (void)now;
    (void)memory_of(store)->ops->put(memory_of(store), on, record, done, argument,
                                     &request->answer);
    return request;
}

static struct store_request *late_get(struct store *store, struct loop *on, const char *identity,
                                      store_done *done, void *argument, struct store_answer *now)
{
    struct store_request *request = late(on, done, argument);

    (void)now;
    (void)memory_of(store)->ops->get(memory_of(store), on, identity, done, argument,
                                     &request->answer);
    return request;
}

static struct store_request *late_consume(struct store *store, struct loop *on,
                                          const char *identity, store_done *done, void *argument,
                                          struct store_answer *now)
{
    struct store_request *request = late(on, done, argument);

    (void)now;
    (void)memory_of(store)->ops->consume(memory_of(store), on, identity, done, argument,
                                         &request->answer);
    return request;
}

static struct store_request *late_revoke(struct store *store, struct loop *on,
                                         const struct store_scope *scope, store_done *done,
                                         void *argument, struct store_answer *now)
{
    struct store_request *request = late(on, done, argument);

    (void)now;
    (void)memory_of(store)->ops->revoke(memory_of(store), on, scope, done, argument,
                                        &request->answer);
    return request;
}

static const struct store_ops late_ops = {
    .put = late_put, .get = late_get, .consume = late_consume, .revoke = late_revoke};

/* The store */

static void on_stored(void *argument, const struct store_answer *answer)
{
    (void)argument, (void)answer;
    count();
}

static void try_store(const char *kind, struct store *store)
{
    static const struct store_scope scope = {.device = "d"};
    struct store_record record = {.identity = "e2e-1", .device = "d", .naf = "n", .lifetime = 1000};
    struct store_answer now;
    char name[64];

#define TRY(operation, ...)                                              \
    begin();                                                             \
    (void)snprintf(name, sizeof(name), "store-%s-%s", kind, #operation); \
    end(name, store->ops->operation(store, loop, __VA_ARGS__, on_stored, NULL, &now) != NULL)
    TRY(put, &record);
    TRY(get, "e2e-1");
    TRY(consume, "e2e-1");
    TRY(revoke, &scope);
#undef TRY
}

/* Redis, and the store in it: while a connection is made, and while there is none */

static void on_reply(void *argument, const struct redis_reply *reply, const char *reason)
{
    (void)argument, (void)reply, (void)reason;
    count();
}

static struct redis *redis;

static bool send_ping(void)
{
    static const struct redis_word words[] = {{"PING", 4}};
    const char *reason = NULL;

    return redis_send(redis, words, 1, on_reply, NULL, &reason) != NULL;
}

static void try_redis(void)
{
    char address[ADDRESS_SIZE];
    const int fd = silent_port(address);
    struct addrs addrs = {.host = NULL};
    const struct redis_setup setup = {.addrs = &addrs};

    want(addrs_open(&addrs, "connect", address), "addrs");
    redis = redis_new(loop, &setup);
    want(redis != NULL, "redis");
    begin();
    (void)close(fd);
    end("redis-connecting", send_ping());
    begin();
    end("redis-down", send_ping());
    redis_free(redis);
    addrs_close(&addrs);
}

static void try_store_redis(const char *keys)
{
    char address[ADDRESS_SIZE], url[ADDRESS_SIZE + 16];
    const int fd = silent_port(address);
    const struct store_redis_options options = {.url = url, .key = keys};
    struct store *store;

    (void)snprintf(url, sizeof(url), "redis://%s", address);
    store = store_redis_new(loops, &options);
    want(store != NULL, "store");
    begin();
    {
        struct store_answer now;
        const bool is_pending =
            store->ops->get(store, loop, "e2e-1", on_stored, NULL, &now) != NULL;

        (void)close(fd);
        end("store-redis-connecting", is_pending);
    }
    try_store("redis-down", store);
    store_free(store);
}

/* The connector */

static void on_connected(void *argument, const struct connected *connected)
{
    (void)argument;
    if (connected->fd >= 0)
        (void)close(connected->fd);
    count();
}

static void on_resolved(void *argument, const struct resolver_answer *answer)
{
    (void)argument;
    resolved_release(answer->resolved);
    count();
}

static void try_resolver(const char *name)
{
    struct resolver_answer now = {.resolved = NULL};

    begin();
    end(name, resolver_ask(loop, "127.0.0.1", "443", on_resolved, NULL, &now) != NULL);
    resolved_release(now.resolved);
}

static void on_io(void *argument, bool in_time)
{
    (void)argument, (void)in_time;
    count();
}

/* What need not be waited for, and what is late already. */
static void try_io_watch(const char *name, enum io_status wanted, int64_t deadline)
{
    struct io_watch watch;

    io_watch_init(&watch, loop, -1, on_io, NULL);
    begin();
    io_watch_set(&watch, wanted, deadline);
    end(name, true);
    io_watch_cancel(&watch);
}

static void try_connector(const char *name, const char *address)
{
    struct addrs addrs = {.host = NULL};
    struct connected now = {.fd = -1};
    bool is_pending;

    want(addrs_open(&addrs, "connect", address), "addrs");
    begin();
    is_pending = connector_start(loop, &addrs, clock_ms() + 5000, on_connected, NULL, &now) != NULL;
    end(name, is_pending);
    if (now.fd >= 0)
        (void)close(now.fd);
    addrs_close(&addrs);
}

static void try_connectors(void)
{
    char address[ADDRESS_SIZE];
    const int fd = silent_port(address);

    try_connector("connector-tcp", address);
    try_connector("connector-no-path", "unix:/nowhere/at/all");
    try_resolver("resolver-asked");
    try_resolver("resolver-kept");
    try_io_watch("io-watch-ready", IO_OK, 0);
    try_io_watch("io-watch-late", IO_PAUSED, 1);
    (void)close(fd);
}

/* Token and key service, over an HTTP that is ours (the linker puts it in http_post()'s place) */

static struct {
    bool fails, is_token; /* it cannot be sent; what comes back is a token */
    http_done *done;
    void *context;
} http;

static void reply(evutil_socket_t fd, short what, void *argument)
{
    static const char token[] = "{\"access_token\":\"t\",\"token_type\":\"Bearer\"}";
    const struct http_reply given = {
        .status = http.is_token ? 200 : 404,
        .content_type = "application/json",
        .body = http.is_token ? token : "{}",
        .length = http.is_token ? sizeof(token) - 1 : 2,
    };

    (void)fd, (void)what, (void)argument;
    http.done(http.context, &given);
}

bool __wrap_http_post(struct http *ours, const struct http_request *request, http_done *done,
                      void *context);

/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's name */
bool __wrap_http_post(struct http *ours, const struct http_request *request, http_done *done,
                      void *context)
{
    static const struct timeval soon = {0, 1000};

    (void)ours, (void)request;
    if (http.fails)
        return false;
    http.done = done;
    http.context = context;
    return event_base_once(loop->base, -1, EV_TIMEOUT, reply, NULL, &soon) == 0;
}

static void on_token(void *context, const struct token_answer *answer)
{
    (void)context, (void)answer;
    count();
}

static void try_token(void)
{
    static const struct token_setup setup = {.url = "https://t/token", .milliseconds = 1000};
    struct token *token = token_new(NULL, &setup, KEY_AKMA);
    struct token_answer now;

    want(token != NULL, "token");
    http.is_token = http.fails = true;
    begin();
    end("token-unsent", token_get(token, on_token, NULL, &now));
    http.fails = false;
    begin();
    end("token-fetched", token_get(token, on_token, NULL, &now));
    begin();
    end("token-kept", token_get(token, on_token, NULL, &now));
    token_free(token);
    http.is_token = false;
}

static void on_key(void *context, enum key_result result, const struct key_answer *key,
                   const char *reason)
{
    (void)context, (void)result, (void)key, (void)reason;
    count();
}

static void try_key_service(void)
{
    const struct key_wanted wanted = {.system = KEY_AKMA, .identity = "a@b"};
    const char *url = NULL, *reason = NULL;
    const struct key_service_setup setup = {.interface = key_interface("nef:https://nef", &url),
                                            .root = "https://nef",
                                            .af_id = "af",
                                            .milliseconds = 1000};
    struct key_service *service = key_service_new(NULL, &setup);

    want(service != NULL, "key service");
    http.fails = true;
    begin();
    end("key-service-unsent", key_service_ask(service, &wanted, on_key, NULL, &reason));
    http.fails = false;
    begin();
    end("key-service-asked", key_service_ask(service, &wanted, on_key, NULL, &reason));
    key_service_free(service);
}

/* Sources: the devices file; the operator's network, whose HTTP sends nothing here */

static void on_answer(void *argument, const struct source_answer *answer)
{
    (void)argument, (void)answer;
    count();
}

static unsigned char ids[KEY_SYSTEMS][AKMA_UA_PROTOCOL_ID_LENGTH] = {{1, 0, 0, 0, 7},
                                                                     {1, 0, 0, 0, 7}};

static bool look_up(struct source *source)
{
    const struct sockaddr_in peer = {.sin_family = AF_INET};
    const struct source_query query = {.identity = "ue@realm",
                                       .kind = IDENTITY_AKMA,
                                       .ua_protocol_id = ids[KEY_AKMA],
                                       .peer = (const struct sockaddr *)&peer};
    struct source_answer now;

    return source->ops->lookup(source, loop, &query, on_answer, NULL, &now) != NULL;
}

static void try_sources(struct devices_current *devices)
{
    const char *url = NULL;
    const struct key_service_setup service = {.interface = key_interface("nef:https://nef", &url),
                                              .root = "https://nef",
                                              .af_id = "af",
                                              .milliseconds = 1000};
    const struct source_http_setup setup = {.services = {[KEY_AKMA] = &service},
                                            .per_second = 100,
                                            .per_network = 100,
                                            .milliseconds = 1000};
    struct source *file = source_file_new(devices, ids), *operator= source_http_new(&setup, NULL);

    want(file != NULL && operator!= NULL && source_http_start(operator), "sources");
    begin();
    end("source-file", look_up(file));
    http.fails = true;
    begin();
    end("source-operator", look_up(operator));
    http.fails = false;
    source_free(operator);
    source_free(file);
}

/* Where Ka comes from: the devices file; and a source that says later what it says */

struct late_ka {
    struct ka_source source;
    struct ka_source *file;
};

struct ka_request {
    struct loop_message message;
    struct ka_answer answer;
    ka_done *done;
    void *argument;
};

static void deliver_ka(struct loop *on, struct loop_message *message)
{
    struct ka_request *request = (struct ka_request *)message;

    (void)on;
    request->done(request->argument, &request->answer);
    free(request);
}

static struct ka_source *file_of(struct ka_source *source)
{
    return ((struct late_ka *)source)->file;
}

static struct ka_request *late_lookup(struct ka_source *source, struct loop *on,
                                      const struct ka_query *query, ka_done *done, void *argument,
                                      struct ka_answer *now)
{
    struct ka_request *request = calloc(1, sizeof(*request));

    (void)now;
    want(request != NULL, "out of memory");
    request->message.run = deliver_ka;
    request->done = done;
    request->argument = argument;
    (void)file_of(source)->ops->lookup(file_of(source), on, query, done, argument,
                                       &request->answer);
    loop_post(on, &request->message);
    return request;
}

static bool late_is_good(struct ka_source *source, const struct ka_answer *answer,
                         const char *identity)
{
    return file_of(source)->ops->is_good(file_of(source), answer, identity);
}

static void late_release(struct ka_source *source, struct ka_answer *answer)
{
    file_of(source)->ops->release(file_of(source), answer);
}

static const struct ka_source_ops late_ka_ops = {
    .lookup = late_lookup, .is_good = late_is_good, .release = late_release};

static void on_ka(void *argument, const struct ka_answer *answer)
{
    struct ka_source *source = argument;
    struct ka_answer found = *answer;

    source->ops->release(source, &found);
    count();
}

static bool look_ka_up(struct ka_source *source)
{
    const struct ka_query query = {.device = "", .identity = "ue@realm"};
    struct ka_answer now;
    const bool is_pending = source->ops->lookup(source, loop, &query, on_ka, source, &now) != NULL;

    if (!is_pending)
        source->ops->release(source, &now);
    return is_pending;
}

static bool ignore_changes(void *argument, const struct ka_change *changes, size_t number)
{
    (void)argument, (void)changes, (void)number;
    return true;
}

/* One of the kinds of --ka-source. */
static void try_ka_kind(const char *name, const struct ka_settings *settings)
{
    const char *place;
    const struct ka_kind *kind = ka_kind_of(settings->sources[0], &place);
    struct ka_settings of_kind = *settings;
    char fault[KA_FAULT_SIZE];
    struct ka_source *source;

    want(kind != NULL, name);
    if (kind->open == NULL)
        return; /* left out of this build */
    of_kind.place = place;
    source = kind->open(&of_kind, fault);
    want(source != NULL, fault);
    want(source->ops->start(source, ignore_changes, NULL), "threads");
    begin();
    end(name, look_ka_up(source));
    ka_source_stop(source);
    ka_source_free(source);
}

static void try_ka_kinds(const char *keys)
{
    const char *const in_memory[] = {"master:env:MASTER", NULL};
    const char *const nowhere[] = {"postgresql://127.0.0.1:1/none", NULL};
    const char *const names[] = {NULL}, *const any[] = {"*", NULL};

    want(setenv("MASTER", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 1) ==
             0,
         "environment");
    try_ka_kind("ka-master", &(const struct ka_settings){
                                 .sources = in_memory, .ka_ids = names, .patterns = any});
    try_ka_kind("ka-postgresql-down", &(const struct ka_settings){.sources = nowhere, .key = keys});
}

static void try_ka_sources(struct ka_source *file, struct late_ka *later)
{
    begin();
    end("ka-file", look_ka_up(file));
    begin();
    end("ka-late", look_ka_up(&later->source));
}

/* The third party, over a store and Ka's that are there at once, and over others */

static void on_flag(void *argument, const struct third_party_answer *answer)
{
    (void)argument, (void)answer;
    count();
}

static void on_revoked(void *argument, const struct third_party_revocation *revocation)
{
    (void)argument, (void)revocation;
    count();
}

static bool ask(struct third_party *party, const char *device)
{
    static const unsigned char octets[32] = {1};
    const struct third_party_query query = {.identity = device,
                                            .device = device,
                                            .ks_naf = octets,
                                            .ua_protocol_id = ids[KEY_AKMA],
                                            .nonce = octets};
    struct third_party_answer now;

    return party->ops->ask(party, loop, &query, on_flag, NULL, &now) != NULL;
}

/* party is released. */
static void try_party(const char *kind, struct third_party *party)
{
    struct third_party_revocation now;
    char name[64];

    want(party != NULL, "third party");
    (void)snprintf(name, sizeof(name), "third-party-%s-flag", kind);
    begin();
    end(name, ask(party, "ue@realm"));
    (void)snprintf(name, sizeof(name), "third-party-%s-no-ka", kind);
    begin();
    end(name, ask(party, "nobody@realm"));
    (void)snprintf(name, sizeof(name), "third-party-%s-revoke", kind);
    begin();
    end(name, party->ops->revoke(party, loop, "ue@realm", on_revoked, NULL, &now) != NULL);
    third_party_free(party);
}

static void try_third_party(const char *kind, const struct key_issuer_setup *setup,
                            const struct naf_setup *naf)
{
    struct key_issuer *issuer = key_issuer_new(setup);

    want(issuer != NULL, "key issuer");
    try_party(kind, third_party_local_new(issuer, naf, 1, "n"));
    key_issuer_free(issuer);
}

/* Over a link to a port where nobody listens any more. */
static void on_dialed(void *argument, SSL *ssl, const char *reason)
{
    (void)argument, (void)reason;
    SSL_free(ssl);
    count();
}

static void try_dialer(const struct tp_link_client_setup *setup, struct tp_link_tls *tls)
{
    SSL_CTX *ctx = tp_link_tls_ctx(tls);

    begin();
    end("dialer", dialer_start(loop, ctx, &setup->addrs, setup->host, clock_ms() + 5000, on_dialed,
                               NULL) != NULL);
    SSL_CTX_free(ctx);
}

static void try_link(const struct tp_link_files *files)
{
    struct tp_link_client_setup setup = {.host = "127.0.0.1", .naf_fqdn = "naf.example.com"};
    char address[ADDRESS_SIZE], fault[TP_LINK_TLS_FAULT_SIZE];
    struct tp_link_tls *tls = tp_link_tls_new(files, false, fault);
    const int fd = silent_port(address);

    want(tls != NULL, fault);
    want(addrs_open(&setup.addrs, "third-party", address), "address");
    (void)close(fd);
    try_dialer(&setup, tls);
    try_party("link", tp_link_client_new(&setup, tls, loops));
    addrs_close(&setup.addrs);
    tp_link_tls_free(tls);
}

static void try_third_parties(struct late_ka *ka, struct store *memory, struct late_store *later)
{
    struct worker worker = {.loop = loop};
    struct server server = {.loops = loops, .workers = &worker};
    struct key_issuer_setup issuer = {
        .server = &server, .store = memory, .ka = ka->file, .lifetime = 60};
    const struct e2e_setup setup = {.naf_fqdn = "naf.example.com",
                                    .ua_protocol_id = ids[KEY_AKMA],
                                    .mode = "3GPP",
                                    .digest = "SHA2-256",
                                    .usage = "tls-psk"};
    char reason[E2E_REASON_SIZE];
    struct naf_setup naf = {.ua_protocol_id = {1, 0, 0, 0, 7}};

    worker.server = &server;
    TAILQ_INIT(&worker.all);
    want(e2e_open(&naf.e2e, &setup, reason) == E2E_OPEN, reason);
    try_third_party("at-once", &issuer, &naf);
    issuer.store = &later->store;
    try_third_party("later", &issuer, &naf);
    issuer.ka = &ka->source;
    try_third_party("ka-later", &issuer, &naf);
    e2e_close(&naf.e2e);
}

/* What a proved connection is for: both sides have ended before it starts */

static void on_relay_ended(void *argument, const char *reason)
{
    (void)argument, (void)reason;
    count();
}

static void on_app_end(struct app_connection *conn, const char *reason)
{
    (void)conn, (void)reason;
    count();
}

/* A connection whose client has closed, and a socket whose other end has. */
static int ended_pair(struct tls_pair *pair, int type)
{
    int plain[2];

    tls_pair_open(pair, RELAY_PART);
    (void)SSL_shutdown(pair->client);
    want(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, plain) == 0, "sockets");
    (void)close(plain[1]);
    return plain[0];
}

static void try_apps(void)
{
    struct tls_pair pair;
    const struct dgram_relay_owner owner = {.ended = on_relay_ended};
    struct app_connection conn = {.loop = loop, .end = on_app_end};
    int plain = ended_pair(&pair, SOCK_STREAM);

    begin();
    end("relay", relay_start(loop->base, pair.server, plain, NULL, 0, &conn.active, on_relay_ended,
                             NULL) != NULL);
    tls_pair_close(&pair);
    plain = ended_pair(&pair, SOCK_SEQPACKET);
    begin();
    end("dgram-relay",
        dgram_relay_start(loop, pair.server, plain, NULL, 0, &conn.active, &owner) != NULL);
    tls_pair_close(&pair);
    (void)close(ended_pair(&pair, SOCK_STREAM));
    conn.ssl = pair.server;
    begin();
    end("app-echo",
        echo_start(&conn, &(struct tls_lines){.ssl = pair.server}, "e2e: ", 10) != NULL);
    tls_pair_close(&pair);
}

int main(int argc, char *argv[])
{
    const struct devices_current_rules rules = {.may_have_ks_naf = true, .may_have_ka = true};
    char fault[DEVICES_CURRENT_FAULT_SIZE];
    struct late_store later = {.store = {&late_ops}};
    struct late_ka ka = {.source = {&late_ka_ops}};
    struct devices_current *devices;

    want(argc == 6, "async_rule KEYS DEVICES CERT KEY CA");
    json_line_set_up();
    want(log_open(LOG_FULL) && http_start(), "log");
    loops = loops_new(1);
    want(loops != NULL, "loops");
    loop = &loops->loop[0];
    devices = devices_current_open(argv[2], &rules, fault);
    want(devices != NULL, fault);
    later.memory = store_memory_new();
    want(later.memory != NULL, "store");
    try_store("memory", later.memory);
    try_store("late", &later.store);
    try_redis();
    try_store_redis(argv[1]);
    try_connectors();
    try_apps();
    try_token();
    try_key_service();
    try_sources(devices);
    ka.file = ka_file_new(devices);
    want(ka.file != NULL, "Ka's");
    try_ka_sources(ka.file, &ka);
    try_ka_kinds(argv[1]);
    try_third_parties(&ka, later.memory, &later);
    try_link(&(const struct tp_link_files){argv[3], argv[4], argv[5], NULL});
    ka_source_free(ka.file);
    store_free(later.memory);
    devices_current_free(devices);
    loops_free(loops);
    return EXIT_SUCCESS;
}
