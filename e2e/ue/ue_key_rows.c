/*
 * The rows of a UE that bootstraps
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/ue_key_rows.h"

#include "secret_buf.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define HEADER "identity,ks-naf,ka,ka-id,device,not-after\n"

static void put_row(struct secret_buf *text, const struct ue_key *key, const struct device *ka)
{
    char end[32];

    (void)snprintf(end, sizeof(end), ",%lld\n", (long long)key->not_after);
    secret_buf_puts(text, key->b_tid);
    secret_buf_puts(text, ",");
    secret_buf_hex(text, key->ks_nafs[0], KS_NAF_LENGTH);
    secret_buf_puts(text, ",");
    secret_buf_hex(text, ka->ka, ka->ka_length);
    secret_buf_puts(text, ",");
    secret_buf_puts(text, ka->ka_id);
    secret_buf_puts(text, ",");
    secret_buf_puts(text, ka->device);
    secret_buf_puts(text, end);
}

static void put_rows(struct secret_buf *text, const struct ue_key *key, const struct ue_kas *kas)
{
    for (size_t i = 0; i < kas->rows->count; i++) {
        const struct device *row = kas->rows->by_device[i];

        if (row->ka != NULL && strcmp(row->device, kas->device) == 0)
            put_row(text, key, row);
    }
}

static void put_one(struct secret_buf *text, const struct ue_key *key, const struct ue_kas *kas)
{
    const struct device ka = {.device = kas->device == NULL ? "" : kas->device,
                              .ka_id = kas->ka_id == NULL ? "" : kas->ka_id,
                              .ka = kas->ka,
                              .ka_length = kas->ka_length};

    put_row(text, key, &ka);
}

struct devices *ue_key_rows(const struct ue_key *key, const struct ue_kas *kas,
                            char fault[DEVICES_FAULT_SIZE])
{
    static const struct devices_rules rules = {.needs = DEVICES_KS_NAF | DEVICES_KA};
    struct secret_buf text = {.octets = NULL};
    struct devices *rows = NULL;

    secret_buf_puts(&text, HEADER);
    if (kas->rows != NULL)
        put_rows(&text, key, kas);
    else
        put_one(&text, key, kas);
    if (text.failed)
        (void)snprintf(fault, DEVICES_FAULT_SIZE, "out of memory");
    else if (text.length == strlen(HEADER))
        (void)snprintf(fault, DEVICES_FAULT_SIZE, "no Ka of this device in the devices file");
    else
        rows = devices_parse(text.octets, text.length, &rules, fault);
    secret_buf_free(&text);
    return rows;
}
