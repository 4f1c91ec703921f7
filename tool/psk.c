/*
 * akma psk: the options, and what they mean
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "command.h"
#include "hex.h"
#include "options.h"
#include "out_file.h"
#include "printable.h"
#include "psk_run.h"

#include <akma/kdf.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdio.h>
#include <string.h>

#define LENGTH_MAX (AKMA_OUTPUT_BLOCKS_MAX * 64) /* octets: SHA2-512's longest output */

static const char example[] =
    "Columns of the CSV, named in its first line: required: identity, ks-naf, ka;\n"
    "optional: naf-fqdn, ua-protocol-id, refresh, usage. The option of that name is\n"
    "used if there is no column or a field is empty. A row whose not-after has passed\n"
    "is refused; the columns ka-id and device are not used.\n"
    "\n"
    "Formats: mosquitto, stunnel, gnutls: identity:hex. libcoap: ,identity,hex (these\n"
    "digits are the key). openssl: arguments of s_client. json: an array of objects.\n"
    "htdigest: identity:realm:hash of HTTP Digest, with 3GPP-bootstrapping@<naf-fqdn>\n"
    "as the realm and the key in base64 as the password.\n"
    "\n"
    "Example:\n"
    "  akma psk --in devices.csv --out psk.txt --format mosquitto \\\n"
    "      --naf-fqdn mqtt.example.com --ua-protocol-id 0100000007 --usage mqtt";

static struct {
    const char *in, *out, *format, *force, *keep_going, *length, *mode, *digest;
    const char *naf_fqdn, *ua_protocol_id, *refresh, *usage;
} option = {.length = "32", .mode = AKMA_DEFAULT_MODE, .digest = AKMA_DEFAULT_DIGEST};

static const struct option_row files[] = {
    {"in", "CSV", &option.in, OPTION_REQUIRED, "the devices; - is standard input"},
    {"out", "FILE", &option.out, OPTION_REQUIRED,
     "the PSKs; mode 0600, replaced only when all rows are done"},
    {"format", "FORMAT", &option.format, OPTION_REQUIRED,
     "mosquitto, stunnel, libcoap, openssl, gnutls, htdigest or json"},
    {"force", NULL, &option.force, OPTION_OPTIONAL,
     "replace an existing devices file, with the keys in it"},
    {"keep-going", NULL, &option.keep_going, OPTION_OPTIONAL,
     "write the good rows, report the bad ones, exit with 1"},
};

static const struct option_row derivation[] = {
    {"naf-fqdn", "TEXT", &option.naf_fqdn, OPTION_OPTIONAL, "FQDN of the NAF or AF"},
    {"ua-protocol-id", "HEX", &option.ua_protocol_id, OPTION_OPTIONAL,
     "Ua security protocol identifier: 5 octets"},
    {"refresh", "HEX", &option.refresh, OPTION_OPTIONAL, "what makes the keys fresh"},
    {"usage", "TEXT", &option.usage, OPTION_OPTIONAL, "what the keys are for"},
    {"mode", "MODE", &option.mode, OPTION_OPTIONAL, "3GPP or HKDF"},
    {"digest", "DIGEST", &option.digest, OPTION_OPTIONAL, "hash of the HMAC"},
    {"length", "N", &option.length, OPTION_OPTIONAL, "octets of a key"},
};

static const struct option_group groups[] = {
    OPTION_GROUP(NULL, files),
    OPTION_GROUP("For each key:", derivation),
    {example, NULL, 0},
};

/* Octets of an option, which the setup refers to. */
struct octets {
    unsigned char octets[AKMA_REFRESH_MAX + 1];
};

static bool take_hex(struct row_field *field, struct octets *room, const char *name,
                     const char *hex)
{
    const size_t digits = hex == NULL ? 0 : strlen(hex);

    if (hex == NULL)
        return true;
    *field = (struct row_field){room->octets, digits / 2};
    if (digits / 2 <= sizeof(room->octets) && hex_decode(room->octets, hex, digits))
        return true;
    fprintf(stderr, "akma psk: --%s: must be an even number of hex digits, at most 510\n", name);
    return false;
}

static void take_text(struct row_field *field, const char *text)
{
    if (text != NULL)
        *field = (struct row_field){(const unsigned char *)text, strlen(text)};
}

/* Give the context what all rows have in common; the provider says what it does not like. */
static bool set_context(const struct psk_setup *setup)
{
    const struct row_field *defaults = setup->defaults;
    OSSL_PARAM params[7], *param = params;

    *param++ = OSSL_PARAM_construct_utf8_string(AKMA_PARAM_MODE, (char *)(uintptr_t)option.mode, 0);
    *param++ =
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_DIGEST, (char *)(uintptr_t)option.digest, 0);
    if (option.naf_fqdn != NULL)
        *param++ = psk_param(COLUMN_NAF_FQDN, &defaults[COLUMN_NAF_FQDN]);
    if (option.ua_protocol_id != NULL)
        *param++ = psk_param(COLUMN_UA_PROTOCOL_ID, &defaults[COLUMN_UA_PROTOCOL_ID]);
    if (option.refresh != NULL)
        *param++ = psk_param(COLUMN_REFRESH, &defaults[COLUMN_REFRESH]);
    if (option.usage != NULL)
        *param++ = psk_param(COLUMN_USAGE, &defaults[COLUMN_USAGE]);
    *param = OSSL_PARAM_construct_end();
    return EVP_KDF_CTX_set_params(setup->ctx, params) > 0;
}

static int fail(const char *what, int status)
{
    fprintf(stderr, "akma psk: %s\n", what);
    return status;
}

/* What is at --out may be all that there is of some keys. */
static int check_out(void)
{
    const char *const fault = option.force != NULL ? NULL : out_file_fault(option.out);

    if (out_file_is(option.out, option.in)) {
        fprintf(stderr, "akma psk: --out: %s: " OUT_FILE_IS_INPUT "\n", PRINTABLE(option.out));
        return EXIT_USAGE;
    }
    if (fault == NULL)
        return EXIT_SUCCESS;
    fprintf(stderr, "akma psk: --out: %s: %s, or --force to replace it\n", PRINTABLE(option.out),
            fault);
    return EXIT_FAILURE;
}

static int set_up(struct psk_setup *setup)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, AKMA_KDF_E2E, AKMA_PROPERTY_QUERY);
    const char *reason = NULL;
    int flags = 0;

    setup->ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    EVP_KDF_free(kdf);
    if (setup->ctx == NULL)
        return fail("AKMA-E2E: not found, is akma activated in the configuration (OPENSSL_CONF)? "
                    "akma doctor says more",
                    EXIT_FAILURE);
    if (set_context(setup))
        return EXIT_SUCCESS;
    (void)ERR_peek_last_error_data(&reason, &flags);
    return fail((flags & ERR_TXT_STRING) != 0 ? PRINTABLE(reason) : "failed without a reason",
                EXIT_USAGE);
}

/* The program that reads the file would refuse it, or cut keys off without a word. */
static bool is_length_of(const struct psk_format *format, size_t length)
{
    char most[32] = " or more";

    if (format->key_max != 0)
        (void)snprintf(most, sizeof(most), " to %zu", format->key_max);
    if (length >= format->key_min && (format->key_max == 0 || length <= format->key_max))
        return true;
    fprintf(stderr, "akma psk: --length %zu: the format %s takes keys of %zu%s octets\n", length,
            format->name, format->key_min, most);
    return false;
}

int command_psk(int argc, char *argv[])
{
    struct octets ua_protocol_id, refresh;
    struct psk_setup setup = {.length = 0};
    int status;

    options_parse(argc, argv, "derive the e2e_key of each device of a file", groups,
                  sizeof(groups) / sizeof(groups[0]));
    setup.length = options_number("length", option.length, 1, LENGTH_MAX);
    setup.format = psk_format_of(option.format);
    if (setup.format == NULL)
        return fail(
            "--format: must be mosquitto, stunnel, libcoap, openssl, gnutls, htdigest or json",
            EXIT_USAGE);
    if (!is_length_of(setup.format, setup.length))
        return EXIT_USAGE;
    take_text(&setup.defaults[COLUMN_NAF_FQDN], option.naf_fqdn);
    take_text(&setup.defaults[COLUMN_USAGE], option.usage);
    if (!take_hex(&setup.defaults[COLUMN_UA_PROTOCOL_ID], &ua_protocol_id, "ua-protocol-id",
                  option.ua_protocol_id) ||
        !take_hex(&setup.defaults[COLUMN_REFRESH], &refresh, "refresh", option.refresh))
        return EXIT_USAGE;
    status = check_out();
    if (status == EXIT_SUCCESS)
        status = set_up(&setup);
    if (status == EXIT_SUCCESS)
        status = psk_run(&setup, option.in, option.out, option.keep_going != NULL) ? EXIT_SUCCESS
                                                                                   : EXIT_FAILURE;
    EVP_KDF_CTX_free(setup.ctx);
    return status;
}
