/*
 * What a UE offers in the ClientHello of each of its connections
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/ue_offer.h"

#include "messages/e2e_flag.h"
#include "net/dtls.h"
#include "tls13_psk.h"

#include <string.h>

/*
 * The version of what is said on a first connection, in ALPN's form: a length of one octet, then
 * the name. Without a Ka no flag is useful, and the connection continues in plain as ever.
 */
static bool offer_version(const struct client_setup *setup, SSL *ssl)
{
    unsigned char list[sizeof(UA_ALPN)] = {sizeof(UA_ALPN) - 1};

    if (devices_ka(setup->devices, setup->device, NULL) == NULL)
        return true;
    memcpy(list + 1, UA_ALPN, sizeof(UA_ALPN) - 1);
    return SSL_set_alpn_protos(ssl, list, sizeof(list)) == 0;
}

/* Its server_name: RFC 6066 3. */
static bool name_server(const struct client_setup *setup, SSL *ssl)
{
    return setup->naf_fqdn == NULL || SSL_set_tlsext_host_name(ssl, setup->naf_fqdn) > 0;
}

/* Ks_NAF for each protocol; without TLS 1.3 among them it is not offered. */
static bool offer_ks_nafs(const struct client_setup *setup, SSL *ssl)
{
    struct dtls_key keys[DTLS_CIPHERS_MAX];
    size_t count = 0;
    bool has_tls13 = SSL_is_dtls(ssl) != 0;

    for (size_t i = 0; i < setup->protocol_count; i++) {
        const struct ue_protocol *protocol = &setup->protocols[i];

        if (!protocol->is_tls13)
            keys[count++] = (struct dtls_key){protocol->suite, client_ks_naf(setup, i)};
        else if (tls13_psk_offer(ssl, setup->identity, client_ks_naf(setup, i), KS_NAF_LENGTH))
            has_tls13 = true;
        else
            return false;
    }
    return (has_tls13 || SSL_set_max_proto_version(ssl, TLS1_2_VERSION)) &&
           (count == 0 || dtls_psk_offer(ssl, setup->identity, keys, count));
}

bool ue_offer_ks_naf(SSL *ssl, const struct client_setup *setup)
{
    return (SSL_is_dtls(ssl) || offer_version(setup, ssl)) && name_server(setup, ssl) &&
           offer_ks_nafs(setup, ssl);
}

size_t ue_offer_protocol(const SSL *ssl, const struct client_setup *setup)
{
    const bool is_tls13 = SSL_version(ssl) == TLS1_3_VERSION;
    const uint16_t suite = dtls_suite_of(ssl);
    size_t i = 0;

    while (i + 1 < setup->protocol_count &&
           (setup->protocols[i].is_tls13 != is_tls13 ||
            (!is_tls13 && setup->protocols[i].suite != 0 && setup->protocols[i].suite != suite)))
        i++;
    return i;
}

bool ue_offer_e2e_key(SSL *ssl, const char *identity, const unsigned char key[E2E_KEY_LENGTH])
{
    const struct dtls_key dtls_key = {.octets = key};

    if (SSL_is_dtls(ssl))
        return dtls_psk_offer(ssl, identity, &dtls_key, 1);
    return SSL_set_min_proto_version(ssl, TLS1_3_VERSION) &&
           tls13_psk_offer(ssl, identity, key, E2E_KEY_LENGTH);
}
