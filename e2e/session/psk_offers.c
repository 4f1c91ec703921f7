/*
 * What a ClientHello of TLS 1.3 offers: its PSK identities, and what it lacks for them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "session/psk_offers.h"

/* Take octets off the front of the rest; false: there are too few. */
static bool next_octets(struct psk_offer *rest, size_t length, struct psk_offer *taken)
{
    if (rest->length < length)
        return false;
    *taken = (struct psk_offer){rest->octets, length};
    rest->octets += length;
    rest->length -= length;
    return true;
}

static bool take_block(struct psk_offer *rest, struct psk_offer *block)
{
    struct psk_offer length;

    return next_octets(rest, 2, &length) &&
           next_octets(rest, (size_t)length.octets[0] << 8 | length.octets[1], block);
}

/* RFC 8446 4.2.11: identities, each with an age of four octets, then binders. */
bool psk_offers_read(SSL *ssl, struct psk_offer offers[PSK_OFFERS_MAX], size_t *count)
{
    struct psk_offer extension, identities, age;

    *count = 0;
    if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &extension.octets, &extension.length))
        return true; /* no PSK: the handshake fails for want of a certificate */
    if (!take_block(&extension, &identities))
        return false;
    while (identities.length > 0) {
        if (*count == PSK_OFFERS_MAX || !take_block(&identities, &offers[*count]) ||
            offers[*count].length == 0 || !next_octets(&identities, 4, &age))
            return false;
        ++*count;
    }
    return *count > 0;
}

/* Does an extension hold a wanted number? It is a list of numbers of width octets, behind its
 * length. */
static bool lists(SSL *ssl, unsigned int extension, size_t prefix, size_t width,
                  const unsigned int *wanted, size_t count)
{
    const unsigned char *octets;
    size_t length;

    if (!SSL_client_hello_get0_ext(ssl, extension, &octets, &length))
        return false;
    for (size_t at = prefix; at + width <= length; at += width) {
        const unsigned int number =
            width == 1 ? octets[at] : (unsigned int)octets[at] << 8 | octets[at + 1];

        for (size_t i = 0; i < count; i++)
            if (number == wanted[i])
                return true;
    }
    return false;
}

bool client_hello_offers_tls13(SSL *ssl)
{
    static const unsigned int version[] = {TLS1_3_VERSION};

    return lists(ssl, TLSEXT_TYPE_supported_versions, 1, 2, version, 1);
}

const char *client_hello_lacks(SSL *ssl)
{
    static const unsigned int with_dhe[] = {1};                    /* psk_dhe_ke */
    static const unsigned int groups[] = {0x11EC, 0x001D, 0x0017}; /* those of tls13_psk.h */
    const unsigned char *octets;
    size_t length;

    if (!client_hello_offers_tls13(ssl))
        return "it offers no TLS 1.3";
    if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &octets, &length))
        return "it offers no pre-shared key";
    if (!lists(ssl, TLSEXT_TYPE_psk_kex_modes, 1, 1, with_dhe, 1))
        return "the PSK mode psk_dhe_ke is missing";
    if (!lists(ssl, TLSEXT_TYPE_supported_groups, 2, 2, groups, 3))
        return "it offers none of the groups X25519MLKEM768, X25519 and P-256";
    return NULL;
}
