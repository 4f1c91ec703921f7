/*
 * Fuzz target: a block of the CSV that akma psk reads
 *
 * The first octet chooses the format and whether the first bad row ends it, the rest is the file.
 * Each line is either complained about or has its line of output, and the key in that is the one
 * put together here, from the fields as in the text, by HMAC() in a straight line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "line_reader.h"
#include "psk_job.h"

#include <akma/kdf.h>
#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/provider.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FQDN       "naf.example.com"
#define UA         "0100000007"
#define KEY_LENGTH 32
#define TEXT_MAX   4096 /* octets of an input; fuzz.sh makes none that is longer */

extern OSSL_provider_init_fn OSSL_provider_init;

static const char *const formats[] = {"mosquitto", "stunnel", "libcoap",
                                      "openssl",   "gnutls",  "json"};

static struct psk_setup setup = {.length = KEY_LENGTH};

/* What a row says, as text; the options' value where it says nothing. */
struct fields {
    char text[COLUMNS][TEXT_MAX];
};

static void want(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const unsigned char ua[] = {0x01, 0x00, 0x00, 0x00, 0x07};
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    EVP_KDF *kdf;
    OSSL_PARAM params[3];

    (void)argc, (void)argv;
    want(OSSL_PROVIDER_add_builtin(libctx, "akma", OSSL_provider_init) == 1);
    want(OSSL_PROVIDER_load(libctx, "default") != NULL);
    want(OSSL_PROVIDER_load(libctx, "akma") != NULL);
    kdf = EVP_KDF_fetch(libctx, AKMA_KDF_E2E, NULL);
    setup.defaults[COLUMN_NAF_FQDN] = (struct row_field){(const unsigned char *)FQDN, strlen(FQDN)};
    setup.defaults[COLUMN_UA_PROTOCOL_ID] = (struct row_field){ua, sizeof(ua)};
    params[0] = psk_param(COLUMN_NAF_FQDN, &setup.defaults[COLUMN_NAF_FQDN]);
    params[1] = psk_param(COLUMN_UA_PROTOCOL_ID, &setup.defaults[COLUMN_UA_PROTOCOL_ID]);
    params[2] = OSSL_PARAM_construct_end();
    want((setup.ctx = EVP_KDF_CTX_new(kdf)) != NULL);
    want(EVP_KDF_CTX_set_params(setup.ctx, params) > 0);
    want((setup.last = psk_last_new(0)) != NULL);
    EVP_KDF_free(kdf);
    return 0;
}

/* The fields of a line of the text, which is not what the job has decoded in place. */
static void split(struct fields *fields, const char *line, size_t length)
{
    for (size_t i = 0; i < COLUMNS; i++)
        fields->text[i][0] = '\0';
    strcpy(fields->text[COLUMN_NAF_FQDN], FQDN);
    strcpy(fields->text[COLUMN_UA_PROTOCOL_ID], UA);
    for (size_t i = 0; i < setup.layout.count; i++) {
        const char *comma = memchr(line, ',', length);
        const size_t field = comma == NULL ? length : (size_t)(comma - line);
        char *text = fields->text[setup.layout.at[i]];

        if (field > 0) {
            memcpy(text, line, field);
            text[field] = '\0';
        }
        line += field + (comma != NULL);
        length -= field + (comma != NULL);
    }
}

/* A part of S and its length, in two octets; hex or text. */
static size_t put(unsigned char *s, const char *text, int is_hex)
{
    size_t length = 0;

    for (; *text != '\0'; text += is_hex ? 2 : 1) {
        unsigned int octet = (unsigned char)*text;

        if (is_hex)
            want(sscanf(text, "%2x", &octet) == 1);
        s[length++] = (unsigned char)octet;
    }
    s[length] = (unsigned char)(length >> 8);
    s[length + 1] = (unsigned char)length;
    return length + 2;
}

/* NAF_Id is one part of two texts. */
static void oracle(const struct fields *fields, unsigned char key[KEY_LENGTH])
{
    static unsigned char s[2 * TEXT_MAX], ks_naf[TEXT_MAX];
    char naf_id[2 * TEXT_MAX];
    size_t length = 2, used = 0;

    memcpy(s, "\xFF\xE2", 2);
    length += put(s + length, "akma-e2e", 0);
    length += put(s + length, fields->text[COLUMN_KA], 1);
    for (const char *c = fields->text[COLUMN_NAF_FQDN]; *c != '\0'; c++)
        used += (size_t)sprintf(naf_id + used, "%02x", (unsigned char)*c);
    strcpy(naf_id + used, fields->text[COLUMN_UA_PROTOCOL_ID]);
    length += put(s + length, naf_id, 1);
    length += put(s + length, fields->text[COLUMN_REFRESH], 1);
    length += put(s + length, fields->text[COLUMN_USAGE], 0);
    length += put(s + length, "0020", 1);
    length += put(s + length, "01", 1);
    want(put(ks_naf, fields->text[COLUMN_KS_NAF], 1) == KEY_LENGTH + 2);
    want(HMAC(EVP_sha256(), ks_naf, KEY_LENGTH, s, length, key, NULL) != NULL);
}

/* The next line of output is the format's, of this identity and key; its length. */
static size_t check_output(const char *output, size_t left, const struct fields *fields)
{
    const struct psk_format *format = setup.format;
    static char expected[4 * TEXT_MAX];
    unsigned char key[KEY_LENGTH];
    size_t used = (size_t)sprintf(expected, "%s%s", format->separator, format->before);

    oracle(fields, key);
    for (const char *c = fields->text[COLUMN_IDENTITY]; *c != '\0'; c++) {
        want(strchr(format->forbidden, *c) == NULL);
        used += (size_t)sprintf(expected + used, format->escaped && *c == '\\' ? "\\%c" : "%c", *c);
    }
    used += (size_t)sprintf(expected + used, "%s", format->between);
    for (size_t i = 0; i < KEY_LENGTH; i++)
        used += (size_t)sprintf(expected + used, "%02x", key[i]);
    used += (size_t)sprintf(expected + used, "%s", format->after);
    want(used <= left && memcmp(expected, output, used) == 0);
    return used;
}

/* Each line in turn has its output or its complaint. */
static void check(const struct psk_job *job, char *text, size_t left, bool stop)
{
    static struct fields fields;
    size_t number = 0, rows = 0, complained = 0, begin = 0, length;
    char *line;

    while (rows + complained < job->rows + job->complained &&
           line_next(&text, &left, &line, &length)) {
        number++;
        if (complained < job->complained && job->complaints[complained].line == number) {
            want(job->complaints[complained].reason[0] != '\0');
            complained++;
            continue;
        }
        split(&fields, line, length);
        begin += check_output(job->output + begin, job->output_length - begin, &fields);
        rows++;
    }
    want(!job->failed && begin == job->output_length);
    want(rows == job->rows && complained == job->complained);
    want(stop ? complained <= 1 : !line_next(&text, &left, &line, &length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct row_rules rules = {
        .takes = COLUMN_BIT(COLUMNS) - 1,
        .needs = COLUMN_BIT(COLUMN_IDENTITY) | COLUMN_BIT(COLUMN_KS_NAF) | COLUMN_BIT(COLUMN_KA),
    };
    char text[TEXT_MAX], fault[ROW_FAULT_SIZE] = "", *rest = text, *header;
    size_t left = size - 1, length;
    struct psk_job job;
    EVP_KDF_CTX *ctx;

    if (size == 0 || size > TEXT_MAX)
        return 0;
    memcpy(text, data + 1, left);
    setup.format = psk_format_of(formats[(data[0] & 0x7FU) % 6]);
    if (!line_next(&rest, &left, &header, &length))
        return 0;
    if (!row_layout_read(&setup.layout, &rules, header, length, fault)) {
        want(fault[0] != '\0');
        return 0;
    }
    want(psk_job_open(&job));
    memcpy(job.block, rest, left);
    job.length = left;
    want((ctx = EVP_KDF_CTX_dup(setup.ctx)) != NULL); /* as each thread of a run has one */
    psk_job_run(&job, &setup, ctx, data[0] > 0x7F);
    check(&job, rest, left, data[0] > 0x7F);
    EVP_KDF_CTX_free(ctx);
    psk_job_close(&job);
    return 0;
}
