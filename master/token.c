/*
 * A master secret in a PKCS#11 token: sessions, and their recovery when the token fails
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token.h"

#include "ka_string.h"
#include "printable.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PAUSE_MS        1000  /* before a token that could not be reached is looked for again */
#define SHARED_PAUSE_MS 10000 /* between two starts of libraries that work for another token */
#define PATIENCE_S      1 /* for other threads' calls, before the libraries are initialised again */
#define PIN_MAX         255 /* octets */
#define SIGN_TRIES      2

struct deriver_token {
    struct deriver deriver;
    struct token_session session;
};

enum master_result token_fault(char fault[MASTER_FAULT_SIZE], const char *call, CK_RV rv)
{
    const char *what = p11_kit_strerror(rv);

    (void)snprintf(fault, MASTER_FAULT_SIZE, "pkcs11: %s: %s (CKR 0x%lX)", call,
                   what == NULL ? "failed" : PRINTABLE_PATH(what), rv);
    return MASTER_UNAVAILABLE;
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + 1;
}

/* Is it the master of before? A token that came back may be another one, with a key of that name.
 */
static enum master_result check(struct token *token, const struct token_session *session,
                                char fault[MASTER_FAULT_SIZE])
{
    unsigned char s[KA_STRING_MAX], mac[MASTER_KA_LENGTH] = {0};
    const char *nothing;
    const size_t length = ka_string(s, "", "", &nothing);
    enum master_result result = token_sign(session, s, length, mac, fault);

    if (result == MASTER_OK && !token->has_check) {
        memcpy(token->check, mac, sizeof(mac));
        token->has_check = true;
    } else if (result == MASTER_OK && CRYPTO_memcmp(token->check, mac, sizeof(mac)) != 0) {
        result = master_fault(fault, MASTER_REFUSED,
                              "pkcs11: this is another key than before, or the token is wrong");
    }
    OPENSSL_cleanse(mac, sizeof(mac));
    return result;
}

/* A session with the key in hand. `opening` is held, `calls` for reading. */
static enum master_result open_session(struct token *token, struct token_session *session,
                                       char fault[MASTER_FAULT_SIZE])
{
    struct token_slot slot;
    struct token_session opened = {.generation = token->modules->generation};
    enum master_result result;
    CK_RV rv;

    if (token->modules->generation == 0 || token->modules->list == NULL)
        return master_fault(fault, MASTER_UNAVAILABLE, "pkcs11: not initialised");
    result = token_slot_find(token, &slot, fault);
    if (result != MASTER_OK)
        return result;
    opened.module = slot.module;
    rv = slot.module->C_OpenSession(slot.slot, CKF_SERIAL_SESSION, NULL, NULL, &opened.handle);
    if (rv != CKR_OK)
        return token_fault(fault, "C_OpenSession", rv);
    result = token_log_in(token, &slot, opened.handle, fault);
    if (result == MASTER_OK)
        result = token_key_find(token, &opened, fault);
    if (result == MASTER_OK)
        result = check(token, &opened, fault);
    if (result == MASTER_OK)
        *session = opened;
    else
        (void)slot.module->C_CloseSession(opened.handle);
    return result;
}

static enum master_result try_session(struct token *token, struct token_session *session,
                                      char fault[MASTER_FAULT_SIZE])
{
    enum master_result result;

    token_modules_enter(token->modules);
    result = open_session(token, session, fault);
    token_modules_leave(token->modules);
    return result;
}

/* Note whether this token works, for the others that share its libraries. */
static void set_up(struct token *token, bool is_up)
{
    if (atomic_exchange(&token->is_up, is_up) == is_up)
        return;
    if (is_up)
        atomic_fetch_add(&token->modules->up, 1);
    else
        atomic_fetch_sub(&token->modules->up, 1);
}

/*
 * Initialise the libraries again, once no call is under way. It is not done while a call hangs;
 * nor, for a while, if another token works, because that would end its sessions; nor if another
 * thread has done it since the generation that failed.
 */
static enum master_result start_modules(struct token *token, unsigned long failed,
                                        char fault[MASTER_FAULT_SIZE])
{
    struct token_modules *modules = token->modules;
    enum master_result result = MASTER_OK;
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    if (pthread_rwlock_timedwrlock(&modules->calls, &until) != 0)
        return MASTER_UNAVAILABLE;
    if (modules->generation == failed) {
        if (atomic_load(&modules->up) > 0 && now_ms() - modules->started_at < SHARED_PAUSE_MS) {
            result = MASTER_UNAVAILABLE;
        } else {
            result = token_modules_start(modules, fault);
            modules->started_at = now_ms();
        }
    }
    (void)pthread_rwlock_unlock(&modules->calls);
    return result;
}

static unsigned long generation_of(struct token_modules *modules)
{
    unsigned long generation;

    (void)pthread_rwlock_rdlock(&modules->calls);
    generation = modules->generation;
    (void)pthread_rwlock_unlock(&modules->calls);
    return generation;
}

/* Reach the token: with the libraries as they are, then with libraries that were started again. */
static enum master_result reach(struct token *token, struct token_session *session,
                                char fault[MASTER_FAULT_SIZE])
{
    const unsigned long generation = generation_of(token->modules);
    const int64_t now = now_ms();

    if (token->tried_at != 0 && token->tried != MASTER_OK && now - token->tried_at < PAUSE_MS)
        return master_fault(fault, token->tried, token->tried_fault);
    token->tried = try_session(token, session, fault);
    if (token->tried != MASTER_OK)
        set_up(token, false);
    if (token->tried == MASTER_UNAVAILABLE && start_modules(token, generation, fault) == MASTER_OK)
        token->tried = try_session(token, session, fault);
    set_up(token, token->tried == MASTER_OK);
    token->tried_at = now_ms();
    (void)snprintf(token->tried_fault, sizeof(token->tried_fault), "%s", fault);
    return token->tried;
}

static enum master_result reach_locked(struct token *token, struct token_session *session,
                                       char fault[MASTER_FAULT_SIZE])
{
    enum master_result result;

    (void)pthread_mutex_lock(&token->opening);
    result = reach(token, session, fault);
    (void)pthread_mutex_unlock(&token->opening);
    return result;
}

/* The caller holds `calls`, so the generation stays; sessions of earlier ones are invalid. */
static void close_session(struct token *token, struct token_session *session)
{
    token_modules_enter(token->modules);
    if (session->module != NULL && session->generation == token->modules->generation)
        (void)session->module->C_CloseSession(session->handle);
    token_modules_leave(token->modules);
    session->module = NULL;
}

static enum master_result sign(struct token *token, const struct token_session *session,
                               const unsigned char *s, size_t length,
                               unsigned char ka[MASTER_KA_LENGTH], char fault[MASTER_FAULT_SIZE])
{
    enum master_result result;

    token_modules_enter(token->modules);
    if (session->generation == token->modules->generation)
        result = token_sign(session, s, length, ka, fault);
    else
        result = master_fault(fault, MASTER_UNAVAILABLE, "pkcs11: the session is over");
    token_modules_leave(token->modules);
    return result;
}

static enum master_result token_open(struct master *master, char fault[MASTER_FAULT_SIZE])
{
    struct token *token = (struct token *)master;
    struct token_session session = {.module = NULL};
    const enum master_result result = reach_locked(token, &session, fault);

    close_session(token, &session);
    return result;
}

static struct deriver *token_deriver(struct master *master)
{
    struct deriver_token *deriver = OPENSSL_zalloc(sizeof(*deriver));

    (void)master;
    return deriver == NULL ? NULL : &deriver->deriver;
}

static enum master_result token_derive(struct deriver *deriver, const char *device,
                                       const char *ka_id, unsigned char ka[MASTER_KA_LENGTH],
                                       char fault[MASTER_FAULT_SIZE])
{
    struct token *token = (struct token *)deriver->master;
    struct token_session *session = &((struct deriver_token *)deriver)->session;
    enum master_result result = MASTER_UNAVAILABLE;
    unsigned char s[KA_STRING_MAX];
    const char *what = NULL;
    const size_t length = ka_string(s, device, ka_id, &what);

    if (length == 0 || device[0] == '\0')
        return master_fault(fault, MASTER_REFUSED, length == 0 ? what : "device: is empty");
    for (int i = 0; i < SIGN_TRIES && result == MASTER_UNAVAILABLE; i++) {
        if (session->module == NULL)
            result = reach_locked(token, session, fault);
        if (session->module == NULL)
            return result;
        result = sign(token, session, s, length, ka, fault);
        if (result != MASTER_OK)
            close_session(token, session);
    }
    return result;
}

static void token_deriver_free(struct deriver *deriver)
{
    close_session((struct token *)deriver->master, &((struct deriver_token *)deriver)->session);
    OPENSSL_free(deriver);
}

static void token_free(struct master *master)
{
    struct token *token = (struct token *)master;

    if (token->modules != NULL)
        set_up(token, false);
    token_modules_unload(token);
    token_uri_close(&token->uri);
    secret_free(&token->login.pin);
    (void)pthread_mutex_destroy(&token->opening);
    OPENSSL_clear_free(token, sizeof(*token));
}

static const struct master_ops token_ops = {token_open, token_deriver, token_derive,
                                            token_deriver_free, token_free};

/* The PIN as it is, without the end of its line. */
static bool read_pin(struct token *token, const char *pin, char fault[MASTER_FAULT_SIZE])
{
    struct secret *secret = &token->login.pin;
    const char *source = pin != NULL ? pin : token->uri.pin;
    char why[SECRET_FAULT_SIZE];

    if (source == NULL)
        return true;
    if (pin != NULL && token->uri.pin != NULL) {
        (void)master_fault(
            fault, MASTER_REFUSED,
            "pkcs11: the PIN is given twice: by the URI's pin-source, and by --ka-pin");
        return false;
    }
    if (!secret_source_read(secret, source, true, PIN_MAX, why) || why[0] != '\0') {
        (void)snprintf(fault, MASTER_FAULT_SIZE, "the PIN: %s", why);
        return false;
    }
    while (secret->length > 0 && strchr("\r\n", secret->octets[secret->length - 1]) != NULL)
        secret->octets[--secret->length] = '\0';
    return secret->length > 0 || (master_fault(fault, MASTER_REFUSED, "the PIN is empty"), false);
}

struct master *master_token_new(const char *uri, const char *pin, char fault[MASTER_FAULT_SIZE])
{
    struct token *token = OPENSSL_zalloc(sizeof(*token));

    if (token == NULL) {
        (void)master_fault(fault, MASTER_REFUSED, "out of memory");
        return NULL;
    }
    token->master = (struct master){.ops = &token_ops, .is_slow = true};
    (void)pthread_mutex_init(&token->opening, NULL);
    if (token_uri_read(&token->uri, uri, fault) && read_pin(token, pin, fault) &&
        token_modules_load(token, fault))
        return &token->master;
    token_free(&token->master);
    return NULL;
}
