/*
 * e2e-ue --listen: each local connection is relayed over an e2e connection of its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/ue_listen.h"
#include "queue.h"

#include "app/dgram_relay.h"
#include "app/relay.h"
#include "net/clock.h"
#include "net/dgram.h"
#include "net/inherited.h"
#include "net/tls.h"
#include "ops/heartbeat.h"
#include "ops/log.h"
#include "ops/service_manager.h"
#include "printable.h"
#include "processors.h"
#include "ue/client.h"
#include "ue/dgram_listener.h"
#include "ue/first_pool.h"
#include "ue/local_listener.h"

#include <errno.h>
#include <event2/listener.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_US 100000 /* before accepting again, where descriptors or memory ran out */
#define LOOK_MS \
    1000 /* between two checks of the devices file, or of the requests that wait for a key */
#define WAIT_S  10 /* for a card, beyond what the exchange with the BSF may take */
#define SERVING "serving local connections"

/* Whose turn it is to serve the next local connection. */
struct turns {
    struct worker *workers;
    size_t count;
    atomic_size_t next;
    struct ue_bootstrap *bootstrap; /* NULL: keys do not come by one */
    int64_t wait_ms;                /* for a key of it */
};

/* To a loop: a bootstrapping has ended. */
struct key_news {
    struct loop_message message; /* first */
    struct worker *worker;
    atomic_bool is_posted;
};

/* Where local programs come to: connections, or datagrams at a socket for each loop. */
struct doors {
    struct local_listener connections;
    struct listenings datagrams;
    int *sockets[ADDRS_MAX];
};

/* What belongs to one loop. */
struct worker {
    struct ue_keys *keys;
    struct loop *loop;
    struct turns *turns;
    bool is_closed;
    struct evconnlistener *listeners[ADDRS_MAX];
    size_t count;
    struct dgram_listener *dgram_listeners[ADDRS_MAX];
    struct event *pause;
    struct first_pool *pool;
    struct key_news news;
    struct event *look; /* while somebody waits for a key */
    LIST_HEAD(, local) locals;
};

/* A local connection: it waits for a key, its flow is under way, or it is relayed. */
struct local {
    struct loop_message message; /* first: to the loop that serves it */
    LIST_ENTRY(local) next;
    struct worker *worker;
    int fd;              /* -1: the relay's */
    int64_t waits_until; /* of clock_ms(): for a key; 0: it does not */
    char *refused;       /* the B-TID that a NAF has refused; NULL: none */
    struct client *client;
    const struct client_setup *setup; /* the client's */
    SSL *ssl;
    struct relay *relay;
    bool is_udp;
    struct dgram_relay *dgram_relay; /* in the relay's place */
    int64_t active;
};

static void release_setup(struct local *local)
{
    if (local->setup != NULL)
        ue_keys_release(local->worker->keys, local->setup);
    local->setup = NULL;
}

/* The local program sees a broken connection if it was not served to the end. */
static void close_local(struct local *local)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    LIST_REMOVE(local, next);
    if (local->client != NULL)
        client_stop(local->client);
    release_setup(local);
    if (local->relay != NULL)
        relay_stop(local->relay);
    if (local->dgram_relay != NULL)
        dgram_relay_stop(local->dgram_relay);
    if (local->fd >= 0) {
        (void)setsockopt(local->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        (void)close(local->fd);
    }
    tls_close(local->ssl);
    OPENSSL_free(local->refused);
    OPENSSL_free(local);
}

static void relay_has_ended(void *argument, const char *reason)
{
    static struct log_limit limit_broken;
    struct local *local = argument;

    local->relay = NULL;
    local->dgram_relay = NULL;
    if (reason != NULL)
        log_limited(&limit_broken, "broken", "reason", reason, NULL);
    close_local(local);
}

/* The reason why there will be none goes to the log. */
static void refuse_local(struct local *local, const char *severity, const char *reason)
{
    static struct log_limit limit_refused;

    log_limited(&limit_refused, "refused", "severity", severity, "reason", reason, NULL);
    close_local(local);
}

static void begin_flow(struct local *local);

/* For a key that a bootstrapping brings. */
static void wait_for_key(struct local *local)
{
    static const struct timeval look = {LOOK_MS / 1000, 0};
    struct worker *worker = local->worker;

    if (local->waits_until == 0)
        local->waits_until = clock_ms() + worker->turns->wait_ms;
    if (!evtimer_pending(worker->look, NULL))
        loop_add_event(worker->look, &look);
}

/* With a key other than the refused one, now or later, or not at all. */
static void serve_with_key(struct local *local)
{
    struct ue_bootstrap *bootstrap = local->worker->turns->bootstrap;
    char reason[UE_KEYS_FAULT_SIZE];

    switch (bootstrap == NULL ? UE_KEY_READY
                              : ue_bootstrap_need(bootstrap, local->refused, reason)) {
    case UE_KEY_READY:
        local->waits_until = 0;
        begin_flow(local);
        break;
    case UE_KEY_COMES:
        wait_for_key(local);
        break;
    default:
        refuse_local(local, "err", reason);
    }
}

/* Again with another key, once. */
static bool goes_on_after_refusal(struct local *local, const struct client_result *result)
{
    if (local->worker->turns->bootstrap == NULL || !result->is_refused || local->refused != NULL)
        return false;
    local->refused = OPENSSL_strdup(local->setup->device->identity);
    return local->refused != NULL;
}

static void say_accepted(const struct local *local)
{
    if (local->worker->turns->bootstrap != NULL)
        ue_bootstrap_accepted(local->worker->turns->bootstrap, local->setup->device->identity);
}

static void relay_now(struct local *local)
{
    struct loop *loop = local->worker->loop;
    const struct dgram_relay_owner owner = {.argument = local, .ended = relay_has_ended};

    if (local->is_udp)
        local->dgram_relay =
            dgram_relay_start(loop, local->ssl, local->fd, NULL, 0, &local->active, &owner);
    else
        local->relay = relay_start(loop->base, local->ssl, local->fd, NULL, 0, &local->active,
                                   relay_has_ended, local);
    local->fd = -1;
    if (local->relay == NULL && local->dgram_relay == NULL)
        close_local(local);
}

static void flow_has_ended(void *argument, const struct client_result *result)
{
    struct local *local = argument;
    const bool is_e2e = result->outcome == CLIENT_READY && result->is_e2e;
    const bool goes_on = goes_on_after_refusal(local, result);

    local->client = NULL;
    if (is_e2e)
        say_accepted(local);
    release_setup(local);
    local->ssl = result->ssl;
    if (goes_on) {
        serve_with_key(local);
        return;
    }
    if (!is_e2e) {
        refuse_local(local, result->outcome == CLIENT_NO_E2E ? "warning" : "err",
                     result->outcome != CLIENT_READY ? result->reason : "no e2e connection");
        return;
    }
    relay_now(local);
}

static void begin_flow(struct local *local)
{
    struct worker *worker = local->worker;

    local->setup = ue_keys_acquire(worker->keys);
    local->client = client_start(worker->loop, local->setup, worker->pool, flow_has_ended, local);
    if (local->client == NULL)
        close_local(local);
}

static void serve_local(struct loop *loop, struct loop_message *message)
{
    struct local *local = (struct local *)message;
    struct worker *worker = local->worker;

    (void)loop;
    LIST_INSERT_HEAD(&worker->locals, local, next);
    if (worker->is_closed)
        close_local(local);
    else
        serve_with_key(local);
}

/* A bootstrapping has ended: each waiting connection is served, waits on, or is refused. */
static void take_news(struct loop *loop, struct loop_message *message)
{
    struct key_news *news = (struct key_news *)message;
    struct local *local = LIST_FIRST(&news->worker->locals), *following;

    (void)loop;
    atomic_store(&news->is_posted, false);
    for (; local != NULL; local = following) {
        following = LIST_NEXT(local, next);
        if (local->waits_until != 0)
            serve_with_key(local);
    }
}

/* On the bootstrapping's thread. */
static void post_news(void *argument)
{
    struct turns *turns = argument;

    for (size_t i = 0; i < turns->count; i++) {
        struct key_news *news = &turns->workers[i].news;

        if (!atomic_exchange(&news->is_posted, true))
            loop_post(turns->workers[i].loop, &news->message);
    }
}

/* A card or a reader that does not answer must not make anything wait for ever. */
static void look_who_waits(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;
    struct local *local = LIST_FIRST(&worker->locals), *following;

    (void)fd, (void)what;
    for (; local != NULL; local = following) {
        following = LIST_NEXT(local, next);
        if (local->waits_until == 0)
            continue;
        if (local->waits_until > clock_ms())
            wait_for_key(local);
        else
            refuse_local(local, "err", "no key: bootstrapping takes too long");
    }
}

/*
 * A loop takes what comes at once, and gives each other loop its share: connections that come
 * together, and stay, would all be its own.
 */
static void accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                     int length, void *argument)
{
    const struct worker *worker = argument;
    struct turns *turns = worker->turns;
    struct local *local = OPENSSL_zalloc(sizeof(*local));

    (void)listener, (void)address, (void)length;
    if (local == NULL) {
        (void)close(fd);
        return;
    }
    local->worker = &turns->workers[atomic_fetch_add(&turns->next, 1) % turns->count];
    local->fd = fd;
    local->message.run = serve_local;
    if (local->worker == worker)
        serve_local(worker->loop, &local->message);
    else
        loop_post(local->worker->loop, &local->message);
}

/* A local program's datagrams stay on the loop that has their socket. */
static void peer_has_come(void *argument, int fd)
{
    struct worker *worker = argument;
    struct local *local = OPENSSL_zalloc(sizeof(*local));

    if (local == NULL) {
        (void)close(fd);
        return;
    }
    local->worker = worker;
    local->fd = fd;
    local->is_udp = true;
    serve_local(worker->loop, &local->message);
}

static void pause_accepting(const struct worker *worker)
{
    static const struct timeval pause = {0, PAUSE_US};

    for (size_t i = 0; i < worker->count; i++)
        (void)evconnlistener_disable(worker->listeners[i]);
    loop_add_event(worker->pause, &pause);
}

static void go_on_accepting(evutil_socket_t fd, short what, void *argument)
{
    const struct worker *worker = argument;
    bool accepts = true;

    (void)fd, (void)what;
    for (size_t i = 0; accepts && i < worker->count; i++)
        accepts = evconnlistener_enable(worker->listeners[i]) == 0;
    if (!accepts)
        pause_accepting(worker);
}

static void could_not_accept(struct evconnlistener *listener, void *argument)
{
    static struct log_limit limit_accept;

    (void)listener;
    log_limited(&limit_accept, "accept", "reason", strerror(errno), NULL);
    pause_accepting(argument);
}

static void close_worker(struct worker *worker)
{
    worker->is_closed = true; /* what was posted too late is closed when its loop is released */
    for (size_t i = 0; i < worker->count; i++)
        evconnlistener_free(worker->listeners[i]);
    if (worker->pause != NULL)
        event_free(worker->pause);
    if (worker->look != NULL)
        event_free(worker->look);
    while (!LIST_EMPTY(&worker->locals))
        close_local(LIST_FIRST(&worker->locals));
    for (size_t i = 0; i < ADDRS_MAX; i++)
        dgram_listener_free(worker->dgram_listeners[i]);
    first_pool_free(worker->pool);
}

static bool open_dgram_listeners(struct worker *worker, const struct doors *doors)
{
    for (size_t i = 0; i < doors->datagrams.count; i++) {
        worker->dgram_listeners[i] = dgram_listener_new(
            worker->loop, doors->sockets[i][worker->loop->index], peer_has_come, worker);
        if (worker->dgram_listeners[i] == NULL)
            return false;
    }
    return true;
}

/* All loops accept from the same sockets. */
static bool open_worker(struct worker *worker, const struct doors *doors)
{
    const struct local_listener *listener = &doors->connections;

    LIST_INIT(&worker->locals);
    worker->pause = evtimer_new(worker->loop->base, go_on_accepting, worker);
    worker->look = evtimer_new(worker->loop->base, look_who_waits, worker);
    worker->news.message.run = take_news;
    worker->news.worker = worker;
    worker->pool = first_pool_new(worker->loop, worker->keys);
    for (size_t i = 0; worker->pause != NULL && worker->look != NULL && i < listener->sockets.count;
         i++) {
        worker->listeners[i] =
            evconnlistener_new(worker->loop->base, accepted, worker, LEV_OPT_CLOSE_ON_EXEC, 0,
                               listener->sockets.at[i].fd);
        if (worker->listeners[i] == NULL)
            return false;
        worker->count++;
        evconnlistener_set_error_cb(worker->listeners[i], could_not_accept);
    }
    return worker->pause != NULL && worker->look != NULL && worker->pool != NULL &&
           open_dgram_listeners(worker, doors);
}

static void reload(struct ue_keys *keys)
{
    static struct log_limit limit;
    char fault[UE_KEYS_FAULT_SIZE];
    char status[SERVICE_STATUS_SIZE];
    bool applied;

    service_say_reloading();
    applied = ue_keys_reload(keys, fault);

    if (applied)
        log_event("reload", "result", "applied", NULL);
    else
        log_refused(&limit, "reload", PRINTABLE(fault));
    (void)snprintf(status, sizeof(status), SERVING "; the last reload was refused: %.600s", fault);
    service_say("READY=1", applied ? SERVING : status);
}

/* WATCHDOG=1 unless a loop does not turn. */
static void say_alive(const struct heartbeat *heartbeat, int64_t watchdog)
{
    if (watchdog > 0 && heartbeat_age(heartbeat) < watchdog / 2 + HEARTBEAT_MS)
        service_say("WATCHDOG=1", NULL);
}

/* When the devices file is checked; while it is changing, soon again. */
struct looks {
    int64_t interval, next; /* ms; interval 0: never */
};

static bool look_at_file(struct looks *looks, struct ue_keys *keys)
{
    bool is_soon, has_changed;

    if (looks->interval == 0 || clock_ms() < looks->next)
        return false;
    has_changed = ue_keys_have_changed(keys, &is_soon);
    looks->next = clock_ms() + (is_soon && looks->interval > LOOK_MS ? LOOK_MS : looks->interval);
    return has_changed;
}

/* Until a signal says that it is the end; the file is checked meanwhile. */
static void wait_for_signals(const sigset_t *signals, struct ue_keys *keys,
                             const struct heartbeat *heartbeat, struct looks *looks)
{
    const int64_t watchdog = service_watchdog_ms();
    const long ms = watchdog > 0 && watchdog / 4 < LOOK_MS ? (long)watchdog / 4 + 1 : LOOK_MS;
    const struct timespec look = {ms / 1000, ms % 1000 * 1000000};
    int which;

    service_say("READY=1", SERVING);
    do {
        which = sigtimedwait(signals, NULL, &look);
        if (which == SIGHUP || (which < 0 && errno == EAGAIN && look_at_file(looks, keys)))
            reload(keys);
        if (which == SIGUSR1)
            log_reopen();
        say_alive(heartbeat, watchdog);
    } while (which == SIGHUP || which == SIGUSR1 || which < 0);
    service_say("STOPPING=1", NULL);
}

/* Where keys come by bootstrapping: nothing else that may fail comes after it. */
static bool start_bootstrap(struct turns *turns, struct ue_keys *keys,
                            const struct ue_bootstrap_options *options)
{
    if (options == NULL)
        return true;
    turns->wait_ms = (int64_t)options->settings.timeout_ms + (int64_t)WAIT_S * 1000;
    turns->bootstrap = ue_bootstrap_start(options, keys, post_news, turns);
    return turns->bootstrap != NULL;
}

static bool serve(const struct doors *doors, const sigset_t *signals, struct ue_keys *keys,
                  const struct ue_bootstrap_options *bootstrap, struct looks *looks)
{
    struct loops *loops = loops_new(processors());
    struct worker *workers = loops == NULL ? NULL : OPENSSL_zalloc(loops->count * sizeof(*workers));
    struct turns turns = {.workers = workers, .count = loops == NULL ? 0 : loops->count};
    struct heartbeat *heartbeat;
    bool open = workers != NULL;

    for (size_t i = 0; open && i < loops->count; i++) {
        workers[i].keys = keys;
        workers[i].turns = &turns;
        workers[i].loop = &loops->loop[i];
        open = open_worker(&workers[i], doors);
    }
    heartbeat = open ? heartbeat_new(loops) : NULL;
    open = heartbeat != NULL && start_bootstrap(&turns, keys, bootstrap) && loops_start(loops);
    if (open) {
        inherited_close_rest();
        wait_for_signals(signals, keys, heartbeat, looks);
        loops_stop(loops);
    } else {
        log_event("listen", "reason", "out of memory, descriptors or threads", NULL);
    }
    ue_bootstrap_stop(turns.bootstrap);
    for (size_t i = 0; workers != NULL && i < loops->count; i++)
        close_worker(&workers[i]);
    heartbeat_free(heartbeat);
    loops_free(loops);
    OPENSSL_free(workers);
    return open;
}

static void close_doors(struct doors *doors)
{
    local_listener_close(&doors->connections);
    for (size_t i = 0; i < doors->datagrams.count; i++)
        for (size_t j = 0; j < processors(); j++)
            if (doors->sockets[i][j] >= 0)
                (void)close(doors->sockets[i][j]);
    for (size_t i = 0; i < ADDRS_MAX; i++)
        OPENSSL_free(doors->sockets[i]);
}

/* False: the reason went to standard error. */
static bool open_doors(struct doors *doors, const char *where)
{
    const size_t count = processors();
    bool done = true;

    memset(doors, 0, sizeof(*doors));
    if (dgram_address(where) == NULL)
        return local_listener_open(&doors->connections, "listen", where);
    for (size_t i = 0; i < ADDRS_MAX; i++)
        done = (doors->sockets[i] = OPENSSL_zalloc(count * sizeof(int))) != NULL && done;
    if (done && dgram_listener_open(&doors->datagrams, doors->sockets, count, "listen", where))
        return true;
    doors->datagrams.count = 0;
    close_doors(doors);
    return false;
}

static void show_doors(const struct doors *doors)
{
    for (size_t i = 0; i < doors->connections.sockets.count; i++)
        printf("listen %s\n", PRINTABLE(doors->connections.sockets.at[i].shown));
    for (size_t i = 0; i < doors->datagrams.count; i++)
        printf("listen " DGRAM_PREFIX "%s\n", doors->datagrams.at[i].shown);
}

bool ue_listen(const char *where, struct ue_keys *keys,
               const struct ue_bootstrap_options *bootstrap, unsigned int interval)
{
    struct looks looks = {(int64_t)interval * 1000, clock_ms() + (int64_t)interval * 1000};
    struct doors doors = {.sockets = {NULL}};
    sigset_t signals;
    bool served;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigaddset(&signals, SIGUSR1);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL); /* for every thread; before there is a path */
    (void)signal(SIGUSR1, SIG_DFL);                   /* what is ignored does not wait */
    if (!open_doors(&doors, where))
        return false;
    show_doors(&doors);
    served = fflush(stdout) == 0 && log_open(LOG_FULL) &&
             serve(&doors, &signals, keys, bootstrap, &looks);
    close_doors(&doors);
    return served;
}
