/*
 * A fleet through the pipeline: blocks in, lines out, in order and all or nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "psk_run.h"

#include "guarded_file.h"
#include "line_reader.h"
#include "pipeline.h"
#include "printable.h"
#include "progress.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WRITEBACK ((size_t)4 << 20)
#define AHEAD     16 /* rows between the one that is written and the one that is looked for */

struct run {
    struct psk_setup *setup;
    const char *in, *out;
    bool keep_going;
    struct seen *seen;
    struct line_reader reader;
    struct private_file file;
    struct pipeline *pipeline;
    struct psk_job *jobs;
    struct progress progress;
    uint64_t octets;         /* read so far */
    size_t unsynced;         /* octets written since the disk was told */
    size_t lines, rows, bad; /* of jobs that are drained */
    bool failed;
};

static bool fail(struct run *run, const char *where, const char *what)
{
    progress_clear(&run->progress);
    fprintf(stderr, "akma psk: %s: %s\n", PRINTABLE(where), what);
    run->failed = true;
    return false;
}

/* Say what is wrong with a row; true: go on all the same. */
static bool refuse(struct run *run, size_t line, const char *reason)
{
    progress_clear(&run->progress);
    fprintf(stderr, "akma psk: %s: line %zu: %s\n", PRINTABLE(run->in), line, PRINTABLE(reason));
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
    return private_file_write(run->file.fd, octets, length) || fail(run, run->out, strerror(errno));
}

/* Write a row, with what stands between it and the one before. */
static bool write_row(struct run *run, const char *octets, size_t length)
{
    const char *separator = run->setup->format->separator;

    if (run->rows++ > 0 && separator[0] != '\0' && !write_out(run, separator, strlen(separator)))
        return false;
    return write_out(run, octets, length);
}

/* Complaints of rows up to this one; they are in order. */
static bool refuse_until(struct run *run, const struct psk_job *job, size_t *next, size_t line)
{
    for (; *next < job->complained && job->complaints[*next].line < line; ++*next)
        if (!refuse(run, run->lines + job->complaints[*next].line, job->complaints[*next].reason))
            return false;
    return true;
}

/* Write a job's rows, without those whose identity was there before. */
static bool write_job(struct run *run, const struct psk_job *job)
{
    const bool lines_alone = run->setup->format->separator[0] == '\0';
    size_t written = 0, begin = 0, next = 0;

    for (size_t i = 0; i < job->marked; begin = job->marks[i++].end) {
        const struct psk_mark *mark = &job->marks[i];
        const enum seen_result result = seen_add(run->seen, mark->hash);

        if (i + AHEAD < job->marked)
            seen_expect(run->seen, job->marks[i + AHEAD].hash);
        if (!refuse_until(run, job, &next, mark->line))
            return false;
        if (result == SEEN_NO_MEMORY)
            return fail(run, run->in, "out of memory");
        if (result == SEEN_NEW && lines_alone) {
            run->rows++; /* goes out with its neighbours */
        } else if (result == SEEN_NEW) {
            if (!write_row(run, job->output + begin, mark->end - begin))
                return false;
        } else {
            if (lines_alone && !write_out(run, job->output + written, begin - written))
                return false;
            written = mark->end;
            if (!refuse(run, run->lines + mark->line, "identity: an earlier row has it already"))
                return false;
        }
    }
    if (lines_alone && !write_out(run, job->output + written, begin - written))
        return false;
    return refuse_until(run, job, &next, SIZE_MAX);
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
        return fail(run, run->in, "out of memory");
    run->lines += job->lines;
    start_writeback(run, job->output_length);
    progress_show(&run->progress, run->octets, run->rows);
    return true;
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
    if (result == BLOCK_READ) {
        run->octets += run->jobs[number].length;
        pipeline_filled(run->pipeline);
    }
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
    return fail(run, run->in, what);
}

/* Without a header there is nothing to keep going with. */
static bool refuse_header(struct run *run, const char *reason)
{
    (void)refuse(run, 1, reason);
    run->failed = true;
    return false;
}

/* As many as there are, if all rows are as long as those of the first block. */
static void expect_rows(const struct run *run, const char *rows, size_t length)
{
    size_t count = 0;

    for (const char *end = rows; (end = memchr(end, '\n', length - (size_t)(end - rows))) != NULL;
         end++)
        count++;
    if (length > 0)
        seen_reserve(run->seen, run->progress.size * count / length);
}

/* The header is a line of the first block, which is then given to the pipeline without it. */
static bool read_header(struct run *run)
{
    static const struct row_rules rules = {
        .takes = COLUMN_BIT(COLUMNS) - 1,
        .needs = COLUMN_BIT(COLUMN_IDENTITY) | COLUMN_BIT(COLUMN_KS_NAF) | COLUMN_BIT(COLUMN_KA),
    };
    struct psk_job *job = &run->jobs[0];
    char fault[ROW_FAULT_SIZE], *rest = job->block, *line;
    enum line_reader_result result = line_reader_block(&run->reader, job->block, &job->length);
    size_t length, left = job->length, number;

    if (result == BLOCK_END)
        return refuse_header(run, "the file is empty; it must begin with a header");
    if (result != BLOCK_READ)
        return refuse_header(run, line_reader_says(result));
    (void)line_next(&rest, &left, &line, &length);
    run->octets = job->length;
    run->lines = 1;
    if (!row_layout_read(&run->setup->layout, &rules, line, length, fault))
        return refuse_header(run, fault);
    expect_rows(run, rest, left);
    memmove(job->block, rest, left);
    job->length = left;
    (void)pipeline_fill(run->pipeline, &number);
    pipeline_filled(run->pipeline);
    return true;
}

static bool start(struct run *run)
{
    const struct pipeline_work work = {enter, run_job, leave, run};
    bool done;

    run->seen = seen_new();
    run->setup->seen = run->seen;
    run->pipeline = pipeline_new(&work);
    if (run->seen == NULL || run->pipeline == NULL)
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
    seen_free(run->seen);
    line_reader_close(&run->reader);
}

static int open_input(struct run *run)
{
    const bool is_stdin = strcmp(run->in, "-") == 0;
    const int fd = is_stdin ? dup(STDIN_FILENO) : open(run->in, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat status = {.st_size = 0};

    if (is_stdin)
        run->in = "standard input";
    if (fd < 0 || fstat(fd, &status) != 0) {
        (void)fail(run, run->in, strerror(errno));
        return -1;
    }
    if (S_ISREG(status.st_mode) && !private_file_is_private(&status))
        fprintf(stderr,
                "akma psk: warning: %s: users other than its owner can access it: chmod 600 it\n",
                PRINTABLE(run->in));
    progress_start(&run->progress, S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0);
    return fd;
}

static bool run_open(struct run *run, int fd)
{
    const struct psk_format *format = run->setup->format;
    char fault[PRIVATE_FILE_FAULT_SIZE];

    if (!guarded_file_create(&run->file, run->out, fault))
        return fail(run, run->out, fault);
    if (!line_reader_open(&run->reader, fd))
        return fail(run, run->in, "out of memory");
    if (!start(run) || !write_out(run, format->begin, strlen(format->begin)) || !read_header(run) ||
        !run_blocks(run) || !write_out(run, format->end, strlen(format->end)))
        return false;
    progress_clear(&run->progress);
    return guarded_file_commit(&run->file, fault) || fail(run, run->out, fault);
}

bool psk_run(struct psk_setup *setup, const char *in, const char *out, bool keep_going)
{
    struct run run = {
        .setup = setup, .in = in, .out = out, .keep_going = keep_going, .file = {.fd = -1}};
    const int fd = open_input(&run);
    const bool done = fd >= 0 && run_open(&run, fd);

    finish(&run);
    guarded_file_discard(&run.file);
    if (fd >= 0)
        (void)close(fd);
    if (done && run.bad > 0)
        fprintf(stderr, "akma psk: %zu of %zu devices are in %s; bad rows: %zu\n", run.rows,
                run.rows + run.bad, PRINTABLE(out), run.bad);
    return done && run.bad == 0;
}
