/*
 * akma bootstrap: Ub once, with a USIM and the BSF, and Ks_NAF of it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bootstrap.h"

#include "command.h"
#include "hex.h"
#include "home_network.h"
#include "newest_row.h"
#include "options.h"
#include "out_file.h"
#include "output.h"
#include "printable.h"
#include "usim_pin.h"
#include "utc.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define UA_HEX       10
#define TIMEOUT_MAX  600
#define DATE_SIZE    32
#define WAIT_SECONDS 10 /* for another writer of the devices file */

static const char example[] =
    "The result is kept in the state file, which is private and belongs in /run: a\n"
    "restart of the device forgets it. The modem's own software may use the card at\n"
    "the same time; a reader is held for as long as this runs.\n"
    "\n"
    "Example:\n"
    "  akma bootstrap --bsf auto --usim pcsc: --usim-pin file:pin.txt";

static struct {
    const char *bsf, *bsf_ca, *usim, *impi, *pin, *state, *timeout;
    const char *naf_fqdn, *ua_protocol_id, *out, *devices, *device;
} option = {.state = STATE_DEFAULT, .timeout = "10"};

static const struct option_row ub[] = {
    {"bsf", "URL", &option.bsf, OPTION_REQUIRED,
     "the BSF, http:// or https://; auto: the one that TS 23.003 names for the subscriber"},
    {"bsf-ca", "FILE", &option.bsf_ca, OPTION_OPTIONAL,
     "CA certificates in PEM that verify the BSF (without: the system's)"},
    {"usim", "SPEC", &option.usim, OPTION_REQUIRED,
     "the card: pcsc:[READER], at:/dev/TTY, or milenage:FILE, a test subscriber"},
    {"usim-pin", "SRC", &option.pin, OPTION_OPTIONAL,
     "its PIN: file:PATH, env:NAME, fd:N or stdin; it is tried once"},
    {"impi", "NAI", &option.impi, OPTION_OPTIONAL,
     "user@realm (without: the ISIM's, or made from the IMSI)"},
    {"state", "FILE", &option.state, OPTION_OPTIONAL, "file for B-TID and Ks"},
    {"timeout", "SECONDS", &option.timeout, OPTION_OPTIONAL, "for the whole exchange"},
};

static const struct option_row naf[] = {
    {"naf-fqdn", "NAME", &option.naf_fqdn, OPTION_OPTIONAL, "FQDN of the NAF, as it is written"},
    {"ua-protocol-id", "HEX", &option.ua_protocol_id, OPTION_OPTIONAL,
     "Ua security protocol identifier: 5 octets"},
    {"out", "FILE", &option.out, OPTION_OPTIONAL, "Ks_NAF in hex, to a file of mode 0600"},
    {"devices", "FILE", &option.devices, OPTION_OPTIONAL,
     "instead, as the newest row of a device in this devices file"},
    {"device", "NAME", &option.device, OPTION_OPTIONAL,
     "the device's permanent name there (without: the IMPI)"},
};

static const struct option_group groups[] = {
    OPTION_GROUP(NULL, ub),
    OPTION_GROUP("Ks_NAF:", naf),
    {example, NULL, 0},
};

static bool fail(const char *what, const char *why)
{
    fprintf(stderr, "akma bootstrap: %s: %s\n", what, why);
    return false;
}

static void note(const char *sentence)
{
    fprintf(stderr, "akma bootstrap: note: %s\n", sentence);
}

static bool is_input(const char *path)
{
    static const char card[] = "milenage:";
    const size_t length = strlen(card);

    return (strncmp(option.usim, card, length) == 0 && out_file_is(path, option.usim + length)) ||
           (option.bsf_ca != NULL && out_file_is(path, option.bsf_ca)) ||
           (option.pin != NULL && secret_source_is_file(option.pin, path));
}

/* May the output be written there? NULL is nowhere. */
static bool is_free(const char *name, const char *path)
{
    if (path == NULL)
        return true;
    if (is_input(path))
        return fail(name, OUT_FILE_IS_INPUT);
    return out_file_fault(path) == NULL || fail(name, out_file_fault(path));
}

/* Options that go together. */
static bool check_options(void)
{
    if ((option.naf_fqdn == NULL) != (option.ua_protocol_id == NULL))
        return fail("--naf-fqdn, --ua-protocol-id", "give both, or none");
    if ((option.out != NULL || option.devices != NULL) && option.naf_fqdn == NULL)
        return fail(option.out != NULL ? "--out" : "--devices",
                    "Ks_NAF needs --naf-fqdn and --ua-protocol-id");
    if ((option.out == NULL) == (option.devices == NULL) && option.naf_fqdn != NULL)
        return fail("--naf-fqdn", "give either --out or --devices for its Ks_NAF");
    if (option.impi != NULL && home_network_nai_fault(option.impi) != NULL)
        return fail("--impi: its realm must be", home_network_nai_fault(option.impi));
    if (option.device != NULL && option.devices == NULL)
        return fail("--device", "it names a row of --devices, which is missing");
    if (option.out != NULL && out_file_is(option.out, option.state))
        return fail("--out", "is the state file: give another name");
    return is_free("--out", option.out) && is_free("--state", option.state);
}

static bool take_naf(struct bootstrap_naf *taken)
{
    taken->fqdn = option.naf_fqdn;
    taken->count = 1;
    return option.naf_fqdn == NULL ||
           (strlen(option.ua_protocol_id) == UA_HEX &&
            hex_decode(taken->ua_protocol_ids[0], option.ua_protocol_id, UA_HEX)) ||
           fail("--ua-protocol-id", "must be 10 hex digits");
}

static bool read_pin(char pin[USIM_PIN_SIZE])
{
    char fault[SECRET_FAULT_SIZE];

    return usim_pin_read(pin, option.pin, note, fault) || fail("--usim-pin", fault);
}

static bool put_key(const struct gba_state *state, const unsigned char key[USIM_KEY])
{
    const struct newest_row row = {.identity = state->b_tid,
                                   .device = option.device != NULL ? option.device : state->impi,
                                   .ks_naf = key,
                                   .not_after = state->lifetime};
    char fault[DEVICES_EDIT_FAULT_SIZE];

    if (option.out != NULL)
        return output_key(option.out, OUTPUT_HEX, key, USIM_KEY);
    return newest_row_put(option.devices, &row, WAIT_SECONDS, fault) ||
           fail(PRINTABLE(option.devices), fault);
}

static void print(const struct gba_state *state)
{
    char date[DATE_SIZE] = "";
    struct tm utc;

    if (utc_date(state->lifetime, &utc))
        (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
    printf("b-tid: %s\nlifetime: %s\n", PRINTABLE(state->b_tid), date);
}

static bool run(const char *pin)
{
    const struct bootstrap_settings settings = {
        .usim = {.spec = option.usim, .pin = pin},
        .bsf = option.bsf,
        .ca = option.bsf_ca,
        .impi = option.impi,
        .state = option.state,
        .timeout_ms = 1000 * options_number("timeout", option.timeout, 1, TIMEOUT_MAX),
        .note = note,
    };
    const bool wants_key = option.naf_fqdn != NULL;
    unsigned char key[1][USIM_KEY];
    char fault[GBA_FAULT_SIZE];
    struct bootstrap_naf taken;
    struct gba_state state;
    bool done;

    if (!take_naf(&taken))
        return false;
    if (!gba_state_check(option.state, fault))
        return fail("--state", fault);
    done = bootstrap_run(&settings, &state, wants_key ? &taken : NULL, key, fault);
    if (!done)
        fprintf(stderr, "akma bootstrap: %s\n", fault);
    done = done && (!wants_key || put_key(&state, key[0]));
    if (done)
        print(&state);
    OPENSSL_cleanse(key, sizeof(key));
    OPENSSL_cleanse(&state, sizeof(state));
    return done;
}

int command_bootstrap(int argc, char *argv[])
{
    char pin[USIM_PIN_SIZE] = "";
    bool done;

    options_parse(argc, argv, "bootstrap with a USIM and the BSF (Ub), once", groups,
                  sizeof(groups) / sizeof(groups[0]));
    if (!check_options())
        return EXIT_USAGE;
    if (option.pin != NULL && !read_pin(pin))
        return EXIT_FAILURE;
    done = (ub_start() || fail("libcurl", "cannot be started")) &&
           run(option.pin == NULL ? NULL : pin);
    OPENSSL_cleanse(pin, sizeof(pin));
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
