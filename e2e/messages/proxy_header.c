/*
 * The PROXY protocol, version 2: what a relay says first to the application behind it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "messages/proxy_header.h"

#include <netinet/in.h>
#include <string.h>

#define SIGNATURE          "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_LENGTH   12
#define VERSION_2_LOCAL    0x20
#define VERSION_2_PROXY    0x21
#define FAMILY_UNSPECIFIED 0x00
#define FAMILY_IP4         0x10
#define FAMILY_IP6         0x20
#define TRANSPORT_STREAM   0x01
#define TRANSPORT_DGRAM    0x02
#define IP4                4    /* octets of an address */
#define IP6                16   /* the same */
#define PORT               2    /* octets of a port, the highest first */
#define TYPE_SSL           0x20 /* PP2_TYPE_SSL */
#define CLIENT_SSL         0x01 /* PP2_CLIENT_SSL */
#define SUBTYPE_VERSION    0x21 /* PP2_SUBTYPE_SSL_VERSION */
#define SUBTYPE_CN         0x22 /* PP2_SUBTYPE_SSL_CN */

static unsigned char *put_octets(unsigned char *place, const void *octets, size_t length)
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
    return put_octets(place + 3, text, strlen(text));
}

/* An address as the header has it; octets 0: it is neither IPv4 nor IPv6. */
struct place {
    const void *address, *port;
    size_t octets; /* of address */
};

/* A dual-stack socket reports IPv4 peers as IPv4-mapped IPv6. */
static struct place place_of(const struct sockaddr *any)
{
    const struct sockaddr_in *ip4 = (const struct sockaddr_in *)any;
    const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)any;
    const unsigned char *octets = ip6->sin6_addr.s6_addr;

    if (any->sa_family == AF_INET)
        return (struct place){&ip4->sin_addr, &ip4->sin_port, IP4};
    if (any->sa_family != AF_INET6)
        return (struct place){NULL, NULL, 0};
    if (IN6_IS_ADDR_V4MAPPED(&ip6->sin6_addr))
        return (struct place){octets + IP6 - IP4, &ip6->sin6_port, IP4};
    return (struct place){octets, &ip6->sin6_port, IP6};
}

/* Both addresses, then both ports. */
static unsigned char *put_addresses(unsigned char *octets, unsigned char *family,
                                    const struct sockaddr *peer, const struct sockaddr *local)
{
    const struct place from = place_of(peer), to = place_of(local);

    *family = FAMILY_UNSPECIFIED;
    if (from.octets == 0 || from.octets != to.octets)
        return octets;
    *family = from.octets == IP4 ? FAMILY_IP4 : FAMILY_IP6;
    octets = put_octets(octets, from.address, from.octets);
    octets = put_octets(octets, to.address, to.octets);
    octets = put_octets(octets, from.port, PORT);
    return put_octets(octets, to.port, PORT);
}

size_t proxy_header(unsigned char header[PROXY_HEADER_MAX], const struct sockaddr *peer,
                    const struct sockaddr *local, const char *device, bool is_udp)
{
    /* no certificate was verified: the four octets of "verify" are not zero */
    static const unsigned char client[] = {CLIENT_SSL, 0, 0, 0, 1};
    unsigned char *place = put_octets(header, SIGNATURE, SIGNATURE_LENGTH), *family, *ssl;

    *place++ = VERSION_2_PROXY;
    family = place;
    ssl = put_addresses(place + 3, family, peer, local);
    if (*family != FAMILY_UNSPECIFIED)
        *family |= is_udp ? TRANSPORT_DGRAM : TRANSPORT_STREAM;
    ssl[0] = TYPE_SSL;
    place = put_octets(ssl + 3, client, sizeof(client));
    place = put_text(place, SUBTYPE_VERSION, is_udp ? "DTLSv1.2" : "TLSv1.3");
    place = put_text(place, SUBTYPE_CN, device);
    put_length(ssl + 1, (size_t)(place - ssl) - 3);
    put_length(family + 1, (size_t)(place - family) - 3);
    return (size_t)(place - header);
}

size_t proxy_header_local(unsigned char header[PROXY_HEADER_MAX])
{
    unsigned char *place = put_octets(header, SIGNATURE, SIGNATURE_LENGTH);

    *place++ = VERSION_2_LOCAL;
    *place++ = FAMILY_UNSPECIFIED;
    put_length(place, 0);
    return (size_t)(place + 2 - header);
}
