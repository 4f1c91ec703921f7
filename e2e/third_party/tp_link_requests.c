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

/* Why there is no answer, or what the third party says instead of one; NULL: there is one. */
static const char *failure(const struct tp_link_pending *pending, char said[JSON_FAULT_SIZE + 40])
{
    if (pending->reason != NULL || pending->answer.verdict != TP_LINK_ERROR)
        return pending->reason;
    (void)snprintf(said, JSON_FAULT_SIZE + 40, "the third party says: %s", pending->answer.error);
    return said;
}

static void call_back(const struct tp_link_pending *pending)
{
    char said[JSON_FAULT_SIZE + 40];
    const char *reason = failure(pending, said);
    struct third_party_revocation revocation;
    struct third_party_answer answer;

    if (pending->revoked != NULL) {
        third_party_revocation_set(&revocation, reason == NULL, reason);
        pending->revoked(pending->argument, &revocation);
        return;
    }
    third_party_answer_set(&answer, reason != NULL ? FLAG_FAILED : FLAG_NO_KA, reason);
    if (reason == NULL && pending->answer.flag.e2e) {
        answer.result = FLAG_ISSUED;
        answer.flag = pending->answer.flag;
    }
    pending->done(pending->argument, &answer);
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
