/*
 * Replies of a Redis server, parsed as they arrive, without allocating memory for them
 *
 * hiredis parses them. The commands used here are answered with one number or one short text. So a
 * text longer than REDIS_TEXT_MAX is an error of the server; so is a list, except on a connection
 * with a channel, where the first text of the list is returned, which says what the list is.
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

/* lists: are they allowed? NULL: out of memory. */
struct redis_replies *redis_replies_new(bool lists);
void redis_replies_free(struct redis_replies *replies);

/* Called for each reply; false ends the reading. */
typedef bool redis_reply_done(void *argument, const struct redis_reply *reply);

/* Parse octets. False: they are not replies that are expected here, or done() returned false. */
bool redis_replies_feed(struct redis_replies *replies, const char *octets, size_t length,
                        redis_reply_done *done, void *argument);

/* The run_id in a reply to INFO server; false: there is none. */
bool redis_reply_run_id(const struct redis_reply *reply, char run_id[REDIS_RUN_ID_SIZE]);

#endif
