/*
 * Fuzz target: the lines between NAF and third party, whichever of them sends nonsense
 *
 * The first octet chooses who reads. A line that is understood, written and read again, is the
 * same; of one that is not, the fault says why and quotes no key. A failure never reads as "no
 * e2e": an answer is an error, a revocation, or a flag that flag.c takes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "messages/tp_link_messages.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void want(int condition)
{
    if (!condition)
        abort();
}

static void try_request(const char *line, size_t length)
{
    char fault[JSON_FAULT_SIZE] = "";
    struct tp_link_request request, again;
    char *written;

    if (!tp_link_request_decode(&request, line, length, fault)) {
        want(fault[0] != '\0' && strlen(fault) < sizeof(fault) && request.id >= -1);
        return;
    }
    want(request.id >= 0 && request.identity[0] != '\0' && request.not_after >= 0);
    written = tp_link_request_encode(&request);
    want(written != NULL && tp_link_request_decode(&again, written, strlen(written), fault));
    want(again.id == request.id && again.is_revocation == request.is_revocation &&
         again.not_after == request.not_after && strcmp(again.identity, request.identity) == 0 &&
         strcmp(again.device, request.device) == 0 &&
         strcmp(again.naf_fqdn, request.naf_fqdn) == 0 &&
         memcmp(again.ks_naf, request.ks_naf, TP_LINK_KEY_LENGTH) == 0 &&
         memcmp(again.ua_protocol_id, request.ua_protocol_id, TP_LINK_UA_LENGTH) == 0 &&
         memcmp(again.nonce, request.nonce, NONCE_LENGTH) == 0);
    json_line_free(written);
}

static void try_answer(const char *line, size_t length)
{
    char fault[JSON_FAULT_SIZE] = "";
    struct tp_link_answer answer = {.id = -1}, again;
    char *written;

    if (!tp_link_answer_decode(&answer, line, length, fault)) {
        want(fault[0] != '\0' && strlen(fault) < sizeof(fault));
        return;
    }
    want(answer.id >= 0 && strlen(answer.error) < sizeof(answer.error));
    if (answer.verdict == TP_LINK_ERROR)
        return; /* a long sentence is cut, perhaps within a character */
    written = tp_link_answer_encode(&answer);
    want(written != NULL && tp_link_answer_decode(&again, written, strlen(written), fault));
    want(again.id == answer.id && again.verdict == answer.verdict);
    want(answer.verdict != TP_LINK_FLAG || again.flag.e2e == answer.flag.e2e);
    json_line_free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] % 2 == 0)
        try_request((const char *)data + 1, size - 1);
    else
        try_answer((const char *)data + 1, size - 1);
    return 0;
}
