/*
 * First connections as fast as they go: each line of standard input is a UE, "IDENTITY KEY"
 *
 *     first_connections PORT THREADS
 *
 * A thread takes the next UE, shakes hands with the PSK, sends a nonce, gets a flag. On standard
 * output: how many got one, and in how many milliseconds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hex.h"
#include "net/clock.h"
#include "tls13_psk.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define UES_MAX     10000
#define THREADS_MAX 100
#define NONCE       "{\"nonce\":\"00000000000000000000000000000000\"}\n"

struct ue {
    char identity[TLS13_PSK_IDENTITY_MAX + 1];
    unsigned char key[32];
};

static struct ue ues[UES_MAX];
static unsigned int count;
static atomic_uint next, served;
static SSL_CTX *ctx;
static struct sockaddr_in server = {.sin_family = AF_INET};

static bool get_flag(SSL *ssl, const struct ue *ue)
{
    char line[8192];

    return tls13_psk_offer(ssl, ue->identity, ue->key, sizeof(ue->key)) && SSL_connect(ssl) == 1 &&
           SSL_write(ssl, NONCE, (int)strlen(NONCE)) > 0 && SSL_read(ssl, line, sizeof(line)) > 0 &&
           strncmp(line, "{\"e2e\":1", 8) == 0;
}

static void connect_once(const struct ue *ue)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SSL *ssl = SSL_new(ctx);

    if (fd < 0 || ssl == NULL || !SSL_set_fd(ssl, fd))
        abort();
    if (connect(fd, (const struct sockaddr *)&server, sizeof(server)) == 0 && get_flag(ssl, ue))
        (void)atomic_fetch_add(&served, 1);
    SSL_free(ssl);
    (void)close(fd);
}

static void *run(void *argument)
{
    unsigned int number;

    (void)argument;
    while ((number = atomic_fetch_add(&next, 1)) < count)
        connect_once(&ues[number]);
    return NULL;
}

static void read_ues(void)
{
    char line[512], hex[65];

    while (count < UES_MAX && fgets(line, sizeof(line), stdin) != NULL) {
        if (sscanf(line, "%256s %64s", ues[count].identity, hex) != 2 ||
            !hex_decode(ues[count].key, hex, 64))
            abort();
        count++;
    }
}

int main(int argc, char *argv[])
{
    static pthread_t threads[THREADS_MAX];
    unsigned int wanted;
    int64_t begun;

    if (argc != 3 || (ctx = tls13_psk_ctx(NULL, TLS_client_method())) == NULL)
        return EXIT_FAILURE;
    server.sin_port = htons((unsigned short)strtoul(argv[1], NULL, 10));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    wanted = (unsigned int)strtoul(argv[2], NULL, 10);
    read_ues();
    begun = clock_ms();
    for (unsigned int i = 0; i < wanted && i < THREADS_MAX; i++)
        if (pthread_create(&threads[i], NULL, run, NULL) != 0)
            return EXIT_FAILURE;
    for (unsigned int i = 0; i < wanted && i < THREADS_MAX; i++)
        (void)pthread_join(threads[i], NULL);
    printf("%u %" PRId64 "\n", atomic_load(&served), clock_ms() - begun);
    SSL_CTX_free(ctx);
    return EXIT_SUCCESS;
}
