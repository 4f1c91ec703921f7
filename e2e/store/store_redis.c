/*
 * The store of outstanding e2e keys in a Redis that endpoints and third parties share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/store_redis.h"

#include "net/tls.h"
#include "net/tls_client.h"
#include "printable.h"
#include "store/redis.h"
#include "store/revoked.h"
#include "store/sealed_record.h"
#include "store/store_script.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PLAIN       "redis://"
#define SECURE      "rediss://"
#define NUMBER_SIZE 24

struct redis_store {
    struct store store;
    const struct store_redis_options *options;
    struct redis_setup setup;
    struct addrs addrs;
    char *host;
    size_t count;
    struct redis **clients;   /* one of each loop */
    struct current keys, tls; /* struct seal_keys; SSL_CTX, of secure ones */
    struct loop *first;
    struct revoked_watch *watch; /* NULL: nobody asked for it */
};

/* Requests: store.h says what each does; each goes over its loop's connection */

enum operation { PUT, GET, CONSUME, REVOKE };

struct store_request {
    struct redis_store *store;
    struct redis *client;
    enum operation operation;
    struct redis_request *request;
    store_done *done;
    void *argument;
    struct store_record record; /* put: the whole of it; get, consume: the identity */
    struct store_scope scope;   /* revoke: texts of record */
};

static struct redis_word word(const char *text)
{
    return (struct redis_word){text, strlen(text)};
}

static struct redis_word word_of(const struct store_text *text)
{
    return (struct redis_word){text->octets, text->length};
}

/* The end of a request: it is released, then its caller is told. */
static void finish(struct store_request *request, struct store_answer *answer)
{
    store_done *done = request->done;
    void *argument = request->argument;

    OPENSSL_clear_free(request, sizeof(*request));
    done(argument, answer);
    store_answer_clear(answer);
}

static void set_fault(struct store_answer *answer, const char *what, const char *reason)
{
    char sentence[STORE_REASON_SIZE];

    (void)snprintf(sentence, sizeof(sentence), "%s: %.200s", what, reason);
    store_answer_set(answer, STORE_UNAVAILABLE, sentence);
}

/* Remove a consumed record from the sorted sets; nobody waits for the reply. */
static void forget(struct redis *client, const struct store_record *record)
{
    const struct store_text member = store_text_member(record);
    const struct store_text indices[] = {store_text_naf(record->naf),
                                         store_text_device(record->naf, record->device)};
    const char *reason;

    for (size_t i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
        const struct redis_word words[] = {word("ZREM"), word_of(&indices[i]), word_of(&member)};

        (void)redis_send(client, words, 3, NULL, NULL, &reason);
    }
}

/* The Redis expires records itself: if one is there but too old, two clocks differ. */
static void report_clocks(struct store_answer *answer, const char *wrong, int64_t ended)
{
    char sentence[STORE_REASON_SIZE];

    (void)snprintf(
        sentence, sizeof(sentence),
        "%s: it ended %lld seconds ago by this clock, so that of the third party differs "
        "by as much or more",
        wrong, (long long)time(NULL) - (long long)ended);
    store_answer_set(answer, STORE_UNAVAILABLE, sentence);
}

/* Open a reply; if it is no record of this identity and run, the reason says so. */
static void open_record(const struct store_request *request, const struct redis_reply *reply,
                        struct store_answer *answer)
{
    struct redis_store *store = request->store;
    const struct seal_keys *keys = current_acquire(&store->keys);
    const char *wrong;
    int64_t ended;

    answer->record = request->record;
    wrong = sealed_record_open(keys, redis_run_id(request->client), (uint64_t)time(NULL),
                               (const unsigned char *)reply->text, reply->length, &answer->record);
    current_release(&store->keys, keys);
    ended = wrong == NULL ? 0 : answer->record.not_after;
    store_answer_set(answer, wrong == NULL ? STORE_OK : STORE_UNAVAILABLE, wrong);
    if (ended != 0)
        report_clocks(answer, wrong, ended);
    if (wrong == NULL && request->operation == CONSUME)
        forget(request->client, &answer->record);
}

static void read_reply(const struct store_request *request, const struct redis_reply *reply,
                       struct store_answer *answer)
{
    const bool reads = request->operation == GET || request->operation == CONSUME;

    if (reply->kind == REDIS_ERROR)
        set_fault(answer, "the store refuses", reply->text);
    else if (reads && reply->kind == REDIS_NIL)
        store_answer_set(answer, STORE_UNKNOWN, NULL);
    else if (reads && reply->kind == REDIS_TEXT)
        open_record(request, reply, answer);
    else if (!reads && reply->kind == REDIS_INTEGER && reply->integer == 1)
        store_answer_set(answer, STORE_OK, NULL);
    else
        store_answer_set(answer, STORE_UNAVAILABLE,
                         "the store gave an answer that makes no sense here");
}

static void answered(void *argument, const struct redis_reply *reply, const char *reason)
{
    struct store_request *request = argument;
    struct store_answer answer;

    if (reply == NULL)
        set_fault(&answer, "the store cannot be reached", reason);
    else
        read_reply(request, reply, &answer);
    finish(request, &answer);
}

/* NULL: out of memory, and now says so. */
static struct store_request *begin(struct store *store, const struct loop *loop,
                                   enum operation operation, store_done *done, void *argument,
                                   struct store_answer *now)
{
    struct store_request *request = OPENSSL_zalloc(sizeof(*request));

    if (request == NULL) {
        store_answer_set(now, STORE_UNAVAILABLE, "out of memory");
        return NULL;
    }
    request->store = (struct redis_store *)store;
    request->client = request->store->clients[loop->index];
    request->operation = operation;
    request->done = done;
    request->argument = argument;
    return request;
}

/* False: fault says why it was not sent. */
static bool send_words(struct store_request *request, const struct redis_word *words, size_t count,
                       redis_done *then, struct store_answer *fault)
{
    const char *reason;

    request->request = redis_send(request->client, words, count, then, request, &reason);
    if (request->request == NULL)
        set_fault(fault, "the store cannot be reached", reason);
    return request->request != NULL;
}

/* The request, if it was sent; else it is released. */
static struct store_request *begun(struct store_request *request, bool is_sent)
{
    if (is_sent)
        return request;
    OPENSSL_clear_free(request, sizeof(*request));
    return NULL;
}

static bool send_put(struct store_request *request, struct store_answer *fault)
{
    const struct store_record *record = &request->record;
    const struct store_text key = store_text_key(record->identity),
                            naf = store_text_naf(record->naf),
                            device = store_text_device(record->naf, record->device),
                            member = store_text_member(record);
    unsigned char sealed[SEALED_RECORD_MAX];
    char lifetime[NUMBER_SIZE], device_bound[NUMBER_SIZE], naf_bound[NUMBER_SIZE];
    size_t length = 0;
    uint64_t until = (uint64_t)time(NULL) + ((uint64_t)record->lifetime + 999) / 1000;
    const struct seal_keys *keys;
    bool done;

    if (record->not_after > 0 && (uint64_t)record->not_after < until)
        until = (uint64_t)record->not_after;
    keys = current_acquire(&request->store->keys);
    done = sealed_record_make(keys, redis_run_id(request->client), until, record, sealed, &length);
    current_release(&request->store->keys, keys);
    if (!done) {
        store_answer_set(fault, STORE_UNAVAILABLE, "the record cannot be sealed");
        return false;
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

        return send_words(request, words, sizeof(words) / sizeof(words[0]), answered, fault);
    }
}

/* Connected by now, or refused. */
static void put_when_connected(void *argument, const struct redis_reply *reply, const char *reason)
{
    struct store_request *request = argument;
    struct store_answer answer;

    if (reply == NULL)
        set_fault(&answer, "the store cannot be reached", reason);
    if (reply == NULL || !send_put(request, &answer))
        finish(request, &answer);
}

/* A record is sealed for a run of the server: which it is has to be known. */
static struct store_request *store_redis_put(struct store *store, struct loop *loop,
                                             const struct store_record *record, store_done *done,
                                             void *argument, struct store_answer *now)
{
    struct store_request *request = begin(store, loop, PUT, done, argument, now);
    const struct redis_word info[] = {word("INFO"), word("server")};

    if (request == NULL)
        return NULL;
    request->record = *record;
    if (redis_run_id(request->client)[0] != '\0')
        return begun(request, send_put(request, now));
    return begun(request, send_words(request, info, 2, put_when_connected, now));
}

static struct store_request *read_key(struct store *store, const struct loop *loop,
                                      const char *identity, enum operation operation,
                                      store_done *done, void *argument, struct store_answer *now)
{
    struct store_request *request = begin(store, loop, operation, done, argument, now);
    const struct store_text key = store_text_key(identity);
    const struct redis_word words[] = {word(operation == GET ? "GET" : "GETDEL"), word_of(&key)};

    if (request == NULL)
        return NULL;
    (void)snprintf(request->record.identity, STORE_IDENTITY_SIZE, "%s", identity);
    return begun(request, send_words(request, words, 2, answered, now));
}

static struct store_request *store_redis_get(struct store *store, struct loop *loop,
                                             const char *identity, store_done *done, void *argument,
                                             struct store_answer *now)
{
    return read_key(store, loop, identity, GET, done, argument, now);
}

static struct store_request *store_redis_consume(struct store *store, struct loop *loop,
                                                 const char *identity, store_done *done,
                                                 void *argument, struct store_answer *now)
{
    return read_key(store, loop, identity, CONSUME, done, argument, now);
}

static bool send_revoke(struct store_request *request, struct store_answer *fault)
{
    const struct store_scope *scope = &request->scope;
    const struct store_text device = store_text_wanted(scope->device),
                            ka_id = store_text_wanted(scope->ka_id),
                            subject = store_text_wanted(scope->subject),
                            naf = store_text_wanted(scope->naf);
    unsigned char sealed[SEALED_RECORD_MAX];
    char lifetime[NUMBER_SIZE], kept[NUMBER_SIZE];
    size_t length = 0;
    const struct seal_keys *keys = current_acquire(&request->store->keys);
    const bool done = revoked_seal(keys, redis_run_id(request->client), scope, sealed, &length);

    current_release(&request->store->keys, keys);
    if (!done) {
        store_answer_set(fault, STORE_UNAVAILABLE, "the revocation cannot be sealed");
        return false;
    }
    (void)snprintf(lifetime, sizeof(lifetime), "%d", REVOKED_SECONDS * 1000);
    (void)snprintf(kept, sizeof(kept), "%d", REVOKED_KEPT);
    {
        const struct redis_word words[] = {
            word("EVAL"),
            word(store_script_revoke),
            word("2"),
            word(STORE_SCRIPT_NAFS),
            word(STORE_SCRIPT_REVOCATIONS),
            word_of(&device),
            word_of(&ka_id),
            word_of(&subject),
            word_of(&naf),
            {sealed, length},
            word(lifetime),
            word(kept),
        };

        return send_words(request, words, sizeof(words) / sizeof(words[0]), answered, fault);
    }
}

static void revoke_when_connected(void *argument, const struct redis_reply *reply,
                                  const char *reason)
{
    struct store_request *request = argument;
    struct store_answer answer;

    if (reply == NULL)
        set_fault(&answer, "the store cannot be reached", reason);
    if (reply == NULL || !send_revoke(request, &answer))
        finish(request, &answer);
}

static const char *copy(char text[STORE_TEXT_SIZE], const char *given)
{
    if (given != NULL)
        (void)OPENSSL_strlcpy(text, given, STORE_TEXT_SIZE);
    return given == NULL ? NULL : text;
}

static struct store_request *store_redis_revoke(struct store *store, struct loop *loop,
                                                const struct store_scope *scope, store_done *done,
                                                void *argument, struct store_answer *now)
{
    struct store_request *request = begin(store, loop, REVOKE, done, argument, now);
    const struct redis_word info[] = {word("INFO"), word("server")};

    if (request == NULL)
        return NULL;
    request->scope = (struct store_scope){
        .device = copy(request->record.device, scope->device),
        .ka_id = copy(request->record.ka_id, scope->ka_id),
        .subject = copy(request->record.subject, scope->subject),
        .naf = copy(request->record.naf, scope->naf),
    };
    if (redis_run_id(request->client)[0] != '\0')
        return begun(request, send_revoke(request, now));
    return begun(request, send_words(request, info, 2, revoke_when_connected, now));
}

static void store_redis_cancel(struct store *store, struct store_request *request)
{
    (void)store;
    redis_cancel(request->request);
    OPENSSL_clear_free(request, sizeof(*request));
}

/* The store */

static void redis_store_free(struct store *base)
{
    struct redis_store *store = (struct redis_store *)base;

    revoked_watch_free(store->watch);
    for (size_t i = 0; i < store->count; i++)
        redis_free(store->clients[i]);
    OPENSSL_free(store->clients);
    addrs_close(&store->addrs);
    OPENSSL_free(store->host);
    current_close(&store->keys);
    current_close(&store->tls);
    OPENSSL_free(store);
}

static bool redis_store_watch(struct store *base, store_revoked *revoked, void *argument)
{
    struct redis_store *store = (struct redis_store *)base;

    store->watch =
        revoked_watch_new(store->first, &store->setup, store->clients[store->first->index],
                          &store->keys, revoked, argument);
    return store->watch != NULL;
}

static const struct store_ops redis_ops = {
    store_redis_put,    store_redis_get,   store_redis_consume, store_redis_revoke,
    store_redis_cancel, redis_store_watch, redis_store_free,
};

bool store_redis_is_secure(const char *url)
{
    return strncmp(url, SECURE, strlen(SECURE)) == 0;
}

/* The text after the scheme; NULL: it is neither of the two. */
static const char *address_of(const char *url)
{
    if (store_redis_is_secure(url))
        return url + strlen(SECURE);
    return strncmp(url, PLAIN, strlen(PLAIN)) == 0 ? url + strlen(PLAIN) : NULL;
}

/* The name in HOST:PORT, to be released; NULL if one of both is missing. */
static char *host_of(const char *address)
{
    char *host = NULL, *port = NULL;

    if (BIO_parse_hostserv(address, &host, &port, BIO_PARSE_PRIO_SERV) <= 0 || port == NULL) {
        OPENSSL_free(host);
        host = NULL;
    }
    OPENSSL_free(port);
    ERR_clear_error();
    return host;
}

bool store_redis_is_url(const char *url)
{
    const char *address = address_of(url);
    char *host = address == NULL || strpbrk(address, "@/?") != NULL ? NULL : host_of(address);
    const bool is_url = host != NULL;

    OPENSSL_free(host);
    return is_url;
}

static bool open_url(struct redis_store *store, const char *url)
{
    const char *address = address_of(url);

    store->host = host_of(address);
    return store->host != NULL && addrs_open(&store->addrs, "store", address);
}

static bool complain(const char *option, const char *path, const char *reason,
                     char fault[STORE_REDIS_FAULT_SIZE])
{
    (void)snprintf(fault, STORE_REDIS_FAULT_SIZE, "--%s %s: %s", option, PRINTABLE_PATH(path),
                   reason);
    return false;
}

static bool read_ca(const struct store_redis_options *options, struct store_redis_files *files,
                    char fault[STORE_REDIS_FAULT_SIZE])
{
    SSL_CTX *ctx;

    if (!store_redis_is_secure(options->url))
        return true;
    ctx = tls_client_ctx(options->ca);
    files->tls = ctx == NULL ? NULL : tls_ctx_prepare(ctx);
    return files->tls != NULL ||
           complain("store-ca", options->ca == NULL ? "(of the system)" : options->ca,
                    tls_file_error(), fault);
}

static void free_keys(void *keys)
{
    seal_keys_free(keys);
}

static bool read_keys(const struct store_redis_options *options, struct store_redis_files *files,
                      char fault[STORE_REDIS_FAULT_SIZE])
{
    char what[SECRET_FILE_FAULT_SIZE] = "out of memory";
    struct seal_keys *keys = seal_keys_read(options->key, what);

    files->keys = keys == NULL ? NULL : current_prepare(keys, free_keys);
    return files->keys != NULL || complain("store-key", options->key, what, fault);
}

static bool read_password(const struct store_redis_options *options,
                          char fault[STORE_REDIS_FAULT_SIZE])
{
    char what[SECRET_FILE_FAULT_SIZE];

    return options->password_file == NULL ||
           redis_password_is_there(options->password_file, what) ||
           complain("store-password-file", options->password_file, what, fault);
}

bool store_redis_read(const struct store_redis_options *options, struct store_redis_files *files,
                      char fault[STORE_REDIS_FAULT_SIZE])
{
    *files = (struct store_redis_files){NULL, NULL};
    if (read_keys(options, files, fault) && read_password(options, fault) &&
        read_ca(options, files, fault))
        return true;
    store_redis_drop(files);
    return false;
}

void store_redis_drop(struct store_redis_files *files)
{
    current_drop(files->keys);
    current_drop(files->tls);
    *files = (struct store_redis_files){NULL, NULL};
}

void store_redis_use(struct store *base, struct store_redis_files *files)
{
    struct redis_store *store = (struct redis_store *)base;

    current_put(&store->keys, files->keys);
    if (files->tls != NULL)
        current_put(&store->tls, files->tls);
    *files = (struct store_redis_files){NULL, NULL};
}

static bool read_files(struct redis_store *store)
{
    char fault[STORE_REDIS_FAULT_SIZE];
    struct store_redis_files files;

    if (!store_redis_read(store->options, &files, fault)) {
        fprintf(stderr, "%s\n", fault);
        return false;
    }
    store->setup.tls = files.tls == NULL ? NULL : &store->tls;
    store_redis_use(&store->store, &files);
    return true;
}

static bool connect_all(struct redis_store *store, struct loops *loops)
{
    store->first = &loops->loop[0];
    store->setup.addrs = &store->addrs;
    store->setup.host = store->host;
    store->setup.user = store->options->user;
    store->setup.password_file = store->options->password_file;
    store->clients = OPENSSL_zalloc(loops->count * sizeof(struct redis *));
    if (store->clients == NULL)
        return false;
    for (; store->count < loops->count; store->count++) {
        store->clients[store->count] = redis_new(&loops->loop[store->count], &store->setup);
        if (store->clients[store->count] == NULL)
            return false;
    }
    return true;
}

struct store *store_redis_new(struct loops *loops, const struct store_redis_options *options)
{
    struct redis_store *store = OPENSSL_zalloc(sizeof(*store));

    if (store == NULL)
        return NULL;
    store->store.ops = &redis_ops;
    store->options = options;
    current_init(&store->keys);
    current_init(&store->tls);
    if (read_files(store) && open_url(store, options->url) && connect_all(store, loops))
        return &store->store;
    redis_store_free(&store->store);
    return NULL;
}
