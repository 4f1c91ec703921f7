/*
 * A fleet's Ka's through the pipeline: names in, rows out, in order and all or nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka_derive_run.h"

#include "dedup.h"
#include "ka.h"
#include "line_reader.h"
#include "pipeline.h"
#include "printable.h"
#include "progress.h"
#include "secret_file_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOB_LINES     512 /* few, so that a short list keeps all sessions of a slow token busy */
#define TOKEN_THREADS 4

/* Some names of a block on their way to rows. */
struct job {
    const char *names; /* whole lines of a block, which stays until the block's jobs are drained */
    size_t length, count;
    size_t before; /* the number of the line before them */
    struct secret_buf rows;
    uint64_t hashes[JOB_LINES];
    size_t done; /* names that became rows */
    char fault[MASTER_FAULT_SIZE];
};

struct run {
    const struct ka_derive_setup *setup;
    struct pipeline *pipeline;
    struct job *jobs;
    struct dedup *seen;
    struct secret_file file; /* where it goes, or */
    struct secret_buf text;  /* what goes to standard output at the end */
    struct progress progress;
    size_t lines;    /* given to jobs */
    uint64_t octets; /* drained */
    size_t rows;
    bool failed;
};

static bool fail(struct run *run, const char *where, const char *what)
{
    progress_clear(&run->progress);
    fprintf(stderr, "akma ka derive: %s: %s\n", PRINTABLE(where), what);
    run->failed = true;
    return false;
}

static const char *name_of_input(const struct run *run)
{
    return run->setup->in == NULL ? "--device" : run->setup->in;
}

static bool fail_line(struct run *run, size_t line, const char *what)
{
    char sentence[MASTER_FAULT_SIZE + 32];

    (void)snprintf(sentence, sizeof(sentence), "line %zu: %s", line, what);
    return fail(run, name_of_input(run), sentence);
}

/* Why a line names no device of a devices file; NULL: it does. */
static const char *name_fault(const char *name, size_t length)
{
    if (length == 0)
        return "is empty; it must have the name of a device";
    if (length >= strlen(BYTE_ORDER_MARK) &&
        memcmp(name, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
        return BYTE_ORDER_MARK_SAYS;
    if (length > ROW_TEXT_MAX)
        return "a device's name has at most 255 octets";
    if (memchr(name, ',', length) != NULL || !row_is_text(name, length))
        return "a device's name must be UTF-8 without blanks, commas, quotes, control characters "
               "and invisible characters";
    return NULL;
}

static void put_row(struct secret_buf *rows, const char *name, size_t length,
                    const unsigned char ka[MASTER_KA_LENGTH], const char *ka_id)
{
    secret_buf_put(rows, name, length);
    secret_buf_puts(rows, ",,");
    secret_buf_hex(rows, ka, MASTER_KA_LENGTH);
    secret_buf_puts(rows, ",");
    secret_buf_puts(rows, ka_id);
    secret_buf_puts(rows, "\n");
}

static bool derive(struct job *job, const struct run *run, struct deriver *deriver,
                   const char *line, size_t length)
{
    unsigned char ka[MASTER_KA_LENGTH];
    char name[ROW_TEXT_MAX + 1];
    const char *what = name_fault(line, length);
    bool done;

    if (what != NULL)
        return master_fault(job->fault, MASTER_REFUSED, what) == MASTER_OK;
    memcpy(name, line, length);
    name[length] = '\0';
    done = deriver_derive(deriver, name, run->setup->ka_id, ka, job->fault) == MASTER_OK;
    if (done)
        put_row(&job->rows, line, length, ka, run->setup->ka_id);
    OPENSSL_cleanse(ka, sizeof(ka));
    return done;
}

static void *enter(void *argument)
{
    const struct run *run = argument;

    return deriver_new(run->setup->master);
}

static void run_job(void *argument, void *entered, size_t number)
{
    const struct run *run = argument;
    struct job *job = &run->jobs[number];
    char *rest = (char *)(uintptr_t)job->names, *line;
    size_t left = job->length, length;

    job->done = 0;
    job->rows.length = 0;
    while (line_next(&rest, &left, &line, &length)) {
        job->hashes[job->done] = dedup_hash(run->seen, line, length);
        if (!derive(job, run, entered, line, length))
            return;
        job->done++;
    }
}

static void leave(void *entered)
{
    deriver_free(entered);
}

static bool write_rows(struct run *run, const char *rows, size_t length)
{
    if (run->setup->out == NULL) {
        secret_buf_put(&run->text, rows, length);
        return !run->text.failed || fail(run, "standard output", "out of memory");
    }
    return secret_file_write(run->file.fd, rows, length) ||
           fail(run, run->setup->out, strerror(errno));
}

/* Names that came before, in whichever thread, are found here: jobs are drained in their order. */
static bool check_names(struct run *run, const struct job *job)
{
    for (size_t i = 0; i < job->done; i++) {
        const enum dedup_result result = dedup_add(run->seen, job->hashes[i]);

        if (result == DEDUP_DUPLICATE)
            return fail_line(run, job->before + i + 1, "an earlier line has this device already");
        if (result == DEDUP_NO_MEMORY)
            return fail(run, name_of_input(run), "out of memory");
    }
    return true;
}

static bool drain(struct run *run)
{
    size_t number = 0;
    const struct job *job;

    if (!pipeline_drain(run->pipeline, &number))
        return false;
    job = &run->jobs[number];
    if (run->failed || !check_names(run, job))
        return true;
    if (job->done < job->count)
        (void)fail_line(run, job->before + job->done + 1, job->fault);
    else if (job->rows.failed)
        (void)fail(run, name_of_input(run), "out of memory");
    else
        (void)write_rows(run, job->rows.octets, job->rows.length);
    run->rows += job->count;
    run->octets += job->length;
    progress_show(&run->progress, run->octets, run->rows);
    return true;
}

/* Give the next lines of a block to the pipeline. */
static void give(struct run *run, char **rest, size_t *left)
{
    const char *const begin = *rest;
    size_t number = 0, length;
    struct job *job;
    char *line;

    while (!pipeline_fill(run->pipeline, &number))
        (void)drain(run);
    job = &run->jobs[number];
    job->names = begin;
    job->before = run->lines;
    for (job->count = 0; job->count < JOB_LINES && line_next(rest, left, &line, &length);)
        job->count++;
    job->length = (size_t)(*rest - begin);
    run->lines += job->count;
    pipeline_filled(run->pipeline);
}

/* The names of a block; it can be used again when this is over. */
static void run_block(struct run *run, char *block, size_t length)
{
    while (length > 0 && !run->failed)
        give(run, &block, &length);
    while (drain(run))
        ;
}

static void run_list(struct run *run, struct line_reader *reader, char *block)
{
    enum line_reader_result result;
    size_t length = 0;
    char what[200];

    while (!run->failed && (result = line_reader_block(reader, block, &length)) != BLOCK_END) {
        if (result == BLOCK_READ) {
            run_block(run, block, length);
            continue;
        }
        (void)snprintf(what, sizeof(what), "line %zu: %s", run->lines + 1,
                       line_reader_says(result));
        (void)fail(run, run->setup->in, what);
    }
}

static void run_file(struct run *run)
{
    const bool is_stdin = strcmp(run->setup->in, "-") == 0;
    const int fd = is_stdin ? STDIN_FILENO : open(run->setup->in, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct line_reader reader = {.fd = -1};
    struct stat status = {.st_size = 0};
    char *block = OPENSSL_malloc(BLOCK_SIZE);

    if (fd < 0)
        (void)fail(run, run->setup->in, strerror(errno));
    else if (block == NULL || !line_reader_open(&reader, fd))
        (void)fail(run, run->setup->in, "out of memory");
    if (!run->failed) {
        (void)fstat(fd, &status);
        progress_start(&run->progress, S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0);
        run_list(run, &reader, block);
        progress_clear(&run->progress);
    }
    line_reader_close(&reader);
    OPENSSL_free(block);
    if (fd >= 0 && !is_stdin)
        (void)close(fd);
}

/* Names of the command line as a list; one of two lines is refused, not taken for two. */
static void run_options(struct run *run)
{
    struct secret_buf list = {.octets = NULL};

    for (const char *const *device = run->setup->devices; *device != NULL; device++) {
        if (strchr(*device, '\n') != NULL)
            (void)fail(run, "--device", name_fault("", 0));
        secret_buf_puts(&list, *device);
        secret_buf_puts(&list, "\n");
    }
    if (list.failed)
        (void)fail(run, "--device", "out of memory");
    else
        run_block(run, list.octets, list.length);
    secret_buf_free(&list);
}

static bool start(struct run *run)
{
    const struct pipeline_work work = {enter, run_job, leave, run};
    size_t threads = run->setup->threads;

    if (threads == 0 && run->setup->master->is_slow)
        threads = TOKEN_THREADS;
    run->seen = dedup_new();
    run->pipeline = run->seen == NULL ? NULL : pipeline_new_of(&work, threads);
    if (run->pipeline == NULL)
        return fail(run, "threads", "out of memory, or of processes");
    run->jobs = OPENSSL_zalloc(pipeline_jobs(run->pipeline) * sizeof(*run->jobs));
    return run->jobs != NULL || fail(run, "rows", "out of memory");
}

static void finish(struct run *run)
{
    const size_t jobs = run->pipeline == NULL ? 0 : pipeline_jobs(run->pipeline);

    pipeline_free(run->pipeline);
    for (size_t i = 0; run->jobs != NULL && i < jobs; i++)
        secret_buf_free(&run->jobs[i].rows);
    OPENSSL_free(run->jobs);
    dedup_free(run->seen);
}

/* Something that is there already holds Ka's that may be nowhere else. */
static bool open_out(struct run *run)
{
    const struct ka_derive_setup *setup = run->setup;
    char fault[KA_FAULT_SIZE];

    if (setup->out == NULL)
        return true;
    if (!ka_may_write(setup->out, setup->force, fault) ||
        !secret_file_guard_create(&run->file, setup->out, fault))
        return fail(run, setup->out, fault);
    run->file.fresh = !setup->force;
    return true;
}

static bool commit(struct run *run)
{
    char fault[KA_FAULT_SIZE];

    if (run->setup->out == NULL)
        return ka_write(&run->text, NULL, false, fault) || fail(run, "standard output", fault);
    return secret_file_guard_commit(&run->file, fault) || fail(run, run->setup->out, fault);
}

static bool run_all(struct run *run)
{
    static const char header[] = "identity,ks-naf,ka,ka-id\n";

    if (!start(run) || !write_rows(run, header, sizeof(header) - 1))
        return false;
    if (run->setup->in == NULL)
        run_options(run);
    else
        run_file(run);
    return !run->failed && (run->rows > 0 || fail(run, name_of_input(run), "has no device"));
}

bool ka_derive_run(const struct ka_derive_setup *setup)
{
    struct run run = {.setup = setup, .file = {.fd = -1}};
    bool done = open_out(&run) && run_all(&run);

    done = done && commit(&run);
    finish(&run);
    secret_file_guard_discard(&run.file);
    secret_buf_free(&run.text);
    return done;
}
