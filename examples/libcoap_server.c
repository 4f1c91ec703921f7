/*
 * A CoAP server over DTLS that derives e2e_key when a client's identity comes
 *
 *     libcoap_server PORT IDENTITY <secrets
 *
 * The secrets are 32 octets of Ks_NAF and 32 of Ka of the one device it knows; a real server looks
 * them up by the identity. It says "ready" and answers GET /meter on 127.0.0.1 until it is ended.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "libcoap_key.h"

#include <coap3/coap.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct known {
    const char *identity;
    struct libcoap_secrets secrets;
    unsigned char key[E2E_KEY_LENGTH];
    coap_bin_const_t answer;
};

/*
 * coap_dtls_id_callback_t: NULL ends the handshake. libcoap copies what it is given. An unknown
 * identity gets a key that nobody has, and fails as a wrong key does.
 */
static const coap_bin_const_t *key_of(coap_bin_const_t *identity, coap_session_t *session,
                                      void *userdata)
{
    struct known *known = userdata;
    const bool is_known = identity->length == strlen(known->identity) &&
                          memcmp(identity->s, known->identity, identity->length) == 0;

    (void)session;
    if (is_known ? !libcoap_key(known->key, &known->secrets)
                 : RAND_bytes(known->key, E2E_KEY_LENGTH) <= 0)
        return NULL;
    known->answer = (coap_bin_const_t){E2E_KEY_LENGTH, known->key};
    return &known->answer;
}

static void get_meter(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
                      const coap_string_t *query, coap_pdu_t *response)
{
    (void)resource;
    (void)session;
    (void)request;
    (void)query;
    coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTENT);
    (void)coap_add_data(response, 2, (const uint8_t *)"42");
}

static coap_context_t *listen_on(const char *port, struct known *known)
{
    coap_dtls_spsk_t psk = {.version = COAP_DTLS_SPSK_SETUP_VERSION,
                            .validate_id_call_back = key_of,
                            .id_call_back_arg = known};
    coap_context_t *context = coap_new_context(NULL);
    coap_resource_t *meter = coap_resource_init(coap_make_str_const("meter"), 0);
    coap_address_t address;

    coap_address_init(&address);
    address.size = sizeof(address.addr.sin);
    address.addr.sin.sin_family = AF_INET;
    address.addr.sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.addr.sin.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    if (context == NULL || meter == NULL || !coap_context_set_psk2(context, &psk) ||
        coap_new_endpoint(context, &address, COAP_PROTO_DTLS) == NULL) {
        coap_free_context(context);
        return NULL;
    }
    coap_register_handler(meter, COAP_REQUEST_GET, get_meter);
    coap_add_resource(context, meter);
    return context;
}

int main(int argc, char *argv[])
{
    struct known known = {.identity = argc == 3 ? argv[2] : ""};
    coap_context_t *context;

    if (argc != 3) {
        fprintf(stderr, "usage: libcoap_server PORT IDENTITY <secrets\n");
        return 2;
    }
    if (!libcoap_secrets_read(&known.secrets))
        return 2;
    coap_startup();
    context = listen_on(argv[1], &known);
    if (context != NULL) {
        (void)puts("ready");
        (void)fflush(stdout);
        while (coap_io_process(context, COAP_IO_WAIT) >= 0)
            continue;
    }
    coap_free_context(context);
    OPENSSL_cleanse(&known, sizeof(known));
    return 1;
}
