/*
 * examples/device on this machine, over Debian's mbed TLS: one datagram under e2e_key, and its
 * answer
 *
 *     host_ue NAF-PORT ENDPOINT-PORT SUITE IDENTITY NAF-FQDN TEXT     Ks_NAF and Ka, in hex, on
 * stdin
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int sockets[2];

static int send_one(void *ctx, enum flow_connection to, const uint8_t *datagram, size_t n)
{
    (void)ctx;
    return send(sockets[to], datagram, n, 0) < 0 ? MBEDTLS_ERR_SSL_INTERNAL_ERROR : (int)n;
}

static int receive_one(void *ctx, enum flow_connection from, uint8_t *datagram, size_t size)
{
    const ssize_t got = recv(sockets[from], datagram, size, MSG_DONTWAIT);

    (void)ctx;
    return got < 0 ? MBEDTLS_ERR_SSL_WANT_READ : (int)got;
}

static uint32_t now(void *ctx)
{
    struct timespec moment;

    (void)ctx;
    (void)clock_gettime(CLOCK_MONOTONIC, &moment);
    return (uint32_t)moment.tv_sec * 1000 + (uint32_t)(moment.tv_nsec / 1000000);
}

static int connect_to(const char *port)
{
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)atoi(port)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ? -1 : fd;
}

static int read_key(uint8_t key[32])
{
    for (int i = 0; i < 32; i++)
        if (scanf("%2hhx", &key[i]) != 1)
            return 0;
    return 1;
}

static int talk(struct flow *flow, const char *text)
{
    uint8_t answer[2000];
    int n;

    if (flow_send(flow, (const uint8_t *)text, strlen(text)) < 0)
        return EXIT_FAILURE;
    while ((n = flow_receive(flow, answer, sizeof(answer))) == MBEDTLS_ERR_SSL_WANT_READ)
        (void)usleep(2000);
    if (n < 0)
        return EXIT_FAILURE;
    printf("%.*s\n", n, (const char *)answer);
    return EXIT_SUCCESS;
}

static int run(const struct flow_platform *platform, const struct flow_settings *settings,
               const char *text)
{
    static struct flow flow;
    enum flow_state state;
    int status = EXIT_FAILURE;

    flow_begin(&flow, platform, settings);
    while ((state = flow_step(&flow)) != FLOW_OPEN && state != FLOW_FAILED)
        (void)usleep(2000);
    if (state == FLOW_OPEN)
        status = talk(&flow, text);
    else
        printf("fault %d error %d\n", flow.fault, flow.error);
    flow_end(&flow);
    return status;
}

int main(int argc, char *argv[])
{
    static uint8_t ks_naf[32], ka[32];
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    struct flow_platform platform = {send_one, receive_one, now, mbedtls_ctr_drbg_random, &random,
                                     0};
    struct flow_settings settings = {{ks_naf, 32}, {ka, 32}, NULL, NULL, "tls-psk", {0, 0}};
    int status = EXIT_FAILURE;

    if (argc != 7 || !read_key(ks_naf) || !read_key(ka))
        return 2;
    settings.suite[0] = (int)strtol(argv[3], NULL, 16);
    settings.identity = argv[4];
    settings.naf_fqdn = argv[5];
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    if (mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0) == 0 &&
        (sockets[FLOW_FIRST] = connect_to(argv[1])) >= 0 &&
        (sockets[FLOW_E2E] = connect_to(argv[2])) >= 0)
        status = run(&platform, &settings, argv[6]);
    mbedtls_ctr_drbg_free(&random);
    mbedtls_entropy_free(&entropy);
    return status;
}
