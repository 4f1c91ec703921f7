/*
 * The store of outstanding e2e keys in a Redis that endpoints and third parties share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store_redis.h"

#include "address.h"
#include "common.h"
#include "record.h"
#include "redis.h"
#include "store_script.h"
#include "tls_client.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define REASON_SIZE 256
#define KEY_SIZE    (sizeof(STORE_SCRIPT_DEVICE) + 2 * STORE_TEXT_SIZE)
#define MEMBER_SIZE (STORE_IDENTITY_SIZE + 3 * STORE_TEXT_SIZE)
#define NUMBER_SIZE 24

struct redis_store {
    struct store store;
    const struct store_redis_options *options;
    struct redis_setup setup;
    struct addrinfo *places;
    char *host;
    size_t count;
    struct redis **clients; /* one of each loop */
    pthread_rwlock_t lock;  /* of keys */
    struct wrap_keys *keys;
};

enum operation { PUT, GET, TAKE, REVOKE };

struct store_request {
    struct redis_store *store;
    struct redis *client;
    enum operation operation;
    struct redis_request *request;
    store_done *done;
    void *argument;
    struct store_record record; /* put: the whole of it; get, take: the identity */
};

/* A text that a command needs; its octets may hold NUL. */
struct text {
    char octets[MEMBER_SIZE];
    size_t length;
};

static void add(struct text *text, const char *octets, size_t length)
{
    memcpy(text->octets + text->length, octets, length);
    text->length += length;
}

static void add_text(struct text *text, const char *more)
{
    add(text, more, strlen(more));
}

static struct redis_word word(const char *text)
{
    return (struct redis_word){text, strlen(text)};
}

static struct redis_word word_of(const struct text *text)
{
    return (struct redis_word){text->octets, text->length};
}

static struct text key_name(const char *identity)
{
    struct text name = {.length = 0};

    add_text(&name, STORE_SCRIPT_KEY);
    add_text(&name, identity);
    return name;
}

static struct text naf_index(const char *naf)
{
    struct text name = {.length = 0};

    add_text(&name, STORE_SCRIPT_NAF);
    add_text(&name, naf);
    return name;
}

static struct text device_index(const char *naf, const char *device)
{
    struct text name = {.length = 0};

    add_text(&name, STORE_SCRIPT_DEVICE);
    add(&name, naf, strlen(naf) + 1);
    add_text(&name, device);
    return name;
}

/* What the sorted sets hold of a record: identity, device, ka-id, subject, NUL between them. */
static struct text member_of(const struct store_record *record)
{
    struct text member = {.length = 0};

    add(&member, record->identity, strlen(record->identity) + 1);
    add(&member, record->device, strlen(record->device) + 1);
    add(&member, record->ka_id, strlen(record->ka_id) + 1);
    add_text(&member, record->subject);
    return member;
}

/* The end of a request: it is released, then its caller hears of it. */
static void finish(struct store_request *request, enum store_result result,
                   const struct store_record *record, const char *reason)
{
    store_done *done = request->done;
    void *argument = request->argument;

    OPENSSL_clear_free(request, sizeof(*request));
    done(argument, result, record, reason);
}

static void fail(struct store_request *request, const char *what, const char *reason)
{
    char sentence[REASON_SIZE];

    (void)snprintf(sentence, sizeof(sentence), "%s: %.200s", what, reason);
    finish(request, STORE_UNAVAILABLE, NULL, sentence);
}

/* What the sorted sets have of a record that was used up; nobody waits for that. */
static void forget(struct redis *client, const struct store_record *record)
{
    const struct text member = member_of(record);
    const struct text indices[] = {naf_index(record->naf),
                                   device_index(record->naf, record->device)};

    for (size_t i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
        const struct redis_word words[] = {word("ZREM"), word_of(&indices[i]), word_of(&member)};

        (void)redis_send(client, words, 3, NULL, NULL);
    }
}

/* Open what was got; where it is no record of this identity and run, the reason says so. */
static void open_record(struct store_request *request, const struct redis_reply *reply)
{
    struct redis_store *store = request->store;
    struct store_record record = request->record;
    const char *wrong;

    (void)pthread_rwlock_rdlock(&store->lock);
    wrong = record_open(store->keys, redis_run_id(request->client), (uint64_t)time(NULL),
                        (const unsigned char *)reply->text, reply->length, &record);
    (void)pthread_rwlock_unlock(&store->lock);
    if (wrong != NULL) {
        finish(request, STORE_UNAVAILABLE, NULL, wrong);
        return;
    }
    if (request->operation == TAKE)
        forget(request->client, &record);
    finish(request, STORE_OK, &record, NULL);
    OPENSSL_cleanse(&record, sizeof(record));
}

static void answered(void *argument, const struct redis_reply *reply, const char *reason)
{
    struct store_request *request = argument;
    const bool reads = request->operation == GET || request->operation == TAKE;

    if (reply == NULL)
        fail(request, "the store cannot be reached", reason);
    else if (reply->kind == REDIS_ERROR)
        fail(request, "the store refuses", reply->text);
    else if (reads && reply->kind == REDIS_NIL)
        finish(request, STORE_UNKNOWN, NULL, NULL);
    else if (reads && reply->kind == REDIS_TEXT)
        open_record(request, reply);
    else if (!reads && reply->kind == REDIS_INTEGER && reply->integer == 1)
        finish(request, STORE_OK, NULL, NULL);
    else
        finish(request, STORE_UNAVAILABLE, NULL, "the store's answer is not one that it may give");
}

/* NULL: out of memory, and done() was called. */
static struct store_request *begin(struct store *store, const struct loop *loop,
                                   enum operation operation, store_done *done, void *argument)
{
    struct store_request *request = OPENSSL_zalloc(sizeof(*request));

    if (request == NULL) {
        done(argument, STORE_UNAVAILABLE, NULL, "out of memory");
        return NULL;
    }
    request->store = (struct redis_store *)store;
    request->client = request->store->clients[loop->index];
    request->operation = operation;
    request->done = done;
    request->argument = argument;
    return request;
}

/* Send; when done() has been called already, there is no request any more. */
static struct store_request *send_words(struct store_request *request,
                                        const struct redis_word *words, size_t count,
                                        redis_done *then)
{
    struct redis_request *sent = redis_send(request->client, words, count, then, request);

    if (sent == NULL)
        return NULL;
    request->request = sent;
    return request;
}

static struct store_request *send_put(struct store_request *request)
{
    const struct store_record *record = &request->record;
    const struct text key = key_name(record->identity), naf = naf_index(record->naf),
                      device = device_index(record->naf, record->device),
                      member = member_of(record);
    unsigned char sealed[RECORD_MAX];
    char lifetime[NUMBER_SIZE], device_bound[NUMBER_SIZE], naf_bound[NUMBER_SIZE];
    size_t length = 0;
    uint64_t until = (uint64_t)time(NULL) + ((uint64_t)record->lifetime + 999) / 1000;
    bool done;

    if (record->not_after > 0 && (uint64_t)record->not_after < until)
        until = (uint64_t)record->not_after;
    (void)pthread_rwlock_rdlock(&request->store->lock);
    done = record_seal(request->store->keys, redis_run_id(request->client), until, record, sealed,
                       &length);
    (void)pthread_rwlock_unlock(&request->store->lock);
    if (!done) {
        finish(request, STORE_UNAVAILABLE, NULL, "the record cannot be sealed");
        return NULL;
    }
    (void)snprintf(lifetime, sizeof(lifetime), "%lld", (long long)record->lifetime);
    (void)snprintf(device_bound, sizeof(device_bound), "%d", STORE_MAX_OF_DEVICE);
    (void)snprintf(naf_bound, sizeof(naf_bound), "%d", STORE_MAX);
    {
        const struct redis_word words[] = {
            word("EVAL"),     word(store_script_put),  word("4"),
            word_of(&key),    word(STORE_SCRIPT_NAFS), word_of(&device),
            word_of(&naf),    {sealed, length},        word(lifetime),
            word_of(&member), word(record->naf),       word(device_bound),
            word(naf_bound),
        };

        return send_words(request, words, sizeof(words) / sizeof(words[0]), answered);
    }
}

/* Connected by now, or refused. */
static void put_when_connected(void *argument, const struct redis_reply *reply, const char *reason)
{
    struct store_request *request = argument;

    if (reply == NULL)
        fail(request, "the store cannot be reached", reason);
    else
        (void)send_put(request);
}

/* A record is sealed for a run of the server: which it is has to be known. */
static struct store_request *put(struct store *store, struct loop *loop,
                                 const struct store_record *record, store_done *done,
                                 void *argument)
{
    struct store_request *request = begin(store, loop, PUT, done, argument);
    const struct redis_word info[] = {word("INFO"), word("server")};

    if (request == NULL)
        return NULL;
    request->record = *record;
    if (redis_run_id(request->client)[0] != '\0')
        return send_put(request);
    return send_words(request, info, 2, put_when_connected);
}

static struct store_request *read_key(struct store *store, const struct loop *loop,
                                      const char *identity, enum operation operation,
                                      store_done *done, void *argument)
{
    struct store_request *request = begin(store, loop, operation, done, argument);
    const struct text key = key_name(identity);
    const struct redis_word words[] = {word(operation == GET ? "GET" : "GETDEL"), word_of(&key)};

    if (request == NULL)
        return NULL;
    (void)snprintf(request->record.identity, STORE_IDENTITY_SIZE, "%s", identity);
    return send_words(request, words, 2, answered);
}

static struct store_request *get(struct store *store, struct loop *loop, const char *identity,
                                 store_done *done, void *argument)
{
    return read_key(store, loop, identity, GET, done, argument);
}

static struct store_request *take(struct store *store, struct loop *loop, const char *identity,
                                  store_done *done, void *argument)
{
    return read_key(store, loop, identity, TAKE, done, argument);
}

/* "=" and the text that has to agree, or nothing: any does. */
static struct text wanted(const char *member)
{
    struct text text = {.length = 0};

    if (member != NULL) {
        add_text(&text, "=");
        add_text(&text, member);
    }
    return text;
}

static struct store_request *revoke(struct store *store, struct loop *loop,
                                    const struct store_scope *scope, store_done *done,
                                    void *argument)
{
    struct store_request *request = begin(store, loop, REVOKE, done, argument);
    const struct text device = wanted(scope->device), ka_id = wanted(scope->ka_id),
                      subject = wanted(scope->subject), naf = wanted(scope->naf);
    const struct redis_word words[] = {
        word("EVAL"),     word(store_script_revoke), word("1"),         word(STORE_SCRIPT_NAFS),
        word_of(&device), word_of(&ka_id),           word_of(&subject), word_of(&naf),
    };

    if (request == NULL)
        return NULL;
    return send_words(request, words, sizeof(words) / sizeof(words[0]), answered);
}

static void cancel(struct store *store, struct store_request *request)
{
    (void)store;
    redis_cancel(request->request);
    OPENSSL_clear_free(request, sizeof(*request));
}

static void release(struct store *base)
{
    struct redis_store *store = (struct redis_store *)base;

    for (size_t i = 0; i < store->count; i++)
        redis_free(store->clients[i]);
    OPENSSL_free(store->clients);
    SSL_CTX_free(store->setup.tls);
    if (store->places != NULL)
        freeaddrinfo(store->places);
    OPENSSL_free(store->host);
    wrap_keys_free(store->keys);
    (void)pthread_rwlock_destroy(&store->lock);
    OPENSSL_free(store);
}

static const struct store_ops redis_ops = {put, get, take, revoke, cancel, release};

/* redis://HOST:PORT or rediss://HOST:PORT; secrets do not belong into it. */
static bool open_url(struct redis_store *store, const char *url, bool *tls)
{
    static const char plain[] = "redis://", secure[] = "rediss://";
    const char *address;
    char *port = NULL;

    *tls = strncmp(url, secure, sizeof(secure) - 1) == 0;
    address = url + (*tls ? sizeof(secure) : sizeof(plain)) - 1;
    if ((!*tls && strncmp(url, plain, sizeof(plain) - 1) != 0) || strpbrk(address, "@/?") != NULL) {
        fprintf(stderr, "--store: memory, redis://HOST:PORT or rediss://HOST:PORT wanted; user and "
                        "password are --store-user and --store-password-file\n");
        return false;
    }
    if (BIO_parse_hostserv(address, &store->host, &port, BIO_PARSE_PRIO_SERV) <= 0)
        store->host = NULL;
    OPENSSL_free(port);
    store->places = address_resolve(address, 0);
    return store->host != NULL && store->places != NULL;
}

static bool open_tls(struct redis_store *store, bool tls)
{
    if (!tls && store->options->ca != NULL) {
        fprintf(stderr, "--store-ca goes with --store rediss://HOST:PORT\n");
        return false;
    }
    if (!tls)
        return true;
    store->setup.tls = tls_client_ctx(store->options->ca);
    if (store->setup.tls == NULL)
        fprintf(stderr, "--store-ca %s: %s\n",
                store->options->ca == NULL ? "(of the system)" : store->options->ca,
                common_ssl_error());
    return store->setup.tls != NULL;
}

static bool connect_all(struct redis_store *store, struct loops *loops)
{
    store->setup.places = store->places;
    store->setup.host = store->host;
    store->setup.user = store->options->user;
    store->setup.password_file = store->options->password_file;
    store->clients = OPENSSL_zalloc(loops->count * sizeof(struct redis *));
    if (store->clients == NULL)
        return false;
    for (; store->count < loops->count; store->count++) {
        store->clients[store->count] = redis_new(loops->loop[store->count].base, &store->setup);
        if (store->clients[store->count] == NULL)
            return false;
    }
    return true;
}

struct store *store_redis_new(struct loops *loops, const struct store_redis_options *options)
{
    struct redis_store *store = OPENSSL_zalloc(sizeof(*store));
    bool tls = false;

    if (store == NULL)
        return NULL;
    store->store.ops = &redis_ops;
    store->options = options;
    (void)pthread_rwlock_init(&store->lock, NULL);
    store->keys = wrap_keys_read(options->key);
    if (store->keys != NULL && open_url(store, options->url, &tls) && open_tls(store, tls) &&
        connect_all(store, loops))
        return &store->store;
    release(&store->store);
    return NULL;
}

void store_redis_use_keys(struct store *base, struct wrap_keys *keys)
{
    struct redis_store *store = (struct redis_store *)base;
    struct wrap_keys *old;

    (void)pthread_rwlock_wrlock(&store->lock);
    old = store->keys;
    store->keys = keys;
    (void)pthread_rwlock_unlock(&store->lock);
    wrap_keys_free(old);
}
