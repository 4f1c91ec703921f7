/*
 * A CoAP client over DTLS: derive e2e_key, get /meter, print the answer
 *
 *     libcoap_client PORT IDENTITY <secrets
 *
 * The secrets are 32 octets of Ks_NAF and 32 of Ka. The server is on 127.0.0.1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "libcoap_key.h"

#include <coap3/coap.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS 3 /* for handshake and answer: a wrong key may end in silence */

static bool answered;

static coap_response_t print_answer(coap_session_t *session, const coap_pdu_t *sent,
                                    const coap_pdu_t *received, const coap_mid_t mid)
{
    const uint8_t *data;
    size_t length;

    (void)session;
    (void)sent;
    (void)mid;
    answered = coap_pdu_get_code(received) == COAP_RESPONSE_CODE_CONTENT &&
               coap_get_data(received, &length, &data);
    if (answered)
        (void)printf("%.*s\n", (int)length, (const char *)data);
    return COAP_RESPONSE_OK;
}

static coap_session_t *connect_to(coap_context_t *context, const char *port, char *identity,
                                  const unsigned char *key)
{
    coap_dtls_cpsk_t psk = {
        .version = COAP_DTLS_CPSK_SETUP_VERSION,
        .psk_info = {.identity = {strlen(identity), (const uint8_t *)identity},
                     .key = {E2E_KEY_LENGTH, key}},
    };
    coap_address_t address;

    coap_address_init(&address);
    address.size = sizeof(address.addr.sin);
    address.addr.sin.sin_family = AF_INET;
    address.addr.sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.addr.sin.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    return coap_new_client_session_psk2(context, NULL, &address, COAP_PROTO_DTLS, &psk);
}

static void get_meter(coap_context_t *context, coap_session_t *session)
{
    coap_pdu_t *request = coap_new_pdu(COAP_MESSAGE_CON, COAP_REQUEST_CODE_GET, session);

    coap_register_response_handler(context, print_answer);
    if (coap_add_option(request, COAP_OPTION_URI_PATH, 5, (const uint8_t *)"meter") == 0 ||
        coap_send(session, request) == COAP_INVALID_MID)
        return;
    for (int tenths = 0; tenths < 10 * SECONDS && !answered; tenths++)
        (void)coap_io_process(context, 100);
}

int main(int argc, char *argv[])
{
    struct libcoap_secrets secrets;
    unsigned char key[E2E_KEY_LENGTH];
    coap_context_t *context;
    coap_session_t *session;

    if (argc != 3) {
        fprintf(stderr, "usage: libcoap_client PORT IDENTITY <secrets\n");
        return 2;
    }
    if (!libcoap_secrets_read(&secrets) || !libcoap_key(key, &secrets))
        return 2;
    coap_startup();
    context = coap_new_context(NULL);
    session = context == NULL ? NULL : connect_to(context, argv[1], argv[2], key);
    OPENSSL_cleanse(&secrets, sizeof(secrets));
    OPENSSL_cleanse(key, sizeof(key));
    if (session != NULL)
        get_meter(context, session);
    coap_session_release(session);
    coap_free_context(context);
    coap_cleanup();
    return answered ? 0 : 1;
}
