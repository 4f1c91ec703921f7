/*
 * A fleet through the pipeline: blocks in, lines out, in order and all or nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "psk_run.h"

#include "line_reader.h"
#include "pipeline.h"
#include "printable.h"
#include "progress.h"
#include "psk_input.h"
#include "secret_file_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WRITEBACK ((size_t)4 << 20)

struct run {
    struct psk_setup *setup;
    const char *out;
    bool keep_going;
    struct psk_input input;
    struct psk_last *last;
    struct line_reader reader;
    struct secret_file file;
    struct pipeline *pipeline;
    struct psk_job *jobs;
    struct progress progress;
    uint64_t octets;  /* read so far */
    size_t lines;     /* read so far */
    size_t unsynced;  /* octets written since the disk was told */
    size_t rows, bad; /* of jobs that are drained */
    bool failed;
};

static bool fail(struct run *run, const char *where, const char *what)
{
    progress_clear(&run->progress);
    fprintf(stderr, "akma psk: %s: %s\n", PRINTABLE(where), what);
    run->failed = true;
    return false;
}

/* Say what is wrong with a row; true: continue anyway. */
static bool refuse(struct run *run, size_t line, const char *reason)
{
    progress_clear(&run->progress);
    fprintf(stderr, "akma psk: %s: line %zu: %s\n", PRINTABLE(run->input.name), line,
            PRINTABLE(reason));
    run->bad++;
    if (!run->keep_going)
        run->failed = true;
    return run->keep_going;
}

static void *enter(void *argument)
{
    const struct run *run = argument;

    return EVP_KDF_CTX_dup(run->setup->ctx);
}

static void run_job(void *argument, void *entered, size_t job)
{
    struct run *run = argument;

    psk_job_run(&run->jobs[job], run->setup, entered, !run->keep_going);
}

static void leave(void *entered)
{
    EVP_KDF_CTX_free(entered);
}

static bool write_out(struct run *run, const char *octets, size_t length)
{
    return secret_file_write(run->file.fd, octets, length) || fail(run, run->out, strerror(errno));
}

/* Write a job's rows, and say which of its rows are none. */
static bool write_job(struct run *run, const struct psk_job *job)
{
    const size_t separator = run->rows == 0 ? strlen(run->setup->format->separator) : 0;

    for (size_t i = 0; i < job->complained; i++)
        if (!refuse(run, job->complaints[i].line, job->complaints[i].reason))
            return false;
    if (job->rows == 0)
        return true;
    run->rows += job->rows;
    return write_out(run, job->output + separator, job->output_length - separator);
}

/* What is on its way to the disk already is not waited for at the end. */
static void start_writeback(struct run *run, size_t length)
{
    run->unsynced += length;
    if (run->unsynced < WRITEBACK)
        return;
    (void)sync_file_range(run->file.fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    run->unsynced = 0;
}

static bool drain(struct run *run)
{
    size_t number = 0;
    const struct psk_job *job;

    if (!pipeline_drain(run->pipeline, &number))
        return false;
    job = &run->jobs[number];
    if (!write_job(run, job))
        return false;
    if (job->failed)
        return fail(run, run->input.name, "out of memory");
    start_writeback(run, job->output_length);
    progress_show(&run->progress, run->octets, run->rows);
    return true;
}

/* Give a block to the pipeline, in the job that is to be filled. */
static void give(struct run *run, struct psk_job *job)
{
    const char *const end = job->block + job->length;

    job->before = run->lines;
    run->octets += job->length;
    for (const char *at = job->block; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        run->lines++;
    pipeline_filled(run->pipeline);
}

/* Read the next block into a job that is free. */
static enum line_reader_result fill(struct run *run)
{
    enum line_reader_result result;
    size_t number = 0;

    while (!pipeline_fill(run->pipeline, &number))
        if (!drain(run))
            return BLOCK_END;
    result = line_reader_block(&run->reader, run->jobs[number].block, &run->jobs[number].length);
    if (result == BLOCK_READ)
        give(run, &run->jobs[number]);
    return result;
}

static bool run_blocks(struct run *run)
{
    enum line_reader_result result = BLOCK_READ;
    char what[200];

    while (result == BLOCK_READ && !run->failed)
        result = fill(run);
    while (!run->failed && drain(run))
        ;
    if (run->failed)
        return false;
    if (result == BLOCK_END)
        return true;
    (void)snprintf(what, sizeof(what), "line %zu: %s", run->lines + 1, line_reader_says(result));
    return fail(run, run->input.name, what);
}

/* Without a header there is nothing to keep going with. */
static bool refuse_header(struct run *run, const char *reason)
{
    (void)refuse(run, 1, reason);
    run->failed = true;
    return false;
}

/* As many as there are, if all rows are as long as those of the first block. */
static uint64_t guess_rows(const struct run *run, const char *rows, size_t length)
{
    size_t count = 0;

    for (const char *end = rows; (end = memchr(end, '\n', length - (size_t)(end - rows))) != NULL;
         end++)
        count++;
    return length == 0 ? 0 : (uint64_t)run->input.status.st_size * count / length;
}

static size_t identity_field(const struct row_layout *layout)
{
    size_t field = 0;

    while (layout->at[field] != COLUMN_IDENTITY)
        field++;
    return field;
}

/* The first time: which row of each identity counts. */
static bool read_identities(struct run *run, char *rows, size_t length)
{
    const size_t field = identity_field(&run->setup->layout);
    char fault[PSK_INPUT_FAULT_SIZE], *const block = run->jobs[0].block;
    size_t line = 1;
    bool done;

    run->last = psk_last_new(guess_rows(run, rows, length));
    run->setup->last = run->last;
    done = run->last != NULL && psk_last_add(run->last, field, rows, length, &line);
    while (done && line_reader_block(&run->reader, block, &length) == BLOCK_READ)
        done = psk_last_add(run->last, field, block, length, &line);
    if (!done)
        return fail(run, run->input.name, "out of memory");
    line_reader_again(&run->reader);
    return psk_input_rewind(&run->input, fault) || fail(run, run->input.name, fault);
}

/* The first block, which begins with the header; what follows that. */
static bool read_header(struct run *run, char **rest, size_t *left)
{
    static const struct row_rules rules = {
        .takes = COLUMN_BIT(COLUMNS) - 1,
        .needs = COLUMN_BIT(COLUMN_IDENTITY) | COLUMN_BIT(COLUMN_KS_NAF) | COLUMN_BIT(COLUMN_KA),
    };
    struct psk_job *job = &run->jobs[0];
    char fault[ROW_FAULT_SIZE], *line;
    enum line_reader_result result = line_reader_block(&run->reader, job->block, &job->length);
    size_t length;

    if (result == BLOCK_END)
        return refuse_header(run, "the file is empty; it must begin with a header");
    if (result != BLOCK_READ)
        return refuse_header(run, line_reader_says(result));
    *rest = job->block;
    *left = job->length;
    (void)line_next(rest, left, &line, &length);
    return row_layout_read(&run->setup->layout, &rules, line, length, fault) ||
           refuse_header(run, fault);
}

/* The second time: the rows of the first block go to the pipeline without the header. */
static bool begin_rows(struct run *run)
{
    struct psk_job *job = &run->jobs[0];
    size_t left = 0, number;
    char *rest = NULL;

    if (!read_header(run, &rest, &left))
        return false;
    run->octets = (uint64_t)(rest - job->block);
    run->lines = 1;
    memmove(job->block, rest, left);
    job->length = left;
    (void)pipeline_fill(run->pipeline, &number);
    give(run, job);
    return true;
}

/* An empty file would cut every device off. */
static bool has_rows(struct run *run)
{
    return run->rows + run->bad > 0 ||
           fail(run, run->input.name, "has no row to derive a key from");
}

static bool run_rows(struct run *run)
{
    const struct psk_format *format = run->setup->format;
    char fault[PSK_INPUT_FAULT_SIZE], *rest = NULL;
    size_t left = 0;

    return read_header(run, &rest, &left) && read_identities(run, rest, left) && begin_rows(run) &&
           write_out(run, format->begin, strlen(format->begin)) && run_blocks(run) &&
           write_out(run, format->end, strlen(format->end)) &&
           (psk_input_is_unchanged(&run->input, fault) || fail(run, run->input.name, fault)) &&
           has_rows(run);
}

static bool start(struct run *run)
{
    const struct pipeline_work work = {enter, run_job, leave, run};
    bool done;

    run->pipeline = pipeline_new(&work);
    if (run->pipeline == NULL)
        return fail(run, "threads", "out of memory, or of processes");
    run->jobs = OPENSSL_zalloc(pipeline_jobs(run->pipeline) * sizeof(*run->jobs));
    done = run->jobs != NULL;
    for (size_t i = 0; done && i < pipeline_jobs(run->pipeline); i++)
        done = psk_job_open(&run->jobs[i]);
    return done || fail(run, "rows", "out of memory");
}

static void finish(struct run *run)
{
    const size_t jobs = run->pipeline == NULL ? 0 : pipeline_jobs(run->pipeline);

    pipeline_free(run->pipeline);
    for (size_t i = 0; run->jobs != NULL && i < jobs; i++)
        psk_job_close(&run->jobs[i]);
    OPENSSL_free(run->jobs);
    psk_last_free(run->last);
    line_reader_close(&run->reader);
}

static bool open_input(struct run *run, const char *in)
{
    char fault[PSK_INPUT_FAULT_SIZE], why[SECRET_FILE_FAULT_SIZE];
    const struct stat *status = &run->input.status;

    if (!psk_input_open(&run->input, in, fault))
        return fail(run, run->input.name, fault);
    if (S_ISREG(status->st_mode) && !secret_file_is_private(run->input.fd, why))
        fprintf(stderr, "akma psk: warning: %s: %s\n", PRINTABLE(run->input.name), why);
    return true;
}

static bool run_open(struct run *run)
{
    char fault[SECRET_FILE_FAULT_SIZE];

    if (!secret_file_guard_create(&run->file, run->out, fault))
        return fail(run, run->out, fault);
    if (!psk_input_hold(&run->input, fault))
        return fail(run, run->input.name, fault);
    if (!line_reader_open(&run->reader, run->input.fd))
        return fail(run, run->input.name, "out of memory");
    progress_start(&run->progress, (uint64_t)run->input.status.st_size);
    if (!start(run) || !run_rows(run))
        return false;
    progress_clear(&run->progress);
    return secret_file_guard_commit(&run->file, fault) || fail(run, run->out, fault);
}

bool psk_run(struct psk_setup *setup, const char *in, const char *out, bool keep_going)
{
    struct run run = {.setup = setup, .out = out, .keep_going = keep_going, .file = {.fd = -1}};
    const bool done = open_input(&run, in) && run_open(&run);

    finish(&run);
    secret_file_guard_discard(&run.file);
    psk_input_close(&run.input);
    if (done && run.bad > 0)
        fprintf(stderr, "akma psk: %zu of %zu devices are in %s; bad rows: %zu\n", run.rows,
                run.rows + run.bad, PRINTABLE(out), run.bad);
    return done && run.bad == 0;
}
