/*
 * SIGUSR2: what the new program and the one before it tell each other
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/handover.h"

#include <stdio.h>
#include <string.h>

static size_t append_text(char packet[HANDOVER_SIZE], size_t at, const char *text)
{
    const int length = snprintf(packet + at, HANDOVER_SIZE - at, "%s%s", text == NULL ? "-" : "=",
                                text == NULL ? "" : text);

    return at + (size_t)length + 1; /* and the NUL */
}

size_t handover_write_scope(char packet[HANDOVER_SIZE], const struct store_scope *scope)
{
    size_t at = sizeof(HANDOVER_REVOKE);

    memcpy(packet, HANDOVER_REVOKE, at);
    at = append_text(packet, at, scope->device);
    at = append_text(packet, at, scope->ka_id);
    at = append_text(packet, at, scope->subject);
    return append_text(packet, at, scope->naf);
}

bool handover_read_scope(const char *packet, size_t length, struct store_scope *scope)
{
    const char **const texts[] = {&scope->device, &scope->ka_id, &scope->subject, &scope->naf};
    const char *at = packet, *const end = packet + length;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        at += strlen(at) + 1;
        if (at >= end || (*at != '=' && *at != '-'))
            return false;
        *texts[i] = *at == '=' ? at + 1 : NULL;
    }
    return true;
}
