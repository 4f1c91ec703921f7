/*
 * OAuth 2.0 client credentials (RFC 6749 4.4), plain or as an NRF wants them (TS 29.510 6.3)
 *
 * One token at a time: cached until shortly before its end, fetched once for all requests that wait
 * for it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TOKEN_H
#define TOKEN_H

#include "net/tls_files.h"
#include "source/http.h"
#include "source/key_answer.h"

#include <stdbool.h>

/* Texts, which have to outlive the token. */
struct token_setup {
    const char *url;
    const char *scope; /* NULL: none is asked for */
    /* either: HTTP Basic (RFC 6749 2.3.1) */
    const char *client_id, *client_secret;
    /* or: the NRF's form, where our certificate says who we are */
    const char *nf_instance_id; /* a UUID */
    const char *target_nf_type; /* "AANF", "GBA_BSF" */
    unsigned int milliseconds;  /* to get one in */
};

struct token;

/*
 * A client's secret: the file's text up to the end of its first line. *length is what
 * secret_file_free() wants. NULL: it cannot be used, fault says why.
 */
char *token_read_secret(const char *path, size_t *length, char fault[TLS_FILES_FAULT_SIZE]);

/* Valid until the callback returns, or until the loop continues. */
struct token_answer {
    const char *authorization; /* "Bearer ...", or NULL */
    const char *reason;        /* NULL, or why there is none, with what the server said in it */
};

typedef void token_done(void *context, const struct token_answer *answer);

/* system: whose source it is for. NULL: out of memory. */
struct token *token_new(struct http *http, const struct token_setup *setup, enum key_system system);

/* The waiting request is not called any more. Cleanse and release; NULL is fine. */
void token_free(struct token *token);

/* Get the token. False: the answer is *now. True: done is called later, from the loop, once. */
bool token_get(struct token *token, token_done *done, void *context, struct token_answer *now);

/* The server refused this one: if it is still ours, the next token_get() fetches another. */
void token_refused(struct token *token, const char *authorization);

#endif
