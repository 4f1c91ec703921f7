/*
 * What the alert that ended a handshake says about it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/handshake_alert.h"

#include "messages/e2e_flag.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdint.h>

/* What an alert of the server probably means, on the first connection and on the second. */
static const char *const other_key[] = {
    "it does not know the identity, has another key for it, or that key has expired there: compare "
    "identity, prefix, separator and ks-naf of both sides",
    "the keys differ, or this one is no longer valid: compare Ka, NAF_Id, mode, digest and usage "
    "of both sides; a flag is valid once and for a short while, and while the endpoint's store is "
    "out of order no key is",
};

static const struct {
    int alert;
    const char *cause;
} causes[] = {
    {SSL_AD_HANDSHAKE_FAILURE,
     "no cipher suite or group in common: its TLS 1.3 has to have SHA-256 "
     "suites, and X25519 or P-256"},
    {SSL_AD_PROTOCOL_VERSION,
     "it speaks no version of TLS that this UE may (--tls-min of both sides)"},
    {SSL_AD_NO_APPLICATION_PROTOCOL, "it speaks another version than " UA_ALPN},
    {SSL_AD_INTERNAL_ERROR, "it is out of order: its log says why"},
};

/* The number of the alert that the server sent; -1: it sent none. */
static int alert_of(unsigned long error)
{
    const int reason = ERR_GET_REASON(error);

    return ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET &&
                   reason <= SSL_AD_REASON_OFFSET + UINT8_MAX
               ? reason - SSL_AD_REASON_OFFSET
               : -1;
}

/*
 * libssl answers a binder that does not verify with illegal_parameter, others with decrypt_error;
 * in TLS 1.2 another key is a Finished that cannot be decrypted.
 */
static const char *cause_of(int alert, bool is_second)
{
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
        if (causes[i].alert == alert)
            return causes[i].cause;
    return other_key[is_second];
}

/* Is it an alert about identity or key? A server that knows no identity may say handshake_failure:
 * it then has no other way in. */
static bool says_other_key(int alert)
{
    return alert == SSL_AD_HANDSHAKE_FAILURE || alert == SSL_AD_UNKNOWN_PSK_IDENTITY ||
           alert == SSL_AD_DECRYPT_ERROR || alert == SSL_AD_ILLEGAL_PARAMETER ||
           alert == SSL_AD_BAD_RECORD_MAC;
}

struct handshake_alert handshake_alert_of(unsigned long error, bool is_second)
{
    const int alert = alert_of(error);

    return (struct handshake_alert){
        .text = alert < 0 ? NULL : SSL_alert_desc_string_long(alert),
        .cause = cause_of(alert, is_second),
        .is_about_key = says_other_key(alert),
    };
}
