/*
 * A client: derive e2e_key, secure a TLS 1.3 connection with it, send a line, print the answer
 *
 *     e2e_client HOST:PORT IDENTITY REFRESH <secrets
 *
 * The secrets are 32 octets of Ks_NAF and 32 of Ka. They never stand on a command line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "e2e_key.h"
#include "tls13_psk.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

static bool derive(unsigned char key[E2E_KEY_LENGTH], const char *refresh)
{
    const unsigned char tls13[] = {0x01, 0x00, 0x00, 0x00, 0x07}; /* TS 33.220 H.3 */
    const struct e2e_setup setup = {.naf_fqdn = "naf.example.com", .ua_protocol_id = tls13};
    unsigned char secrets[64];
    const struct e2e_inputs inputs = {.ks_naf = secrets,
                                      .ka = secrets + 32,
                                      .ka_length = 32,
                                      .refresh = (const unsigned char *)refresh,
                                      .refresh_length = strlen(refresh)};
    char reason[E2E_REASON_SIZE] = "standard input must give 64 octets of secrets";
    struct e2e e2e = {.ctx = NULL};
    const bool done = fread(secrets, 1, sizeof(secrets), stdin) == sizeof(secrets) &&
                      e2e_open(&e2e, &setup, reason) == E2E_OPEN &&
                      e2e_derive(&e2e, &inputs, key, reason);

    if (!done)
        fprintf(stderr, "e2e_client: %s\n", reason);
    OPENSSL_cleanse(secrets, sizeof(secrets));
    e2e_close(&e2e);
    return done;
}

static bool talk(const char *address, const char *identity, const unsigned char *key)
{
    SSL_CTX *ctx = tls13_psk_ctx(TLS_client_method());
    BIO *bio = ctx == NULL ? NULL : BIO_new_ssl_connect(ctx);
    char answer[256];
    SSL *ssl = NULL;
    int length = 0;

    if (bio != NULL && BIO_get_ssl(bio, &ssl) > 0 && BIO_set_conn_hostname(bio, address) > 0 &&
        tls13_psk_offer(ssl, identity, key, E2E_KEY_LENGTH) && BIO_do_connect(bio) > 0 &&
        tls13_psk_was_used(ssl) && BIO_puts(bio, "hello\n") > 0)
        length = BIO_read(bio, answer, sizeof(answer));
    if (length > 0)
        (void)fwrite(answer, 1, (size_t)length, stdout);
    else
        ERR_print_errors_fp(stderr);
    BIO_free_all(bio);
    SSL_CTX_free(ctx);
    return length > 0;
}

int main(int argc, char *argv[])
{
    unsigned char key[E2E_KEY_LENGTH];
    const bool done = argc == 4 && derive(key, argv[3]) && talk(argv[1], argv[2], key);

    OPENSSL_cleanse(key, sizeof(key));
    return !done;
}
