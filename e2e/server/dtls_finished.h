/*
 * A Finished over DTLS that cannot be decrypted: the peer has another key
 *
 * libssl drops a record that does not verify (RFC 6347 4.1.2.7) and waits on. One such record may
 * be somebody else's; the peer's own comes again after a second. Nothing is sent to the peer: an
 * alert over UDP may be anybody's, and a peer without a key is not worth a datagram.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DTLS_FINISHED_H
#define DTLS_FINISHED_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When a Finished came during a handshake, clock_ms(): first, and last; 0: none did. */
struct dtls_finished {
    int64_t first, last;
};

/* A datagram of a peer came. */
void dtls_finished_note(struct dtls_finished *finished, const unsigned char *octets, size_t length);

/* Does a handshake, which has read all that came, wait for its Finished? */
bool dtls_finished_is_awaited(const SSL *ssl);

/* ... though it came, and came again: it cannot be decrypted. */
bool dtls_finished_is_of_other_key(const struct dtls_finished *finished, const SSL *ssl);

#endif
