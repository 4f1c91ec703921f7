/*
 * The operator's network as a source of Ks_NAF: NEF or AAnF for AKMA, BSF for GBA
 *
 * All of it lives on a loop of its own, in a thread of its own: the HTTP client, the answers, the
 * waiting requests. Server loops reach it with messages, so no look-up holds up a connection.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOURCE_HTTP_H
#define SOURCE_HTTP_H

#include "source/key_service.h"
#include "source/source.h"

/* Texts have to outlive the source. */
struct source_http_setup {
    struct tls_files *identity; /* is the source's own then */
    const char *user_agent;
    const struct key_service_setup *services[KEY_SYSTEMS]; /* NULL: the file answers */
    unsigned int key_lifetime;                             /* seconds that a key is kept at most */
    unsigned int per_second, per_network;                  /* look-ups */
    unsigned int milliseconds;                             /* until a question is given up */
};

/*
 * file answers for a system without a service, and becomes the source's own; NULL: there is none.
 * NULL: out of memory, and file is released.
 */
struct source *source_http_new(const struct source_http_setup *setup, struct source *file);

/* Begin to answer. False: no thread. */
bool source_http_start(struct source *source);

/* Stop its loop, before what else lives on the loop is released; source_free() does so as well. */
void source_http_stop(struct source *source);

/* The loop that it lives on. */
struct loop *source_http_loop(struct source *source);

/* Our credentials at the operator from now on; on the source's own loop. */
void source_http_use_identity(struct source *source, struct tls_files *identity);

/* Drop what is cached of an identity, and discard what is being answered; on the source's own loop.
 */
void source_http_forget(struct source *source, const char *identity);

#endif
