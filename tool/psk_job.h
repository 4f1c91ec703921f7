/*
 * One block of rows on its way from the devices to the lines of a PSK file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PSK_JOB_H
#define PSK_JOB_H

#include "psk_format.h"
#include "psk_last.h"
#include "rows.h"

#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdint.h>

#define PSK_REASON_SIZE 256

/* What all rows share; read by all threads. */
struct psk_setup {
    EVP_KDF_CTX *ctx; /* holds what the options give; each thread has a copy */
    struct row_layout layout;
    struct row_field defaults[COLUMNS]; /* what the options give, again: for empty fields */
    const struct psk_format *format;
    const struct psk_last *last;
    size_t length; /* octets of a key */
};

/* A row that is refused. */
struct psk_complaint {
    size_t line;
    char reason[PSK_REASON_SIZE];
};

struct psk_job {
    char *block; /* room for BLOCK_SIZE; whole lines */
    size_t length;
    size_t before; /* the number of the line before it */
    char *output;  /* secret; the format's separator is before each row */
    size_t output_length, output_size;
    size_t rows; /* in the output */
    struct psk_complaint *complaints;
    size_t complained, complaints_size;
    bool failed; /* out of memory */
};

/* A column's field as a parameter of AKMA-E2E; it has to be one. */
OSSL_PARAM psk_param(enum column column, const struct row_field *field);

bool psk_job_open(struct psk_job *job);

/* Cleanse and release; fine for one that is all zero. */
void psk_job_close(struct psk_job *job);

/*
 * Turn a block into output, with a context of this thread. A row whose identity has a later one is
 * passed over. Rows that cannot be output are complained about; with stop, nothing comes after the
 * first of them.
 */
void psk_job_run(struct psk_job *job, const struct psk_setup *setup, EVP_KDF_CTX *ctx, bool stop);

#endif
