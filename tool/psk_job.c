/*
 * One block of rows on its way from the devices to the lines of a PSK file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "psk_job.h"

#include "line_reader.h"

#include <akma/kdf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#define KEY_MAX (AKMA_OUTPUT_BLOCKS_MAX * 64) /* octets: SHA2-512's longest output */

/* The columns that are parameters. */
static const struct {
    const char *name;
    unsigned int type;
} parameters[COLUMNS] = {
    [COLUMN_KS_NAF] = {AKMA_PARAM_KS_NAF, OSSL_PARAM_OCTET_STRING},
    [COLUMN_KA] = {AKMA_PARAM_KA, OSSL_PARAM_OCTET_STRING},
    [COLUMN_NAF_FQDN] = {AKMA_PARAM_NAF_FQDN, OSSL_PARAM_UTF8_STRING},
    [COLUMN_UA_PROTOCOL_ID] = {AKMA_PARAM_UA_PROTOCOL_ID, OSSL_PARAM_OCTET_STRING},
    [COLUMN_REFRESH] = {AKMA_PARAM_REFRESH, OSSL_PARAM_OCTET_STRING},
    [COLUMN_USAGE] = {AKMA_PARAM_USAGE, OSSL_PARAM_UTF8_STRING},
};

/* OSSL_PARAM wants pointers that are not const; nothing is written through them. */
OSSL_PARAM psk_param(enum column column, const struct row_field *field)
{
    static const unsigned char nothing[1];
    void *octets = (void *)(uintptr_t)(field->octets == NULL ? nothing : field->octets);
    OSSL_PARAM param =
        OSSL_PARAM_construct_octet_string(parameters[column].name, octets, field->length);

    param.data_type = parameters[column].type;
    return param;
}

bool psk_job_open(struct psk_job *job)
{
    *job = (struct psk_job){.block = OPENSSL_malloc(BLOCK_SIZE)};
    return job->block != NULL;
}

void psk_job_close(struct psk_job *job)
{
    OPENSSL_clear_free(job->block, BLOCK_SIZE);
    OPENSSL_clear_free(job->output, job->output_size);
    OPENSSL_free(job->complaints);
    *job = (struct psk_job){.block = NULL};
}

/* Room for more elements, at least twice what there was. */
static bool reserve(void **array, size_t *size, size_t wanted, size_t element)
{
    const size_t larger = wanted < 2 * *size ? 2 * *size : wanted;
    void *grown;

    if (wanted <= *size)
        return true;
    grown = OPENSSL_clear_realloc(*array, *size * element, larger * element);
    if (grown == NULL)
        return false;
    *array = grown;
    *size = larger;
    return true;
}

static bool complain(struct psk_job *job, size_t line, const char *reason)
{
    void *complaints = job->complaints;
    struct psk_complaint *complaint;

    if (!reserve(&complaints, &job->complaints_size, job->complained + 1, sizeof(*complaint))) {
        job->failed = true;
        return false;
    }
    job->complaints = complaints;
    complaint = &job->complaints[job->complained++];
    complaint->line = line;
    (void)snprintf(complaint->reason, sizeof(complaint->reason), "%s", reason);
    return false;
}

/* What a column gives goes along with each row, so that no row inherits from the one before. */
static bool derive(const struct psk_setup *setup, EVP_KDF_CTX *ctx, const struct row *row,
                   unsigned char *key)
{
    int64_t not_after = row_not_after(row);
    OSSL_PARAM params[COLUMNS + 1];
    size_t count = 0;

    if (not_after == 0) /* no end is known */
        not_after = AKMA_NOT_AFTER_MAX;
    for (size_t i = 0; i < setup->layout.count; i++) {
        const enum column column = setup->layout.at[i];
        const struct row_field *field = &row->field[column];

        if (parameters[column].name != NULL)
            params[count++] =
                psk_param(column, field->length > 0 ? field : &setup->defaults[column]);
        else if (column == COLUMN_NOT_AFTER)
            params[count++] = OSSL_PARAM_construct_int64(AKMA_PARAM_NOT_AFTER, &not_after);
    }
    params[count] = OSSL_PARAM_construct_end();
    return EVP_KDF_derive(ctx, key, setup->length, params) > 0;
}

static bool complain_of_derive(struct psk_job *job, size_t line)
{
    const char *reason = NULL;
    int flags = 0;

    (void)ERR_peek_last_error_data(&reason, &flags);
    (void)complain(job, line, (flags & ERR_TXT_STRING) != 0 ? reason : "failed without a reason");
    ERR_clear_error();
    return false;
}

static bool write_row(struct psk_job *job, const struct psk_setup *setup, const struct row *row,
                      size_t number, const unsigned char *key)
{
    const struct psk_format *format = setup->format;
    const struct row_field *fqdn = &row->field[COLUMN_NAF_FQDN];
    const struct row_field *naf = fqdn->length > 0 ? fqdn : &setup->defaults[COLUMN_NAF_FQDN];
    const struct psk_line line = {.identity = (const char *)row->field[COLUMN_IDENTITY].octets,
                                  .length = row->field[COLUMN_IDENTITY].length,
                                  .fqdn = (const char *)naf->octets,
                                  .fqdn_length = naf->length,
                                  .key = key,
                                  .key_length = setup->length};
    const size_t separator = strlen(format->separator);
    const size_t room = separator + psk_format_room(format, &line);
    size_t written;
    void *output = job->output;
    char *place;

    job->failed = !reserve(&output, &job->output_size, job->output_length + room, 1);
    job->output = output;
    if (job->failed)
        return false;
    place = memcpy(job->output + job->output_length, format->separator, separator);
    written = psk_format_write(format, place + separator, &line);
    if (written == 0)
        return complain(job, number, "libcrypto has no MD5, of which this format is made");
    job->output_length += separator + written;
    job->rows++;
    return true;
}

/* Does the row count? An identity that is not sure of that is complained about. */
static bool counts(struct psk_job *job, const struct psk_setup *setup,
                   const struct row_field *identity, size_t line, bool *done)
{
    const enum psk_last_result result =
        psk_last_is(setup->last, identity->octets, identity->length, line);

    if (result == PSK_LAST_UNSURE)
        *done = complain(job, line, "identity: shares its hash with another one: run this again");
    return result == PSK_LAST_YES;
}

/* Can the format carry the identity? Else it is complained about. */
static bool is_carried(struct psk_job *job, const struct psk_format *format,
                       const struct row_field *identity, size_t line)
{
    char fault[ROW_FAULT_SIZE];
    const char bad = psk_format_bad_char(format, (const char *)identity->octets, identity->length);

    if (bad == '\0' && identity->length <= format->identity_max)
        return true;
    if (bad != '\0')
        (void)snprintf(fault, sizeof(fault), "identity: the format %s cannot carry its '%c'",
                       format->name, bad);
    else
        (void)snprintf(fault, sizeof(fault),
                       "identity: %zu octets; the format %s takes at most %zu", identity->length,
                       format->name, format->identity_max);
    return complain(job, line, fault);
}

static bool run_row(struct psk_job *job, const struct psk_setup *setup, EVP_KDF_CTX *ctx,
                    size_t number, char *line, size_t length, unsigned char *key)
{
    char fault[ROW_FAULT_SIZE];
    struct row row;
    const struct row_field *identity = &row.field[COLUMN_IDENTITY];
    bool done = true;

    if (!row_read(&row, &setup->layout, line, length, fault))
        return complain(job, number, fault);
    if (!counts(job, setup, identity, number, &done))
        return done;
    if (!is_carried(job, setup->format, identity, number))
        return false;
    return derive(setup, ctx, &row, key) ? write_row(job, setup, &row, number, key)
                                         : complain_of_derive(job, number);
}

void psk_job_run(struct psk_job *job, const struct psk_setup *setup, EVP_KDF_CTX *ctx, bool stop)
{
    unsigned char key[KEY_MAX];
    char *rest = job->block, *line;
    size_t left = job->length, length, number = job->before;

    job->output_length = job->rows = job->complained = 0;
    while (!job->failed && line_next(&rest, &left, &line, &length))
        if (!run_row(job, setup, ctx, ++number, line, length, key) && stop)
            break;
    OPENSSL_cleanse(key, setup->length);
}
