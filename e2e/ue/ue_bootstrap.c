/*
 * The UE's key by a USIM and the BSF
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/ue_bootstrap.h"

#include "net/clock.h"
#include "ops/log.h"
#include "ue/attempts.h"
#include "usim_pin.h"
#include "utc.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK_S  30                 /* between two checks of the clock, which somebody may set */
#define SOON_MS ATTEMPTS_SPREAD_MS /* so long a local connection waits for an attempt to begin */
#define END_S   3                  /* for a card that does not answer, at the end */

/* What is known of the key that is in use; no secret. */
struct known {
    char b_tid[DEVICE_TEXT_MAX + 1]; /* empty: there is none */
    int64_t end, renewal;            /* seconds since 1970 UTC */
    bool is_proved;                  /* a NAF took it, or it is of a run before */
    bool is_refused;                 /* a NAF refused it, and another one is wanted */
    bool follows_refused;            /* the one before was refused as well */
};

struct ue_bootstrap {
    struct ue_bootstrap_options own; /* with what is the thread's */
    struct ue_keys *keys;
    void (*ended)(void *argument);
    void *argument;
    char pin[USIM_PIN_SIZE]; /* its own, as is what follows: the thread may be left at the end */
    bool pin_refused;
    atomic_bool ends;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    bool is_running; /* an attempt is under way */
    struct attempts attempts;
    struct known known;
    char reason[UE_KEYS_FAULT_SIZE]; /* of the last attempt, if it failed */
};

/* Both ways to a key */

/* Put what a bootstrapping left into use. */
static bool put_key(struct ue_keys *keys, const struct gba_state *state,
                    unsigned char (*ks_nafs)[USIM_KEY], size_t count,
                    char fault[UE_KEYS_FAULT_SIZE])
{
    struct ue_key key = {.not_after = state->lifetime};
    bool done;

    memcpy(key.b_tid, state->b_tid, strlen(state->b_tid) + 1);
    memcpy(key.ks_nafs, ks_nafs, count * sizeof(key.ks_nafs[0]));
    done = ue_keys_put(keys, &key, fault);
    OPENSSL_cleanse(&key, sizeof(key));
    return done;
}

typedef bool way(const struct bootstrap_settings *settings, struct gba_state *state,
                 const struct bootstrap_naf *naf, unsigned char (*keys)[USIM_KEY],
                 char fault[GBA_FAULT_SIZE]);

/* Then nothing of the caller's is touched any more. */
static bool is_ending(const struct ue_bootstrap_options *options)
{
    const atomic_bool *ends = options->settings.usim.ends;

    return ends != NULL && atomic_load(ends);
}

/* Get a key this way, and put it into use; known says which. */
static bool get_key(way *get, const struct ue_bootstrap_options *options, struct ue_keys *keys,
                    struct known *known, char fault[UE_KEYS_FAULT_SIZE])
{
    unsigned char ks_nafs[BOOTSTRAP_NAF_KEYS_MAX][USIM_KEY];
    struct gba_state state;
    const bool done = get(&options->settings, &state, &options->naf, ks_nafs, fault) &&
                      !is_ending(options) &&
                      put_key(keys, &state, ks_nafs, options->naf.count, fault);

    memset(known, 0, sizeof(*known));
    if (done) {
        const int64_t now = time(NULL);

        memcpy(known->b_tid, state.b_tid, strlen(state.b_tid) + 1);
        known->end = state.lifetime;
        known->renewal = now + attempts_renewal(state.lifetime - now);
    }
    OPENSSL_cleanse(&state, sizeof(state));
    OPENSSL_cleanse(ks_nafs, sizeof(ks_nafs));
    return done;
}

/* How long ago the state file was written. */
static bool get_age_ms(const struct ue_bootstrap_options *options, int64_t *age)
{
    struct stat status;

    if (stat(options->settings.state, &status) != 0)
        return false;
    *age = ((int64_t)time(NULL) - status.st_mtim.tv_sec) * 1000;
    if (*age < 0)
        *age = 0;
    return true;
}

bool ue_bootstrap_resume(const struct ue_bootstrap_options *options, struct ue_keys *keys)
{
    char ignored[UE_KEYS_FAULT_SIZE];
    struct known known;

    return access(options->settings.state, F_OK) == 0 &&
           get_key(bootstrap_resume, options, keys, &known, ignored);
}

bool ue_bootstrap_is_recent(const struct ue_bootstrap_options *options)
{
    int64_t age = 0;

    return get_age_ms(options, &age) && age < (int64_t)options->interval_s * 1000;
}

/* Does the state file hold a key that has ended? */
static bool has_ended(const struct ue_bootstrap_options *options)
{
    char ignored[GBA_FAULT_SIZE];
    struct gba_state state;
    const bool ended = gba_state_read(&state, options->settings.state, ignored) &&
                       state.lifetime <= (int64_t)time(NULL);

    OPENSSL_cleanse(&state, sizeof(state));
    return ended;
}

bool ue_bootstrap_is_early(const struct ue_bootstrap_options *options)
{
    return ue_bootstrap_is_recent(options) && has_ended(options);
}

bool ue_bootstrap_run(const struct ue_bootstrap_options *options, struct ue_keys *keys,
                      char fault[UE_KEYS_FAULT_SIZE])
{
    struct known known;

    return get_key(bootstrap_run, options, keys, &known, fault);
}

/* The thread */

static void log_key(const char *result, const struct known *known)
{
    char date[sizeof("-2147483648-01-01T00:00:00Z")] = "";
    struct tm utc;

    if (utc_date(known->end, &utc))
        (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
    log_event("bootstrap", "severity", "info", "result", result, "identity", known->b_tid,
              "lifetime", date, NULL);
}

static void log_failure(const struct ue_bootstrap *bootstrap, const char *reason)
{
    char seconds[24];

    (void)snprintf(seconds, sizeof(seconds), "%lld",
                   (long long)(bootstrap->attempts.next - clock_ms()) / 1000);
    log_event("bootstrap", "severity", "err", "result", "failed", "reason", reason, "again-in",
              seconds, NULL);
}

static void note(const char *sentence)
{
    log_event("bootstrap", "severity", "warning", "reason", sentence, NULL);
}

/* An attempt has ended: what is said if there is no key, and to the requests that wait for one.
 * Locked. */
static void publish_result(struct ue_bootstrap *bootstrap, const char *fault)
{
    (void)snprintf(bootstrap->reason, sizeof(bootstrap->reason), "%s",
                   fault[0] != '\0' ? fault : "it ended before --bootstrap-interval did");
    if (!is_ending(&bootstrap->own))
        bootstrap->ended(bootstrap->argument);
}

/*
 * What the state file holds, if it is there. Locked, but while the card is asked. A key that ended
 * within the interval does not shorten that; what is unusable for another reason, such as another
 * card, does.
 */
static void resume(struct ue_bootstrap *bootstrap)
{
    char fault[UE_KEYS_FAULT_SIZE] = ""; /* it stays so if the program ends */
    struct known known;
    int64_t age = 0;
    bool done;

    if (!get_age_ms(&bootstrap->own, &age))
        return;
    attempts_begin(&bootstrap->attempts, clock_ms() - age);
    (void)pthread_mutex_unlock(&bootstrap->lock);
    done = get_key(bootstrap_resume, &bootstrap->own, bootstrap->keys, &known, fault);
    if (done)
        log_key("resumed", &known);
    else
        log_event("bootstrap", "severity", "info", "result", "anew", "reason", fault, NULL);
    (void)pthread_mutex_lock(&bootstrap->lock);
    bootstrap->known = known;
    bootstrap->known.is_proved = done;
    if (!done && !has_ended(&bootstrap->own))
        bootstrap->attempts.next = 0;
    publish_result(bootstrap, done ? "" : fault);
}

/* Bootstrap. Locked, but while it runs. */
static void attempt(struct ue_bootstrap *bootstrap)
{
    const bool was_refused = bootstrap->known.is_refused;
    char fault[UE_KEYS_FAULT_SIZE] = ""; /* it stays so if the program ends */
    struct known known;
    bool done;

    attempts_begin(&bootstrap->attempts, clock_ms());
    bootstrap->is_running = true;
    (void)pthread_mutex_unlock(&bootstrap->lock);
    done = get_key(bootstrap_run, &bootstrap->own, bootstrap->keys, &known, fault);
    (void)pthread_mutex_lock(&bootstrap->lock);
    bootstrap->is_running = false;
    if (done) {
        known.follows_refused = was_refused;
        bootstrap->known = known;
        if (!was_refused)
            bootstrap->attempts.failures = 0;
        log_key("done", &known);
    } else if (!is_ending(&bootstrap->own)) {
        attempts_failed(&bootstrap->attempts, clock_ms());
        log_failure(bootstrap, fault);
    }
    publish_result(bootstrap, done ? "" : fault);
}

/* Is another key wanted: there is none, it is to be renewed, or a NAF refused it? */
static bool wants_key(const struct ue_bootstrap *bootstrap)
{
    return bootstrap->known.is_refused || time(NULL) >= bootstrap->known.renewal;
}

/* Until the next attempt may be, or something changes. Locked. */
static void wait_for_turn(struct ue_bootstrap *bootstrap)
{
    const int64_t left = bootstrap->attempts.next - clock_ms();
    struct timespec until;
    int64_t ms = (int64_t)LOOK_S * 1000;

    if (left > 0 && left < ms && wants_key(bootstrap))
        ms = left;
    if ((bootstrap->known.renewal - time(NULL)) * 1000 < ms && !wants_key(bootstrap))
        ms = (bootstrap->known.renewal - time(NULL)) * 1000;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(&bootstrap->changed, &bootstrap->lock, &until);
}

static void *run(void *argument)
{
    struct ue_bootstrap *bootstrap = argument;

    (void)pthread_mutex_lock(&bootstrap->lock);
    resume(bootstrap);
    if (wants_key(bootstrap)) /* as the whole fleet may, after a power cut */
        attempts_spread(&bootstrap->attempts, clock_ms());
    bootstrap->is_running = false;
    while (!is_ending(&bootstrap->own))
        if (wants_key(bootstrap) && clock_ms() >= bootstrap->attempts.next)
            attempt(bootstrap);
        else
            wait_for_turn(bootstrap);
    (void)pthread_mutex_unlock(&bootstrap->lock);
    return NULL;
}

static bool start_thread(struct ue_bootstrap *bootstrap)
{
    sigset_t all, before;
    bool started;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    started = pthread_create(&bootstrap->thread, NULL, run, bootstrap) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void free_bootstrap(struct ue_bootstrap *bootstrap)
{
    (void)pthread_cond_destroy(&bootstrap->changed);
    (void)pthread_mutex_destroy(&bootstrap->lock);
    OPENSSL_clear_free(bootstrap, sizeof(*bootstrap));
}

/* What an abandoned thread may still read or write, besides what lives as long as the process. */
static void take_usim(struct ue_bootstrap *bootstrap, const struct usim_settings *usim)
{
    struct usim_settings *own = &bootstrap->own.settings.usim;

    own->ends = &bootstrap->ends;
    own->pin_refused = &bootstrap->pin_refused;
    if (usim->pin == NULL)
        return;
    (void)snprintf(bootstrap->pin, sizeof(bootstrap->pin), "%s", usim->pin);
    own->pin = bootstrap->pin;
}

struct ue_bootstrap *ue_bootstrap_start(const struct ue_bootstrap_options *options,
                                        struct ue_keys *keys, void (*ended)(void *argument),
                                        void *argument)
{
    struct ue_bootstrap *bootstrap = OPENSSL_zalloc(sizeof(*bootstrap));
    pthread_condattr_t monotonic;

    if (bootstrap == NULL)
        return NULL;
    bootstrap->own = *options;
    take_usim(bootstrap, &options->settings.usim);
    bootstrap->own.settings.note = note;
    bootstrap->keys = keys;
    bootstrap->ended = ended;
    bootstrap->argument = argument;
    bootstrap->attempts.interval_s = options->interval_s;
    bootstrap->is_running = true; /* a request that comes before the thread does waits for it */
    (void)pthread_mutex_init(&bootstrap->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&bootstrap->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if (start_thread(bootstrap))
        return bootstrap;
    free_bootstrap(bootstrap);
    return NULL;
}

/* A NAF refused an identity: once for each key. Locked. */
static void take_refusal(struct ue_bootstrap *bootstrap, const char *refused)
{
    struct known *known = &bootstrap->known;

    if (known->is_refused || strcmp(known->b_tid, refused) != 0)
        return;
    known->is_refused = true;
    if (known->follows_refused && !known->is_proved)
        attempts_failed(&bootstrap->attempts, clock_ms());
    else
        attempts_spread(&bootstrap->attempts, clock_ms());
    (void)snprintf(bootstrap->reason, sizeof(bootstrap->reason), "the NAF refused the identity %s",
                   refused);
    (void)pthread_cond_signal(&bootstrap->changed);
}

enum ue_key_state ue_bootstrap_need(struct ue_bootstrap *bootstrap, const char *refused,
                                    char reason[UE_KEYS_FAULT_SIZE])
{
    enum ue_key_state state = UE_KEY_NONE;
    int64_t left;

    (void)pthread_mutex_lock(&bootstrap->lock);
    if (refused != NULL)
        take_refusal(bootstrap, refused);
    left = bootstrap->attempts.next - clock_ms();
    if (time(NULL) < bootstrap->known.end &&
        (refused == NULL || strcmp(bootstrap->known.b_tid, refused) != 0))
        state = UE_KEY_READY;
    else if (bootstrap->is_running || left <= SOON_MS)
        state = UE_KEY_COMES;
    else
        (void)snprintf(reason, UE_KEYS_FAULT_SIZE, "no key: %.500s; bootstrapping again in %lld s",
                       bootstrap->reason, (long long)left / 1000);
    (void)pthread_mutex_unlock(&bootstrap->lock);
    return state;
}

void ue_bootstrap_accepted(struct ue_bootstrap *bootstrap, const char *identity)
{
    (void)pthread_mutex_lock(&bootstrap->lock);
    if (strcmp(bootstrap->known.b_tid, identity) == 0) {
        bootstrap->known.is_proved = true;
        bootstrap->attempts.failures = 0;
    }
    (void)pthread_mutex_unlock(&bootstrap->lock);
}

/* A card or a reader that never answers keeps its thread: it ends with the process. */
void ue_bootstrap_stop(struct ue_bootstrap *bootstrap)
{
    struct timespec until;

    if (bootstrap == NULL)
        return;
    atomic_store(&bootstrap->ends, true);
    (void)pthread_mutex_lock(&bootstrap->lock);
    (void)pthread_cond_signal(&bootstrap->changed);
    (void)pthread_mutex_unlock(&bootstrap->lock);
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += END_S;
    if (pthread_timedjoin_np(bootstrap->thread, NULL, &until) == 0)
        free_bootstrap(bootstrap);
    else
        log_event("bootstrap", "severity", "err", "result", "stuck", "reason",
                  "the card does not answer; its thread is left", NULL);
}
