/*
 * libcurl's multi handle on a loop: requests under way and the connections that they go over
 *
 * curl never works again with a multi handle once a callback of it has failed. So callbacks do not
 * fail: they mark the pool as broken, and its requests begin again with another one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/http_pool.h"

#include "source/http.h"
#include "source/http_memory.h"
#include "source/http_route.h"

#include <event2/event_struct.h>
#include <openssl/crypto.h>

#define FUTILE_MAX 16 /* writes without an answer, then curl spins */
#define REST_US    20000

/* A socket that curl waits for. */
struct watched {
    LIST_ENTRY(watched) next;
    struct http_pool *pool;
    struct event event;
    short wanted;        /* EV_READ, EV_WRITE */
    unsigned int futile; /* times that it could be written to, one after the other */
};

void http_pool_touch(struct http_pool *pool)
{
    event_active(pool->timer, EV_TIMEOUT, 0);
}

static void break_pool(struct http_pool *pool)
{
    pool->is_broken = true;
    http_pool_touch(pool);
}

static void forget(struct watched *watched)
{
    (void)event_del(&watched->event);
    LIST_REMOVE(watched, next);
    OPENSSL_free(watched);
}

void http_pool_retire(struct http_pool *pool)
{
    pool->is_retired = true;
    if (pool->pools->current == pool)
        pool->pools->current = NULL;
}

/* curl returns its sockets to the routes. */
static void free_pool(struct http_pool *pool)
{
    http_pool_retire(pool);
    LIST_REMOVE(pool, next);
    (void)curl_multi_cleanup(pool->multi);
    while (!LIST_EMPTY(&pool->routes))
        http_route_free(LIST_FIRST(&pool->routes));
    while (!LIST_EMPTY(&pool->sockets))
        forget(LIST_FIRST(&pool->sockets));
    if (pool->timer != NULL)
        event_free(pool->timer);
    OPENSSL_free(pool);
}

static void finish_all(struct http_pool *pool)
{
    const CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(pool->multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE) {
            char *request = NULL; /* the type is curl's */
            const CURLcode result = message->data.result;

            (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
            pool->pools->finish(request, result);
        }
}

static bool has_requests(const struct http_pools *pools)
{
    const struct http_pool *pool = LIST_FIRST(&pools->list);

    while (pool != NULL && pool->requests == 0)
        pool = LIST_NEXT(pool, next);
    return pool != NULL;
}

/* After curl has done something. */
static void settle(struct http_pool *pool, CURLMcode result)
{
    const struct http_pools *pools = pool->pools;

    pool->is_broken = pool->is_broken || result != CURLM_OK;
    finish_all(pool);
    if (pool->is_broken || pool->is_silent) {
        http_pool_retire(pool);
        pool->pools->leave(pool);
    }
    pool->is_silent = false;
    if (pool->is_retired && pool->requests == 0)
        free_pool(pool);
    if (!has_requests(pools))
        http_memory_forget_keys();
}

static void watch(struct watched *watched, short wanted, const struct timeval *limit);

/*
 * Without a window for its request curl asks for a socket that can be written to, and does not
 * write. Then it is asked less often, until something comes.
 */
static void rest(struct watched *watched, short what)
{
    static const struct timeval limit = {.tv_usec = REST_US};

    watched->futile = (what & EV_READ) != 0 ? 0 : watched->futile + 1;
    if (watched->futile == FUTILE_MAX)
        watch(watched, EV_READ, &limit);
    else if (watched->futile == 0 && watched->wanted != event_get_events(&watched->event))
        watch(watched, watched->wanted, NULL);
}

static void on_socket(evutil_socket_t fd, short what, void *context)
{
    struct watched *watched = context;
    struct http_pool *pool = watched->pool;
    const bool can_write = (what & (EV_WRITE | EV_TIMEOUT)) != 0 || watched->futile >= FUTILE_MAX;
    const int can = ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
                    (can_write && (watched->wanted & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    int running;

    rest(watched, what);
    settle(pool, curl_multi_socket_action(pool->multi, fd, can, &running));
}

static void watch(struct watched *watched, short wanted, const struct timeval *limit)
{
    (void)event_del(&watched->event);
    (void)event_assign(&watched->event, watched->pool->pools->loop->base,
                       event_get_fd(&watched->event), (short)(wanted | EV_PERSIST), on_socket,
                       watched);
    if (event_add(&watched->event, limit) != 0)
        break_pool(watched->pool);
}

static struct watched *new_watched(struct http_pool *pool, curl_socket_t fd)
{
    struct watched *watched = OPENSSL_zalloc(sizeof(*watched));

    if (watched == NULL) {
        break_pool(pool);
        return NULL;
    }
    watched->pool = pool;
    (void)event_assign(&watched->event, pool->pools->loop->base, fd, 0, on_socket, watched);
    LIST_INSERT_HEAD(&pool->sockets, watched, next);
    (void)curl_multi_assign(pool->multi, fd, watched);
    return watched;
}

/* curl's callback: what a socket waits for. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    struct http_pool *pool = context;
    struct watched *watched = known;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watched != NULL)
            forget(watched);
        (void)curl_multi_assign(pool->multi, fd, NULL);
        return 0;
    }
    if (watched == NULL && (watched = new_watched(pool, fd)) == NULL)
        return 0;
    watched->wanted = (short)(((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
                              ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0));
    watched->futile = 0;
    watch(watched, watched->wanted, NULL);
    return 0;
}

static void set_timer(const struct http_pool *pool, long milliseconds)
{
    loop_add_timer(pool->timer, milliseconds);
}

/* curl's callback: when it wants to be called next. */
static int watch_timer(CURLM *multi, long milliseconds, void *context)
{
    const struct http_pool *pool = context;

    (void)multi;
    if (milliseconds < 0)
        (void)event_del(pool->timer);
    else
        set_timer(pool, milliseconds);
    return 0;
}

/* curl says only once when it wants to be called; this may have been earlier. */
static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct http_pool *pool = context;
    CURLMcode result;
    long left = -1;
    int running;

    (void)fd, (void)what;
    result = curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    if (curl_multi_timeout(pool->multi, &left) == CURLM_OK && left >= 0 &&
        !event_pending(pool->timer, EV_TIMEOUT, NULL))
        set_timer(pool, left);
    settle(pool, result);
}

static bool set_multi(struct http_pool *pool)
{
    CURLM *multi = pool->multi;

    return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, pool) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, watch_timer) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERDATA, pool) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HTTP_CONNECTIONS_MAX) ==
               CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)HTTP_STREAMS_MAX) ==
               CURLM_OK;
}

static struct http_pool *new_pool(struct http_pools *pools)
{
    struct http_pool *pool = OPENSSL_zalloc(sizeof(*pool));

    if (pool == NULL)
        return NULL;
    pool->pools = pools;
    LIST_INIT(&pool->sockets);
    LIST_INIT(&pool->routes);
    LIST_INSERT_HEAD(&pools->list, pool, next);
    pool->timer = evtimer_new(pools->loop->base, on_timer, pool);
    pool->multi = curl_multi_init();
    if (pool->timer != NULL && pool->multi != NULL && set_multi(pool))
        return pool;
    free_pool(pool);
    return NULL;
}

struct http_pool *http_pool_get(struct http_pools *pools)
{
    if (pools->current == NULL)
        pools->current = new_pool(pools);
    return pools->current;
}

void http_pools_init(struct http_pools *pools, struct loop *loop)
{
    pools->loop = loop;
    LIST_INIT(&pools->list);
}

void http_pools_free(struct http_pools *pools)
{
    while (!LIST_EMPTY(&pools->list))
        free_pool(LIST_FIRST(&pools->list));
}
