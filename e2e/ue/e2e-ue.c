/*
 * e2e-ue - the UE: a first connection with Ks_NAF, the e2e flag, a second one with e2e_key
 *
 * Over that it says one line, or relays what local programs say. What the exit status says:
 * docs/flow.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "e2e_key.h"
#include "messages/e2e_flag.h"
#include "messages/identity.h"
#include "net/dgram.h"
#include "net/dtls.h"
#include "net/signals.h"
#include "net/tls.h"
#include "net/tls_lines.h"
#include "ops/checks.h"
#include "ops/log.h"
#include "options.h"
#include "printable.h"
#include "program.h"
#include "tls13_psk.h"
#include "ue/bootstrap_options.h"
#include "ue/client.h"
#include "ue/dgram_listener.h"
#include "ue/local_listener.h"
#include "ue/ue_listen.h"
#include "ue/ue_message.h"
#include "ue/ue_protocols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

SIGNALS_SET_UP_FIRST;

static struct {
    const char *connect, *e2e_connect, *dtls_ciphers, *devices, *insecure_devices, *identity,
        *naf_fqdn, *tls_min;
    const char *ua_protocol_id, *mode, *digest, *usage, *allow_plain, *prefix, *separator, *keylog;
    const char *message, *listen, *device, *ka_id, *oldest_ka_id, *reload_interval;
    const char *log_level, *log_file;
} option = {
    .dtls_ciphers = DTLS_CIPHERS,
    .tls_min = "1.3",
    .mode = "3GPP",
    .digest = "SHA2-256",
    .usage = E2E_USAGE,
    .prefix = IDENTITY_PREFIX,
    .reload_interval = "60",
    .log_level = "info",
};

static const struct option_row rows[] = {
    {"connect", "[udp:]HOST:PORT", &option.connect, true, "the NAF; udp: over DTLS"},
    {"e2e-connect", "[udp:]HOST:PORT", &option.e2e_connect, false,
     "the enterprise's e2e endpoint; without it the NAF's address"},
    {"dtls-ciphers", "LIST", &option.dtls_ciphers, false,
     "cipher suites over DTLS and TLS 1.2, in OpenSSL's names; PSK-AES128-CCM8 and others without "
     "ECDHE have "
     "no forward secrecy"},
    {"devices", "FILE", &option.devices, false,
     "the UE's keys: identity,ks-naf,ka[,ka-id][,device][,not-after]; without a Ka, ka is empty; "
     "with --bsf only the device's Ka's are used"},
    {"insecure-devices", NULL, &option.insecure_devices, false,
     "accept a devices file that others can read"},
    {"identity", "ID", &option.identity, false, "B-TID or A-KID, a row of the devices file"},
    {"device", "NAME", &option.device, false,
     "the device's permanent name: its last row, unless --identity names one; sent with the nonce, "
     "for an operator whose answer names no device"},
    {"naf-fqdn", "NAME", &option.naf_fqdn, true, "FQDN of the NAF or AF"},
    {"ua-protocol-id", "suite|HEX", &option.ua_protocol_id, false,
     "Ua security protocol identifier; suite: that of the cipher suite, as over DTLS by default"},
    {"tls-min", "1.2|1.3", &option.tls_min, false,
     "the oldest version of TLS that the first connection may speak; in 1.2 the Ua security "
     "protocol identifier is always that of the cipher suite"},
    {"mode", "MODE", &option.mode, false, "3GPP or HKDF; the flag must say the same"},
    {"digest", "DIGEST", &option.digest, false, "hash of the HMAC; the flag must say the same"},
    {"usage", "TEXT", &option.usage, false, "what the key is for; the flag must say the same"},
    {"identity-prefix", "TEXT", &option.prefix, false, "3GPP-AKMA for AKMA"},
    {"identity-separator", "TEXT", &option.separator, false,
     "between prefix and identity; \"none\": none (default \".\", none for 3GPP-AKMA)"},
    {"ka-id", "ID", &option.ka_id, false,
     "the Ka to request during a change: one that this UE has (default the server's newest)"},
    {"oldest-ka-id", "ID", &option.oldest_ka_id, false,
     "the oldest Ka that a flag may mean: rows of the devices file before it are retired"},
    {"keylog", "FILE", &option.keylog, false, "write TLS secrets, for debugging"},
    OPTION_CONFIG_ROW,
    OPTION_CHECK_ROW,
    OPTION_PRINT_ROW,
    OPTION_VERSION_ROW,
};

static const struct option_row message_rows[] = {
    {"message", "TEXT", &option.message, false, "the line to send and get back"},
    {"allow-plain", NULL, &option.allow_plain, false,
     "continue without e2e if the flag is withheld (not if it is altered)"},
};

static const struct option_row listen_rows[] = {
    {"listen", "[udp:]HOST:PORT|unix:PATH", &option.listen, false,
     "a loopback address, or a socket of mode 0600: a program that connects there speaks as the "
     "device; udp: datagrams, for an endpoint over DTLS"},
    {"reload-interval", "SECONDS", &option.reload_interval, false,
     "how often the devices file is checked: if it has changed, it is read again; 0: only at "
     "SIGHUP"},
    {"log-level", "err|warning|info", &option.log_level, false,
     "the least severe level that is logged"},
    {"log-file", "FILE", &option.log_file, false,
     "append the log to it, not to standard error; reopened at SIGUSR1"},
};

static const struct option_group groups[] = {
    OPTION_GROUP("Both", rows),
    OPTION_GROUP("Send one line, and end", message_rows),
    OPTION_GROUP("Relay local connections, until SIGTERM", listen_rows),
    OPTION_GROUP("A key from the device's own USIM, instead of the devices file",
                 bootstrap_option_rows),
};

/* bootstrap: where keys come from; NULL: the devices file. */
static struct ue_keys_options keys_options(const struct bootstrap_inputs *bootstrap)
{
    const char *separator = option.separator == NULL ? identity_separator(option.prefix)
                                                     : identity_separator_named(option.separator);

    return (struct ue_keys_options){
        .devices = option.devices,
        .bootstraps = bootstrap != NULL,
        .kas = bootstrap_options_kas(bootstrap, option.device, option.ka_id),
        .identity = option.identity,
        .device = option.device,
        .prefix = option.prefix,
        .separator = separator,
        .oldest_ka_id = option.oldest_ka_id,
        .insecure = option.insecure_devices != NULL,
        .needs_ka = option.listen != NULL};
}

static unsigned int reload_interval(void)
{
    return options_number("reload-interval", option.reload_interval, 0, 86400);
}

static bool set_up_log(void)
{
    enum log_level level;

    if (!log_level_named(option.log_level, &level)) {
        (void)ue_say(options_refusal(), "--log-level %s: must be err, warning or info",
                     option.log_level);
        return false;
    }
    log_set_up(level, option.log_file);
    return true;
}

static int run_with_keys(struct ue_keys *keys, const struct ue_bootstrap_options *bootstrap)
{
    if (option.listen == NULL)
        return ue_message(option.message, keys, bootstrap);
    return ue_listen(option.listen, keys, bootstrap, reload_interval()) ? EXIT_SUCCESS
                                                                        : CLIENT_OTHER;
}

/* With all but the keys set up; bootstrap: where they come from, or NULL. */
static int open_keys(const struct client_setup *rest, const struct bootstrap_inputs *bootstrap)
{
    const struct ue_keys_options options = keys_options(bootstrap);
    char fault[UE_KEYS_FAULT_SIZE];
    struct ue_keys *keys = ue_keys_open(rest, &options, fault);
    int status = CLIENT_OTHER;

    if (keys == NULL)
        (void)ue_say(status, "%s", fault);
    else
        status = run_with_keys(keys, bootstrap_options_of(bootstrap));
    ue_keys_free(keys);
    return status;
}

static int bootstrap_and_run(const struct client_setup *rest)
{
    struct bootstrap_inputs *bootstrap =
        bootstrap_options_open(option.naf_fqdn, rest->protocols, rest->protocol_count);
    const int status = bootstrap == NULL ? CLIENT_OTHER : open_keys(rest, bootstrap);

    bootstrap_options_close(bootstrap);
    return status;
}

static SSL_CTX *open_tls(bool allows_tls12)
{
    SSL_CTX *ctx = tls_psk_ctx(TLS_client_method(), option.keylog);

    if (ctx == NULL || !allows_tls12 || dtls_allow_tls12(ctx, option.dtls_ciphers))
        return ctx;
    fprintf(stderr, "TLS: %s\n", tls_error("TLS 1.2 cannot be set up"));
    SSL_CTX_free(ctx);
    return NULL;
}

/* Where to, as whom. */
static int run(const struct ue_protocols *protocols)
{
    const char *endpoint = option.e2e_connect == NULL ? option.connect : option.e2e_connect;
    struct addrs targets[2] = {{.fixed = NULL}};
    const struct client_setup rest = {
        .ctx = open_tls(protocols->allows_tls12),
        .dtls = dtls_psk_ctx(DTLS_client_method(), option.dtls_ciphers, option.keylog),
        .protocols = protocols->protocol,
        .protocol_count = protocols->count,
        .naf_name = option.connect,
        .endpoint_name = endpoint,
        .naf_fqdn = option.naf_fqdn,
        .naf = &targets[0],
        .endpoint = &targets[1],
        .device_name = option.device,
        .ka_id = option.ka_id,
        .allow_plain = option.allow_plain != NULL,
    };
    int status = CLIENT_OTHER;

    if (rest.ctx != NULL && rest.dtls != NULL &&
        addrs_open_any(&targets[0], "connect", option.connect) &&
        addrs_open_any(&targets[1], "e2e-connect", endpoint))
        status = bootstrap_options_are_given() ? bootstrap_and_run(&rest) : open_keys(&rest, NULL);
    addrs_close(&targets[0]);
    addrs_close(&targets[1]);
    SSL_CTX_free(rest.ctx);
    SSL_CTX_free(rest.dtls);
    return status;
}

/* But for the identifier. */
static struct e2e_setup setup_of_options(void)
{
    return (struct e2e_setup){.naf_fqdn = option.naf_fqdn,
                              .mode = option.mode,
                              .digest = option.digest,
                              .usage = option.usage};
}

/* Not E2E_OPEN: standard error says why not. */
static enum e2e_opened open_setups(struct ue_protocols *protocols)
{
    const struct e2e_setup setup = setup_of_options();
    char reason[E2E_REASON_SIZE];
    const enum e2e_opened opened = ue_protocols_open(protocols, &setup, reason);

    if (opened != E2E_OPEN)
        fprintf(stderr, "%s%s\n", options_where_behind(reason), PRINTABLE(reason));
    return opened;
}

/* For --check: the parts of a start. */
static bool opens_policy(void *protocols)
{
    const bool done = open_setups(protocols) == E2E_OPEN;

    ue_protocols_close(protocols);
    return done;
}

static bool opens_keys(void *argument)
{
    const struct client_setup rest = {.ctx = NULL};
    const struct ue_keys_options options = keys_options(argument);
    char fault[UE_KEYS_FAULT_SIZE];
    struct ue_keys *keys = ue_keys_open(&rest, &options, fault);

    if (keys == NULL)
        fprintf(stderr, "%s%s\n", options_where(fault), PRINTABLE(fault));
    ue_keys_free(keys);
    return keys != NULL;
}

static bool listens_here(void *argument)
{
    return local_listener_check("listen", argument);
}

/* What a bootstrapping needs, as far as it can be had without a BSF. */
struct bootstrap_check {
    const struct ue_protocols *protocols;
    struct bootstrap_inputs *inputs;
};

static bool opens_inputs(void *argument)
{
    struct bootstrap_check *check = argument;

    check->inputs = bootstrap_options_open(option.naf_fqdn, check->protocols->protocol,
                                           check->protocols->count);
    return check->inputs != NULL;
}

static bool opens_card(void *argument)
{
    const struct bootstrap_check *check = argument;

    return bootstrap_options_try_card(check->inputs);
}

static void check_bootstrapping(struct checks *checks, const struct ue_protocols *protocols)
{
    struct bootstrap_check check = {.protocols = protocols};

    if (checks_step(checks, "--ka, --usim-pin and --state", opens_inputs, &check)) {
        (void)checks_step(checks,
                          bootstrap_options_have_pin() ? "--usim: not tried, as there is a PIN"
                                                       : "--usim: the card",
                          opens_card, &check);
        (void)checks_step(checks, "Ka", opens_keys, check.inputs);
    }
    bootstrap_options_close(check.inputs);
}

static void check_keys(struct checks *checks, const struct ue_protocols *protocols)
{
    char subject[400];

    (void)snprintf(subject, sizeof(subject), "--devices %.300s", option.devices);
    if (bootstrap_options_are_given())
        check_bootstrapping(checks, protocols);
    else
        (void)checks_step(checks, subject, opens_keys, NULL);
}

static int check(struct ue_protocols *protocols)
{
    struct checks checks = {0};
    char subject[400];

    (void)checks_step(&checks, "the module akma, mode, digest and usage", opens_policy, protocols);
    check_keys(&checks, protocols);
    checks_appended(&checks, "log-file", option.log_file, false);
    checks_appended(&checks, "keylog", option.keylog, true);
    checks_any_address(&checks, "connect", option.connect, false);
    checks_any_address(&checks, "e2e-connect", option.e2e_connect, false);
    (void)snprintf(subject, sizeof(subject), "--listen %.300s",
                   option.listen == NULL ? "" : option.listen);
    if (option.listen != NULL)
        (void)checks_step(&checks, subject, listens_here, (void *)(uintptr_t)option.listen);
    if (option.listen != NULL && strncmp(option.listen, ADDRS_UNIX, strlen(ADDRS_UNIX)) != 0)
        checks_bind(&checks, "listen", option.listen);
    return checks_status(&checks);
}

static bool is_udp(const char *address)
{
    return dgram_address(address) != NULL;
}

static const char *e2e_address(void)
{
    return option.e2e_connect == NULL ? option.connect : option.e2e_connect;
}

/* Octets; over DTLS its echo has to go into one record. */
static size_t message_max(void)
{
    return is_udp(e2e_address()) ? DTLS_RECORD_MAX - strlen("plain: ") : LINE_MAX_LENGTH;
}

static bool refuse(const char *why)
{
    (void)ue_say(options_refusal(), "%s", why);
    return false;
}

/* One of the two things to do, with what belongs to it; else the sentence is said. */
static bool is_one_task(void)
{
    if ((option.message == NULL) == (option.listen == NULL))
        return refuse(option.message == NULL ? "--message or --listen is missing"
                                             : "--message and --listen exclude each other");
    if (option.listen == NULL)
        return true;
    if (is_udp(option.listen) != is_udp(e2e_address()))
        return refuse("--listen: datagrams (udp:) go with an endpoint over DTLS, --e2e-connect "
                      "udp:, and streams with one over TLS");
    return option.allow_plain == NULL ||
           refuse("--allow-plain goes with --message: --listen relays only e2e");
}

/* Which row of which file is the UE's? */
static bool has_row(void)
{
    if (bootstrap_options_are_given())
        return true;
    if (option.devices == NULL)
        return refuse("--devices is missing");
    return option.identity != NULL || option.device != NULL ||
           refuse("--identity or --device is missing");
}

static bool is_name(const char *name, const char *value)
{
    if (value == NULL || (value[0] != '\0' && strlen(value) <= E2E_FLAG_DEVICE_MAX))
        return true;
    (void)ue_say(options_refusal(), "--%s: must be a name of 1 to %d octets", name,
                 E2E_FLAG_DEVICE_MAX);
    return false;
}

static bool is_message(const char *message)
{
    if (message == NULL)
        return true;
    if (strlen(message) > message_max() || strchr(message, '\n') != NULL) {
        (void)ue_say(options_refusal(), "--message: must be one line of at most %zu octets",
                     message_max());
        return false;
    }
    return message[0] != '\0' || !is_udp(e2e_address()) ||
           refuse("--message: over DTLS it must not be empty");
}

/* Do the options make sense together? False: it was said why not. */
static bool make_sense(void)
{
    return is_one_task() && has_row() && is_name("device", option.device) &&
           is_name("ka-id", option.ka_id) && is_message(option.message);
}

static bool is_one_way_to_a_key(void)
{
    const struct bootstrap_others others = {.devices = option.devices,
                                            .identity = option.identity,
                                            .device = option.device,
                                            .ka_id = option.ka_id,
                                            .prefix = option.prefix};
    const char *fault = bootstrap_options_fault(&others);

    if (fault != NULL)
        (void)ue_say(options_refusal(), "%s", fault);
    return fault == NULL;
}

/* What a server may leave open, a UE has to say. */
static bool is_one_identity(void)
{
    if (strcmp(option.prefix, IDENTITY_ANY) != 0 &&
        (option.separator == NULL || strcmp(option.separator, IDENTITY_ANY) != 0))
        return true;
    (void)ue_say(options_refusal(),
                 "--identity-prefix and --identity-separator: any is for a server, a UE "
                 "has to say which it sends");
    return false;
}

static bool read_protocols(struct ue_protocols *protocols)
{
    const struct ue_protocols_options options = {
        .ua_protocol_id = option.ua_protocol_id,
        .tls_min = option.tls_min,
        .ciphers = option.dtls_ciphers,
        .is_udp = is_udp(option.connect),
        .bootstraps = bootstrap_options_are_given(),
    };

    return ue_protocols_read(protocols, &options);
}

static int open_and_run(struct ue_protocols *protocols)
{
    const enum e2e_opened opened = open_setups(protocols);
    const int status = opened == E2E_OPEN      ? run(protocols)
                       : opened == E2E_REFUSED ? options_refusal()
                                               : CLIENT_OTHER;

    ue_protocols_close(protocols);
    return status;
}

int main(int argc, char *argv[])
{
    struct ue_protocols protocols;
    int status;

    program_begin("e2e-ue");
    options_parse(argc, argv, "a UE: GBA or AKMA key, e2e flag, e2e key, over TLS 1.3", groups,
                  sizeof(groups) / sizeof(groups[0]));
    if (!is_one_way_to_a_key() || !make_sense() || !is_one_identity())
        return options_refusal();
    if (!options_are_to_be_checked() && options_print())
        return EXIT_SUCCESS;
    (void)reload_interval(); /* a number, or the end */
    if (!set_up_log())
        return options_refusal();
    if (option.listen == NULL)
        signals_let_hangup_end();
    if (!read_protocols(&protocols))
        return options_refusal();
    if (!options_are_to_be_checked())
        return open_and_run(&protocols);
    status = check(&protocols);
    (void)options_print();
    return status;
}
