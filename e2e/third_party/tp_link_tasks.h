/*
 * What a NAF has asked for, from the request to its answer
 *
 * Within tp_link_server.c's implementation, which reads the requests and writes the answers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TP_LINK_TASKS_H
#define TP_LINK_TASKS_H

#include "messages/identity.h"
#include "messages/tp_link_messages.h"
#include "server/connection.h"
#include "third_party/key_issuer.h"
#include "third_party/tp_link_tls.h"

struct tp_link_task;

enum naf_state {
    NAF_HANDSHAKING,
    NAF_SERVING, /* requests are read and answered */
    NAF_DRAINING /* no more requests are read; it ends when it has answered */
};

/* The connection of a NAF. */
struct naf {
    struct connection connection;
    struct tls_lines lines;
    char name[TP_LINK_TEXT_SIZE]; /* the first of its certificate */
    struct named_setup {
        struct naf_setup naf;
        char fqdn[TP_LINK_TEXT_SIZE];
    } setups[KEY_SYSTEMS]; /* of the requests before: most NAFs have one name */
    size_t next_setup;     /* the one to be replaced */
    LIST_HEAD(, tp_link_task) tasks;
    size_t in_flight;
    struct tp_link_verified verified;
    enum naf_state state;
    bool is_reading; /* answers are written when it is done */
    bool is_counted; /* among the lines of its name */
};

/* Begin what a request asks for, or answer at once why not. */
void tp_link_tasks_begin(struct naf *naf, const struct tp_link_request *request);

/* Answer a request, and tell the log, why it gets nothing. */
void tp_link_tasks_answer_error(struct naf *naf, int64_t id, const char *reason);

/* Forget what is under way: nobody waits for an answer any more. */
void tp_link_tasks_cancel(struct naf *naf);

#endif
