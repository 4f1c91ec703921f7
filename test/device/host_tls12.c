/*
 * A first connection over TLS 1.2 by Debian's mbed TLS: a line, and the line that answers it
 *
 *     host_tls12 PORT SUITE IDENTITY LINE     Ks_NAF, in hex, on stdin; SUITE: four hex digits
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct client {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_net_context socket;
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
    int suites[2];
};

static int read_key(unsigned char key[32])
{
    for (int i = 0; i < 32; i++)
        if (scanf("%2hhx", &key[i]) != 1)
            return 0;
    return 1;
}

static int set_up(struct client *client, const unsigned char key[32], const char *identity)
{
    mbedtls_ssl_config *config = &client->config;

    if (mbedtls_ctr_drbg_seed(&client->random, mbedtls_entropy_func, &client->entropy, NULL, 0) !=
            0 ||
        mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT) != 0)
        return 0;
    mbedtls_ssl_conf_rng(config, mbedtls_ctr_drbg_random, &client->random);
    mbedtls_ssl_conf_ciphersuites(config, client->suites);
    mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
    return mbedtls_ssl_conf_psk(config, key, 32, (const unsigned char *)identity,
                                strlen(identity)) == 0 &&
           mbedtls_ssl_setup(&client->ssl, config) == 0;
}

static int talk(struct client *client, const char *line)
{
    unsigned char answer[2048];
    int n = mbedtls_ssl_handshake(&client->ssl);

    if (n == 0)
        n = mbedtls_ssl_write(&client->ssl, (const unsigned char *)line, strlen(line));
    if (n > 0)
        n = mbedtls_ssl_write(&client->ssl, (const unsigned char *)"\n", 1);
    if (n > 0)
        n = mbedtls_ssl_read(&client->ssl, answer, sizeof(answer));
    if (n <= 0) {
        printf("error %d\n", n);
        return EXIT_FAILURE;
    }
    printf("%.*s", n, (const char *)answer);
    return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    struct client client = {.suites = {0}};
    unsigned char key[32];
    int status = EXIT_FAILURE;

    if (argc != 5 || !read_key(key))
        return 2;
    client.suites[0] = (int)strtol(argv[2], NULL, 16);
    mbedtls_entropy_init(&client.entropy);
    mbedtls_ctr_drbg_init(&client.random);
    mbedtls_net_init(&client.socket);
    mbedtls_ssl_config_init(&client.config);
    mbedtls_ssl_init(&client.ssl);
    if (set_up(&client, key, argv[3]) &&
        mbedtls_net_connect(&client.socket, "127.0.0.1", argv[1], MBEDTLS_NET_PROTO_TCP) == 0) {
        mbedtls_ssl_set_bio(&client.ssl, &client.socket, mbedtls_net_send, mbedtls_net_recv, NULL);
        status = talk(&client, argv[4]);
    }
    mbedtls_ssl_free(&client.ssl);
    mbedtls_ssl_config_free(&client.config);
    mbedtls_net_free(&client.socket);
    mbedtls_ctr_drbg_free(&client.random);
    mbedtls_entropy_free(&client.entropy);
    return status;
}
