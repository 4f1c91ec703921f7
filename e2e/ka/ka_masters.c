/*
 * Ka's derived from one or several master secrets; the ka-id selects the master
 *
 * A secret in this process answers at once. A token is asked on separate threads (ka_workers.h); a
 * request that has waited for --ka-timeout gets KA_UNAVAILABLE.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_masters.h"

#include "ka/ka_derivers.h"
#include "ka/ka_revocations.h"
#include "ka/ka_rules.h"
#include "ka/ka_workers.h"
#include "ka_string.h"
#include "master.h"
#include "net/clock.h"
#include "ops/metrics.h"
#include "options.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define SESSIONS_DEFAULT "4"
#define SESSIONS_TOP     64

struct masters {
    struct ka_source source;
    struct ka_rules rules;
    struct master *master[OPTION_MANY_MAX];
    struct ka_derivers *derivers[OPTION_MANY_MAX]; /* NULL: the master is in a token */
    size_t count;
    int64_t timeout_ms;
    struct ka_workers *workers;         /* NULL: no master is in a token */
    struct ka_revocations *revocations; /* NULL: without --ka-revoked */
};

/* What an answer points to. */
struct basis {
    unsigned char ka[MASTER_KA_LENGTH];
    char device[KA_TEXT_SIZE], ka_id[KA_TEXT_SIZE];
};

/* A look-up that a token is asked for. */
struct ka_request {
    struct ka_job job;
    struct masters *masters;
    struct basis *basis;
    struct event *limit; /* NULL: it is over */
    int64_t asked_at;    /* clock_us() */
    ka_done *done;
    void *argument;
};

struct ka_files {
    struct ka_revoked *revoked; /* NULL: without --ka-revoked */
};

static struct basis *unavailable(struct ka_answer *answer, const char *reason)
{
    ka_answer_set(answer, KA_UNAVAILABLE, reason);
    return NULL;
}

/* NULL: such a device has no Ka, or it cannot be said, as the answer says. */
static struct basis *begin(struct masters *masters, const struct ka_query *query, size_t *which,
                           struct ka_answer *answer)
{
    const char *device = query->device[0] == '\0' ? query->identity : query->device;
    const char *ka_id = query->ka_id, *what;
    unsigned char s[KA_STRING_MAX];
    struct basis *basis;

    if (!ka_rules_find_master(&masters->rules, &ka_id, which))
        return unavailable(answer, "no --ka-id is the ka-id that was asked for");
    if (ka_string(s, device, ka_id, &what) == 0)
        return unavailable(answer, what);
    if (!ka_rules_permit(&masters->rules, device) ||
        ka_revocations_have(masters->revocations, device, ka_id)) {
        ka_answer_set(answer, KA_NONE, NULL);
        return NULL;
    }
    basis = OPENSSL_zalloc(sizeof(*basis));
    if (basis == NULL)
        return unavailable(answer, "out of memory");
    (void)snprintf(basis->device, sizeof(basis->device), "%s", device);
    (void)snprintf(basis->ka_id, sizeof(basis->ka_id), "%s", ka_id);
    return basis;
}

/* What became of it; with a Ka the basis is the answer's. */
static void set_answer(struct ka_answer *answer, struct basis *basis, enum master_result result,
                       const char *fault)
{
    if (result != MASTER_OK) {
        ka_answer_set(answer, KA_UNAVAILABLE, fault);
        OPENSSL_clear_free(basis, sizeof(*basis));
        return;
    }
    ka_answer_set(answer, KA_FOUND, NULL);
    answer->ka = basis->ka;
    answer->ka_length = sizeof(basis->ka);
    answer->device = basis->device;
    answer->ka_id = basis->ka_id;
    answer->basis = basis;
}

static void derive_here(struct ka_derivers *derivers, struct basis *basis, struct ka_answer *answer)
{
    char fault[MASTER_FAULT_SIZE];
    const enum master_result result =
        ka_derivers_derive(derivers, basis->device, basis->ka_id, basis->ka, fault);

    set_answer(answer, basis, result, fault);
}

/* A secret in a token */

static void request_free(struct ka_request *request)
{
    if (request->limit != NULL)
        event_free(request->limit);
    OPENSSL_clear_free(request->basis, sizeof(*request->basis));
    OPENSSL_clear_free(request, sizeof(*request));
}

/* On the loop that asked. */
static void on_derived(struct loop *loop, struct loop_message *message)
{
    struct ka_request *request = (struct ka_request *)message;
    struct ka_job *job = &request->job;
    struct ka_answer answer;

    (void)loop;
    if (!job->is_given_up) {
        metrics_observe(METRIC_TIME_KA, (double)(clock_us() - request->asked_at) / 1e6);
        memcpy(request->basis->ka, job->ka, sizeof(job->ka));
        set_answer(&answer, request->basis, job->result, job->fault);
        request->basis = NULL;
        request->done(request->argument, &answer);
    }
    request_free(request);
}

/* True: nobody has it any more. */
static bool give_up(struct ka_request *request)
{
    if (request->limit != NULL)
        event_free(request->limit);
    request->limit = NULL;
    return ka_workers_give_up(request->masters->workers, &request->job);
}

static void on_limit(evutil_socket_t fd, short what, void *argument)
{
    static const char late[] = "pkcs11: the token does not answer in time";
    struct ka_request *request = argument;
    struct ka_workers *workers = request->masters->workers;
    const size_t which = request->job.master;
    ka_done *done = request->done;
    void *its = request->argument;
    struct ka_answer answer;

    (void)fd, (void)what;
    metrics_observe(METRIC_TIME_KA, (double)(clock_us() - request->asked_at) / 1e6);
    if (give_up(request))
        request_free(request); /* the threads were busy with others */
    else
        ka_workers_say_late(workers, which, late);
    ka_answer_set(&answer, KA_UNAVAILABLE, late);
    done(its, &answer);
}

static struct ka_request *request_new(struct masters *masters, struct loop *loop,
                                      struct basis *basis)
{
    struct ka_request *request = OPENSSL_zalloc(sizeof(*request));

    if (request == NULL)
        return NULL;
    request->masters = masters;
    request->basis = basis;
    request->job.message.run = on_derived;
    request->job.loop = loop;
    request->job.device = basis->device;
    request->job.ka_id = basis->ka_id;
    request->limit = evtimer_new(loop->base, on_limit, request);
    if (request->limit != NULL)
        return request;
    OPENSSL_free(request);
    return NULL;
}

static struct ka_request *ask_token(struct masters *masters, struct loop *loop, size_t which,
                                    struct basis *basis, struct ka_answer *now)
{
    struct ka_request *request = request_new(masters, loop, basis);

    if (request == NULL) {
        set_answer(now, basis, MASTER_UNAVAILABLE, "out of memory");
        return NULL;
    }
    request->job.master = which;
    request->asked_at = clock_us();
    loop_add_timer(request->limit, masters->timeout_ms);
    if (ka_workers_submit(masters->workers, &request->job))
        return request;
    request_free(request);
    ka_answer_set(now, KA_UNAVAILABLE, "pkcs11: too many look-ups wait for the token");
    return NULL;
}

/* The interface */

static bool start(struct ka_source *source, ka_changed *changed, void *argument)
{
    struct ka_revocations *revocations = ((struct masters *)source)->revocations;

    return revocations == NULL || ka_revocations_start(revocations, changed, argument);
}

static struct ka_request *lookup(struct ka_source *source, struct loop *loop,
                                 const struct ka_query *query, ka_done *done, void *argument,
                                 struct ka_answer *now)
{
    struct masters *masters = (struct masters *)source;
    size_t which = 0;
    struct basis *basis = begin(masters, query, &which, now);
    struct ka_request *request;

    if (basis == NULL)
        return NULL;
    if (masters->derivers[which] != NULL) {
        derive_here(masters->derivers[which], basis, now);
        return NULL;
    }
    request = ask_token(masters, loop, which, basis, now);
    if (request == NULL)
        return NULL;
    request->done = done;
    request->argument = argument;
    return request;
}

static void cancel(struct ka_source *source, struct ka_request *request)
{
    (void)source;
    if (give_up(request))
        request_free(request);
}

static bool is_good(struct ka_source *source, const struct ka_answer *answer, const char *identity)
{
    (void)identity;
    return !ka_revocations_have(((struct masters *)source)->revocations, answer->device,
                                answer->ka_id);
}

static void release(struct ka_source *source, struct ka_answer *answer)
{
    (void)source;
    OPENSSL_clear_free(answer->basis, sizeof(struct basis));
    answer->basis = NULL;
}

static void stop(struct ka_source *source)
{
    struct masters *masters = (struct masters *)source;

    ka_revocations_stop(masters->revocations);
    if (masters->workers != NULL)
        ka_workers_stop(masters->workers);
}

static void masters_free(struct ka_source *source)
{
    struct masters *masters = (struct masters *)source;

    if (!ka_workers_free(masters->workers))
        return; /* a thread is in a call of the token's, which uses it all */
    for (size_t i = 0; i < masters->count; i++) {
        ka_derivers_free(masters->derivers[i]);
        master_free(masters->master[i]);
    }
    ka_revocations_free(masters->revocations);
    OPENSSL_free(masters);
}

static const struct ka_source_ops masters_ops = {start,   lookup, cancel,      is_good,
                                                 release, stop,   masters_free};

/* Options */

/* Where a --ka-source has its secret: behind "master:", or the whole of a PKCS#11 URI. */
static const char *place_of(const char *source)
{
    return strncmp(source, MASTER_TOKEN, strlen(MASTER_TOKEN)) == 0 ? source
                                                                    : strchr(source, ':') + 1;
}

static bool refuse(char fault[KA_FAULT_SIZE], const char *what)
{
    (void)snprintf(fault, KA_FAULT_SIZE, "%s", what);
    return false;
}

static bool check_revoked(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    const bool is_in_database =
        settings->revoked != NULL && ka_revoked_is_in_database(settings->revoked);
    char why[KA_REVOKED_FAULT_SIZE];

    if (is_in_database && !ka_revoked_check(settings->revoked, why)) {
        (void)snprintf(fault, KA_FAULT_SIZE, "and %s", why);
        return false;
    }
    return is_in_database || settings->password_file == NULL ||
           refuse(fault, "and --ka-password-file: only --ka-revoked postgresql:URI has a password");
}

static unsigned int sessions_of(const struct ka_settings *settings)
{
    const char *sessions = settings->sessions == NULL ? SESSIONS_DEFAULT : settings->sessions;

    return options_number("ka-sessions", sessions, 1, SESSIONS_TOP);
}

bool ka_masters_check(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    char why[MASTER_FAULT_SIZE];
    size_t tokens = 0;

    (void)ka_timeout_ms(settings);
    (void)sessions_of(settings);
    for (const char *const *source = settings->sources; *source != NULL; source++) {
        if (!master_check(place_of(*source), why))
            return refuse(fault, why);
        tokens += place_of(*source) == *source;
    }
    if (settings->pin != NULL && tokens == 0)
        return refuse(fault, "master: has no PIN, so that --ka-pin has no effect");
    if (settings->pin != NULL && tokens > 1)
        return refuse(fault, "and --ka-pin: several tokens have their PINs by pin-source= in "
                             "their URIs");
    return check_revoked(settings, fault) && ka_rules_check(settings, fault);
}

static bool refuse_source(char fault[KA_FAULT_SIZE], const char *why)
{
    (void)snprintf(fault, KA_FAULT_SIZE, "--ka-source: %s", why);
    return false;
}

/* False: fault. */
static bool open_master(struct masters *masters, const char *place, const char *pin,
                        char fault[KA_FAULT_SIZE])
{
    char why[MASTER_FAULT_SIZE];
    struct master *master = master_new(place, pin, why);

    if (master == NULL)
        return refuse_source(fault, why);
    masters->master[masters->count] = master;
    if (!master->is_slow)
        masters->derivers[masters->count] = ka_derivers_new(master);
    masters->count++;
    return master->is_slow || masters->derivers[masters->count - 1] != NULL ||
           refuse(fault, "out of memory");
}

static bool start_workers(struct masters *masters, const struct ka_settings *settings,
                          char fault[KA_FAULT_SIZE])
{
    char why[MASTER_FAULT_SIZE];

    masters->workers = ka_workers_new(masters->master, masters->count, sessions_of(settings));
    if (masters->workers == NULL)
        return refuse(fault, "out of memory");
    return ka_workers_start(masters->workers, masters->timeout_ms, why) ||
           refuse_source(fault, why);
}

static bool open_masters(struct masters *masters, const struct ka_settings *settings,
                         char fault[KA_FAULT_SIZE])
{
    bool is_slow = false;

    for (const char *const *source = settings->sources; *source != NULL; source++) {
        const char *place = place_of(*source);

        if (!open_master(masters, place, place == *source ? settings->pin : NULL, fault))
            return false;
        is_slow = is_slow || masters->derivers[masters->count - 1] == NULL;
    }
    return !is_slow || start_workers(masters, settings, fault);
}

static struct ka_revoked_place revoked_place(const struct ka_settings *settings)
{
    return (struct ka_revoked_place){settings->revoked, settings->password_file};
}

static bool open_revocations(struct masters *masters, const struct ka_settings *settings,
                             char fault[KA_FAULT_SIZE])
{
    const struct ka_revoked_place place = revoked_place(settings);

    if (settings->revoked == NULL)
        return true;
    masters->revocations = ka_revocations_open(&place, fault);
    return masters->revocations != NULL;
}

struct ka_source *ka_masters_open(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    struct masters *masters = OPENSSL_zalloc(sizeof(*masters));

    if (masters == NULL) {
        (void)refuse(fault, "out of memory");
        return NULL;
    }
    masters->source.ops = &masters_ops;
    masters->rules = ka_rules_of(settings);
    masters->timeout_ms = ka_timeout_ms(settings);
    if (open_revocations(masters, settings, fault) && open_masters(masters, settings, fault))
        return &masters->source;
    stop(&masters->source);
    masters_free(&masters->source);
    return NULL;
}

struct ka_files *ka_masters_read(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    const struct ka_revoked_place place = revoked_place(settings);
    struct ka_files *files = OPENSSL_zalloc(sizeof(*files));

    (void)snprintf(fault, KA_FAULT_SIZE, "out of memory");
    if (files == NULL || settings->revoked == NULL)
        return files;
    files->revoked = ka_revoked_read(&place, fault);
    if (files->revoked != NULL)
        return files;
    OPENSSL_free(files);
    return NULL;
}

void ka_masters_use(struct ka_source *source, struct ka_files *files)
{
    if (files->revoked != NULL)
        ka_revocations_use(((struct masters *)source)->revocations, files->revoked);
    OPENSSL_free(files);
}

void ka_masters_drop(struct ka_files *files)
{
    if (files == NULL)
        return;
    ka_revoked_free(files->revoked);
    OPENSSL_free(files);
}

/* As at the start, but that a token has to be there. */
bool ka_masters_try(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    struct ka_source *source = ka_masters_open(settings, fault);
    const struct masters *masters = (const struct masters *)source;
    char why[MASTER_FAULT_SIZE];
    bool done = source != NULL;

    if (done && masters->workers != NULL && !ka_workers_are_up(masters->workers, why))
        done = refuse_source(fault, why);
    ka_source_stop(source);
    ka_source_free(source);
    return done;
}
