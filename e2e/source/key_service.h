/*
 * The operator's interfaces for keys: NEF and AAnF for AKMA, BSF for GBA. One exchange per question
 *
 *     nef   POST {root}/3gpp-akma/v1/retrieve                           TS 29.522 5.14
 *     aanf  POST {root}/naanf-akma/v1/retrieve-applicationkey           TS 29.535 5.2
 *     bsf   POST {root}/nbsp-gba/v1/bootstrapping-info-retrieval        TS 29.309 5.2
 *
 * 200 is an answer, 204 and 404 say that there is no such key; 403 with a cause, and an answer
 * about AKMA without a key (the failure indication of TS 33.535 7.1.3), refuse it; 401 renews the
 * token once; 307 and 308 are followed once, to the same origin or the one that was named, and the
 * token goes to the first origin alone; 429 and 503 are honoured for as long as Retry-After says.
 * All else is a failure. The log says why.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KEY_SERVICE_H
#define KEY_SERVICE_H

#include "source/http.h"
#include "source/key_answer.h"
#include "source/token.h"

/* One kind of interface: a row of the table. */
struct key_interface {
    const char *name; /* "nef", before the URL of --key-source */
    enum key_system system;
    const char *path;
    const char *scope;      /* of the token, as the API's OpenAPI document has it; "": none */
    const char *name_scope; /* the one for the device's name; "": none */
    const char *nf_type;    /* of the server that answers, for the NRF (TS 29.510 6.1.6.3.3) */
    bool http2;             /* is a must */
};

/* The row of "<name>:<URL>", and where the URL begins; NULL: there is none of that name. */
const struct key_interface *key_interface(const char *text, const char **url);

#define KEY_AF_ID_UA "{ua}" /* in the text of AF_ID: 10 hex digits */

/* Texts, which have to outlive the operator. */
struct key_service_setup {
    const struct key_interface *interface;
    const char *root;                /* apiRoot, https, without a slash at its end */
    const char *af_id;               /* AKMA; KEY_AF_ID_UA in it: the key's Ua identifier */
    const char *notify_uri;          /* AKMA; NULL: none */
    bool anonymous;                  /* AKMA: nobody is named, whatever the answer says */
    const char *naf_fqdn;            /* GBA */
    enum key_name device_name;       /* KEY_NAMES: the first that is there */
    const char *redirect;            /* a further origin for redirects; NULL: none */
    const struct token_setup *token; /* NULL: without */
    unsigned int milliseconds;       /* for a question, with all that belongs to it */
};

enum key_result {
    KEY_FOUND,
    KEY_NONE,
    KEY_REFUSED, /* the operator refuses this identity: asked again at once, it would as well */
    KEY_FAILED
};

/*
 * key: with KEY_FOUND, cleansed when this returns; reason: a sentence with KEY_REFUSED and
 * KEY_FAILED.
 */
typedef void key_service_done(void *context, enum key_result result, const struct key_answer *key,
                              const char *reason);

struct key_service;

/* NULL: out of memory. */
struct key_service *key_service_new(struct http *http, const struct key_service_setup *setup);

/* After http_free(): what is under way ends without its callback. NULL is fine. */
void key_service_free(struct key_service *service);

/*
 * Ask for a key; wanted is read during the call. False: it failed, and *reason says why, until the
 * loop continues. True: done is called later, from the loop, once.
 */
bool key_service_ask(struct key_service *service, const struct key_wanted *wanted,
                     key_service_done *done, void *context, const char **reason);

/* Has the operator asked not to be asked for a while? */
bool key_service_is_paused(const struct key_service *service);

#endif
