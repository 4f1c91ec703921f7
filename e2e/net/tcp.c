/*
 * What is set on every TCP socket
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/tcp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

void tcp_no_delay(int fd)
{
    static const int yes = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

void tcp_user_timeout(int fd, unsigned int milliseconds)
{
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof(milliseconds));
}
