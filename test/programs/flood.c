/*
 * A flood of made-up identities: TLS handshakes from many loopback addresses, until standard input
 * ends
 *
 *     flood PORT THREADS ADDRESSES        from 127.1.0.0 on
 *
 * On standard output, at the end: how many were begun.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tls13_psk.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define THREADS_MAX 1000

static atomic_uint begun;
static atomic_bool over;
static SSL_CTX *ctx;
static unsigned int addresses;
static struct sockaddr_in server = {.sin_family = AF_INET};

static int connect_from(unsigned int number)
{
    const struct timeval limit = {.tv_sec = 5};
    const struct sockaddr_in from = {.sin_family = AF_INET,
                                     .sin_addr = {htonl(0x7F010000 + number % addresses)}};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (bind(fd, (const struct sockaddr *)&from, sizeof(from)) == 0 &&
        connect(fd, (const struct sockaddr *)&server, sizeof(server)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static void shake_hands(int fd, unsigned int number)
{
    static const unsigned char key[32] = {0};
    SSL *ssl = SSL_new(ctx);
    char identity[64];

    (void)snprintf(identity, sizeof(identity), "3GPP-AKMA%u@made.up", number);
    if (ssl == NULL || !SSL_set_fd(ssl, fd) || !tls13_psk_offer(ssl, identity, key, sizeof(key)))
        abort();
    (void)SSL_connect(ssl);
    SSL_free(ssl);
}

static void *flood(void *argument)
{
    (void)argument;
    while (!atomic_load(&over)) {
        const unsigned int number = atomic_fetch_add(&begun, 1);
        const int fd = connect_from(number);

        if (fd < 0) {
            (void)usleep(10000);
            continue;
        }
        shake_hands(fd, number);
        (void)close(fd);
    }
    return NULL;
}

int main(int argc, char *argv[])
{
    static pthread_t threads[THREADS_MAX];
    unsigned int count;

    if (argc != 4 || (ctx = tls13_psk_ctx(NULL, TLS_client_method())) == NULL)
        return EXIT_FAILURE;
    server.sin_port = htons((unsigned short)strtoul(argv[1], NULL, 10));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    count = (unsigned int)strtoul(argv[2], NULL, 10);
    addresses = (unsigned int)strtoul(argv[3], NULL, 10);
    if (count > THREADS_MAX || addresses == 0)
        return EXIT_FAILURE;
    for (unsigned int i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, flood, NULL) != 0)
            return EXIT_FAILURE;
    while (getchar() != EOF)
        continue;
    atomic_store(&over, true);
    for (unsigned int i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL);
    printf("%u\n", atomic_load(&begun));
    SSL_CTX_free(ctx);
    return EXIT_SUCCESS;
}
