/*
 * A client of DTLS that waits no longer than it is told to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "dgram_client.h"

#include "net/clock.h"
#include "net/dtls.h"

#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLICE_MS 50  /* between two looks at libssl's timer */
#define AGAIN_MS 500 /* after which a line is said again */

static void wait_a_little(const SSL *ssl)
{
    struct pollfd socket = {.fd = SSL_get_fd(ssl), .events = POLLIN};

    (void)poll(&socket, 1, SLICE_MS);
}

static bool shake_hands(SSL *ssl, int64_t deadline)
{
    int done;

    while ((done = SSL_connect(ssl)) != 1) {
        if (SSL_get_error(ssl, done) != SSL_ERROR_WANT_READ || clock_ms() > deadline)
            return false;
        wait_a_little(ssl);
        (void)DTLSv1_handle_timeout(ssl);
    }
    return true;
}

SSL *dgram_client_connect(SSL_CTX *ctx, unsigned short port, const char *identity,
                          const unsigned char *key, int ms)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const struct dtls_key offered = {.octets = key};
    SSL *ssl = SSL_new(ctx);

    if (fd >= 0 && ssl != NULL && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 &&
        dtls_set_connected(ssl, fd) && dtls_psk_offer(ssl, identity, &offered, 1) &&
        shake_hands(ssl, clock_ms() + ms))
        return ssl;
    SSL_free(ssl);
    (void)close(fd);
    ERR_clear_error();
    return NULL;
}

bool dgram_client_ask(SSL *ssl, const char *line, char *answer, size_t size, int ms)
{
    const int64_t deadline = clock_ms() + ms;
    int64_t again = 0;
    int got = 0;

    while (got <= 0 && clock_ms() <= deadline) {
        if (clock_ms() >= again) {
            (void)SSL_write(ssl, line, (int)strlen(line));
            again = clock_ms() + AGAIN_MS;
        }
        wait_a_little(ssl);
        got = SSL_read(ssl, answer, (int)size - 1);
        if (got <= 0 && SSL_get_error(ssl, got) != SSL_ERROR_WANT_READ)
            break;
    }
    answer[got > 0 ? got : 0] = '\0';
    ERR_clear_error();
    return got > 0;
}

void dgram_client_close(SSL *ssl)
{
    int fd;

    if (ssl == NULL)
        return;
    fd = SSL_get_fd(ssl);
    (void)SSL_shutdown(ssl);
    SSL_free(ssl);
    (void)close(fd);
    ERR_clear_error();
}
