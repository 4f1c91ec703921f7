/*
 * server_oom - e2e-as serves while memory runs out: each allocation between accepting a connection
 * and its end fails in turn; nobody is let in who would not be, nothing crashes or leaks, and the
 * next connection is served
 *
 *     server_oom FOLDER [tls12|udp]   with devices.csv (rows "ue" with a Ka and "bare" without
 * one), and line.pem and line.key, a certificate for naf.example.com that is its own CA
 *
 * The server's one loop is a thread of this process; its allocations are the ones that fail. The
 * clients, and who asks as a NAF, are the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/app_server_setup.h"
#include "devices.h"
#include "dgram_client.h"
#include "e2e_key.h"
#include "failing_malloc.h"
#include "messages/e2e_flag.h"
#include "messages/tp_link_messages.h"
#include "net/addr.h"
#include "net/dtls.h"
#include "net/tls.h"
#include "stream.h"
#include "tls13_psk.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BREATH 2 /* blocks: tables grow a little, once */
#define NAF    "naf.example.com"
#define AF_ID  "naf.example.com/{ua}"
#define SUITE  "ECDHE-PSK-CHACHA20-POLY1305"

/* Over UDP, milliseconds: until an answer, or if a failure may be silent. */
#define LONG_TIMEOUT_MS  20000
#define SHORT_TIMEOUT_MS 300

#define ALPN \
    "\x0A"   \
    "akma-e2e/1"

static struct {
    struct app_server app_server;
    SSL_CTX *psk, *psk12, *link, *nef; /* psk12: first connections are of TLS 1.2; or NULL */
    SSL_CTX *dtls;                     /* NULL without "udp" */
    int timeout_ms;                    /* over UDP */
    struct devices *devices;
    struct e2e e2e;
    char addresses[4][ADDR_SIZE]; /* NAF, endpoint, link, notifications */
} all;

static const char *current;
static unsigned long number; /* of the allocation that fails */

static void want(bool is_so, const char *what)
{
    if (is_so)
        return;
    printf("server_oom: %s, allocation %lu: %s\n", current, number, what);
    exit(EXIT_FAILURE);
}

static bool offer(SSL *ssl, const char *identity, const unsigned char *key)
{
    const struct dtls_key keys = {.octets = key};

    return SSL_get_min_proto_version(ssl) == TLS1_2_VERSION
               ? SSL_set_max_proto_version(ssl, TLS1_2_VERSION) &&
                     dtls_psk_offer(ssl, identity, &keys, 1)
               : tls13_psk_offer(ssl, identity, key, E2E_KEY_LENGTH) > 0;
}

/* A connection whose handshake is complete; NULL: it was refused, or cut. */
static SSL *shake_hands(SSL_CTX *ctx, int address, const char *identity, const unsigned char *key)
{
    const int fd = stream_connect(all.addresses[address]), yes = 1;
    SSL *ssl = SSL_new(ctx);

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    want(fd >= 0 && ssl != NULL && SSL_set_fd(ssl, fd), "no connection");
    want(identity == NULL || offer(ssl, identity, key), "no offer");
    SSL_set_connect_state(ssl);
    if (stream_handshake(ssl) == STREAM_OK)
        return ssl;
    tls_close(ssl);
    ERR_clear_error();
    return NULL;
}

/* Say a line; is there an answer? Then it is closed. */
static bool ask(SSL *ssl, const char *line, char answer[STREAM_ANSWER_MAX + 1])
{
    size_t length = 0;
    const bool done = ssl != NULL && stream_write_line(ssl, "", line, strlen(line)) == STREAM_OK &&
                      stream_read_line(ssl, answer, &length) == STREAM_OK;

    answer[length] = '\0';
    tls_close(ssl);
    ERR_clear_error();
    return done;
}

/* The same at once, at the NAF or the endpoint, over TCP or UDP. */
static bool visit(int address, const char *identity, const unsigned char *key, const char *line,
                  char answer[STREAM_ANSWER_MAX + 1])
{
    SSL_CTX *ctx = address == 0 && all.psk12 != NULL ? all.psk12 : all.psk;
    const char *port = strchr(all.addresses[address], ':') + 1;
    SSL *ssl;
    bool done;

    if (all.dtls == NULL)
        return ask(shake_hands(ctx, address, identity, key), line, answer);
    ssl = dgram_client_connect(all.dtls, (unsigned short)strtoul(port, NULL, 10), identity, key,
                               all.timeout_ms);
    done =
        ssl != NULL && dgram_client_ask(ssl, line, answer, STREAM_ANSWER_MAX + 1, all.timeout_ms);
    dgram_client_close(ssl);
    return done;
}

/* A flag, by a first connection with this key. */
static bool get_flag(const char *identity, const unsigned char *key, struct e2e_flag *flag)
{
    char answer[STREAM_ANSWER_MAX + 1], fault[E2E_FLAG_FAULT_SIZE];

    if (!visit(0, identity, key, "{\"nonce\":\"000102030405060708090a0b0c0d0e0f\"}", answer))
        return false;
    want(e2e_flag_decode(flag, answer, strlen(answer), fault), "the answer is no flag");
    return true;
}

/* The key of a flag; other: of another Ka. */
static void derive(const struct e2e_flag *flag, bool other, unsigned char key[E2E_KEY_LENGTH])
{
    const struct device *ue = devices_find(all.devices, "ue");
    static const unsigned char wrong[32] = {1};
    const struct e2e_inputs inputs = {.ks_naf = ue->ks_naf,
                                      .ka = other ? wrong : ue->ka,
                                      .ka_length = other ? sizeof(wrong) : ue->ka_length,
                                      .refresh = flag->refresh,
                                      .refresh_length = flag->refresh_length};
    char reason[E2E_REASON_SIZE];

    want(e2e_derive(&all.e2e, &inputs, key, reason), reason);
}

static bool echoes(const struct e2e_flag *flag, bool other)
{
    unsigned char key[E2E_KEY_LENGTH];
    char answer[STREAM_ANSWER_MAX + 1];

    derive(flag, other, key);
    if (!visit(1, flag->identity, key, "x", answer))
        return false;
    want(strcmp(answer, "e2e: x") == 0, "another echo");
    return true;
}

static const unsigned char *ks_naf(void)
{
    return devices_find(all.devices, "ue")->ks_naf;
}

/* The whole flow; true: it came to its end. A flag is used up by the first that is served. */
static bool try_flow(void)
{
    struct e2e_flag flag;
    bool served;

    if (!get_flag("3GPP-bootstrapping.ue", ks_naf(), &flag))
        return false;
    want(flag.e2e, "a UE with a Ka was told that there is no e2e");
    served = echoes(&flag, false);
    if (all.dtls == NULL) /* which refuses in silence */
        want(!served || !echoes(&flag, false), "a flag was good twice");
    return served;
}

static bool try_wrong_keys(void)
{
    static const unsigned char wrong[E2E_KEY_LENGTH] = {1};
    struct e2e_flag flag;

    want(!get_flag("3GPP-bootstrapping.ue", wrong, &flag), "a wrong Ks_NAF was let in");
    want(!get_flag("3GPP-bootstrapping.nobody", wrong, &flag), "nobody was let in");
    if (!get_flag("3GPP-bootstrapping.ue", ks_naf(), &flag))
        return false;
    want(!echoes(&flag, true), "a wrong Ka was let in");
    return true;
}

static bool try_without_ka(void)
{
    const struct device *bare = devices_find(all.devices, "bare");
    struct e2e_flag flag;

    if (!get_flag("3GPP-bootstrapping.bare", bare->ks_naf, &flag))
        return false;
    want(!flag.e2e, "a flag for a UE without a Ka");
    return true;
}

/* As a NAF: a flag, or an error, or no answer; never "no e2e". */
static bool try_link(void)
{
    struct tp_link_request request = {.id = 5, .identity = "ue", .naf_fqdn = NAF};
    struct tp_link_answer tp_link_answer;
    char answer[STREAM_ANSWER_MAX + 1], fault[JSON_FAULT_SIZE], *line;
    bool done;

    memcpy(request.ks_naf, ks_naf(), TP_LINK_KEY_LENGTH);
    memcpy(request.ua_protocol_id, "\1\0\0\0\7", TP_LINK_UA_LENGTH);
    line = tp_link_request_encode(&request);
    want(line != NULL, "out of memory");
    done = ask(shake_hands(all.link, 2, NULL, NULL), line, answer);
    json_line_free(line);
    if (!done)
        return false;
    want(tp_link_answer_decode(&tp_link_answer, answer, strlen(answer), fault), fault);
    if (tp_link_answer.verdict == TP_LINK_ERROR)
        return false;
    want(tp_link_answer.flag.e2e, "a NAF was told that there is no Ka");
    return echoes(&tp_link_answer.flag, false);
}

/* As a NEF: a notification is taken, or fails for the time being (5xx), or there is no answer. */
static bool try_notification(void)
{
    static const char body[] = "{\"aKId\":\"nobody@example.com\"}";
    char request[256], answer[STREAM_ANSWER_MAX + 1];

    (void)snprintf(request, sizeof(request),
                   "POST /revoked HTTP/1.1\r\nHost: " NAF "\r\nContent-Type: application/json\r\n"
                   "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                   sizeof(body) - 1, body);
    if (!ask(shake_hands(all.nef, 3, NULL, NULL), request, answer))
        return false;
    if (strncmp(answer, "HTTP/1.1 204 ", strlen("HTTP/1.1 204 ")) == 0)
        return true;
    want(strncmp(answer, "HTTP/1.1 50", strlen("HTTP/1.1 50")) == 0, answer);
    return false;
}

/* How many parts, from the first on. */
enum transport { OVER_TLS13, OVER_TLS12, OVER_UDP };
static const size_t parts_over[] = {5, 3, 3};

static const struct {
    const char *name;
    bool (*run)(void);
} parts[] = {
    {"flow", try_flow}, {"wrong keys", try_wrong_keys},     {"without a Ka", try_without_ka},
    {"link", try_link}, {"notification", try_notification},
};

static void mark(struct loop *loop, struct loop_message *message)
{
    (void)loop, (void)message;
    failing_malloc_here();
}

/* What OpenSSL keeps for a thread: the errors' texts, its random numbers, its pool of jobs. */
static struct {
    struct loop_message message;
    atomic_bool done;
} cleared;

static void clear(struct loop *loop, struct loop_message *message)
{
    (void)loop, (void)message;
    OPENSSL_thread_stop();
    all.app_server.server.workers[0].has_job_pool = false;
    atomic_store(&cleared.done, true);
}

static void ignore(void *argument, const struct store_answer *answer)
{
    (void)argument, (void)answer;
}

/* The blocks that are there while nobody is connected and no flag is outstanding. */
static long blocks_at_rest(void)
{
    static const struct store_scope everything = {NULL, NULL, NULL, NULL};
    struct store *store = all.app_server.store;
    struct loop *loop = all.app_server.server.loops->loop;
    struct store_answer ignored;

    for (enum pool_kind pool = 0; pool < POOLS; pool++)
        for (int tries = 0; atomic_load(&all.app_server.server.pools[pool].open) > 0; tries++) {
            want(tries < 300000, "a connection does not end");
            (void)usleep(100);
        }
    (void)store->ops->revoke(store, loop, &everything, ignore, NULL, &ignored);
    cleared.message.run = clear;
    atomic_store(&cleared.done, false);
    loop_post(loop, &cleared.message);
    while (!atomic_load(&cleared.done))
        (void)usleep(100);
    OPENSSL_thread_stop();
    return failing_malloc_live();
}

static void go_through(bool (*run)(void))
{
    bool failed = true;
    long before = 0;

    for (number = 0; number < 2; number++) { /* twice, for what is made once */
        want(run(), "not served with all memory there");
        before = blocks_at_rest();
    }
    for (number = 1; failed; number++) {
        failing_malloc_arm(number);
        all.timeout_ms = SHORT_TIMEOUT_MS;
        (void)run();
        all.timeout_ms = LONG_TIMEOUT_MS;
        (void)blocks_at_rest();
        failed = failing_malloc_disarm();
        want(run(), "not served afterwards");
        want(blocks_at_rest() <= before + BREATH, "blocks are left");
    }
    number -= 2;
    want(number > 0, "none failed");
    printf("%s: %lu allocations failed\n", current, number);
    (void)fflush(stdout);
}

static void find_address(char shown[ADDR_SIZE], int fd)
{
    struct sockaddr_in address = {.sin_port = 0};
    socklen_t size = sizeof(address);

    want(getsockname(fd, (struct sockaddr *)&address, &size) == 0, "no address");
    (void)snprintf(shown, ADDR_SIZE, "127.0.0.1:%d", ntohs(address.sin_port));
}

static SSL_CTX *certified_ctx(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    want(ctx != NULL && SSL_CTX_use_certificate_chain_file(ctx, "line.pem") > 0 &&
             SSL_CTX_use_PrivateKey_file(ctx, "line.key", SSL_FILETYPE_PEM) > 0,
         "certificate");
    return ctx;
}

static SSL_CTX *tls12_ctx(void)
{
    SSL_CTX *ctx = tls_psk_ctx(TLS_client_method(), NULL);

    want(ctx != NULL && dtls_allow_tls12(ctx, SUITE), "TLS 1.2");
    return ctx;
}

/* With TLS 1.2 and over UDP the file's keys are for the suite. */
static void start(enum transport over)
{
    const struct devices_rules rules = {.needs = DEVICES_KS_NAF};
    char fault[DEVICES_FAULT_SIZE];
    /* the NEF's address is nobody's: the devices file answers for GBA, and nothing else is asked */
    static char *words[] = {"server_oom",
                            "--accept",
                            "127.0.0.1:0",
                            "--e2e-accept",
                            "127.0.0.1:0",
                            "--naf-accept",
                            "127.0.0.1:0",
                            "--devices",
                            "devices.csv",
                            "--naf-fqdn",
                            NAF,
                            "--cert",
                            "line.pem",
                            "--key",
                            "line.key",
                            "--ca",
                            "line.pem",
                            "--key-source",
                            "nef:https://[::1]",
                            "--source-cert",
                            "line.pem",
                            "--source-key",
                            "line.key",
                            "--source-ca",
                            "line.pem",
                            "--notify-accept",
                            "127.0.0.1:0",
                            "--notify-name",
                            NAF,
                            "--notify-uri",
                            "https://naf.example.com/revoked",
                            "--handshake-timeout",
                            "2",
                            "--line-timeout",
                            "2",
                            "--idle-timeout",
                            "2",
                            "--dtls-ciphers",
                            SUITE,
                            "--af-id",
                            AF_ID,
                            "--tls-min",
                            "1.2",
                            "--ua-protocol-id",
                            "suite",
                            NULL};
    static const int left_out[] = {[OVER_TLS13] = 8, [OVER_TLS12] = 0, [OVER_UDP] = 4};
    const int count = (int)(sizeof(words) / sizeof(words[0])) - 1 - left_out[over];
    static char udp_address[] = "udp:127.0.0.1:0";
    static struct loop_message first = {.run = mark};
    const struct e2e_setup setup = {
        .naf_fqdn = NAF,
        .ua_protocol_id = over != OVER_TLS13 ? (const unsigned char[]){1, 0, 1, 0xCC, 0xAC}
                                             : (const unsigned char[]){1, 0, 0, 0, 7},
        .usage = E2E_USAGE};
    char reason[E2E_REASON_SIZE];
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    (void)sched_setaffinity(0, sizeof(one), &one); /* one loop */
    if (over == OVER_UDP)
        words[2] = words[4] = udp_address;
    all.app_server.options = app_server_options_parse(count, words, &all.app_server.roles);
    app_server_read_options(&all.app_server);
    want(app_server_set_up(&all.app_server) == EXIT_SUCCESS, "set up");
    for (size_t i = 0; i < 4; i++)
        find_address(all.addresses[i], all.app_server.endpoints.endpoint[i].fd);
    all.devices = devices_read("devices.csv", &rules, fault);
    all.psk = tls_psk_ctx(TLS_client_method(), NULL);
    all.psk12 = over == OVER_TLS12 ? tls12_ctx() : NULL;
    all.dtls = over == OVER_UDP ? dtls_psk_ctx(DTLS_client_method(), SUITE, NULL) : NULL;
    all.timeout_ms = LONG_TIMEOUT_MS;
    all.link = certified_ctx();
    all.nef = certified_ctx();
    want(all.devices != NULL && all.psk != NULL &&
             SSL_CTX_set_alpn_protos(all.link, (const unsigned char *)ALPN, sizeof(ALPN) - 1) ==
                 0 &&
             e2e_open(&all.e2e, &setup, reason) == E2E_OPEN,
         "set up of the clients");
    want(loops_start(all.app_server.server.loops), "start");
    loop_post(all.app_server.server.loops->loop, &first);
}

int main(int argc, char *argv[])
{
    enum transport over = OVER_TLS13;

    failing_malloc_set_up();
    current = "start";
    (void)signal(SIGPIPE, SIG_IGN);
    want(argc >= 2 && chdir(argv[1]) == 0, "a folder wanted");
    if (argc == 3)
        over = strcmp(argv[2], "udp") == 0 ? OVER_UDP : OVER_TLS12;
    start(over);
    for (size_t i = 0; i < parts_over[over]; i++) {
        if (over == OVER_UDP && parts[i].run == try_wrong_keys) /* it is refused in silence */
            continue;
        current = parts[i].name;
        go_through(parts[i].run);
    }
    loops_stop(all.app_server.server.loops);
    app_server_release(&all.app_server);
    e2e_close(&all.e2e);
    SSL_CTX_free(all.psk);
    SSL_CTX_free(all.psk12);
    SSL_CTX_free(all.dtls);
    SSL_CTX_free(all.link);
    SSL_CTX_free(all.nef);
    devices_free(all.devices);
    return EXIT_SUCCESS;
}
