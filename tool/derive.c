/*
 * akma derive: one key, by any of the eight algorithms, or from the top of the chain
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "chain.h"
#include "command.h"
#include "hex.h"
#include "home_network.h"
#include "options.h"
#include "out_file.h"
#include "output.h"
#include "printable.h"
#include "secret_source.h"

#include <akma/kdf.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define LENGTH_MAX (AKMA_OUTPUT_BLOCKS_MAX * 64) /* octets: SHA2-512's longest output */

enum kind { SECRET, HEX, TEXT, NUMBER };

/* The parameters of all algorithms: each is an option of the same name. */
static const struct {
    const char *name;
    enum kind kind;
    const char *help;
} parameters[] = {
    {AKMA_PARAM_KS_NAF, SECRET, "Ks_NAF, Ks_ext_NAF, Ks_int_NAF or K_AF: 32 octets"},
    {AKMA_PARAM_KA, SECRET, "Ka: 16 to 65535 octets"},
    {AKMA_PARAM_KEY, SECRET, "Ks, K_AUSF, K_AKMA or K_master: 32 octets (1 or more with 3GPP-KDF)"},
    {AKMA_PARAM_SECRET, SECRET, "another name of --ka"},
    {AKMA_PARAM_NAF_FQDN, TEXT, "FQDN of the NAF or AF, as it is written"},
    {AKMA_PARAM_UA_PROTOCOL_ID, HEX, "Ua security protocol identifier: 5 octets"},
    {AKMA_PARAM_NAF_ID, HEX, "instead of these two, the complete NAF_Id"},
    {AKMA_PARAM_REFRESH, HEX, "what makes this key fresh: 0 to 255 octets"},
    {AKMA_PARAM_USAGE, TEXT, "what the key is for: 0 to 255 octets"},
    {AKMA_PARAM_DIGEST, TEXT, "hash of the HMAC (default SHA2-256)"},
    {AKMA_PARAM_MODE, TEXT, "3GPP (default) or HKDF"},
    {AKMA_PARAM_NOT_AFTER, NUMBER, "end of life of the 3GPP key, seconds since 1970 UTC"},
    {AKMA_PARAM_RAND, HEX, "RAND of the bootstrapping: 16 octets"},
    {AKMA_PARAM_IMPI, TEXT, "IMPI: user@realm"},
    {AKMA_PARAM_SUPI, TEXT, "SUPI: the 5 to 15 digits of an IMSI, or user@realm"},
    {AKMA_PARAM_DEVICE, TEXT, "AKMA-KA: permanent name of the device: 1 to 255 octets"},
    {AKMA_PARAM_KA_ID, TEXT, "AKMA-KA: which Ka of the device: 0 to 255 octets"},
    {AKMA_PARAM_FC, HEX, "FC of 3GPP-KDF: 1 or 2 octets"},
    {AKMA_PARAM_P, HEX, "P0, P1, ... of 3GPP-KDF, in order; may be repeated"},
    {AKMA_PARAM_PROPERTIES, TEXT, "property query for HMAC and its hash"},
};

#define PARAMETERS (sizeof(parameters) / sizeof(parameters[0]))

static const char *const arguments[] = {
    [SECRET] = "SRC", [HEX] = "HEX", [TEXT] = "TEXT", [NUMBER] = "N"};

#define INPUTS_MAX (1 + PARAMETERS + OPTION_MANY_MAX) /* the first is left to a chain */

/* What the options say, in text. */
static struct given {
    const char *algorithm, *length, *format, *out, *raw;
    const char *values[PARAMETERS][OPTION_MANY_MAX + 1];
    const char *chains[CHAINS];
} given = {.algorithm = AKMA_KDF_E2E, .length = "32", .format = "hex"};

static const struct option_row others[] = {
    {"algorithm", "NAME", &given.algorithm, OPTION_OPTIONAL,
     "AKMA-E2E, GBA-KS-NAF, GBA-KS-INT-NAF, AKMA-K-AKMA, AKMA-A-TID, AKMA-K-AF, AKMA-KA "
     "or 3GPP-KDF"},
    {"length", "N", &given.length, OPTION_OPTIONAL, "octets to derive"},
    {"format", "FORMAT", &given.format, OPTION_OPTIONAL, "hex, raw or base64"},
    {"out", "FILE", &given.out, OPTION_OPTIONAL,
     "a file of mode 0600, which is replaced (without: standard output)"},
    {"raw", NULL, &given.raw, OPTION_OPTIONAL, "secrets are octets as they are, not hex"},
};

/* What they mean. */
struct request {
    struct input inputs[INPUTS_MAX];
    size_t count;
    struct secret octets[INPUTS_MAX]; /* what the inputs point to, if it is not the option's text */
    const struct chain *chain;        /* NULL: none */
    struct secret top;                /* of the chain */
    unsigned int length;
    enum output_format format;
    bool unreadable; /* a secret, or no place for the key: the command line was understood */
};

static const char example[] =
    "SRC is file:PATH, env:NAME, fd:N or stdin: hex with white space, or octets with\n"
    "--raw. No secret is ever given on the command line.\n"
    "\n"
    "Example:\n"
    "  akma derive --ks-naf file:ks_naf --ka env:KA --naf-fqdn naf.example.com \\\n"
    "      --ua-protocol-id 0100000007 --usage tls-psk --out e2e_key";

static void parse(int argc, char *argv[])
{
    static struct option_row options[PARAMETERS], tops[CHAINS]; /* as long as the process runs */

    for (size_t i = 0; i < PARAMETERS; i++)
        options[i] = (struct option_row){
            parameters[i].name, arguments[parameters[i].kind], given.values[i],
            strcmp(parameters[i].name, AKMA_PARAM_P) == 0 ? OPTION_MANY : OPTION_OPTIONAL,
            parameters[i].help};
    for (size_t i = 0; i < CHAINS; i++)
        tops[i] = (struct option_row){chains[i].option, "SRC", &given.chains[i], OPTION_OPTIONAL,
                                      chains[i].top};
    const struct option_group groups[] = {
        OPTION_GROUP(NULL, others),
        {"Parameters of the algorithms:", options, PARAMETERS},
        {"Instead of --ks-naf, the start of the chain that leads to it:", tops, CHAINS},
        {example, NULL, 0},
    };
    options_parse(argc, argv, "derive one key", groups, sizeof(groups) / sizeof(groups[0]));
}

static bool complain(const char *option, const char *what)
{
    fprintf(stderr, "akma derive: --%s: %s\n", option, what);
    return false;
}

static bool take_secret(struct request *request, struct secret *secret, const char *option,
                        const char *source, bool raw)
{
    char fault[SECRET_FAULT_SIZE];

    if (!secret_source_is_one(source))
        return complain(option, SECRET_SOURCES);
    request->unreadable = !secret_source_read(secret, source, raw, AKMA_KA_MAX, fault);
    if (request->unreadable)
        return complain(option, fault);
    if (fault[0] != '\0')
        fprintf(stderr, "akma derive: warning: --%s: %s\n", option, fault);
    return true;
}

static bool take_hex(struct secret *octets, const char *option, const char *hex)
{
    const size_t digits = strlen(hex);

    octets->octets = OPENSSL_malloc(digits / 2 + 1);
    octets->length = digits / 2;
    return (octets->octets != NULL && hex_decode(octets->octets, hex, digits)) ||
           complain(option, "must be an even number of hex digits");
}

static bool take_number(int64_t *number, const char *option, const char *text)
{
    const bool begins = text[0] == '-' || (text[0] >= '0' && text[0] <= '9');
    char *end = NULL;

    errno = 0;
    *number = strtoll(text, &end, 10);
    return (begins && *end == '\0' && errno == 0) || complain(option, "must be a number");
}

/* The module takes a realm as it is; a slip in one would be a key that the network has not. */
static bool is_of_its_network(const char *name, const char *text)
{
    char what[PRINTABLE_SIZE];

    if ((strcmp(name, AKMA_PARAM_IMPI) != 0 && strcmp(name, AKMA_PARAM_SUPI) != 0) ||
        home_network_nai_fault(text) == NULL)
        return true;
    (void)snprintf(what, sizeof(what), "the realm must be %s", home_network_nai_fault(text));
    return complain(name, what);
}

/* One input of an option's text. */
static bool take_input(struct request *request, size_t parameter, const char *text, bool raw)
{
    struct secret *octets = &request->octets[request->count];
    struct input *input = &request->inputs[request->count++];
    const char *name = parameters[parameter].name;
    bool done = true;

    *input = (struct input){.name = name,
                            .form = INPUT_OCTETS,
                            .octets = (const unsigned char *)text,
                            .length = strlen(text)};
    switch (parameters[parameter].kind) {
    case SECRET:
        done = take_secret(request, octets, name, text, raw);
        break;
    case HEX:
        done = take_hex(octets, name, text);
        break;
    case NUMBER:
        input->form = INPUT_NUMBER;
        return take_number(&input->number, name, text);
    default:
        input->form = INPUT_TEXT;
        return is_of_its_network(name, text);
    }
    input->octets = octets->octets;
    input->length = octets->length;
    return done;
}

static bool take_chain(struct request *request)
{
    const char *source = NULL;

    for (size_t i = 0; i < CHAINS; i++) {
        if (given.chains[i] == NULL)
            continue;
        if (source != NULL)
            return complain(chains[i].option, "give only one top of a chain");
        request->chain = &chains[i];
        source = given.chains[i];
    }
    return source == NULL ||
           take_secret(request, &request->top, request->chain->option, source, given.raw != NULL);
}

/* The sources of secrets so far. */
struct sources {
    const char *out; /* NULL: standard output */
    const char *source[INPUTS_MAX + CHAINS];
    size_t count;
};

static bool add_source(struct sources *sources, const char *option, const char *source)
{
    char what[SECRET_FAULT_SIZE];

    for (size_t i = 0; i < sources->count; i++)
        if (secret_source_is_same(sources->source[i], source)) {
            (void)snprintf(what, sizeof(what), "%s: " SECRET_USED_TWICE, PRINTABLE_PATH(source));
            return complain(option, what);
        }
    if (sources->out != NULL && secret_source_is_file(source, sources->out))
        return complain("out", OUT_FILE_IS_INPUT);
    sources->source[sources->count++] = source;
    return true;
}

/* Before the first one is read: what was read is gone, and the second secret would be missing. */
static bool have_sources_of_their_own(void)
{
    struct sources sources = {.out = given.out};

    for (size_t i = 0; i < CHAINS && sources.count == 0; i++) /* a second one is refused anyway */
        if (given.chains[i] != NULL && !add_source(&sources, chains[i].option, given.chains[i]))
            return false;
    for (size_t i = 0; i < PARAMETERS; i++)
        if (parameters[i].kind == SECRET && given.values[i][0] != NULL &&
            !add_source(&sources, parameters[i].name, given.values[i][0]))
            return false;
    return true;
}

/* A key in the place of a fleet's keys is a slip. */
static bool is_free(struct request *request, const char *out)
{
    const char *const fault = out == NULL ? NULL : out_file_fault(out);
    char what[SECRET_FAULT_SIZE];

    if (fault == NULL)
        return true;
    request->unreadable = true;
    (void)snprintf(what, sizeof(what), "%s: %s", PRINTABLE_PATH(out), fault);
    return complain("out", what);
}

static bool understand(struct request *request)
{
    request->length = options_number("length", given.length, 1, LENGTH_MAX);
    request->format = output_format_of(given.format);
    if (request->format == OUTPUT_FORMATS)
        return complain("format", "must be hex, raw or base64");
    if (!have_sources_of_their_own() || !is_free(request, given.out) || !take_chain(request))
        return false;
    request->count = 1;
    for (size_t i = 0; i < PARAMETERS; i++)
        for (size_t j = 0; j < OPTION_MANY_MAX && given.values[i][j] != NULL; j++)
            if (!take_input(request, i, given.values[i][j], given.raw != NULL))
                return false;
    return true;
}

/* A parameter that nobody took would be a key for something else than was meant. */
static bool all_taken(const struct request *request, const char *algorithm,
                      char reason[DERIVATION_REASON_SIZE])
{
    for (size_t i = 1; i < request->count; i++)
        if (!request->inputs[i].taken) {
            (void)snprintf(reason, DERIVATION_REASON_SIZE, "--%s: %s takes no such parameter",
                           request->inputs[i].name, PRINTABLE(algorithm));
            return false;
        }
    return true;
}

static bool derive(struct request *request, const char *algorithm, const char *out)
{
    unsigned char *key = OPENSSL_malloc(request->length);
    char reason[DERIVATION_REASON_SIZE] = "out of memory";
    bool done = false;

    if (key != NULL)
        done = request->chain != NULL
                   ? chain_run(request->chain, &request->top, algorithm, request->inputs,
                               request->count, key, request->length, reason)
                   : derivation_run(algorithm, request->inputs + 1, request->count - 1, key,
                                    request->length, reason);
    done = done && all_taken(request, algorithm, reason);
    if (!done)
        fprintf(stderr, "akma derive: %s\n", reason);
    else
        done = output_key(out, request->format, key, request->length);
    OPENSSL_clear_free(key, request->length);
    return done;
}

int command_derive(int argc, char *argv[])
{
    struct request *request = OPENSSL_zalloc(sizeof(*request));
    int status = EXIT_USAGE;

    parse(argc, argv);
    if (request != NULL && understand(request))
        status = derive(request, given.algorithm, given.out) ? EXIT_SUCCESS : EXIT_FAILURE;
    else if (request == NULL || request->unreadable)
        status = EXIT_FAILURE;
    for (size_t i = 0; request != NULL && i < INPUTS_MAX; i++)
        secret_free(&request->octets[i]);
    if (request != NULL)
        secret_free(&request->top);
    OPENSSL_free(request);
    return status;
}
