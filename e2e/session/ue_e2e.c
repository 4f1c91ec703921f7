/*
 * An e2e connection: its key is consumed, then the application gets the connection
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/clock.h"
#include "ops/audit.h"
#include "ops/log.h"
#include "session/ue.h"
#include "store/store.h"

#include <openssl/crypto.h>

static void audit_use(const struct ue *ue, const struct store_record *record)
{
    char peer[LOG_ADDRESS_SIZE];

    audit("key-used", "key", "e2e_key", "identity", record->subject, "device", record->device,
          "ka-id", record->ka_id[0] == '\0' ? NULL : record->ka_id, "naf", record->naf,
          "e2e-identity", record->identity, "peer", log_address(peer, &ue->connection.peer.any),
          NULL);
}

/* The first complete handshake consumes the key, which must still be the one that the handshake
 * used. */
static void accept_consumed(struct ue *ue, const struct store_answer *answer)
{
    const bool same = answer->result == STORE_OK &&
                      CRYPTO_memcmp(answer->record.key, ue->claim.key, UE_KEY_LENGTH) == 0;

    OPENSSL_cleanse(ue->claim.key, UE_KEY_LENGTH);
    metrics_observe_since(METRIC_TIME_STORE, ue->asked_at);
    if (answer->result == STORE_UNAVAILABLE) {
        metrics_count(METRIC_STORE_ERRORS);
        ue_refuse(ue, METRIC_REFUSED_STORE, answer->reason);
    } else if (!same) {
        ue_refuse(ue, METRIC_REFUSED_USED,
                  "the refresh was used before, is too old, or was revoked");
    } else if (ue_count(ue)) {
        metrics_count(METRIC_E2E_TAKEN);
        ue_log(ue, "e2e", "ka-id", ue->claim.ka_id[0] == '\0' ? NULL : ue->claim.ka_id);
        audit_use(ue, &answer->record);
        ue_attach_app(ue, NULL);
    }
}

static void on_consumed(void *argument, const struct store_answer *answer)
{
    struct ue *ue = argument;

    ue->store_request = NULL;
    accept_consumed(ue, answer);
}

void ue_serve_e2e(struct ue *ue)
{
    struct store *store = ue_service(ue)->endpoint.store;
    struct store_answer now;

    ue->state = UE_CONSUMING_KEY;
    ue->asked_at = clock_ms();
    ue->store_request = store->ops->consume(store, ue->connection.worker->loop, ue->claim.identity,
                                            on_consumed, ue, &now);
    if (ue->store_request == NULL) {
        accept_consumed(ue, &now);
        store_answer_clear(&now);
    }
}
