/*
 * Requests of a NAF's loops on their way to the line and back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/tp_link_requests.h"

#include "net/clock.h"
#include "ops/metrics.h"
#include "printable.h"

#include <openssl/crypto.h>
#include <stdio.h>

static void call_back(struct tp_link_pending *pending)
{
    const struct tp_link_answer *answer = &pending->answer;
    const char *reason = pending->reason;
    char said[JSON_FAULT_SIZE + 40];

    if (reason == NULL && answer->verdict == TP_LINK_ERROR) {
        (void)snprintf(said, sizeof(said), "the third party says: %s", answer->error);
        reason = said;
    }
    if (pending->revoked != NULL)
        pending->revoked(pending->argument, reason == NULL, reason);
    else if (reason != NULL)
        pending->done(pending->argument, FLAG_FAILED, NULL, reason);
    else if (answer->flag.e2e)
        pending->done(pending->argument, FLAG_ISSUED, &answer->flag, NULL);
    else
        pending->done(pending->argument, FLAG_NO_KA, NULL, NULL);
}

static void come_back(struct loop *loop, struct loop_message *message)
{
    struct tp_link_pending *pending = (struct tp_link_pending *)message;

    (void)loop;
    metrics_observe(METRIC_TIME_THIRD_PARTY, (double)(clock_ms() - pending->asked) / 1000);
    if (!pending->is_cancelled)
        call_back(pending);
    OPENSSL_clear_free(pending, sizeof(*pending));
}

void tp_link_pending_return(struct tp_link_pending *pending, const char *reason)
{
    OPENSSL_cleanse(pending->request.ks_naf, sizeof(pending->request.ks_naf));
    pending->reason = reason;
    pending->message.run = come_back;
    loop_post(pending->caller, &pending->message);
}
