/*
 * OAuth 2.0 client credentials, plain or as an NRF wants them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/token.h"

#include "net/clock.h"
#include "ops/health.h"
#include "printable.h"
#include "secret_file.h"

#include <curl/curl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BEARER           "Bearer "
#define SECRET_MAX       1024               /* octets of a client's secret */
#define TOKEN_MAX        ((size_t)8 * 1024) /* octets */
#define LIFETIME_UNKNOWN 60                 /* seconds, where expires_in is missing */
#define LIFETIME_MAX     86400              /* seconds; longer ones are renewed daily */
#define MARGIN_MAX       30                 /* seconds before the end, or a tenth of the life */
#define REASON_SIZE      (HTTP_FAULT_SIZE + KEY_ANSWER_PROBLEM_SIZE)

struct waiter {
    struct waiter *next;
    token_done *done;
    void *context;
};

struct token {
    struct http *http;
    const struct token_setup *setup;
    enum health_part health;
    char *authorization; /* NULL: none */
    int64_t until;       /* clock_ms() of its last use */
    int64_t not_before;  /* clock_ms() of the next fetch: Retry-After */
    bool fetching;
    struct waiter *waiters;
};

static void forget_token(struct token *token)
{
    if (token->authorization != NULL)
        OPENSSL_clear_free(token->authorization, strlen(token->authorization) + 1);
    token->authorization = NULL;
}

/* Tell all that wait; a request from inside the callback is a new one. */
static void answer_waiters(struct token *token, const char *reason)
{
    struct token_answer answer;
    struct waiter *waiter = token->waiters;

    token->fetching = false;
    token->waiters = NULL;
    while (waiter != NULL) {
        struct waiter *next = waiter->next;

        answer = (struct token_answer){token->authorization, reason};
        waiter->done(waiter->context, &answer);
        OPENSSL_free(waiter);
        waiter = next;
    }
}

/* The answer: RFC 6749 5.1 */

/* b64token (RFC 6750 2.1): nothing else may come into a header. */
static bool is_b64token(const char *text)
{
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-._~+/";
    const size_t length = strspn(text, characters);

    return length > 0 && length + strspn(text + length, "=") == strlen(text) &&
           strlen(text) <= TOKEN_MAX;
}

static const char *accept_token(struct token *token, const char *text, json_int_t lifetime)
{
    const json_int_t seconds = lifetime > LIFETIME_MAX ? LIFETIME_MAX : lifetime;
    const json_int_t margin = seconds / 10 > MARGIN_MAX ? MARGIN_MAX : seconds / 10;
    const size_t size = strlen(BEARER) + strlen(text) + 1;

    forget_token(token);
    token->authorization = OPENSSL_malloc(size);
    if (token->authorization == NULL)
        return "out of memory";
    (void)snprintf(token->authorization, size, BEARER "%s", text);
    token->until = clock_ms() + (seconds - margin) * 1000;
    return NULL;
}

/* Any whole number, written with digits alone, as 3600.0 or 3.6e3, or as a text of digits. */
static bool read_lifetime(json_t *value, json_int_t *lifetime)
{
    const char *text = json_string_value(value);
    double seconds;

    if (text != NULL && text[0] != '\0' && strspn(text, "0123456789") == strlen(text))
        seconds = strtod(text, NULL);
    else if (json_is_number(value))
        seconds = json_number_value(value);
    else
        return false;
    if (seconds < 1 || (seconds < LIFETIME_MAX && seconds != (double)(json_int_t)seconds))
        return false;
    *lifetime = seconds < LIFETIME_MAX ? (json_int_t)seconds : LIFETIME_MAX;
    return true;
}

/* RFC 6749 5.1; what nobody needs is passed over, and null is absent where absence is allowed. */
static const char *read_answer(struct token *token, json_t *object)
{
    const char *text = json_string_value(json_object_get(object, "access_token"));
    const char *type = json_string_value(json_object_get(object, "token_type"));
    json_t *expires = json_object_get(object, "expires_in");
    json_int_t lifetime = LIFETIME_UNKNOWN;

    if (!json_is_object(object))
        return "the answer is not an object of JSON, no member twice, of type application/json";
    if (text == NULL || !is_b64token(text))
        return "access_token: must be a token of RFC 6750, of at most 8192 octets";
    if (type == NULL || strcasecmp(type, "Bearer") != 0)
        return "token_type: must be Bearer";
    if (expires != NULL && !json_is_null(expires) && !read_lifetime(expires, &lifetime))
        return "expires_in: must be a whole number of seconds, 1 or more";
    return accept_token(token, text, lifetime);
}

static void on_reply(void *context, const struct http_reply *reply)
{
    struct token *token = context;
    char reason[REASON_SIZE], problem[KEY_ANSWER_PROBLEM_SIZE], status[40];
    const char *fault = reply->fault;

    if (fault == NULL && reply->status == 200) {
        json_t *object = key_answer_is(reply->content_type, "application/json")
                             ? json_loadb(reply->body, reply->length,
                                          JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL)
                             : NULL;

        fault = read_answer(token, object);
        json_decref(object);
        if (fault == NULL) {
            health_up(token->health, NULL);
            answer_waiters(token, NULL);
            return;
        }
    }
    key_answer_problem(reply->content_type, reply->body, reply->length, problem);
    (void)snprintf(status, sizeof(status), "HTTP status %ld", reply->status);
    health_down(token->health, NULL, fault != NULL ? fault : status);
    (void)snprintf(reason, sizeof(reason), "token server: %s%s%s", fault != NULL ? fault : status,
                   fault != NULL || problem[0] == '\0' ? "" : ", ", fault != NULL ? "" : problem);
    token->not_before = clock_ms() + (int64_t)reply->retry_after * 1000;
    forget_token(token);
    answer_waiters(token, reason);
}

/* The question */

/* name=value of a form, the value escaped. */
static bool add_field(char **form, const char *name, const char *value)
{
    char *escaped = curl_easy_escape(NULL, value, 0), *longer = NULL;

    if (escaped != NULL && asprintf(&longer, "%s&%s=%s", *form, name, escaped) < 0)
        longer = NULL;
    curl_free(escaped);
    free(*form);
    *form = longer;
    return longer != NULL;
}

static char *make_form(const struct token_setup *setup)
{
    char *form = strdup("grant_type=client_credentials");

    if (form != NULL && setup->nf_instance_id != NULL &&
        !(add_field(&form, "nfInstanceId", setup->nf_instance_id) &&
          add_field(&form, "nfType", "AF") &&
          add_field(&form, "targetNfType", setup->target_nf_type)))
        return NULL;
    if (form != NULL && setup->scope != NULL && !add_field(&form, "scope", setup->scope))
        return NULL;
    return form;
}

/* "Basic ..." of the two, each escaped as in a form; to be cleansed. */
static char *make_basic(const struct token_setup *setup)
{
    char *id = curl_easy_escape(NULL, setup->client_id, 0);
    char *secret = curl_easy_escape(NULL, setup->client_secret, 0);
    char *pair = NULL, *basic = NULL;

    if (id != NULL && secret != NULL && asprintf(&pair, "%s:%s", id, secret) >= 0) {
        const size_t length = strlen(pair);
        const size_t size = strlen("Basic ") + (length + 2) / 3 * 4 + 1;

        basic = OPENSSL_malloc(size);
        if (basic != NULL) {
            const size_t before = OPENSSL_strlcpy(basic, "Basic ", size);

            (void)EVP_EncodeBlock((unsigned char *)basic + before, (const unsigned char *)pair,
                                  (int)length);
        }
        OPENSSL_cleanse(pair, length);
        free(pair);
    }
    curl_free(id);
    curl_free(secret);
    return basic;
}

static bool fetch(struct token *token)
{
    const struct token_setup *setup = token->setup;
    char *form = make_form(setup);
    char *basic = setup->client_id == NULL ? NULL : make_basic(setup);
    const struct http_request request = {
        .url = setup->url,
        .content_type = "application/x-www-form-urlencoded",
        .body = form,
        .authorization = basic,
        .milliseconds = setup->milliseconds,
    };
    const bool sent = form != NULL && (basic != NULL || setup->client_id == NULL) &&
                      http_post(token->http, &request, on_reply, token);

    free(form);
    if (basic != NULL)
        OPENSSL_clear_free(basic, strlen(basic) + 1);
    return sent;
}

bool token_get(struct token *token, token_done *done, void *context, struct token_answer *now)
{
    struct waiter *waiter;

    *now = (struct token_answer){token->authorization, NULL};
    if (token->authorization != NULL && clock_ms() <= token->until)
        return false;
    now->authorization = NULL;
    now->reason = "token server: has asked not to be asked for a while (Retry-After)";
    if (!token->fetching && clock_ms() < token->not_before)
        return false;
    now->reason = "out of memory";
    waiter = OPENSSL_malloc(sizeof(*waiter));
    if (waiter == NULL || (!token->fetching && !fetch(token))) {
        OPENSSL_free(waiter);
        return false;
    }
    token->fetching = true;
    *waiter = (struct waiter){token->waiters, done, context};
    token->waiters = waiter;
    return true;
}

void token_refused(struct token *token, const char *authorization)
{
    if (token->authorization != NULL && strcmp(token->authorization, authorization) == 0)
        forget_token(token);
}

struct token *token_new(struct http *http, const struct token_setup *setup, enum key_system system)
{
    struct token *token = OPENSSL_zalloc(sizeof(*token));

    if (token != NULL) {
        token->http = http;
        token->setup = setup;
        token->health = system == KEY_AKMA ? HEALTH_TOKEN_AKMA : HEALTH_TOKEN_GBA;
        health_use(token->health);
    }
    return token;
}

void token_free(struct token *token)
{
    if (token == NULL)
        return;
    while (token->waiters != NULL) {
        struct waiter *next = token->waiters->next;

        OPENSSL_free(token->waiters);
        token->waiters = next;
    }
    forget_token(token);
    OPENSSL_free(token);
}

char *token_read_secret(const char *path, size_t *length, char fault[TLS_FILES_FAULT_SIZE])
{
    char what[SECRET_FILE_FAULT_SIZE] = "the file is empty";
    char *secret = secret_file_read(path, SECRET_MAX, false, length, what);

    if (secret != NULL) {
        secret[strcspn(secret, "\r\n")] = '\0';
        if (secret[0] != '\0')
            return secret;
        secret_file_free(secret, *length);
    }
    (void)snprintf(fault, TLS_FILES_FAULT_SIZE, "--client-secret-file %s: %s", PRINTABLE_PATH(path),
                   what);
    return NULL;
}
