/*
 * A client: derive e2e_key, secure a TLS 1.3 connection with it, send a line, print the answer
 *
 *     e2e_client HOST:PORT IDENTITY REFRESH <secrets
 *
 * The secrets are 32 octets of Ks_NAF and 32 of Ka. Never put them on a command line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "e2e_secrets.h"
#include "tls13_psk.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>

static bool talk(const char *address, const char *identity, const unsigned char *key)
{
    SSL_CTX *ctx = tls13_psk_ctx(NULL, TLS_client_method());
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
    bool done;

    if (argc != 4) {
        fprintf(stderr, "usage: e2e_client HOST:PORT IDENTITY REFRESH <secrets\n");
        return 2;
    }
    done = e2e_secrets_key(key, argv[3], "e2e_client") && talk(argv[1], argv[2], key);
    OPENSSL_cleanse(key, sizeof(key));
    return !done;
}
