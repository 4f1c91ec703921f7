/*
 * The PROXY protocol, version 2: what a relay says first to the application behind it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proxy_header.h"

#include <netinet/in.h>
#include <string.h>

#define SIGNATURE          "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_LENGTH   12
#define VERSION_2_PROXY    0x21
#define FAMILY_UNSPECIFIED 0x00
#define FAMILY_TCP4        0x11
#define FAMILY_TCP6        0x21
#define TYPE_SSL           0x20 /* PP2_TYPE_SSL */
#define CLIENT_SSL         0x01 /* PP2_CLIENT_SSL */
#define SUBTYPE_VERSION    0x21 /* PP2_SUBTYPE_SSL_VERSION */
#define SUBTYPE_CN         0x22 /* PP2_SUBTYPE_SSL_CN */

static unsigned char *put(unsigned char *place, const void *octets, size_t length)
{
    memcpy(place, octets, length);
    return place + length;
}

static void put_length(unsigned char *place, size_t length)
{
    place[0] = (unsigned char)(length >> 8);
    place[1] = (unsigned char)length;
}

static unsigned char *put_text(unsigned char *place, unsigned char type, const char *text)
{
    place[0] = type;
    put_length(place + 1, strlen(text));
    return put(place + 3, text, strlen(text));
}

/* Both addresses, then both ports. */
static unsigned char *put_addresses(unsigned char *place, unsigned char *family,
                                    const struct sockaddr *peer, const struct sockaddr *local)
{
    if (peer->sa_family == AF_INET && local->sa_family == AF_INET) {
        const struct sockaddr_in *from = (const struct sockaddr_in *)peer;
        const struct sockaddr_in *to = (const struct sockaddr_in *)local;

        *family = FAMILY_TCP4;
        place = put(place, &from->sin_addr, sizeof(from->sin_addr));
        place = put(place, &to->sin_addr, sizeof(to->sin_addr));
        place = put(place, &from->sin_port, sizeof(from->sin_port));
        place = put(place, &to->sin_port, sizeof(to->sin_port));
    } else if (peer->sa_family == AF_INET6 && local->sa_family == AF_INET6) {
        const struct sockaddr_in6 *from = (const struct sockaddr_in6 *)peer;
        const struct sockaddr_in6 *to = (const struct sockaddr_in6 *)local;

        *family = FAMILY_TCP6;
        place = put(place, &from->sin6_addr, sizeof(from->sin6_addr));
        place = put(place, &to->sin6_addr, sizeof(to->sin6_addr));
        place = put(place, &from->sin6_port, sizeof(from->sin6_port));
        place = put(place, &to->sin6_port, sizeof(to->sin6_port));
    } else {
        *family = FAMILY_UNSPECIFIED;
    }
    return place;
}

size_t proxy_header(unsigned char header[PROXY_HEADER_MAX], const struct sockaddr *peer,
                    const struct sockaddr *local, const char *device)
{
    /* no certificate was verified: the four octets of "verify" are not zero */
    static const unsigned char client[] = {CLIENT_SSL, 0, 0, 0, 1};
    unsigned char *place = put(header, SIGNATURE, SIGNATURE_LENGTH), *family, *ssl;

    *place++ = VERSION_2_PROXY;
    family = place;
    ssl = put_addresses(place + 3, family, peer, local);
    ssl[0] = TYPE_SSL;
    place = put(ssl + 3, client, sizeof(client));
    place = put_text(place, SUBTYPE_VERSION, "TLSv1.3");
    place = put_text(place, SUBTYPE_CN, device);
    put_length(ssl + 1, (size_t)(place - ssl) - 3);
    put_length(family + 1, (size_t)(place - family) - 3);
    return (size_t)(place - header);
}
