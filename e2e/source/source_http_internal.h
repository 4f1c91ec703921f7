/*
 * What source_http.c and source_request.c share: the source, and what becomes of a look-up
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOURCE_HTTP_INTERNAL_H
#define SOURCE_HTTP_INTERNAL_H

#include "source/key_cache.h"
#include "source/lookups.h"
#include "source/source_http.h"

/* What a look-up ends with, for all who wait. */
struct outcome {
    enum key_result result;
    const struct key_answer *key;
    const char *reason;
};

struct source_http {
    struct source source;
    struct source *file;
    struct loops *loops;
    struct http *http;
    struct key_service *services[KEY_SYSTEMS];
    struct key_cache *cache;
    struct lookups *lookups;
    struct event *tick, *sweep;
    int64_t key_lifetime;  /* ms */
    struct outcome failed; /* a question that could not be asked */
    bool runs;
};

/* The source's operations of these names (source.h), on any server loop. */
struct source_request *source_http_lookup(struct source *source, struct loop *loop,
                                          const struct source_query *query, source_done *done,
                                          void *argument, struct source_answer *now);
void source_http_cancel(struct source *source, struct source_request *request);

/* lookups.h's callback: given is a struct outcome, or NULL where the look-up was given up. */
void source_http_tell(void *context, struct lookup_waiter *waiter, const void *given);

/* Ask the operator what may be asked now, and see to the rest later; on the source's own loop. */
void source_http_run_lookups(struct source_http *http);

#endif
