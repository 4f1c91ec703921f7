/*
 * The Ua security protocol identifier that a key is derived for (TS 33.220 H.2)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "messages/ua_protocol_id.h"

#include "options.h"
#include "printable.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

void ua_protocol_id_of_suite(unsigned char id[AKMA_UA_PROTOCOL_ID_LENGTH], uint16_t suite)
{
    const unsigned char octets[AKMA_UA_PROTOCOL_ID_LENGTH] = {1, 0, 1, (unsigned char)(suite >> 8),
                                                              (unsigned char)suite};

    memcpy(id, octets, sizeof(octets));
}

static bool has_suite(const struct dtls_suites *suites,
                      const unsigned char id[AKMA_UA_PROTOCOL_ID_LENGTH])
{
    unsigned char of_suite[AKMA_UA_PROTOCOL_ID_LENGTH] = {0};
    size_t i = 0;

    for (; i < suites->count && memcmp(of_suite, id, sizeof(of_suite)) != 0; i++)
        ua_protocol_id_of_suite(of_suite, suites->number[i]);
    return memcmp(of_suite, id, sizeof(of_suite)) == 0;
}

/* Why it cannot be one of this version. NULL: it can. */
static const char *version_fault(const unsigned char id[AKMA_UA_PROTOCOL_ID_LENGTH],
                                 const struct dtls_suites *suites)
{
    static const unsigned char tls13[] = {1, 0, 0, 0, 7}, of_suite[] = {1, 0, 1};
    const bool is_of_suite = memcmp(id, of_suite, sizeof(of_suite)) == 0;
    const bool is_of_tls13 =
        memcmp(id, tls13, sizeof(tls13)) == 0 || (is_of_suite && id[3] == 0x13); /* its suites */

    if (suites == NULL)
        return !is_of_suite || is_of_tls13
                   ? NULL
                   : "is that of a cipher suite of TLS 1.2, and it is asked for TLS 1.3: one key "
                     "must not serve both (RFC 8446 E.7)";
    if (is_of_tls13)
        return "is TLS 1.3's, and these first connections are of DTLS 1.2: one key must not serve "
               "both (RFC 8446 E.7); leave the option out, or say " UA_BY_SUITE;
    if (!is_of_suite)
        return "must be 010001 and the number of a cipher suite over DTLS 1.2, so that one key "
               "does not serve TLS 1.3 as well (RFC 8446 E.7); leave the option out, or "
               "say " UA_BY_SUITE;
    return has_suite(suites, id) ? NULL
                                 : "is that of a cipher suite that --dtls-ciphers does not name";
}

static bool decode(unsigned char id[AKMA_UA_PROTOCOL_ID_LENGTH], const char *hex)
{
    long length = 0;
    unsigned char *octets = OPENSSL_hexstr2buf(hex, &length);
    const bool done = octets != NULL && length == AKMA_UA_PROTOCOL_ID_LENGTH;

    if (done)
        memcpy(id, octets, AKMA_UA_PROTOCOL_ID_LENGTH);
    else if (octets == NULL)
        fprintf(stderr, "%s--ua-protocol-id %s: must be hex\n", options_where("ua-protocol-id"),
                PRINTABLE(hex));
    else
        fprintf(stderr, "%sua-protocol-id: %ld octets given; must be exactly 5\n",
                options_where("ua-protocol-id"), length);
    OPENSSL_free(octets);
    ERR_clear_error();
    return done;
}

bool ua_protocol_id_read(unsigned char id[AKMA_UA_PROTOCOL_ID_LENGTH], const char *hex,
                         const struct dtls_suites *suites)
{
    const char *fault;

    if (!decode(id, hex))
        return false;
    fault = version_fault(id, suites);
    if (fault != NULL)
        fprintf(stderr, "%s--ua-protocol-id %s: %s\n", options_where("ua-protocol-id"),
                PRINTABLE(hex), fault);
    return fault == NULL;
}
