/*
 * e2e-ue's options for a key by a USIM and the BSF
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/bootstrap_options.h"

#include "home_network.h"
#include "printable.h"
#include "rows.h"
#include "usim_pin.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define INTERVAL_MAX 86400
#define TIMEOUT_MAX  600

static const char default_state[] = STATE_DEFAULT, default_interval[] = "60",
                  default_timeout[] = "10";

static struct {
    const char *bsf, *bsf_ca, *usim, *pin, *impi, *state, *interval, *timeout, *ka;
} option = {.state = default_state, .interval = default_interval, .timeout = default_timeout};

const struct option_row bootstrap_option_rows[BOOTSTRAP_OPTION_ROWS] = {
    {"bsf", "URL|auto", &option.bsf, false,
     "bootstrap with this BSF, http:// or https://; auto: the one that TS 23.003 names for the "
     "subscriber"},
    {"bsf-ca", "FILE", &option.bsf_ca, false,
     "CA certificates in PEM that verify the BSF (without: the system's)"},
    {"usim", "SPEC", &option.usim, false,
     "the card: pcsc:[READER], at:/dev/TTY, or milenage:FILE, a test subscriber"},
    {"usim-pin", "SRC", &option.pin, false,
     "its PIN: file:PATH, env:NAME, fd:N or stdin; once it is refused it is not tried again"},
    {"impi", "NAI", &option.impi, false, "user@realm (without: the ISIM's, or made from the IMSI)"},
    {"state", "FILE", &option.state, false, "file for B-TID and Ks, as for akma bootstrap"},
    {"bootstrap-interval", "SECONDS", &option.interval, false,
     "least time between two bootstrappings; it doubles while they do not help"},
    {"bootstrap-timeout", "SECONDS", &option.timeout, false, "for the whole exchange"},
    {"ka", "SRC", &option.ka, false,
     "Ka in hex: file:PATH, env:NAME, fd:N or stdin; instead of the devices file; its name is "
     "that of --ka-id"},
};

struct bootstrap_inputs {
    struct ue_bootstrap_options options;
    char pin[USIM_PIN_SIZE];
    bool pin_refused;
    struct secret ka;
};

bool bootstrap_options_are_given(void)
{
    return option.bsf != NULL;
}

bool bootstrap_options_have_pin(void)
{
    return option.pin != NULL;
}

static bool is_given(const char *value)
{
    return value != NULL && value != default_state && value != default_interval &&
           value != default_timeout;
}

/* An option that would do nothing. */
static const char *fault_without_bsf(void)
{
    for (size_t i = 1; i < BOOTSTRAP_OPTION_ROWS; i++)
        if (is_given(*bootstrap_option_rows[i].value))
            return "options of bootstrapping go with --bsf";
    return NULL;
}

static const char *fault_of_ka(const struct bootstrap_others *others)
{
    if ((option.ka == NULL) == (others->devices == NULL))
        return "--bsf: give either --ka or --devices for Ka";
    if (option.ka == NULL && others->device == NULL)
        return "--bsf with --devices: --device is missing, the device whose Ka's are used";
    if (option.ka != NULL && option.pin != NULL && secret_source_is_same(option.ka, option.pin))
        return "--ka, --usim-pin: " SECRET_USED_TWICE;
    if (others->ka_id != NULL &&
        (!row_is_text(others->ka_id, strlen(others->ka_id)) || strchr(others->ka_id, ',') != NULL))
        return "--ka-id: must be a text without blanks, quotes and commas";
    return NULL;
}

const char *bootstrap_options_fault(const struct bootstrap_others *others)
{
    if (option.bsf == NULL)
        return fault_without_bsf();
    if (option.usim == NULL)
        return "--bsf: --usim is missing";
    if (others->identity != NULL)
        return "--bsf and --identity exclude each other: the B-TID is the BSF's";
    if (option.impi != NULL && home_network_nai_fault(option.impi) != NULL)
        return "--impi: must be user@realm, the realm with mnc<MNC>.mcc<MCC> as TS 23.003 has it";
    if (strcmp(others->prefix, "3GPP-AKMA") == 0 ||
        strcmp(others->prefix, "3GPP-bootstrapping-uicc") == 0)
        return "--bsf: it gives no key for this --identity-prefix";
    return fault_of_ka(others);
}

static bool fail(const char *what, const char *why)
{
    fprintf(stderr, "%s%s: %s\n", options_where(what), what, PRINTABLE(why));
    return false;
}

static void note(const char *sentence)
{
    fprintf(stderr, "note: %s\n", PRINTABLE(sentence));
}

static bool read_ka(struct secret *ka)
{
    char fault[SECRET_FAULT_SIZE];

    if (!secret_source_is_one(option.ka))
        return fail("--ka", SECRET_SOURCES);
    return (secret_source_read(ka, option.ka, false, ROW_KA_MAX, fault) && fault[0] == '\0') ||
           fail("--ka", fault);
}

static bool read_pin(char pin[USIM_PIN_SIZE])
{
    char fault[SECRET_FAULT_SIZE];

    return usim_pin_read(pin, option.pin, NULL, fault) || fail("--usim-pin", fault);
}

static void take_settings(struct bootstrap_inputs *inputs)
{
    inputs->options.interval_s =
        options_number("bootstrap-interval", option.interval, 1, INTERVAL_MAX);
    inputs->options.settings = (struct bootstrap_settings){
        .usim = {.spec = option.usim,
                 .pin = option.pin == NULL ? NULL : inputs->pin,
                 .pin_refused = &inputs->pin_refused},
        .bsf = option.bsf,
        .ca = option.bsf_ca,
        .impi = option.impi,
        .state = option.state,
        .timeout_ms = 1000 * options_number("bootstrap-timeout", option.timeout, 1, TIMEOUT_MAX),
        .note = note,
    };
}

static bool read_inputs(struct bootstrap_inputs *inputs)
{
    char fault[GBA_FAULT_SIZE];

    return (option.pin == NULL || read_pin(inputs->pin)) &&
           (option.ka == NULL || read_ka(&inputs->ka)) &&
           (gba_state_check(inputs->options.settings.state, fault) || fail("--state", fault)) &&
           (ub_start() || fail("libcurl", "cannot be started"));
}

_Static_assert(BOOTSTRAP_NAF_KEYS_MAX >= UE_PROTOCOLS_MAX, "a key for each protocol");

struct bootstrap_inputs *bootstrap_options_open(const char *naf_fqdn,
                                                const struct ue_protocol *protocols, size_t count)
{
    struct bootstrap_inputs *inputs = OPENSSL_zalloc(sizeof(*inputs));

    if (inputs == NULL) {
        (void)fail("bootstrapping", "out of memory");
        return NULL;
    }
    take_settings(inputs);
    inputs->options.naf.fqdn = naf_fqdn;
    inputs->options.naf.count = count;
    for (size_t i = 0; i < count; i++)
        memcpy(inputs->options.naf.ua_protocol_ids[i], protocols[i].ua_protocol_id,
               AKMA_UA_PROTOCOL_ID_LENGTH);
    if (read_inputs(inputs))
        return inputs;
    bootstrap_options_close(inputs);
    return NULL;
}

bool bootstrap_options_try_card(const struct bootstrap_inputs *inputs)
{
    char fault[GBA_FAULT_SIZE];
    struct usim *usim;

    if (bootstrap_options_have_pin())
        return true;
    usim = usim_open(&inputs->options.settings.usim, fault);
    if (usim == NULL)
        fprintf(stderr, "%s--usim %s: %s\n", options_where("--usim"), PRINTABLE(option.usim),
                fault);
    usim_close(usim);
    return usim != NULL;
}

const struct ue_bootstrap_options *bootstrap_options_of(const struct bootstrap_inputs *inputs)
{
    return inputs == NULL ? NULL : &inputs->options;
}

struct ue_kas bootstrap_options_kas(const struct bootstrap_inputs *inputs, const char *device,
                                    const char *ka_id)
{
    if (inputs == NULL)
        return (struct ue_kas){.device = device};
    return (struct ue_kas){
        .device = device, .ka = inputs->ka.octets, .ka_length = inputs->ka.length, .ka_id = ka_id};
}

void bootstrap_options_close(struct bootstrap_inputs *inputs)
{
    if (inputs == NULL)
        return;
    secret_free(&inputs->ka);
    OPENSSL_clear_free(inputs, sizeof(*inputs));
}
