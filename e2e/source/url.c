/*
 * URLs: which of them we take, and which are of one origin
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/url.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

struct origin {
    char *host, *port;
};

static CURLU *parse(const char *text)
{
    CURLU *url = curl_url();
    char *scheme = NULL;
    const bool https = url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                       curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                       strcasecmp(scheme, "https") == 0;

    curl_free(scheme);
    if (https)
        return url;
    curl_url_cleanup(url);
    return NULL;
}

static bool has(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    const bool found = curl_url_get(url, part, &text, 0) == CURLUE_OK;

    curl_free(text);
    return found;
}

static bool has_credentials(CURLU *url)
{
    return has(url, CURLUPART_USER) || has(url, CURLUPART_PASSWORD);
}

bool url_is_plain(const char *text)
{
    CURLU *url = parse(text);
    const bool plain = url != NULL && !has_credentials(url) && !has(url, CURLUPART_QUERY) &&
                       !has(url, CURLUPART_FRAGMENT);

    curl_url_cleanup(url);
    return plain;
}

static bool get_origin(struct origin *origin, const char *text)
{
    CURLU *url = parse(text);
    const bool done =
        url != NULL && !has_credentials(url) &&
        curl_url_get(url, CURLUPART_HOST, &origin->host, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_PORT, &origin->port, CURLU_DEFAULT_PORT) == CURLUE_OK;

    curl_url_cleanup(url);
    return done;
}

static void origin_free(struct origin *origin)
{
    curl_free(origin->host);
    curl_free(origin->port);
}

bool url_same_origin(const char *one, const char *other)
{
    struct origin a = {NULL, NULL}, b = {NULL, NULL};
    const bool same = get_origin(&a, one) && get_origin(&b, other) &&
                      strcasecmp(a.host, b.host) == 0 && strcmp(a.port, b.port) == 0;

    origin_free(&a);
    origin_free(&b);
    return same;
}
