/*
 * A PKCS#11 token and the master secret in it: what the files of token_*.c share
 *
 * Any number of threads call into the token, each with its own session. A failed call is retried
 * once with a new session, then once after the libraries were initialised again. A call that hangs
 * blocks nothing but that initialisation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TOKEN_H
#define TOKEN_H

#include "master.h"
#include "secret_source.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/* What a URI says (RFC 7512). */
struct token_uri {
    P11KitUri *uri;
    char *pin; /* its pin-source, as a secret's source; NULL: it has none */
};

struct token;

#define TOKEN_CLIENT "p11-kit-client.so"

/* p11-kit's client, as a list of one. */
struct token_client {
    void *library; /* NULL: not loaded */
    CK_FUNCTION_LIST *list[2];
};

/*
 * PKCS#11 libraries, through p11-kit: the one that the URI or P11_KIT_SERVER_ADDRESS names, or all
 * in p11-kit's configuration. Tokens that name the same libraries share them, because a library
 * exists once in a process: it ends only when everybody has finalised it.
 */
struct token_modules {
    struct token_modules *next;
    char *path;                 /* NULL: those of the configuration */
    CK_FUNCTION_LIST **list;    /* ends with NULL; NULL: they could not be loaded again */
    struct token_client client; /* has the list, if that is p11-kit's client */
    pthread_rwlock_t calls;     /* read: a call into a library; write: initialising them again */
    bool is_socket;             /* it leads to another process: one call at a time */
    unsigned long generation;   /* counts initialisations; under `calls`, as the next two */
    bool *is_initialized;       /* for each in the list */
    int64_t started_at;         /* milliseconds */
    atomic_size_t up;           /* tokens that work */
    pthread_mutex_t logins;     /* one login at a time */
    struct token *tokens;       /* those that share the libraries; under `logins` */
};

/*
 * A PIN that was refused once is not tried again, not even by another token of this process: a few
 * wrong PINs lock a token. Under `logins`.
 */
struct token_login {
    struct secret pin;
    bool has_failed;
    CK_TOKEN_INFO info; /* of the token that refused it */
};

/* The session of one thread. */
struct token_session {
    CK_FUNCTION_LIST *module; /* NULL: not open */
    CK_SESSION_HANDLE handle;
    CK_OBJECT_HANDLE key;
    unsigned long generation; /* of the libraries that it was opened with */
};

struct token {
    struct master master;
    struct token_uri uri;
    struct token_modules *modules;
    struct token *next; /* with the same modules */
    atomic_bool is_up;
    struct token_login login;
    pthread_mutex_t opening; /* one thread at a time looks for the token and logs in */
    /* the rest under `opening` */
    unsigned char check[MASTER_KA_LENGTH]; /* distinguishes this master from another one */
    bool has_check;
    int64_t tried_at; /* milliseconds; 0: never */
    enum master_result tried;
    char tried_fault[MASTER_FAULT_SIZE];
};

/* A slot with a token in it. */
struct token_slot {
    CK_FUNCTION_LIST *module;
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
};

/* False: fault. Call token_uri_close() in any case. */
bool token_uri_read(struct token_uri *uri, const char *text, char fault[MASTER_FAULT_SIZE]);
void token_uri_close(struct token_uri *uri);

bool token_client_is(const char *path);
/* NULL: loaded; else what is wrong, until the next call of dlerror(). */
const char *token_client_load(struct token_client *client, const char *path);
/* One that is not loaded is fine. */
void token_client_unload(struct token_client *client);

/* Load the libraries that a token's URI means, if no other token has. False: fault. */
bool token_modules_load(struct token *token, char fault[MASTER_FAULT_SIZE]);
/*
 * Initialise them; if they are initialised, finalise them first, which renews a broken connection.
 * The caller holds `calls` for writing, or is the only thread. MASTER_OK: at least one works.
 */
enum master_result token_modules_start(struct token_modules *modules,
                                       char fault[MASTER_FAULT_SIZE]);

/* Around each call into a library, which is not initialised again meanwhile. */
void token_modules_enter(struct token_modules *modules);
void token_modules_leave(struct token_modules *modules);

/* NULL modules are fine. */
void token_modules_unload(struct token *token);

/* The one token that a URI means. */
enum master_result token_slot_find(const struct token *token, struct token_slot *slot,
                                   char fault[MASTER_FAULT_SIZE]);

/* Log in with a session, if the slot's token requires it. */
enum master_result token_log_in(struct token *token, const struct token_slot *slot,
                                CK_SESSION_HANDLE session, char fault[MASTER_FAULT_SIZE]);

/* How many keys match a URI: 0, 1, or 2 for more; key is the handle of the first. */
enum master_result token_key_count(const struct token *token, const struct token_session *session,
                                   CK_OBJECT_HANDLE *key, CK_ULONG *count,
                                   char fault[MASTER_FAULT_SIZE]);

/* The one key that matches a URI; it must be suitable as the master. */
enum master_result token_key_find(const struct token *token, struct token_session *session,
                                  char fault[MASTER_FAULT_SIZE]);

/* Is a key suitable: can it sign, not be extracted, and does it have 32 octets? */
enum master_result token_key_is_fit(const struct token_session *session,
                                    char fault[MASTER_FAULT_SIZE]);

/* HMAC-SHA-256 over S, by the session's key. */
enum master_result token_sign(const struct token_session *session, const unsigned char *s,
                              size_t length, unsigned char mac[MASTER_KA_LENGTH],
                              char fault[MASTER_FAULT_SIZE]);

/* Write to fault what a call returned. Returns what that means: mostly MASTER_UNAVAILABLE. */
enum master_result token_fault(char fault[MASTER_FAULT_SIZE], const char *call, CK_RV rv);

#endif
