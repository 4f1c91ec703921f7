/*
 * Replies of a Redis server: read as they come in, without allocating for them
 *
 * hiredis parses. What is asked for here is answered by one number or one short text, so a text
 * longer than REDIS_TEXT_MAX is a fault of the server's like any other, and a list is one but on a
 * connection with a channel: of that the first text is given, which says what it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef REDIS_REPLY_H
#define REDIS_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#define REDIS_TEXT_MAX    8192 /* octets; INFO server has about 1200 */
#define REDIS_RUN_ID_SIZE 41   /* 40 hex digits, NUL */

enum redis_kind { REDIS_TEXT, REDIS_STATUS, REDIS_ERROR, REDIS_INTEGER, REDIS_NIL, REDIS_LIST };

struct redis_reply {
    enum redis_kind kind;
    long long integer;
    size_t length; /* octets of text, which has a NUL behind them */
    char text[REDIS_TEXT_MAX + 1];
};

struct redis_replies;

/* lists: may there be any? NULL: out of memory. */
struct redis_replies *redis_replies_new(bool lists);
void redis_replies_free(struct redis_replies *replies);

/* Called for each reply; false ends the reading. */
typedef bool redis_reply_done(void *argument, const struct redis_reply *reply);

/* Take in octets. False: they are no replies that are wanted here, or done() has said so. */
bool redis_replies_feed(struct redis_replies *replies, const char *octets, size_t length,
                        redis_reply_done *done, void *argument);

/* The run_id in a reply to INFO server; false: there is none. */
bool redis_reply_run_id(const struct redis_reply *reply, char run_id[REDIS_RUN_ID_SIZE]);

#endif
