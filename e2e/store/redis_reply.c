/*
 * Replies of a Redis server, parsed as they arrive, without allocating memory for them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/redis_reply.h"

#include <hiredis/hiredis.h>
#include <hiredis/read.h>
#include <openssl/crypto.h>
#include <string.h>

#define CHUNK       4096 /* octets given to the reader at a time */
#define LIST_LENGTH 4    /* elements at most; what a channel says has two or three */

struct redis_replies {
    redisReader *reader;
    bool lists;
    struct redis_reply reply; /* the one that is being read */
};

static struct redis_reply *reply_of(const redisReadTask *task, enum redis_kind kind)
{
    struct redis_replies *replies = task->privdata;

    if (task->parent != NULL) /* a list's own reply is there already */
        return &replies->reply;
    replies->reply.kind = kind;
    replies->reply.integer = 0;
    replies->reply.length = 0;
    replies->reply.text[0] = '\0';
    return &replies->reply;
}

static void *create_string(const redisReadTask *task, char *text, size_t length)
{
    const enum redis_kind kind = task->type == REDIS_REPLY_ERROR    ? REDIS_ERROR
                                 : task->type == REDIS_REPLY_STATUS ? REDIS_STATUS
                                                                    : REDIS_TEXT;
    struct redis_reply *reply = reply_of(task, kind);

    if (length > REDIS_TEXT_MAX)
        return NULL;
    if (task->parent != NULL && task->idx > 0)
        return reply;
    memcpy(reply->text, text, length);
    reply->text[length] = '\0';
    reply->length = length;
    return reply;
}

#if HIREDIS_MAJOR < 1
typedef int array_size;
#else
typedef size_t array_size;

static void *refuse_double(const redisReadTask *task, double value, char *text, size_t length)
{
    (void)task, (void)value, (void)text, (void)length;
    return NULL;
}

static void *refuse_bool(const redisReadTask *task, int value)
{
    (void)task, (void)value;
    return NULL;
}
#endif

static void *create_array(const redisReadTask *task, array_size elements)
{
    const struct redis_replies *replies = task->privdata;

    return replies->lists && task->parent == NULL && elements > 0 && elements <= LIST_LENGTH
               ? reply_of(task, REDIS_LIST)
               : NULL;
}

static void *create_integer(const redisReadTask *task, long long value)
{
    struct redis_reply *reply = reply_of(task, REDIS_INTEGER);

    if (task->parent == NULL)
        reply->integer = value;
    return reply;
}

static void *create_nil(const redisReadTask *task)
{
    return reply_of(task, REDIS_NIL);
}

static void free_nothing(void *reply)
{
    (void)reply;
}

struct redis_replies *redis_replies_new(bool lists)
{
    static redisReplyObjectFunctions functions = {
        .createString = create_string,
        .createArray = create_array,
        .createInteger = create_integer,
        .createNil = create_nil,
        .freeObject = free_nothing,
#if HIREDIS_MAJOR >= 1 /* what is left out would come as a number in place of a reply */
        .createDouble = refuse_double,
        .createBool = refuse_bool,
#endif
    };
    struct redis_replies *replies = OPENSSL_zalloc(sizeof(*replies));

    if (replies == NULL)
        return NULL;
    replies->reader = redisReaderCreateWithFunctions(&functions);
    if (replies->reader == NULL) {
        OPENSSL_free(replies);
        return NULL;
    }
    replies->reader->privdata = replies;
    replies->lists = lists;
    return replies;
}

void redis_replies_free(struct redis_replies *replies)
{
    if (replies == NULL)
        return;
    redisReaderFree(replies->reader);
    OPENSSL_free(replies);
}

/* Deliver complete replies; the size of an incomplete one is bounded. */
static bool read_complete(struct redis_replies *replies, redis_reply_done *done, void *argument)
{
    redisReader *reader = replies->reader;
    void *reply;

    for (;;) {
        if (redisReaderGetReply(reader, &reply) != REDIS_OK)
            return false;
        if (reply == NULL)
            return reader->len - reader->pos <= REDIS_TEXT_MAX + CHUNK;
        if (!done(argument, reply))
            return false;
    }
}

bool redis_replies_feed(struct redis_replies *replies, const char *octets, size_t length,
                        redis_reply_done *done, void *argument)
{
    while (length > 0) {
        const size_t part = length < CHUNK ? length : CHUNK;

        if (redisReaderFeed(replies->reader, octets, part) != REDIS_OK ||
            !read_complete(replies, done, argument))
            return false;
        octets += part;
        length -= part;
    }
    return true;
}

bool redis_reply_run_id(const struct redis_reply *reply, char run_id[REDIS_RUN_ID_SIZE])
{
    static const char name[] = "\nrun_id:";
    const char *place = reply->kind == REDIS_TEXT ? strstr(reply->text, name) : NULL;

    if (place == NULL)
        return false;
    place += sizeof(name) - 1;
    if (strspn(place, "0123456789abcdef") != REDIS_RUN_ID_SIZE - 1)
        return false;
    memcpy(run_id, place, REDIS_RUN_ID_SIZE - 1);
    run_id[REDIS_RUN_ID_SIZE - 1] = '\0';
    return true;
}
