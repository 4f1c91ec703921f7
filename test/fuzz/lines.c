/*
 * Fuzz target: the devices file and the two lines of JSON of the example programs
 *
 * The first octet chooses which of them the rest is. A flag or nonce that is understood, written
 * and read again, is the same; a devices file that is understood keeps to its bounds, and every row
 * is found again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "devices.h"
#include "messages/e2e_flag.h"

#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void want(int condition)
{
    if (!condition)
        abort();
}

static void check_fault(const char *fault, size_t size)
{
    want(fault[0] != '\0' && strlen(fault) < size);
}

static void try_devices(const char *text, size_t length)
{
    const struct devices_rules rules = {.needs = DEVICES_KS_NAF, .extra = DEVICES_REFRESH};
    char fault[DEVICES_FAULT_SIZE] = "";
    char *copy = OPENSSL_malloc(length + 1);
    struct devices *devices;

    want(copy != NULL);
    memcpy(copy, text, length);
    devices = devices_parse(copy, length, &rules, fault);
    OPENSSL_free(copy);
    if (devices == NULL) {
        check_fault(fault, sizeof(fault));
        return;
    }
    for (size_t i = 0; i < devices->count; i++) {
        const struct device *row = &devices->rows[i];
        const struct device *last = devices_find(devices, row->identity);
        const struct device *meant = devices_ka(devices, row, NULL);

        want(last != NULL && strcmp(last->identity, row->identity) == 0 && last >= row);
        want(row->ka == NULL || (row->ka_length >= 16 && row->ka_length <= 65535));
        want(row->ka == NULL || meant != NULL);
        want(meant == NULL || (meant->ka != NULL && strcmp(meant->device, row->device) == 0));
    }
    devices_free(devices);
}

static void try_flag(const char *line, size_t length)
{
    char fault[E2E_FLAG_FAULT_SIZE] = "";
    struct e2e_flag flag, again;
    char *written;

    if (!e2e_flag_decode(&flag, line, length, fault)) {
        check_fault(fault, sizeof(fault));
        return;
    }
    written = e2e_flag_encode(&flag);
    want(written != NULL && e2e_flag_decode(&again, written, strlen(written), fault));
    want(again.e2e == flag.e2e && again.refresh_length == flag.refresh_length &&
         memcmp(again.refresh, flag.refresh, flag.refresh_length) == 0 &&
         strcmp(again.mode, flag.mode) == 0 && strcmp(again.digest, flag.digest) == 0 &&
         strcmp(again.usage, flag.usage) == 0 && strcmp(again.identity, flag.identity) == 0 &&
         strcmp(again.ka_id, flag.ka_id) == 0);
    json_line_free(written);
}

static void try_nonce(const char *line, size_t length)
{
    struct nonce nonce, again;
    char fault[E2E_FLAG_FAULT_SIZE] = "";
    char *written;

    if (!nonce_decode(&nonce, line, length, fault)) {
        check_fault(fault, sizeof(fault));
        return;
    }
    written = nonce_encode(&nonce);
    want(written != NULL && nonce_decode(&again, written, strlen(written), fault) &&
         memcmp(nonce.octets, again.octets, NONCE_LENGTH) == 0 &&
         strcmp(nonce.device, again.device) == 0 && strcmp(nonce.ka_id, again.ka_id) == 0);
    json_line_free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data + 1;

    if (size == 0)
        return 0;
    switch (data[0] % 3) {
    case 0:
        try_devices(text, size - 1);
        break;
    case 1:
        try_flag(text, size - 1);
        break;
    default:
        try_nonce(text, size - 1);
    }
    return 0;
}
