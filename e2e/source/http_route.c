/*
 * The way to the server of a request's URL: addresses are raced (net/connector.h), and curl is
 * given the socket that has won
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/http_route.h"

#include "net/tcp.h"
#include "source/http_pool.h"

#include <netdb.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST_MAX   255  /* octets of a host */
#define UNHEARD_MS 5000 /* that a connection lives on while nothing it sends is acknowledged */

/* HOST:PORT of a URL. */
static bool read_server(const char *url, char *server, size_t size)
{
    CURLU *parts = curl_url();
    char *host = NULL, *port = NULL;
    const bool done = parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                      curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                      curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                      (size_t)snprintf(server, size, "%s:%s", host, port) < size;

    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return done;
}

static bool is_to(const struct http_route *route, const struct addrs *addrs)
{
    return strcmp(route->addrs.host, addrs->host) == 0 &&
           strcmp(route->addrs.service, addrs->service) == 0;
}

static struct http_route *find(struct http_pool *pool, const struct addrs *addrs)
{
    struct http_route *route;

    LIST_FOREACH(route, &pool->routes, next)
    {
        if (is_to(route, addrs))
            break;
    }
    return route;
}

static struct http_route *add(struct http_pool *pool, const struct addrs *addrs)
{
    struct http_route *route = OPENSSL_zalloc(sizeof(*route));

    if (route == NULL)
        return NULL;
    route->pool = pool;
    route->addrs = *addrs;
    route->connected.fd = route->given = -1;
    LIST_INSERT_HEAD(&pool->routes, route, next);
    return route;
}

struct http_route *http_route_get(struct http_pool *pool, const char *url)
{
    char server[HOST_MAX + sizeof("[]:65535")];
    struct addrs addrs;
    struct http_route *route;

    if (!read_server(url, server, sizeof(server)) || !addrs_open(&addrs, "key-source", server))
        return NULL;
    route = find(pool, &addrs);
    if (route == NULL && (route = add(pool, &addrs)) != NULL)
        return route; /* it has addrs */
    addrs_close(&addrs);
    return route;
}

/* Connecting */

/* HOST:PORT:ADDRESS */
static struct curl_slist *make_list(const struct http_route *route)
{
    const struct sockaddr *address = (const struct sockaddr *)&route->connected.address;
    char text[HOST_MAX + NI_MAXHOST + sizeof(":65535:[]")], numbers[NI_MAXHOST];
    const bool is_ip6 = address->sa_family == AF_INET6;

    if (getnameinfo(address, sizeof(route->connected.address), numbers, sizeof(numbers), NULL, 0,
                    NI_NUMERICHOST) != 0)
        return NULL;
    (void)snprintf(text, sizeof(text), is_ip6 ? "%s:%s:[%s]" : "%s:%s:%s", route->addrs.host,
                   route->addrs.service, numbers);
    return curl_slist_append(NULL, text);
}

static void keep(struct http_route *route, const struct connected *connected)
{
    route->connector = NULL;
    route->connected = *connected;
    if (connected->fd < 0)
        return;
    curl_slist_free_all(route->list);
    route->list = make_list(route);
    if (route->list == NULL) {
        (void)close(route->connected.fd);
        route->connected = (struct connected){.fd = -1, .reason = "out of memory"};
    }
}

static void on_connected(void *argument, const struct connected *connected)
{
    struct http_route *route = argument;

    keep(route, connected);
    route->pool->pools->connected(route);
}

/* Without HTTP/2 a connection serves one request at a time. */
static bool has_connection(const struct http_route *route)
{
    return route->connected.fd >= 0 ||
           (route->open > 0 && (!route->is_http1 || route->requests < route->open ||
                                route->open >= HTTP_CONNECTIONS_MAX));
}

bool http_route_connect(struct http_route *route, int64_t deadline)
{
    struct connected now;

    if (route->connector != NULL)
        return false;
    if (has_connection(route))
        return true;
    route->connector = connector_start(route->pool->pools->loop, &route->addrs, deadline,
                                       on_connected, route, &now);
    if (route->connector != NULL)
        return false;
    keep(route, &now);
    return true;
}

/* curl's sockets */

/* curl's callback for a socket: the one that is connected, or one more to the same address. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_route *route = context;
    curl_socket_t fd = route->connected.fd;

    (void)purpose;
    route->given = fd;
    route->connected.fd = -1;
    if (fd < 0)
        fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd >= 0)
        route->open++;
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/*
 * curl's callback with a new socket. A path that has come to drop everything must not hold up the
 * requests to come for a quarter of an hour, as TCP would.
 */
static int set_up_socket(void *context, curl_socket_t fd, curlsocktype purpose)
{
    struct http_route *route = context;
    const bool is_connected = fd == route->given;

    (void)purpose;
    route->given = -1;
    tcp_user_timeout(fd, UNHEARD_MS);
    return is_connected ? CURL_SOCKOPT_ALREADY_CONNECTED : CURL_SOCKOPT_OK;
}

static int close_socket(void *context, curl_socket_t fd)
{
    struct http_route *route = context;

    route->open--;
    return close(fd);
}

#define SET(option, value) (curl_easy_setopt(easy, (option), (value)) == CURLE_OK)

bool http_route_use(struct http_route *route, CURL *easy)
{
    return SET(CURLOPT_RESOLVE, route->addrs.fixed == NULL ? route->list : NULL) &&
           SET(CURLOPT_OPENSOCKETFUNCTION, open_socket) && SET(CURLOPT_OPENSOCKETDATA, route) &&
           SET(CURLOPT_SOCKOPTFUNCTION, set_up_socket) && SET(CURLOPT_SOCKOPTDATA, route) &&
           SET(CURLOPT_CLOSESOCKETFUNCTION, close_socket) && SET(CURLOPT_CLOSESOCKETDATA, route);
}

#undef SET

void http_route_free(struct http_route *route)
{
    LIST_REMOVE(route, next);
    connector_stop(route->connector);
    if (route->connected.fd >= 0)
        (void)close(route->connected.fd);
    curl_slist_free_all(route->list);
    addrs_close(&route->addrs);
    OPENSSL_free(route);
}
