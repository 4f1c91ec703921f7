/*
 * HTTPS requests that block nobody: libcurl's multi interface on a loop of libevent
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/http_transfer.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 8L /* to one server without HTTP/2 */

/* Memory that curl releases has held tokens and keys. */

static void cleanse_free(void *memory)
{
    if (memory != NULL)
        OPENSSL_cleanse(memory, malloc_usable_size(memory));
    free(memory);
}

static void *cleanse_realloc(void *memory, size_t size)
{
    const size_t before = memory == NULL ? 0 : malloc_usable_size(memory);
    void *moved = malloc(size);

    if (moved == NULL)
        return NULL;
    if (memory != NULL)
        memcpy(moved, memory, before < size ? before : size);
    cleanse_free(memory);
    return moved;
}

bool http_start(void)
{
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, cleanse_free, cleanse_realloc, strdup,
                                calloc) == CURLE_OK;
}

/* The loop */

static void finish_all(struct http *http)
{
    const CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE) {
            struct transfer *transfer = NULL;
            const CURLcode result = message->data.result;

            (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
            transfer_finish(transfer, result);
        }
}

static void on_socket(evutil_socket_t fd, short what, void *context)
{
    struct http *http = context;
    const int can = ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
                    ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    int running;

    (void)curl_multi_socket_action(http->multi, fd, can, &running);
    finish_all(http);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct http *http = context;
    int running;

    (void)fd;
    (void)what;
    (void)curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_all(http);
}

/* curl's callback: what a socket waits for. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *watched)
{
    struct http *http = context;
    struct event *event = watched;
    const short wanted = (short)(((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
                                 ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0) | EV_PERSIST);

    (void)easy;
    if (event != NULL)
        event_free(event);
    event =
        what == CURL_POLL_REMOVE ? NULL : event_new(http->loop->base, fd, wanted, on_socket, http);
    (void)curl_multi_assign(http->multi, fd, event);
    return what == CURL_POLL_REMOVE || (event != NULL && event_add(event, NULL) == 0) ? 0 : -1;
}

/* curl's callback: when it wants to be called next. */
static int watch_timer(CURLM *multi, long milliseconds, void *context)
{
    const struct http *http = context;
    const struct timeval after = {milliseconds / 1000, milliseconds % 1000 * 1000};

    (void)multi;
    return milliseconds < 0 ? event_del(http->timer) : event_add(http->timer, &after);
}

static bool set_multi(struct http *http)
{
    CURLM *multi = http->multi;

    return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, http) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, watch_timer) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERDATA, http) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS_MAX) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)HTTP_STREAMS_MAX) ==
               CURLM_OK;
}

void http_use_identity(struct http *http, struct tls_files *identity)
{
    tls_files_free(http->identity);
    http->identity = identity;
}

struct http *http_new(struct loop *loop, struct tls_files *identity)
{
    struct http *http = OPENSSL_zalloc(sizeof(*http));

    if (http == NULL) {
        tls_files_free(identity);
        return NULL;
    }
    http->loop = loop;
    http->identity = identity;
    http->timer = evtimer_new(loop->base, on_timer, http);
    http->multi = curl_multi_init();
    if (http->timer == NULL || http->multi == NULL || !set_multi(http)) {
        http_free(http);
        return NULL;
    }
    return http;
}

void http_free(struct http *http)
{
    if (http == NULL)
        return;
    while (http->transfers != NULL)
        transfer_free(http->transfers);
    (void)curl_multi_cleanup(http->multi);
    if (http->timer != NULL)
        event_free(http->timer);
    tls_files_free(http->identity);
    OPENSSL_free(http);
}
