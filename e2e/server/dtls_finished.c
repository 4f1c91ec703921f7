/*
 * A Finished over DTLS that cannot be decrypted; see the header
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/dtls_finished.h"

#include "net/clock.h"

#include <string.h>

#define LENGTH_AT 11  /* in a record's header (RFC 6347 4.1) */
#define AGAIN_MS  500 /* a copy that the network has made comes sooner */

/* A message of a handshake in epoch 1, where all is encrypted: there is no other than Finished. */
static bool is_finished(const unsigned char *record)
{
    static const unsigned char epoch_1[2] = {0, 1};

    return record[0] == SSL3_RT_HANDSHAKE && memcmp(record + 3, epoch_1, sizeof(epoch_1)) == 0;
}

void dtls_finished_note(struct dtls_finished *finished, const unsigned char *octets, size_t length)
{
    while (length > DTLS1_RT_HEADER_LENGTH && !is_finished(octets)) {
        const size_t whole =
            DTLS1_RT_HEADER_LENGTH + ((size_t)octets[LENGTH_AT] << 8 | octets[LENGTH_AT + 1]);

        if (whole > length)
            return;
        octets += whole;
        length -= whole;
    }
    if (length <= DTLS1_RT_HEADER_LENGTH)
        return;
    finished->last = clock_ms();
    if (finished->first == 0)
        finished->first = finished->last;
}

bool dtls_finished_is_awaited(const SSL *ssl)
{
    return SSL_get_state(ssl) == TLS_ST_SR_CHANGE;
}

bool dtls_finished_is_of_other_key(const struct dtls_finished *finished, const SSL *ssl)
{
    return finished->last - finished->first >= AGAIN_MS && dtls_finished_is_awaited(ssl);
}
