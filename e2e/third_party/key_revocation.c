/*
 * Revoking e2e_keys: those that are outstanding in a store, and the connections on others
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/key_revocation.h"

#include "ops/audit.h"
#include "server/close_matching.h"
#include "store/store.h"

#include <openssl/crypto.h>
#include <stdio.h>

struct revoking {
    struct third_party_request request;
    struct server *server;
    struct store *store;
    struct store_request *store_request;
    struct close_matching *matching; /* for when the store has answered */
    char subject[STORE_TEXT_SIZE], device[STORE_TEXT_SIZE], ka_id[STORE_TEXT_SIZE],
        naf[STORE_TEXT_SIZE]; /* of the scope */
    third_party_revoked *done;
    void *argument;
};

static void revoking_free(struct revoking *revoking)
{
    close_matching_discard(revoking->matching);
    OPENSSL_free(revoking);
}

static void cancel(struct third_party_request *request)
{
    struct revoking *revoking = (struct revoking *)request;

    revoking->store->ops->cancel(revoking->store, revoking->store_request);
    revoking_free(revoking);
}

/* For a log: NULL instead of an empty text. */
static const char *given(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

/* The store has answered: close the connections on these keys, whatever it says. */
static void end_matching(struct revoking *revoking, const struct store_answer *revoked,
                         struct third_party_revocation *revocation)
{
    close_matching_run(revoking->server, revoking->matching);
    revoking->matching = NULL;
    audit("key-revoked", "key", "e2e_key", "identity", given(revoking->subject), "device",
          given(revoking->device), "ka-id", given(revoking->ka_id), "naf", given(revoking->naf),
          "result", revoked->result == STORE_OK ? "done" : "failed", NULL);
    third_party_revocation_set(revocation, revoked->result == STORE_OK, revoked->reason);
}

static void on_revoked(void *argument, const struct store_answer *revoked)
{
    struct revoking *revoking = argument;
    struct third_party_revocation revocation;

    end_matching(revoking, revoked, &revocation);
    revoking->done(revoking->argument, &revocation);
    revoking_free(revoking);
}

static void copy_text(char text[STORE_TEXT_SIZE], const char *other)
{
    (void)snprintf(text, STORE_TEXT_SIZE, "%s", other == NULL ? "" : other);
}

/* NULL: out of memory. */
static struct revoking *revoking_new(struct server *server, const struct store_scope *scope)
{
    struct revoking *revoking = OPENSSL_zalloc(sizeof(*revoking));

    if (revoking == NULL)
        return NULL;
    revoking->matching = close_matching_prepare(server, scope);
    if (revoking->matching == NULL) {
        OPENSSL_free(revoking);
        return NULL;
    }
    revoking->request.cancel = cancel;
    revoking->server = server;
    copy_text(revoking->subject, scope->subject);
    copy_text(revoking->device, scope->device);
    copy_text(revoking->ka_id, scope->ka_id);
    copy_text(revoking->naf, scope->naf);
    return revoking;
}

/*
 * Until a shared store has answered, another loop may consume one of these keys; so connections are
 * closed after its answer.
 */
struct third_party_request *key_revocation_start(struct server *server, struct store *store,
                                                 struct loop *loop, const struct store_scope *scope,
                                                 third_party_revoked *done, void *argument,
                                                 struct third_party_revocation *now)
{
    struct revoking *revoking = revoking_new(server, scope);
    struct store_answer revoked;

    if (revoking == NULL) {
        third_party_revocation_set(now, false, "out of memory");
        return NULL;
    }
    revoking->store = store;
    revoking->done = done;
    revoking->argument = argument;
    revoking->store_request =
        store->ops->revoke(store, loop, scope, on_revoked, revoking, &revoked);
    if (revoking->store_request != NULL)
        return &revoking->request;
    end_matching(revoking, &revoked, now);
    revoking_free(revoking);
    return NULL;
}
