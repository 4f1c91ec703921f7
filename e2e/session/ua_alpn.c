/*
 * The version of the protocol of a first connection, by ALPN
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "session/ua_alpn.h"

#include "messages/e2e_flag.h"
#include "session/psk_lookup.h"

#include <stdio.h>
#include <string.h>

#define NAME_SIZE 256 /* a name of at most 255 octets, and NUL */

static bool starts_with(const unsigned char *name, size_t length, const char *text)
{
    return length >= strlen(text) && memcmp(name, text, strlen(text)) == 0;
}

static void log_version(const struct ue *ue, const unsigned char *name, size_t length)
{
    char peer[LOG_ADDRESS_SIZE], offered[NAME_SIZE];

    (void)snprintf(offered, sizeof(offered), "%.*s", (int)length, (const char *)name);
    log_event("version", "endpoint", ue->connection.kind->name, "peer",
              log_address(peer, &ue->connection.peer.any), "offered", offered, "spoken", UA_ALPN,
              NULL);
}

/* In TLS 1.2 nobody is known at this time, and each is a first one. */
static bool is_first(const struct ue *ue)
{
    return ue->lookup == NULL ? ue_is_tls12(ue) : psk_lookup_claim(ue->lookup)->role == UE_FIRST;
}

/* libssl's callback; it has checked the list's form: names behind a length of one octet. */
static int select_version(SSL *ssl, const unsigned char **chosen, unsigned char *length,
                          const unsigned char *offered, unsigned int offered_length, void *argument)
{
    const struct ue *ue = SSL_get_app_data(ssl);
    const unsigned char *other = NULL;

    (void)argument;
    if (!is_first(ue))
        return SSL_TLSEXT_ERR_NOACK;
    for (const unsigned char *at = offered; at < offered + offered_length; at += 1 + *at) {
        if (*at == strlen(UA_ALPN) && starts_with(at + 1, *at, UA_ALPN)) {
            *chosen = at + 1;
            *length = *at;
            return SSL_TLSEXT_ERR_OK;
        }
        if (starts_with(at + 1, *at, UA_ALPN_FAMILY))
            other = at;
    }
    if (other == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    log_version(ue, other + 1, *other);
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void ua_alpn_set_up(SSL_CTX *ctx)
{
    SSL_CTX_set_alpn_select_cb(ctx, select_version, NULL);
}
