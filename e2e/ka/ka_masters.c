/*
 * Ka's derived from one or several master secrets; the ka-id selects the master
 *
 * A secret in this process answers at once. A token is asked on separate threads (ka_workers.h); a
 * request that has waited for --ka-timeout gets KA_UNAVAILABLE.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_masters.h"

#include "current.h"
#include "ka/ka_revoked.h"
#include "ka/ka_revoked_table.h"
#include "ka/ka_workers.h"
#include "ka_string.h"
#include "master.h"
#include "net/clock.h"
#include "ops/log.h"
#include "ops/metrics.h"
#include "options.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define SESSIONS_DEFAULT "4"
#define SESSIONS_TOP     64
#define NEWS_MAX         256

/* A deriver of a secret in this process, while nobody uses it. */
struct spare {
    struct spare *next;
    struct deriver *deriver;
};

struct masters {
    struct ka_source source;
    const char *const *ka_ids;   /* of the options; the first is what flags are issued with */
    const char *const *patterns; /* whose Ka's may be made; none: everybody's */
    struct master *master[OPTION_MANY_MAX];
    size_t count, ka_id_count;
    int64_t timeout_ms;
    struct ka_workers *workers; /* NULL: no master is in a token */
    pthread_mutex_t lock;       /* of the spare ones */
    struct spare *spare[OPTION_MANY_MAX];
    struct current revoked; /* struct ka_revoked; without --ka-revoked nothing was opened */
    bool has_revoked;
    struct ka_revoked_place place;
    struct ka_revoked_watch *watch; /* NULL: it is a file */
    pthread_mutex_t lists;          /* one list at a time comes into force */
    ka_changed *changed;
    void *argument;
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

/* Which Ka's may be made */

static size_t count_of(const char *const *texts)
{
    size_t count = 0;

    while (texts[count] != NULL)
        count++;
    return count;
}

/* A '*' stands for any octets, none as well. */
static bool matches(const char *pattern, const char *text)
{
    const char *star = NULL, *from = NULL;

    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            from = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool is_permitted(const struct masters *masters, const char *device)
{
    for (const char *const *pattern = masters->patterns; *pattern != NULL; pattern++)
        if (matches(*pattern, device))
            return true;
    return masters->patterns[0] == NULL;
}

static bool is_revoked(struct masters *masters, const char *device, const char *ka_id)
{
    const struct ka_revoked *list;
    bool found;

    if (!masters->has_revoked)
        return false;
    list = current_acquire(&masters->revoked);
    found = ka_revoked_has(list, device, ka_id);
    current_release(&masters->revoked, list);
    return found;
}

/*
 * The master of a ka-id, NULL: the one that flags are issued with. The first --ka-id is the first
 * master's, and so on; those that are left are the last one's. A list of two or more is complete;
 * else the only master has every ka-id that a UE names. False: nobody has it.
 */
static bool find_master(const struct masters *masters, const char **ka_id, size_t *which)
{
    *which = 0;
    if (*ka_id == NULL)
        *ka_id = masters->ka_id_count == 0 ? "" : masters->ka_ids[0];
    if (masters->ka_id_count < 2)
        return true;
    for (size_t i = 0; i < masters->ka_id_count; i++)
        if (strcmp(masters->ka_ids[i], *ka_id) == 0) {
            *which = i < masters->count ? i : masters->count - 1;
            return true;
        }
    return false;
}

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

    if (!find_master(masters, &ka_id, which))
        return unavailable(answer, "no --ka-id is the ka-id that was asked for");
    if (ka_string(s, device, ka_id, &what) == 0)
        return unavailable(answer, what);
    if (!is_permitted(masters, device) || is_revoked(masters, device, ka_id)) {
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

/* A secret in this process */

static struct spare *take_spare(struct masters *masters, size_t which)
{
    struct spare *spare;

    (void)pthread_mutex_lock(&masters->lock);
    spare = masters->spare[which];
    if (spare != NULL)
        masters->spare[which] = spare->next;
    (void)pthread_mutex_unlock(&masters->lock);
    if (spare != NULL)
        return spare;
    spare = OPENSSL_zalloc(sizeof(*spare));
    if (spare != NULL && (spare->deriver = deriver_new(masters->master[which])) != NULL)
        return spare;
    OPENSSL_free(spare);
    return NULL;
}

static void put_spare(struct masters *masters, size_t which, struct spare *spare)
{
    (void)pthread_mutex_lock(&masters->lock);
    spare->next = masters->spare[which];
    masters->spare[which] = spare;
    (void)pthread_mutex_unlock(&masters->lock);
}

static void derive_here(struct masters *masters, size_t which, struct basis *basis,
                        struct ka_answer *answer)
{
    struct spare *spare = take_spare(masters, which);
    char fault[MASTER_FAULT_SIZE] = "out of memory";
    enum master_result result = MASTER_UNAVAILABLE;

    if (spare != NULL) {
        result = deriver_derive(spare->deriver, basis->device, basis->ka_id, basis->ka, fault);
        put_spare(masters, which, spare);
    }
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
    const struct timeval limit = {.tv_sec = (time_t)(masters->timeout_ms / 1000),
                                  .tv_usec = (suseconds_t)(masters->timeout_ms % 1000) * 1000};
    struct ka_request *request = request_new(masters, loop, basis);

    if (request == NULL) {
        set_answer(now, basis, MASTER_UNAVAILABLE, "out of memory");
        return NULL;
    }
    request->job.master = which;
    request->asked_at = clock_us();
    loop_add_event(request->limit, &limit);
    if (ka_workers_submit(masters->workers, &request->job))
        return request;
    request_free(request);
    ka_answer_set(now, KA_UNAVAILABLE, "pkcs11: too many look-ups wait for the token");
    return NULL;
}

/* The list of revoked ones, when there is another */

/* Rows that are new in the list, some at a time. */
struct news {
    const struct masters *masters;
    size_t count;
    struct ka_change changes[NEWS_MAX];
};

static void report_changes(struct news *news)
{
    if (news->count > 0)
        (void)news->masters->changed(news->masters->argument, news->changes, news->count);
    news->count = 0;
}

static void add_change(void *argument, const char *device, const char *ka_id)
{
    struct news *news = argument;

    if (news->count == NEWS_MAX)
        report_changes(news);
    news->changes[news->count++] = (struct ka_change){.device = device, .ka_id = ka_id};
}

/* New entries end keys and connections; first the list is in use, so that none is issued meanwhile.
 */
static void use_list(struct masters *masters, struct ka_revoked *list)
{
    struct news news = {.masters = masters};
    const struct ka_revoked *older, *fresh;

    (void)pthread_mutex_lock(&masters->lists);
    older = current_acquire(&masters->revoked);
    if (current_replace(&masters->revoked, list)) {
        fresh = current_acquire(&masters->revoked);
        ka_revoked_new_rows(fresh, older, add_change, &news);
        report_changes(&news);
        current_release(&masters->revoked, fresh);
    } else {
        log_event("revocation", "result", "failed", "reason",
                  "out of memory: the old --ka-revoked stays in use", NULL);
    }
    current_release(&masters->revoked, older);
    (void)pthread_mutex_unlock(&masters->lists);
}

static void on_fresh(void *argument, struct ka_revoked *list)
{
    use_list(argument, list);
}

/* The interface */

static bool start(struct ka_source *source, ka_changed *changed, void *argument)
{
    struct masters *masters = (struct masters *)source;

    masters->changed = changed;
    masters->argument = argument;
    if (!masters->has_revoked || !ka_revoked_is_in_database(masters->place.where))
        return true;
    masters->watch = ka_revoked_watch_new(&masters->place, on_fresh, masters);
    return masters->watch != NULL;
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
    if (!masters->master[which]->is_slow) {
        derive_here(masters, which, basis, now);
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
    return !is_revoked((struct masters *)source, answer->device, answer->ka_id);
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

    ka_revoked_watch_free(masters->watch);
    masters->watch = NULL;
    if (masters->workers != NULL)
        ka_workers_stop(masters->workers);
}

static void masters_free(struct ka_source *source)
{
    struct masters *masters = (struct masters *)source;
    struct spare *spare;

    if (!ka_workers_free(masters->workers))
        return; /* a thread is in a call of the token's, which uses it all */
    for (size_t i = 0; i < masters->count; i++) {
        while ((spare = masters->spare[i]) != NULL) {
            masters->spare[i] = spare->next;
            deriver_free(spare->deriver);
            OPENSSL_free(spare);
        }
        master_free(masters->master[i]);
    }
    current_close(&masters->revoked);
    (void)pthread_mutex_destroy(&masters->lock);
    (void)pthread_mutex_destroy(&masters->lists);
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

static bool check_ka_ids(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    const size_t masters = count_of(settings->sources), count = count_of(settings->ka_ids);
    unsigned char s[KA_STRING_MAX];
    const char *what;

    if (masters > 1 && count < masters)
        return refuse(fault, "is given more than once: as many --ka-id as masters are needed, in "
                             "the same order");
    for (size_t i = 0; i < count; i++) {
        if (strchr(settings->ka_ids[i], ',') != NULL ||
            ka_string(s, "", settings->ka_ids[i], &what) == 0)
            return refuse(fault, "and --ka-id: must be at most 255 octets of UTF-8 without blanks, "
                                 "commas and quotes");
        for (size_t before = 0; before < i; before++)
            if (strcmp(settings->ka_ids[before], settings->ka_ids[i]) == 0)
                return refuse(fault, "and --ka-id: the same ka-id is given twice");
    }
    return true;
}

static bool check_patterns(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    for (const char *const *pattern = settings->patterns; *pattern != NULL; pattern++)
        if (**pattern == '\0')
            return refuse(fault, "and --ka-devices: an empty pattern is no device's");
    return true;
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
    return check_revoked(settings, fault) && check_ka_ids(settings, fault) &&
           check_patterns(settings, fault);
}

static bool refuse_source(char fault[KA_FAULT_SIZE], const char *why)
{
    (void)snprintf(fault, KA_FAULT_SIZE, "--ka-source: %s", why);
    return false;
}

static bool open_masters(struct masters *masters, const struct ka_settings *settings,
                         char fault[KA_FAULT_SIZE])
{
    char why[MASTER_FAULT_SIZE];
    bool is_slow = false;

    for (const char *const *source = settings->sources; *source != NULL; source++) {
        const char *place = place_of(*source);
        struct master *master = master_new(place, place == *source ? settings->pin : NULL, why);

        if (master == NULL)
            return refuse_source(fault, why);
        masters->master[masters->count++] = master;
        is_slow = is_slow || master->is_slow;
    }
    if (!is_slow)
        return true;
    masters->workers = ka_workers_new(masters->master, masters->count, sessions_of(settings));
    if (masters->workers == NULL)
        return refuse(fault, "out of memory");
    return ka_workers_start(masters->workers, masters->timeout_ms, why) ||
           refuse_source(fault, why);
}

static struct ka_revoked *read_revoked(const struct ka_settings *settings,
                                       char fault[KA_FAULT_SIZE])
{
    const struct ka_revoked_place place = {settings->revoked, settings->password_file};

    return ka_revoked_read(&place, fault);
}

static bool open_revoked(struct masters *masters, const struct ka_settings *settings,
                         char fault[KA_FAULT_SIZE])
{
    struct ka_revoked *list;

    if (settings->revoked == NULL)
        return true;
    list = read_revoked(settings, fault);
    if (list == NULL)
        return false;
    masters->has_revoked = current_open(&masters->revoked, list, (void (*)(void *))ka_revoked_free);
    return masters->has_revoked || refuse(fault, "out of memory");
}

struct ka_source *ka_masters_open(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    struct masters *masters = OPENSSL_zalloc(sizeof(*masters));

    if (masters == NULL) {
        (void)refuse(fault, "out of memory");
        return NULL;
    }
    masters->source.ops = &masters_ops;
    masters->ka_ids = settings->ka_ids;
    masters->ka_id_count = count_of(settings->ka_ids);
    masters->patterns = settings->patterns;
    masters->place = (struct ka_revoked_place){settings->revoked, settings->password_file};
    masters->timeout_ms = ka_timeout_ms(settings);
    (void)pthread_mutex_init(&masters->lock, NULL);
    (void)pthread_mutex_init(&masters->lists, NULL);
    if (open_revoked(masters, settings, fault) && open_masters(masters, settings, fault))
        return &masters->source;
    stop(&masters->source);
    masters_free(&masters->source);
    return NULL;
}

struct ka_files *ka_masters_read(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    struct ka_files *files = OPENSSL_zalloc(sizeof(*files));

    (void)snprintf(fault, KA_FAULT_SIZE, "out of memory");
    if (files == NULL || settings->revoked == NULL)
        return files;
    files->revoked = read_revoked(settings, fault);
    if (files->revoked != NULL)
        return files;
    OPENSSL_free(files);
    return NULL;
}

void ka_masters_use(struct ka_source *source, struct ka_files *files)
{
    struct masters *masters = (struct masters *)source;

    if (files->revoked != NULL)
        use_list(masters, files->revoked);
    if (masters->watch != NULL)
        ka_revoked_watch_again(masters->watch); /* it may have read a newer one meanwhile */
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
