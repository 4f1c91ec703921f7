/*
 * What is set on every TCP socket
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TCP_H
#define TCP_H

/*
 * Send what is written at once (TCP_NODELAY): an answer in two writes would wait for the other
 * side's delayed acknowledgement, 40 ms. To be set on a socket that connects, and on one that
 * listens: Linux hands it on to those that it accepts. Of no effect on other sockets.
 */
void tcp_no_delay(int fd);

/*
 * Take the connection for broken when what was sent is not acknowledged for so long: a path that
 * drops everything says nothing, and TCP would wait for a quarter of an hour.
 */
void tcp_user_timeout(int fd, unsigned int milliseconds);

/*
 * Have TCP find out within three minutes that the other side is gone, even if nothing is sent:
 * a machine that lost its power, an entry of a NAT. Of no effect on other sockets.
 */
void tcp_keep_alive(int fd);

#endif
