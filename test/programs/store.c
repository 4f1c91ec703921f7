/*
 * store - a store of outstanding keys, asked by hand, for the tests
 *
 *     store memory
 *     store URL KEYS [USER PASSWORD_FILE [CA]]
 *
 * Lines of standard input, texts without blanks, "-" for an empty one (in a scope: any):
 *
 *     put IDENTITY KEY DEVICE KA_ID SUBJECT NAF LIFETIME        (milliseconds)
 *     get IDENTITY          consume IDENTITY       revoke DEVICE KA_ID SUBJECT NAF
 *
 * Each is answered by a line: "ok", with what was got behind it; "unknown"; "unavailable REASON".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hex.h"
#include "ops/log.h"
#include "store/store_redis.h"

#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 8
#define LINE_SIZE 4096

/* The one that is under way. */
static bool answered;

static void answer(void *argument, const struct store_answer *given)
{
    const struct store_record *record = &given->record;

    answered = true;
    if (given->result == STORE_UNKNOWN)
        printf("unknown");
    else if (given->result == STORE_UNAVAILABLE)
        printf("unavailable %s", given->reason);
    else
        printf("ok");
    if (given->result == STORE_OK && argument != NULL) { /* what gives a record */
        printf(" ");
        for (size_t i = 0; i < sizeof(record->key); i++)
            printf("%02x", record->key[i]);
        printf(" %s %s %s %s", record->device, record->ka_id, record->subject, record->naf);
    }
    printf("\n");
    (void)fflush(stdout);
}

static void copy_word(char *place, size_t size, const char *word)
{
    (void)snprintf(place, size, "%s", strcmp(word, "-") == 0 ? "" : word);
}

static struct store_request *put(struct store *store, struct loop *loop, char *words[],
                                 struct store_answer *now)
{
    struct store_record record = {.lifetime = strtoll(words[7], NULL, 10)};
    struct store_request *request;

    copy_word(record.identity, sizeof(record.identity), words[1]);
    copy_word(record.device, sizeof(record.device), words[3]);
    copy_word(record.ka_id, sizeof(record.ka_id), words[4]);
    copy_word(record.subject, sizeof(record.subject), words[5]);
    copy_word(record.naf, sizeof(record.naf), words[6]);
    if (!hex_decode(record.key, words[2], 2 * sizeof(record.key)))
        exit(EXIT_FAILURE);
    request = store->ops->put(store, loop, &record, answer, NULL, now);
    OPENSSL_cleanse(&record, sizeof(record));
    return request;
}

static const char *scope_of(const char *word)
{
    return strcmp(word, "-") == 0 ? NULL : word;
}

static void ask(struct store *store, struct loop *loop, char *words[], size_t count)
{
    const struct store_scope scope = {
        count < 2 ? NULL : scope_of(words[1]), count < 3 ? NULL : scope_of(words[2]),
        count < 4 ? NULL : scope_of(words[3]), count < 5 ? NULL : scope_of(words[4])};

    const bool gives_record = count == 2;
    struct store_request *request;
    struct store_answer now;

    answered = false;
    if (count == 8 && strcmp(words[0], "put") == 0)
        request = put(store, loop, words, &now);
    else if (count == 2 && strcmp(words[0], "get") == 0)
        request = store->ops->get(store, loop, words[1], answer, store, &now);
    else if (count == 2 && strcmp(words[0], "consume") == 0)
        request = store->ops->consume(store, loop, words[1], answer, store, &now);
    else if (count == 5 && strcmp(words[0], "revoke") == 0)
        request = store->ops->revoke(store, loop, &scope, answer, NULL, &now);
    else
        exit(EXIT_FAILURE);
    if (request == NULL) {
        answer(gives_record ? store : NULL, &now);
        store_answer_clear(&now);
    }
    while (!answered)
        (void)event_base_loop(loop->base, EVLOOP_ONCE);
}

/* The store looks after its connection before each line. */
static void read_lines(struct store *store, struct loop *loop)
{
    char line[LINE_SIZE];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *words[WORDS_MAX], *rest = line;
        size_t count = 0;

        while (count < WORDS_MAX && (words[count] = strtok_r(rest, " \n", &rest)) != NULL)
            count++;
        (void)event_base_loop(loop->base, EVLOOP_NONBLOCK);
        ask(store, loop, words, count);
    }
}

int main(int argc, char *argv[])
{
    const struct store_redis_options options = {
        .url = argc < 2 ? "" : argv[1],
        .key = argc < 3 ? NULL : argv[2],
        .user = argc < 5 ? NULL : argv[3],
        .password_file = argc < 5 ? NULL : argv[4],
        .ca = argc < 6 ? NULL : argv[5],
    };
    struct loops *loops = loops_new(1);
    struct store *store = NULL;

    (void)signal(SIGPIPE, SIG_IGN);
    if (loops == NULL || !log_open(LOG_FULL))
        return EXIT_FAILURE;
    store = options.key == NULL ? store_memory_new() : store_redis_new(loops, &options);
    if (store != NULL)
        read_lines(store, &loops->loop[0]);
    store_free(store);
    loops_free(loops);
    return store == NULL ? EXIT_FAILURE : EXIT_SUCCESS;
}
