/*
 * e2e-ue - the UE: a first connection with Ks_NAF, the e2e flag, a second one with e2e_key
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "address.h"
#include "common.h"
#include "devices.h"
#include "e2e_key.h"
#include "flag.h"
#include "identity.h"
#include "options.h"
#include "printable.h"
#include "stream.h"
#include "tls13_psk.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the exit status says: docs/flow.md. */
enum outcome {
    OUTCOME_ECHO = 0,
    OUTCOME_OTHER = 1,
    OUTCOME_USAGE = EXIT_USAGE,
    OUTCOME_NO_E2E = 3,
    OUTCOME_HANDSHAKE = 4
};

static struct {
    const char *connect, *e2e_connect, *devices, *insecure_devices, *identity, *naf_fqdn;
    const char *ua_protocol_id, *mode, *digest, *usage, *allow_plain, *prefix, *separator, *keylog;
    const char *message;
} option = {
    .ua_protocol_id = UA_PROTOCOL_ID,
    .mode = "3GPP",
    .digest = "SHA2-256",
    .usage = USAGE,
    .prefix = IDENTITY_PREFIX,
};

static const struct option_row rows[] = {
    {"connect", "HOST:PORT", &option.connect, true, "the NAF"},
    {"e2e-connect", "HOST:PORT", &option.e2e_connect, false,
     "the enterprise's e2e endpoint; without it the NAF's address"},
    {"devices", "FILE", &option.devices, true, "the UE's keys: identity,ks-naf,ka[,ka-id]"},
    {"insecure-devices", NULL, &option.insecure_devices, false,
     "take a devices file that others can read"},
    {"identity", "ID", &option.identity, true, "B-TID or A-KID, a row of the devices file"},
    {"naf-fqdn", "NAME", &option.naf_fqdn, true, "FQDN of the NAF or AF"},
    {"ua-protocol-id", "HEX", &option.ua_protocol_id, false, "Ua security protocol identifier"},
    {"mode", "MODE", &option.mode, false, "3GPP or HKDF; the flag must say the same"},
    {"digest", "DIGEST", &option.digest, false, "hash of the HMAC; the flag must say the same"},
    {"usage", "TEXT", &option.usage, false, "what the key is for; the flag must say the same"},
    {"allow-plain", NULL, &option.allow_plain, false,
     "go on without e2e if the flag is withheld (not if it is altered)"},
    {"identity-prefix", "TEXT", &option.prefix, false, "3GPP-AKMA for AKMA"},
    {"identity-separator", "TEXT", &option.separator, false,
     "between prefix and identity (default \".\", none for 3GPP-AKMA)"},
    {"keylog", "FILE", &option.keylog, false, "write TLS secrets, for debugging"},
    {"message", "TEXT", &option.message, true, "the line to send and get back"},
};

static const struct option_group groups[] = {OPTION_GROUP(NULL, rows)};

static enum outcome say(enum outcome outcome, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static enum outcome say(enum outcome outcome, const char *format, ...)
{
    char sentence[600];
    va_list arguments;

    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, in the line before */
    (void)vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    fprintf(stderr, "e2e-ue: %s\n", PRINTABLE(sentence));
    return outcome;
}

/* Connect with a PSK, and be sure that it was used. */
static enum outcome connect_psk(SSL_CTX *ctx, const char *address, const char *identity,
                                const unsigned char *key, size_t length, const char *check,
                                SSL **connection)
{
    const int fd = address_connect(address);
    SSL *ssl = fd < 0 ? NULL : SSL_new(ctx);
    enum stream_result result;

    *connection = ssl;
    if (ssl == NULL || !SSL_set_fd(ssl, fd) || !tls13_psk_offer(ssl, identity, key, length))
        return say(OUTCOME_OTHER, "no connection to %s: is the server up, is the address right?",
                   address);
    SSL_set_connect_state(ssl);
    result = stream_handshake(ssl);
    if (result != STREAM_OK)
        return say(OUTCOME_HANDSHAKE, "the TLS handshake with %s failed (%s): %s", address,
                   result == STREAM_FAILED ? common_ssl_error() : stream_says(result), check);
    if (!tls13_psk_was_used(ssl))
        return say(OUTCOME_HANDSHAKE, "%s did not use the key: %s", address, check);
    return OUTCOME_ECHO;
}

/* Send the message and expect it back behind a prefix. */
static enum outcome echo(SSL *ssl, const char *prefix)
{
    char line[STREAM_LINE_MAX + 1];
    const size_t before = strlen(prefix), length = strlen(option.message);
    size_t got = 0;
    enum stream_result result = stream_write_line(ssl, "", option.message, length);

    if (result == STREAM_OK)
        result = stream_read_line(ssl, line, &got);
    if (result != STREAM_OK)
        return say(OUTCOME_OTHER,
                   "no answer to the message (%s): does the server allow this kind of connection?",
                   stream_says(result));
    if (got != before + length || memcmp(line, prefix, before) != 0 ||
        memcmp(line + before, option.message, length) != 0)
        return say(OUTCOME_OTHER, "the answer is not the message behind \"%s\": is this an e2e-as?",
                   prefix);
    (void)fwrite(line, 1, got, stdout);
    (void)putchar('\n');
    return OUTCOME_ECHO;
}

/* Send a nonce, get the flag. What is no flag is refused whatever --allow-plain says. */
static enum outcome get_flag(SSL *ssl, const unsigned char nonce[NONCE_LENGTH], struct flag *flag)
{
    char line[STREAM_LINE_MAX + 1], fault[FLAG_FAULT_SIZE];
    struct nonce said = {.device = ""};
    char *sent;
    enum stream_result result;
    size_t length = 0;

    memcpy(said.octets, nonce, NONCE_LENGTH);
    sent = nonce_encode(&said);
    if (sent == NULL)
        return say(OUTCOME_OTHER, "out of memory");
    result = stream_write_line(ssl, "", sent, strlen(sent));
    json_line_free(sent);
    if (result == STREAM_OK)
        result = stream_read_line(ssl, line, &length);
    if (result != STREAM_OK)
        return say(OUTCOME_NO_E2E, "no e2e flag came (%s): does the NAF know the e2e scheme?",
                   stream_says(result));
    if (!flag_decode(flag, line, length, fault))
        return say(OUTCOME_NO_E2E, "what came is no e2e flag (%s): somebody may be in the middle",
                   fault);
    return OUTCOME_ECHO;
}

/* Is it the flag of this UE's setup, and fresh? */
static enum outcome check_flag(const struct e2e *e2e, const struct flag *flag,
                               const unsigned char nonce[NONCE_LENGTH])
{
    if (flag->refresh_length < (size_t)2 * NONCE_LENGTH ||
        memcmp(flag->refresh, nonce, NONCE_LENGTH) != 0)
        return say(OUTCOME_NO_E2E,
                   "the flag's refresh does not start with this UE's nonce and go on "
                   "with 16 octets or more: it is old or altered");
    if (!e2e_is_ours(e2e, flag->mode, flag->digest, flag->usage))
        return say(
            OUTCOME_NO_E2E,
            "the flag does not say mode %s, digest %s, usage %s: it is altered, or the UE is "
            "not set up as the server is",
            e2e->mode, e2e->digest, e2e->usage);
    return OUTCOME_ECHO;
}

/* The connection that only who holds Ka as well can have. */
static enum outcome go_e2e(SSL_CTX *ctx, const struct e2e *e2e, const struct device *device,
                           const struct flag *flag)
{
    const char *address = option.e2e_connect == NULL ? option.connect : option.e2e_connect;
    const struct e2e_inputs inputs = {.ks_naf = device->ks_naf,
                                      .ka = device->ka,
                                      .ka_length = device->ka_length,
                                      .refresh = flag->refresh,
                                      .refresh_length = flag->refresh_length};
    unsigned char key[E2E_KEY_LENGTH];
    char reason[E2E_REASON_SIZE];
    enum outcome outcome;
    SSL *ssl = NULL;

    if (!e2e_derive(e2e, &inputs, key, reason))
        return say(OUTCOME_OTHER, "%s", reason);
    outcome =
        connect_psk(ctx, address, flag->identity, key, sizeof(key),
                    "compare Ka, NAF_Id, mode, digest and usage of both sides; a flag is good "
                    "once and for a short while",
                    &ssl);
    OPENSSL_cleanse(key, sizeof(key));
    if (outcome == OUTCOME_ECHO)
        outcome = echo(ssl, "e2e: ");
    stream_close(ssl);
    return outcome;
}

/* After the flag: on to e2e, or in plain where that is allowed. */
static enum outcome follow_flag(SSL_CTX *ctx, SSL *first, const struct e2e *e2e,
                                const struct devices *devices, const struct device *device,
                                const struct flag *flag, const unsigned char nonce[NONCE_LENGTH])
{
    const struct device *meant = devices_ka(devices, device, NULL);
    enum outcome outcome;

    if (meant == NULL) /* no Ka: nothing is expected of the flag */
        return echo(first, "plain: ");
    if (!flag->e2e) {
        if (option.allow_plain != NULL)
            return echo(first, "plain: ");
        return say(OUTCOME_NO_E2E,
                   "the NAF offers no e2e although this UE holds a Ka: somebody may be "
                   "in the middle (--allow-plain goes on all the same)");
    }
    outcome = check_flag(e2e, flag, nonce);
    if (outcome != OUTCOME_ECHO)
        return outcome;
    if (flag->ka_id[0] != '\0')
        meant = devices_ka(devices, device, flag->ka_id);
    if (meant == NULL)
        return say(OUTCOME_NO_E2E,
                   "the flag names a Ka (%s) that this UE does not hold: provision it",
                   flag->ka_id);
    return go_e2e(ctx, e2e, meant, flag);
}

static enum outcome run(SSL_CTX *ctx, const struct e2e *e2e, const struct devices *devices,
                        const struct device *device)
{
    const char *separator =
        option.separator == NULL ? identity_separator(option.prefix) : option.separator;
    char identity[TLS13_PSK_IDENTITY_MAX + 1];
    unsigned char nonce[NONCE_LENGTH];
    enum outcome outcome;
    struct flag flag = {.e2e = false};
    SSL *ssl = NULL;

    if (snprintf(identity, sizeof(identity), "%s%s%s", option.prefix, separator, option.identity) >=
        (int)sizeof(identity))
        return say(OUTCOME_USAGE, "prefix, separator and identity are more than 256 octets");
    if (RAND_bytes(nonce, sizeof(nonce)) <= 0)
        return say(OUTCOME_OTHER, "no randomness for a nonce");
    outcome = connect_psk(ctx, option.connect, identity, device->ks_naf, KS_NAF_LENGTH,
                          "compare identity, prefix, separator and ks-naf of both sides", &ssl);
    if (outcome == OUTCOME_ECHO)
        outcome = get_flag(ssl, nonce, &flag);
    if (outcome == OUTCOME_ECHO)
        outcome = follow_flag(ctx, ssl, e2e, devices, device, &flag, nonce);
    stream_close(ssl);
    return outcome;
}

static bool message_is_a_line(void)
{
    return option.message != NULL && strlen(option.message) <= STREAM_LINE_MAX &&
           strchr(option.message, '\n') == NULL;
}

/* With the setup understood: read the keys, find this UE's, run. */
static enum outcome run_with_keys(const struct e2e *e2e)
{
    struct devices *devices = common_devices(option.devices, option.insecure_devices != NULL);
    const struct device *device = devices == NULL ? NULL : devices_find(devices, option.identity);
    SSL_CTX *ctx = common_ctx(TLS_client_method(), option.keylog);
    enum outcome outcome = OUTCOME_OTHER;

    if (devices != NULL && device == NULL)
        (void)say(outcome, "--identity %s: not in the devices file", option.identity);
    else if (device != NULL && ctx != NULL)
        outcome = run(ctx, e2e, devices, device);
    SSL_CTX_free(ctx);
    devices_free(devices);
    return outcome;
}

int main(int argc, char *argv[])
{
    struct e2e_setup setup;
    struct e2e e2e;
    enum outcome outcome;

    options_parse(argc, argv, "a UE: GBA or AKMA key, e2e flag, e2e key, over TLS 1.3", groups,
                  sizeof(groups) / sizeof(groups[0]));
    (void)signal(SIGPIPE, SIG_IGN);
    if (!message_is_a_line())
        return (int)say(OUTCOME_USAGE, "--message: one line of at most %d octets wanted",
                        STREAM_LINE_MAX);
    setup = (struct e2e_setup){.naf_fqdn = option.naf_fqdn,
                               .mode = option.mode,
                               .digest = option.digest,
                               .usage = option.usage};
    switch (common_open(&e2e, &setup, option.ua_protocol_id)) {
    case E2E_OPEN:
        outcome = run_with_keys(&e2e);
        break;
    case E2E_REFUSED:
        outcome = OUTCOME_USAGE;
        break;
    default:
        outcome = OUTCOME_OTHER;
    }
    e2e_close(&e2e);
    return (int)outcome;
}
