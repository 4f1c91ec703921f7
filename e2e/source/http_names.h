/*
 * The name in a request's URL: curl is given its addresses, and never resolves one itself
 *
 * curl's resolver would be waited for at the end of a request and of the program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_NAMES_H
#define HTTP_NAMES_H

#include "net/resolver.h"

#include <curl/curl.h>

#define HTTP_NAME_MAX 255 /* octets of a host */

struct http_name {
    char host[HTTP_NAME_MAX + 1], port[8];
    bool is_number; /* an address in numbers: nothing to resolve */
};

/* False: it is no URL with a host that can be. */
bool http_name_of(struct http_name *name, const char *url);

/* What CURLOPT_RESOLVE takes; NULL: out of memory. */
struct curl_slist *http_name_list(const struct http_name *name, const struct addrinfo *addresses);

#endif
