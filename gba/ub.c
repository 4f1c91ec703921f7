/*
 * Ub, over libcurl
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ub.h"

#include "digest_aka.h"
#include "names.h"
#include "printable.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define HEADER_SIZE DIGEST_HEADER_MAX

/* The parts of an answer that matter. It holds no secret. */
struct answer {
    long status;
    char challenge[HEADER_SIZE], info[HEADER_SIZE], type[HEADER_SIZE];
    bool has_challenge, has_info, is_too_large;
    size_t headers, length;
    char body[UB_BODY_MAX];
};

/* One bootstrapping under way. */
struct exchange {
    const struct ub_settings *settings;
    struct usim *usim;
    char *fault;
    CURL *curl;
    char host[USIM_NAME_SIZE];
    bool is_https;
    struct timespec begun;
    struct answer answer;
    struct digest_client client;
    struct digest_challenge challenge;
};

static void note(const struct exchange *ub, const char *sentence)
{
    if (ub->settings->note != NULL)
        ub->settings->note(sentence);
}

bool ub_start(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* The URL: a scheme, a host and perhaps a port. */
static bool check_part(CURLU *url, CURLUPart part, const char *allowed)
{
    char *text = NULL;
    const CURLUcode code = curl_url_get(url, part, &text, 0);
    const bool good = code != CURLUE_OK || (allowed != NULL && strcmp(text, allowed) == 0);

    curl_free(text);
    return good;
}

static bool take_url(struct exchange *ub)
{
    CURLU *url = curl_url();
    char *host = NULL, *scheme = NULL;
    bool good = url != NULL &&
                curl_url_set(url, CURLUPART_URL, ub->settings->url, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                check_part(url, CURLUPART_USER, NULL) && check_part(url, CURLUPART_QUERY, NULL) &&
                check_part(url, CURLUPART_FRAGMENT, NULL) && check_part(url, CURLUPART_PATH, "/") &&
                strlen(host) < sizeof(ub->host);

    if (good) {
        ub->is_https = strcasecmp(scheme, "https") == 0;
        good = ub->is_https || strcasecmp(scheme, "http") == 0;
        memcpy(ub->host, host, strlen(host) + 1);
    }
    curl_free(host);
    curl_free(scheme);
    curl_url_cleanup(url);
    return good || gba_fail(ub->fault,
                            "--bsf %s: must be http://HOST[:PORT] or https://HOST[:PORT], or auto",
                            PRINTABLE(ub->settings->url));
}

/* What comes */

static bool is_header(const char *line, size_t length, const char *name, const char **value,
                      size_t *value_length)
{
    const size_t name_length = strlen(name);

    if (length <= name_length || strncasecmp(line, name, name_length) != 0 ||
        line[name_length] != ':')
        return false;
    line += name_length + 1;
    length -= name_length + 1;
    while (length > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        length--;
    }
    while (length > 0 && strchr(" \t\r\n", line[length - 1]) != NULL)
        length--;
    *value = line;
    *value_length = length;
    return true;
}

static void keep_header(char kept[HEADER_SIZE], bool *is_kept, bool *is_too_large,
                        const char *value, size_t length)
{
    if (length >= HEADER_SIZE) {
        *is_too_large = true;
        return;
    }
    memcpy(kept, value, length);
    kept[length] = '\0';
    if (is_kept != NULL)
        *is_kept = true;
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct answer *answer = context;
    const size_t length = size * count;
    const char *value;
    size_t n;

    answer->headers += length;
    if (answer->headers > UB_BODY_MAX)
        answer->is_too_large = true;
    /* there may be a challenge of another scheme as well */
    else if (is_header(line, length, "WWW-Authenticate", &value, &n) &&
             (!answer->has_challenge || (n >= 7 && strncasecmp(value, "Digest ", 7) == 0)))
        keep_header(answer->challenge, &answer->has_challenge, &answer->is_too_large, value, n);
    else if (is_header(line, length, "Authentication-Info", &value, &n))
        keep_header(answer->info, &answer->has_info, &answer->is_too_large, value, n);
    else if (is_header(line, length, "Content-Type", &value, &n))
        keep_header(answer->type, NULL, &answer->is_too_large, value, n);
    return answer->is_too_large ? 0 : length;
}

static size_t on_body(char *octets, size_t size, size_t count, void *context)
{
    struct answer *answer = context;
    const size_t length = size * count;

    if (length > sizeof(answer->body) - answer->length) {
        answer->is_too_large = true;
        return 0;
    }
    memcpy(answer->body + answer->length, octets, length);
    answer->length += length;
    return length;
}

/* Requests */

static long remaining_ms(const struct exchange *ub)
{
    struct timespec now;
    long passed;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    passed =
        (long)(now.tv_sec - ub->begun.tv_sec) * 1000 + (now.tv_nsec - ub->begun.tv_nsec) / 1000000;
    return (long)ub->settings->timeout_ms - passed;
}

/* libcurl calls it once a second at the least. */
static int on_progress(void *context, curl_off_t down, curl_off_t downloaded, curl_off_t up,
                       curl_off_t uploaded)
{
    const struct exchange *ub = context;

    (void)down, (void)downloaded, (void)up, (void)uploaded;
    return ub->settings->ends != NULL && atomic_load(ub->settings->ends);
}

static bool set_options(struct exchange *ub)
{
    CURL *curl = ub->curl;

    return curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFODATA, ub) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_URL, ub->settings->url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERDATA, &ub->answer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, &ub->answer) == CURLE_OK &&
           (ub->settings->ca == NULL ||
            curl_easy_setopt(curl, CURLOPT_CAINFO, ub->settings->ca) == CURLE_OK);
}

static bool set_headers(struct exchange *ub, struct curl_slist **headers, const char *authorization)
{
    const char *product = usim_identity(ub->usim)->does_gba
                              ? "User-Agent: akma/" AKMA_VERSION " 3gpp-gba-uicc"
                              : "User-Agent: akma/" AKMA_VERSION " 3gpp-gba";
    struct curl_slist *more = curl_slist_append(NULL, authorization);

    *headers = more;
    more = more == NULL ? NULL : curl_slist_append(more, product);
    return more != NULL && curl_easy_setopt(ub->curl, CURLOPT_HTTPHEADER, *headers) == CURLE_OK;
}

static bool explain(struct exchange *ub, CURLcode code)
{
    if (ub->answer.is_too_large)
        return gba_fail(ub->fault, "the BSF's answer has more than %zu octets", UB_BODY_MAX);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return gba_fail(ub->fault, "the BSF did not answer within %u ms", ub->settings->timeout_ms);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return gba_fail(ub->fault, "the program ends");
    return gba_fail(ub->fault, "the BSF %s: %s", PRINTABLE(ub->host), curl_easy_strerror(code));
}

/* One GET with this Authorization; the answer is in ub->answer. */
static bool get(struct exchange *ub, const char *authorization)
{
    struct curl_slist *headers = NULL;
    const long left = remaining_ms(ub);
    CURLcode code = CURLE_OUT_OF_MEMORY;

    if (left <= 0)
        return gba_fail(ub->fault, "bootstrapping took longer than %u ms",
                        ub->settings->timeout_ms);
    memset(&ub->answer, 0, sizeof(ub->answer));
    if (set_headers(ub, &headers, authorization) &&
        curl_easy_setopt(ub->curl, CURLOPT_TIMEOUT_MS, left) == CURLE_OK) {
        code = curl_easy_perform(ub->curl);
        (void)curl_easy_getinfo(ub->curl, CURLINFO_RESPONSE_CODE, &ub->answer.status);
    }
    curl_slist_free_all(headers);
    return code == CURLE_OK || explain(ub, code);
}

/* Statuses */

static bool refused(struct exchange *ub, const char *when)
{
    const long status = ub->answer.status;

    if (status >= 300 && status < 400)
        return gba_fail(ub->fault, "%s: the BSF redirects (%ld), which is not followed", when,
                        status);
    if (status == 403 || status == 404)
        return gba_fail(ub->fault,
                        "%s: the BSF does not serve this subscriber (%ld): is the IMPI %s right?",
                        when, status, PRINTABLE(ub->settings->impi));
    if (status == 401)
        return gba_fail(ub->fault,
                        "%s: the BSF refuses the response (401%s): RES differs, or the challenge "
                        "was too old",
                        when, ub->challenge.is_stale ? ", stale" : "");
    return gba_fail(ub->fault, "%s: the BSF answers with status %ld", when, status);
}

/* The challenge of a 401, checked. */
static bool take_challenge(struct exchange *ub)
{
    const char *wrong;

    if (ub->answer.status != 401)
        return refused(ub, "the first request");
    if (!ub->answer.has_challenge)
        return gba_fail(ub->fault, "the BSF's 401 has no WWW-Authenticate");
    if (!digest_read_challenge(&ub->challenge, ub->answer.challenge, strlen(ub->answer.challenge),
                               ub->fault))
        return false;
    wrong = names_domain_fault(ub->challenge.realm);
    if (wrong != NULL)
        return gba_fail(ub->fault, "realm \"%s\": must be %s", PRINTABLE(ub->challenge.realm),
                        wrong);
    if (!ub->is_https && !ub->challenge.has_auth_int)
        return gba_fail(ub->fault,
                        "the BSF offers only qop=auth over plain http: its answer would not be "
                        "protected; use https");
    return true;
}

/* AKA */

/* Repeat the request with AUTS; a second resynchronisation is an error. */
static enum usim_result resynchronise(struct exchange *ub, struct usim_answer *card)
{
    char header[DIGEST_HEADER_MAX];
    enum usim_result result;

    if (!digest_resynchronise(header, &ub->client, &ub->challenge, card->auts, ub->fault) ||
        !get(ub, header) || !take_challenge(ub))
        return USIM_FAILED;
    result = usim_authenticate(ub->usim, ub->challenge.rand, ub->challenge.autn, card, ub->fault);
    if (result == USIM_AUTS_WANTED)
        (void)gba_fail(ub->fault,
                       "the card wants to resynchronise a second time: the BSF did not take AUTS");
    return result == USIM_DONE ? USIM_DONE : USIM_FAILED;
}

static bool authenticate(struct exchange *ub, struct usim_answer *card)
{
    enum usim_result result =
        usim_authenticate(ub->usim, ub->challenge.rand, ub->challenge.autn, card, ub->fault);

    if (result == USIM_AUTS_WANTED)
        result = resynchronise(ub, card);
    return result == USIM_DONE;
}

/* The end */

static bool is_info_type(const char *type)
{
    const size_t length = strlen(BSF_INFO_TYPE);

    return strncasecmp(type, BSF_INFO_TYPE, length) == 0 &&
           (type[length] == '\0' || strchr("; \t", type[length]) != NULL);
}

/* Check rspauth first, before anything in the answer is trusted. */
static bool take_info(struct exchange *ub, const struct usim_answer *card, struct ub_result *result)
{
    const struct answer *answer = &ub->answer;

    if (answer->status != 200)
        return refused(ub, "the response");
    if (answer->has_info &&
        !digest_verify(&ub->client, &ub->challenge, card, answer->info, strlen(answer->info),
                       answer->body, answer->length, ub->fault))
        return false;
    if (!answer->has_info)
        note(ub, "the BSF sent no Authentication-Info: B-TID and lifetime are not proved to be "
                 "its own");
    if (answer->length == 0)
        return gba_fail(ub->fault, "the BSF's 200 has no body");
    if (!is_info_type(answer->type))
        return gba_fail(ub->fault,
                        "the BSF's answer has Content-Type \"%s\": must be " BSF_INFO_TYPE,
                        PRINTABLE(answer->type));
    return bsf_info_read(&result->info, answer->body, answer->length, time(NULL), ub->fault);
}

static bool respond(struct exchange *ub, const struct usim_answer *card, struct ub_result *result)
{
    char header[DIGEST_HEADER_MAX];

    if (!digest_respond(header, &ub->client, &ub->challenge, card, ub->fault) || !get(ub, header) ||
        !take_info(ub, card, result))
        return false;
    memcpy(result->rand, ub->challenge.rand, USIM_RAND);
    result->has_ks = card->has_keys;
    if (card->has_keys)
        memcpy(result->ks, card->ck_ik, USIM_KEY);
    return card->has_keys || usim_keep_b_tid(ub->usim, result->rand, result->info.b_tid,
                                             result->info.lifetime_text, ub->fault);
}

static bool run(struct exchange *ub, struct ub_result *result)
{
    char header[DIGEST_HEADER_MAX];
    struct usim_answer card;
    bool done;

    ub->client = (struct digest_client){.username = ub->settings->impi, .realm = ub->host};
    if (!digest_first(header, &ub->client))
        return gba_fail(ub->fault, "the Authorization header is longer than %d octets",
                        DIGEST_HEADER_MAX);
    done = get(ub, header) && take_challenge(ub) && authenticate(ub, &card) &&
           respond(ub, &card, result);
    OPENSSL_cleanse(&card, sizeof(card));
    return done;
}

bool ub_run(struct usim *usim, const struct ub_settings *settings, struct ub_result *result,
            char fault[GBA_FAULT_SIZE])
{
    struct exchange *ub = OPENSSL_zalloc(sizeof(*ub));
    bool done = false;

    memset(result, 0, sizeof(*result));
    if (ub == NULL) {
        return gba_fail(fault, "out of memory");
    }
    ub->settings = settings;
    ub->usim = usim;
    ub->fault = fault;
    ub->curl = curl_easy_init();
    (void)clock_gettime(CLOCK_MONOTONIC, &ub->begun);
    if (take_url(ub)) {
        if (ub->curl == NULL || !set_options(ub))
            (void)gba_fail(ub->fault, "libcurl cannot be set up: is the file of --bsf-ca there?");
        else
            done = run(ub, result);
    }
    curl_easy_cleanup(ub->curl);
    OPENSSL_clear_free(ub, sizeof(*ub));
    if (!done)
        OPENSSL_cleanse(result, sizeof(*result));
    return done;
}
