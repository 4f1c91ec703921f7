/*
 * What libcurl allocates: cleansed on release, and searched for keys that it has no use for any
 * more
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_MEMORY_H
#define HTTP_MEMORY_H

#include <stdbool.h>

/* Have libcurl allocate from here. Once for the process, before any thread is started. */
bool http_memory_start(void);

/*
 * Overwrite keys in hex that answers have left in curl's buffers, which last as long as a
 * connection. Only while no request is under way: curl must not need them any more.
 */
void http_memory_forget_keys(void);

#endif
