/*
 * The PIN of a card
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "usim_pin.h"

#include <stdio.h>
#include <string.h>

bool usim_pin_read(char pin[USIM_PIN_SIZE], const char *source, void (*note)(const char *warning),
                   char fault[SECRET_FAULT_SIZE])
{
    struct secret secret = {.octets = NULL};

    if (!secret_source_is_one(source)) {
        (void)snprintf(fault, SECRET_FAULT_SIZE, "%s", SECRET_SOURCES);
        return false;
    }
    if (!secret_source_read(&secret, source, true, USIM_PIN_SIZE - 1, fault))
        return false;
    if (fault[0] != '\0' && note == NULL) {
        secret_free(&secret);
        return false;
    }
    if (fault[0] != '\0')
        note(fault);
    memcpy(pin, secret.octets, secret.length);
    pin[secret.length] = '\0';
    pin[strcspn(pin, "\r\n")] = '\0';
    secret_free(&secret);
    return true;
}
