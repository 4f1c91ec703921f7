/*
 * What akma ka new and akma ka add share: a row, and random octets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

static bool is_zero(const unsigned char *octets, size_t length)
{
    unsigned char any = 0;

    for (size_t i = 0; i < length; i++)
        any |= octets[i];
    return any == 0;
}

const char *ka_keys_fault(const unsigned char *ks_naf, const unsigned char *ka, size_t ka_length)
{
    if (ka != NULL && is_zero(ka, ka_length))
        return "ka: all its octets are zero: it is no key";
    if (ks_naf != NULL && is_zero(ks_naf, ROW_KEY_LENGTH))
        return "ks-naf: all its octets are zero: it is no key";
    if (ka != NULL && ks_naf != NULL && ka_length == ROW_KEY_LENGTH &&
        CRYPTO_memcmp(ka, ks_naf, ROW_KEY_LENGTH) == 0)
        return "ka: the same as ks-naf: Ka must be a secret of its own";
    return NULL;
}

bool ka_random(unsigned char *octets, size_t length)
{
    size_t filled = 0;

    while (filled < length) {
        const ssize_t got = getrandom(octets + filled, length - filled, 0);

        if (got < 0)
            return false;
        filled += (size_t)got;
    }
    errno = EIO;
    return !is_zero(octets, length);
}

static void put_field(struct secret_buf *text, enum column column, const struct ka_row *row)
{
    char seconds[24];

    switch (column) {
    case COLUMN_IDENTITY:
        secret_buf_puts(text, row->identity);
        break;
    case COLUMN_KS_NAF:
        if (row->ks_naf != NULL)
            secret_buf_hex(text, row->ks_naf, ROW_KEY_LENGTH);
        break;
    case COLUMN_KA:
        if (row->ka != NULL)
            secret_buf_hex(text, row->ka, row->ka_length);
        break;
    case COLUMN_KA_ID:
        if (row->ka_id != NULL)
            secret_buf_puts(text, row->ka_id);
        break;
    case COLUMN_DEVICE:
        if (row->device != NULL && strcmp(row->device, row->identity) != 0)
            secret_buf_puts(text, row->device);
        break;
    case COLUMN_NOT_AFTER:
        if (row->not_after != 0) {
            (void)snprintf(seconds, sizeof(seconds), "%" PRId64, row->not_after);
            secret_buf_puts(text, seconds);
        }
        break;
    default: /* a new row has nothing of the rest */
        break;
    }
}

void ka_put_row(struct secret_buf *text, const struct row_layout *layout, const struct ka_row *row)
{
    for (size_t i = 0; i < layout->count; i++) {
        if (i > 0)
            secret_buf_puts(text, ",");
        put_field(text, layout->at[i], row);
    }
    secret_buf_puts(text, "\n");
}
