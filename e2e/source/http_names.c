/*
 * The name in a request's URL: curl is given its addresses, and never resolves one itself
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/http_names.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ADDRS_MAX    32
#define NUMBERS_SIZE (INET6_ADDRSTRLEN + 24) /* with brackets, scope and comma */

static bool is_number(const char *host)
{
    struct in6_addr ip6;
    struct in_addr ip4;

    return host[0] == '[' || inet_pton(AF_INET, host, &ip4) == 1 ||
           inet_pton(AF_INET6, host, &ip6) == 1;
}

static bool copy(char *to, size_t size, const char *text)
{
    return text != NULL && OPENSSL_strlcpy(to, text, size) < size;
}

bool http_name_of(struct http_name *name, const char *url)
{
    CURLU *parts = curl_url();
    char *host = NULL, *port = NULL;
    const bool done = parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                      curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                      curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                      copy(name->host, sizeof(name->host), host) &&
                      copy(name->port, sizeof(name->port), port);

    name->is_number = done && is_number(name->host);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return done;
}

/* HOST:PORT:ADDRESS[,ADDRESS]... */
struct curl_slist *http_name_list(const struct http_name *name, const struct addrinfo *addresses)
{
    char text[sizeof(*name) + (size_t)ADDRS_MAX * NUMBERS_SIZE], numbers[NI_MAXHOST];
    size_t count = 0, length;

    length = (size_t)snprintf(text, sizeof(text), "%s:%s:", name->host, name->port);
    for (; addresses != NULL && count < ADDRS_MAX; addresses = addresses->ai_next) {
        const bool is_ip6 = addresses->ai_family == AF_INET6;

        if (getnameinfo(addresses->ai_addr, addresses->ai_addrlen, numbers, sizeof(numbers), NULL,
                        0, NI_NUMERICHOST) != 0 ||
            strlen(numbers) + 4 > NUMBERS_SIZE)
            continue;
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s%s%s",
                                   count++ == 0 ? "" : ",", is_ip6 ? "[" : "", numbers,
                                   is_ip6 ? "]" : "");
    }
    return curl_slist_append(NULL, text);
}
