/*
 * figure - the whole flow on a board: Ks_NAF and Ka in, a CoAP message out, under e2e_key
 *
 * Standard input has a line for each setting: Ks_NAF and Ka in hex, the PSK identity, the NAF's
 * FQDN, the suite in hex. Datagrams go through UART 0, each as connection (0 first, 1 e2e), two
 * octets of length, octets; bridge.py carries them over UDP. The answer to GET / is printed, then
 * what the memory was.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flow.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Arm CMSDK APB UART 0 */
#define UART_DATA  (*(volatile uint32_t *)0x40004000)
#define UART_STATE (*(volatile uint32_t *)0x40004004)
#define UART_CTRL  (*(volatile uint32_t *)0x40004008)
#define UART_BAUD  (*(volatile uint32_t *)0x40004010)
#define TX_FULL    1u
#define RX_FULL    2u

#define DATAGRAM_MAX  2048
#define HEADER        3
#define COAP_RETRY_MS 2000

static uint8_t frame[HEADER + DATAGRAM_MAX];
static size_t have;

static void put(uint8_t octet)
{
    while ((UART_STATE & TX_FULL) != 0)
        ;
    UART_DATA = octet;
}

static int send_frame(void *ctx, enum flow_connection to, const uint8_t *datagram, size_t n)
{
    (void)ctx;
    put((uint8_t)to);
    put((uint8_t)(n >> 8));
    put((uint8_t)n);
    for (size_t i = 0; i < n; i++)
        put(datagram[i]);
    return (int)n;
}

static size_t frame_length(void)
{
    return have < HEADER ? HEADER : HEADER + ((size_t)frame[1] << 8 | frame[2]);
}

/* A frame for the other connection came too late: it is dropped, as a network may. */
static int receive_frame(void *ctx, enum flow_connection from, uint8_t *datagram, size_t size)
{
    size_t n;

    (void)ctx;
    while ((UART_STATE & RX_FULL) != 0 && have < frame_length() && have < sizeof(frame))
        frame[have++] = (uint8_t)UART_DATA;
    if (have < HEADER || have < frame_length())
        return MBEDTLS_ERR_SSL_WANT_READ;
    n = have - HEADER;
    have = 0;
    if (frame[0] != (uint8_t)from || n > size)
        return MBEDTLS_ERR_SSL_WANT_READ;
    memcpy(datagram, frame + HEADER, n);
    return (int)n;
}

static uint32_t milliseconds(void *ctx)
{
    (void)ctx;
    return (uint32_t)(clock() * (1000 / CLOCKS_PER_SEC));
}

/* This board has no generator, so the host's is asked. */
int mbedtls_hardware_poll(void *data, unsigned char *out, size_t n, size_t *got)
{
    FILE *host = fopen("/dev/urandom", "rb");

    (void)data;
    *got = host == NULL ? 0 : fread(out, 1, n, host);
    if (host != NULL)
        (void)fclose(host);
    return *got == n ? 0 : MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
}

static char *read_line(char *line, size_t size)
{
    if (fgets(line, (int)size, stdin) == NULL)
        exit(EXIT_FAILURE);
    line[strcspn(line, "\n")] = '\0';
    return line;
}

static struct akma_octets read_octets(uint8_t *octets, size_t size)
{
    char line[256], digits[3] = "";
    struct akma_octets value = {octets, 0};

    for (const char *hex = read_line(line, sizeof(line)); *hex != '\0' && value.length < size;
         hex += 2) {
        memcpy(digits, hex, 2);
        octets[value.length++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return value;
}

/* GET / (RFC 7252): confirmable, code 0.01, message 1, token "t", no option */
static const uint8_t get[] = {0x41, 0x01, 0x00, 0x01, 't'};

/* A length of an option: 13 and 14 announce one octet or two. */
static size_t option_length(const uint8_t *answer, size_t *at, unsigned int nibble)
{
    size_t length = nibble;

    if (nibble == 13)
        length += answer[(*at)++];
    if (nibble == 14) {
        length = 269 + ((size_t)answer[*at] << 8 | answer[*at + 1]);
        *at += 2;
    }
    return length;
}

/* Where the payload starts, behind the options (RFC 7252 3.1); the end, if there is none. */
static size_t payload(const uint8_t *answer, size_t n)
{
    size_t at = sizeof(get);

    while (at < n && answer[at] != 0xFF) {
        const unsigned int option = answer[at++];

        (void)option_length(answer, &at, option >> 4);
        at += option_length(answer, &at, option & 15);
    }
    return at < n ? at + 1 : n;
}

static int exchange(struct flow *flow)
{
    uint8_t answer[512];
    uint32_t sent_at = milliseconds(NULL) - COAP_RETRY_MS;
    int n, tries = 0;

    do {
        if (milliseconds(NULL) - sent_at >= COAP_RETRY_MS) {
            if (++tries > 5)
                return EXIT_FAILURE;
            sent_at = milliseconds(NULL);
            (void)flow_send(flow, get, sizeof(get));
        }
        n = flow_receive(flow, answer, sizeof(answer) - 1);
    } while (n == MBEDTLS_ERR_SSL_WANT_READ);
    if (n < 5) {
        printf("failed: no answer of CoAP, %d\n", n);
        return EXIT_FAILURE;
    }
    answer[n] = '\0';
    printf("coap %d.%02d %s\n", answer[1] >> 5, answer[1] & 31,
           (char *)answer + payload(answer, (size_t)n));
    return EXIT_SUCCESS;
}

static int run(const struct flow_platform *platform, const struct flow_settings *settings)
{
    struct flow flow;
    int status;

    flow_begin(&flow, platform, settings);
    while (flow_step(&flow) < FLOW_OPEN)
        ;
    if (flow.state == FLOW_FAILED)
        printf("failed: fault %d, error %d\n", flow.fault, flow.error);
    status = flow.state == FLOW_OPEN ? exchange(&flow) : EXIT_FAILURE;
    flow_end(&flow);
    return status;
}

/* The most that malloc() has taken from the heap. */
static unsigned long heap_used(void)
{
    extern char end[];
    extern void *_sbrk(int);

    return (unsigned long)((char *)_sbrk(0) - end);
}

#define PAINT       0xA5
#define STACK_LIMIT 16384

/* Octets below the frame that asks, painted before the flow and counted after it. */
static volatile uint8_t *stack_bottom(void)
{
    return (volatile uint8_t *)__builtin_frame_address(0) - STACK_LIMIT;
}

static __attribute__((noinline)) void paint_stack(void)
{
    volatile uint8_t *end = (volatile uint8_t *)__builtin_frame_address(0) - 64;

    for (volatile uint8_t *at = stack_bottom(); at < end; at++)
        *at = PAINT;
}

static __attribute__((noinline)) unsigned long stack_used(void)
{
    volatile uint8_t *at = stack_bottom();

    while (*at == PAINT)
        at++;
    return (unsigned long)((volatile uint8_t *)__builtin_frame_address(0) - at);
}

int main(void)
{
    static char identity[256], fqdn[256], suite[16];
    static uint8_t ks_naf[32], ka[64];
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context generator;
    struct flow_platform platform = {
        send_frame, receive_frame, milliseconds, mbedtls_ctr_drbg_random, &generator, NULL};
    struct flow_settings settings = {.usage = "tls-psk"};
    int status;

    UART_BAUD = 16;
    UART_CTRL = 3;
    settings.ks_naf = read_octets(ks_naf, sizeof(ks_naf));
    settings.ka = read_octets(ka, sizeof(ka));
    settings.identity = read_line(identity, sizeof(identity));
    settings.naf_fqdn = read_line(fqdn, sizeof(fqdn));
    settings.suite[0] = (int)strtoul(read_line(suite, sizeof(suite)), NULL, 16);
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&generator);
    if (mbedtls_ctr_drbg_seed(&generator, mbedtls_entropy_func, &entropy, NULL, 0) != 0)
        return EXIT_FAILURE;
    paint_stack();
    status = run(&platform, &settings);
    printf("heap %lu, stack %lu\n", heap_used(), stack_used());
    return status;
}
