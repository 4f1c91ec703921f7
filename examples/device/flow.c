/*
 * The flow on a device, as flow.h says
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flow.h"

#include "flag.h"
#include "hmac_mbedtls.h"

#include <mbedtls/platform_util.h>
#include <string.h>

#define E2E_KEY_LENGTH   32
#define REFRESH_MAX      255
#define REFRESH_OF_PEER  16 /* octets that the server has to add to the nonce */
#define FIRST_TIMEOUT_MS UINT32_C(1000)

/* One DTLS session at a time */

static int send_datagram(void *ctx, const unsigned char *datagram, size_t n)
{
    const struct flow *flow = ctx;

    return flow->platform->send(flow->platform->ctx, flow->connection, datagram, n);
}

static int receive_datagram(void *ctx, unsigned char *datagram, size_t size)
{
    const struct flow *flow = ctx;

    return flow->platform->receive(flow->platform->ctx, flow->connection, datagram, size);
}

static uint32_t now(const struct flow *flow)
{
    return flow->platform->now(flow->platform->ctx);
}

static void set_timer(void *ctx, uint32_t intermediate, uint32_t final)
{
    struct flow *flow = ctx;

    flow->intermediate = intermediate;
    flow->final = final;
    flow->timer_at = now(flow);
}

static int get_timer(void *ctx)
{
    const struct flow *flow = ctx;
    const uint32_t passed = now(flow) - flow->timer_at;

    if (flow->final == 0)
        return -1;
    return passed >= flow->final ? 2 : passed >= flow->intermediate ? 1 : 0;
}

static void end_session(struct flow *flow)
{
    (void)mbedtls_ssl_close_notify(&flow->ssl);
    mbedtls_ssl_free(&flow->ssl);
    mbedtls_ssl_config_free(&flow->config);
    mbedtls_ssl_init(&flow->ssl);
    mbedtls_ssl_config_init(&flow->config);
}

static enum flow_state fail(struct flow *flow, enum flow_fault fault, int error)
{
    flow->fault = fault;
    flow->error = error;
    flow->state = FLOW_FAILED;
    return flow->state;
}

/* Start a session with a key and an identity. Returns 0, or mbed TLS' error. */
static int begin_session(struct flow *flow, const uint8_t *key, size_t length, const char *identity)
{
    mbedtls_ssl_config *config = &flow->config;
    int error;

    error = mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT,
                                        MBEDTLS_SSL_TRANSPORT_DATAGRAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (error != 0)
        return error;
    mbedtls_ssl_conf_ciphersuites(config, flow->settings->suite);
    mbedtls_ssl_conf_rng(config, flow->platform->random, flow->platform->random_ctx);
    mbedtls_ssl_conf_handshake_timeout(config, FIRST_TIMEOUT_MS, 16 * FIRST_TIMEOUT_MS);
    error = mbedtls_ssl_conf_psk(config, key, length, (const unsigned char *)identity,
                                 strlen(identity));
    if (error == 0)
        error = mbedtls_ssl_setup(&flow->ssl, config);
    mbedtls_ssl_set_bio(&flow->ssl, flow, send_datagram, receive_datagram, NULL);
    mbedtls_ssl_set_timer_cb(&flow->ssl, flow, set_timer, get_timer);
    return error;
}

void flow_begin(struct flow *flow, const struct flow_platform *platform,
                const struct flow_settings *settings)
{
    int error;

    memset(flow, 0, sizeof(*flow));
    flow->platform = platform;
    flow->settings = settings;
    mbedtls_ssl_init(&flow->ssl);
    mbedtls_ssl_config_init(&flow->config);
    error =
        begin_session(flow, settings->ks_naf.octets, settings->ks_naf.length, settings->identity);
    if (error != 0)
        (void)fail(flow, FLOW_TLS, error);
}

static int is_waiting(int error)
{
    return error == MBEDTLS_ERR_SSL_WANT_READ || error == MBEDTLS_ERR_SSL_WANT_WRITE;
}

static enum flow_state shake_hands(struct flow *flow, enum flow_state then)
{
    const int error = mbedtls_ssl_handshake(&flow->ssl);

    if (error == 0)
        flow->state = then;
    else if (!is_waiting(error))
        return fail(flow, FLOW_TLS, error);
    return flow->state;
}

/* The line {"nonce":"<32 hex digits>"}; the same octets each time. */
static int ask(struct flow *flow)
{
    static const char begin[] = "{\"nonce\":\"", digits[] = "0123456789abcdef";
    unsigned char line[sizeof(begin) - 1 + (size_t)2 * FLOW_NONCE + 2],
        *at = line + sizeof(begin) - 1;
    size_t i;

    memcpy(line, begin, sizeof(begin) - 1);
    for (i = 0; i < FLOW_NONCE; i++) {
        *at++ = (unsigned char)digits[flow->nonce[i] >> 4];
        *at++ = (unsigned char)digits[flow->nonce[i] & 15];
    }
    *at++ = '"';
    *at = '}';
    flow->asked++;
    return mbedtls_ssl_write(&flow->ssl, line, sizeof(line));
}

/* The line is sent at once, then after 1, 2, 4 and 8 s. */
static int ask_when_due(struct flow *flow)
{
    const uint32_t passed = now(flow) - flow->asked_at;
    int error = 0;

    if (flow->asked == 0) {
        flow->asked_at = now(flow);
        error = flow->platform->random(flow->platform->random_ctx, flow->nonce, FLOW_NONCE);
    } else if (flow->asked > 4 || passed < (FIRST_TIMEOUT_MS << flow->asked) - FIRST_TIMEOUT_MS) {
        return 0;
    }
    return error != 0 ? error : ask(flow);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* refresh of the flag: our nonce, then what the server added. Its length, or 0. */
static size_t read_refresh(const struct flow *flow, const struct flag *flag, uint8_t *refresh)
{
    const char *hex = flag->member[FLAG_REFRESH].start;
    const size_t length = flag->member[FLAG_REFRESH].length / 2;
    size_t i;

    if (flag->member[FLAG_REFRESH].length % 2 != 0 || length > REFRESH_MAX ||
        length < FLOW_NONCE + REFRESH_OF_PEER)
        return 0;
    for (i = 0; i < length; i++) {
        const int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return 0;
        refresh[i] = (uint8_t)(high << 4 | low);
    }
    return memcmp(refresh, flow->nonce, FLOW_NONCE) == 0 ? length : 0;
}

/* The flag has to match this device's configuration. */
static int is_acceptable(const struct flow *flow, const struct flag *flag)
{
    const size_t identity = flag->member[FLAG_IDENTITY].length;

    return flag_is(flag, FLAG_MODE, "3GPP") && flag_is(flag, FLAG_DIGEST, "SHA2-256") &&
           flag_is(flag, FLAG_USAGE, flow->settings->usage) && identity >= 1 &&
           identity <= FLOW_TEXT_MAX;
}

/* e2e_key = AKMA-E2E, with the Ua security protocol of the suite: 01 00 01 yy zz. 0, or a reason.
 */
static int derive(const struct flow *flow, const uint8_t *refresh, size_t length,
                  uint8_t key[E2E_KEY_LENGTH])
{
    const struct flow_settings *settings = flow->settings;
    const uint8_t ua[] = {1, 0, 1, (uint8_t)(settings->suite[0] >> 8), (uint8_t)settings->suite[0]};
    const struct akma_e2e_input input = {
        .ks_naf = settings->ks_naf,
        .ka = settings->ka,
        .naf.naf_fqdn = {(const uint8_t *)settings->naf_fqdn, strlen(settings->naf_fqdn)},
        .naf.ua_protocol_id = {ua, sizeof(ua)},
        .refresh = {refresh, length},
        .usage = {(const uint8_t *)settings->usage, strlen(settings->usage)},
    };
    struct akma_hmac_mbedtls state;
    struct akma_hmac hmac;
    int reason = AKMA_HMAC_FAILED;

    if (akma_hmac_mbedtls_init(&state, &hmac) == 0)
        reason = akma_e2e(&hmac, &input, key, E2E_KEY_LENGTH);
    akma_hmac_mbedtls_free(&state);
    return reason;
}

/* On to the e2e connection. */
static enum flow_state take_flag(struct flow *flow, const struct flag *flag)
{
    uint8_t refresh[REFRESH_MAX], key[E2E_KEY_LENGTH];
    const size_t length = read_refresh(flow, flag, refresh);
    int error;

    if (!is_acceptable(flow, flag) || length == 0)
        return fail(flow, FLOW_ALTERED, 0);
    memcpy(flow->identity, flag->member[FLAG_IDENTITY].start, flag->member[FLAG_IDENTITY].length);
    error = derive(flow, refresh, length, key);
    if (error != 0)
        return fail(flow, FLOW_DERIVATION, error);
    end_session(flow);
    flow->state = FLOW_E2E_HANDSHAKE;
    flow->connection = FLOW_E2E;
    error = begin_session(flow, key, sizeof(key), flow->identity);
    mbedtls_platform_zeroize(key, sizeof(key));
    return error != 0 ? fail(flow, FLOW_TLS, error) : flow->state;
}

static enum flow_state await_flag(struct flow *flow)
{
    unsigned char line[FLOW_LINE_MAX];
    struct flag flag;
    int n = ask_when_due(flow);

    if (n < 0 && !is_waiting(n))
        return fail(flow, FLOW_TLS, n);
    n = mbedtls_ssl_read(&flow->ssl, line, sizeof(line));
    if (is_waiting(n))
        return now(flow) - flow->asked_at < FLOW_ANSWER_MS ? flow->state
                                                           : fail(flow, FLOW_NO_ANSWER, 0);
    if (n <= 0)
        return fail(flow, FLOW_TLS, n);
    if (!flag_read(&flag, (const char *)line, (size_t)n))
        return fail(flow, FLOW_ALTERED, 0);
    return flag.e2e ? take_flag(flow, &flag) : fail(flow, FLOW_WITHHELD, 0);
}

enum flow_state flow_step(struct flow *flow)
{
    switch (flow->state) {
    case FLOW_HANDSHAKE:
        return shake_hands(flow, FLOW_ASK);
    case FLOW_ASK:
        return await_flag(flow);
    case FLOW_E2E_HANDSHAKE:
        return shake_hands(flow, FLOW_OPEN);
    default:
        return flow->state;
    }
}

int flow_send(struct flow *flow, const uint8_t *datagram, size_t n)
{
    return mbedtls_ssl_write(&flow->ssl, datagram, n);
}

int flow_receive(struct flow *flow, uint8_t *datagram, size_t size)
{
    return mbedtls_ssl_read(&flow->ssl, datagram, size);
}

void flow_end(struct flow *flow)
{
    end_session(flow);
    mbedtls_platform_zeroize(flow, sizeof(*flow));
}
