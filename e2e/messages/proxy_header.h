/*
 * The PROXY protocol, version 2: what a relay says first to the application behind it
 *
 * After the addresses comes PP2_TYPE_SSL: the connection was made over TLS, which version, and as
 * common name (PP2_SUBTYPE_SSL_CN) the device. See proxy-protocol.txt of HAProxy.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROXY_HEADER_H
#define PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define PROXY_DEVICE_MAX 255 /* octets */
#define PROXY_HEADER_MAX (16 + 36 + 3 + 5 + 3 + 8 + 3 + PROXY_DEVICE_MAX)

/*
 * Write the header of a connection (is_udp: of a datagram, over DTLS 1.2) that came from peer to
 * local, two addresses of one family. The length; an address of another family than IPv4 and IPv6
 * is left out.
 */
size_t proxy_header(unsigned char header[PROXY_HEADER_MAX], const struct sockaddr *peer,
                    const struct sockaddr *local, const char *device, bool is_udp);

/* Write the header of a connection that is the relay's own: LOCAL, without addresses. The length.
 */
size_t proxy_header_local(unsigned char header[PROXY_HEADER_MAX]);

#endif
