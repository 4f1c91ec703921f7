/*
 * The line and the answer of a first connection over DTLS, in case the UE repeats the line
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "session/ue_repeats.h"

#include <openssl/crypto.h>
#include <string.h>

struct ue_repeats {
    char *answer;
    size_t length;
    char line[];
};

struct ue_repeats *ue_repeats_new(const char *line, size_t length)
{
    struct ue_repeats *repeats = OPENSSL_zalloc(sizeof(*repeats) + length);

    if (repeats == NULL)
        return NULL;
    memcpy(repeats->line, line, length);
    repeats->length = length;
    return repeats;
}

bool ue_repeats_set_answer(struct ue_repeats *repeats, const char *answer)
{
    repeats->answer = OPENSSL_strdup(answer);
    return repeats->answer != NULL;
}

const char *ue_repeats_answer(const struct ue_repeats *repeats, const char *line, size_t length)
{
    return length == repeats->length && memcmp(line, repeats->line, length) == 0 ? repeats->answer
                                                                                 : NULL;
}

void ue_repeats_free(struct ue_repeats *repeats)
{
    if (repeats == NULL)
        return;
    OPENSSL_free(repeats->answer);
    OPENSSL_free(repeats);
}
