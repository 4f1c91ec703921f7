/*
 * An e2e connection: its key is used up, then it is what the key is for
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "session/ue.h"
#include "store/store.h"

#include <openssl/crypto.h>

/* The key is used up by the first handshake that is complete, and it must be the one it was. */
static void on_consumed(void *argument, enum store_result result, const struct store_record *record,
                        const char *reason)
{
    struct ue *ue = argument;
    const bool same =
        result == STORE_OK && CRYPTO_memcmp(record->key, ue->claim.key, UE_KEY_LENGTH) == 0;

    ue->store_request = NULL;
    OPENSSL_cleanse(ue->claim.key, UE_KEY_LENGTH);
    if (result == STORE_UNAVAILABLE) {
        metrics_count(METRIC_STORE_ERRORS);
        ue_refuse(ue, METRIC_REFUSED_STORE, reason);
    } else if (!same) {
        ue_refuse(ue, METRIC_REFUSED_USED,
                  "the refresh was used before, is too old, or was revoked");
    } else if (ue_count(ue)) {
        metrics_count(METRIC_E2E_TAKEN);
        ue_log(ue, "e2e", "ka-id", ue->claim.ka_id[0] == '\0' ? NULL : ue->claim.ka_id);
        ue_attach_app(ue, NULL);
    }
}

void ue_serve_e2e(struct ue *ue)
{
    struct store *store = ue_server(ue)->store;
    struct store_request *request = store->ops->consume(store, ue->connection.worker->loop,
                                                        ue->claim.identity, on_consumed, ue);

    if (request != NULL) /* else the connection may be gone */
        ue->store_request = request;
}
