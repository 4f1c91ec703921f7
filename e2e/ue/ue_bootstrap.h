/*
 * The UE's key by a USIM and the BSF, from the first one on, on a thread of its own
 *
 * It takes up what the state file holds, or bootstraps; and does it again shortly before the key
 * ends, and once when a NAF refuses the identity. ue/attempts.h says how often.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UE_BOOTSTRAP_H
#define UE_BOOTSTRAP_H

#include "bootstrap.h"
#include "ue/ue_keys.h"

#include <stdbool.h>

/* Kept, not copied. */
struct ue_bootstrap_options {
    struct bootstrap_settings settings;
    struct bootstrap_naf naf;
    unsigned int interval_s; /* from one bootstrapping to the next, at the least */
};

struct ue_bootstrap;

/*
 * Start the thread. ended(argument) is called on it after each attempt. It blocks every signal.
 * NULL: no memory, or no thread.
 */
struct ue_bootstrap *ue_bootstrap_start(const struct ue_bootstrap_options *options,
                                        struct ue_keys *keys, void (*ended)(void *argument),
                                        void *argument);

enum ue_key_state {
    UE_KEY_READY, /* ue_keys_acquire() gives one, other than the refused one */
    UE_KEY_COMES, /* ended() will be called within some seconds */
    UE_KEY_NONE   /* reason says why; the next attempt is later */
};

/*
 * A key is needed. refused: the identity that a NAF has just refused; NULL: there is no key. On any
 * thread.
 */
enum ue_key_state ue_bootstrap_need(struct ue_bootstrap *bootstrap, const char *refused,
                                    char reason[UE_KEYS_FAULT_SIZE]);

/* A NAF took the key of this identity. On any thread. */
void ue_bootstrap_accepted(struct ue_bootstrap *bootstrap, const char *identity);

/* End the thread; ended() is not called any more. NULL is fine. */
void ue_bootstrap_stop(struct ue_bootstrap *bootstrap);

/* For one flow, without a thread: take up what the state file holds. False: bootstrap. */
bool ue_bootstrap_resume(const struct ue_bootstrap_options *options, struct ue_keys *keys);

/* Did that come from the last interval? Then a NAF that refuses it has to wait. */
bool ue_bootstrap_is_recent(const struct ue_bootstrap_options *options);

/* Does the state file hold a key that ended within the interval? Then the next one has to wait. */
bool ue_bootstrap_is_early(const struct ue_bootstrap_options *options);

/* Bootstrap, and put the key into use. False: fault says why. */
bool ue_bootstrap_run(const struct ue_bootstrap_options *options, struct ue_keys *keys,
                      char fault[UE_KEYS_FAULT_SIZE]);

#endif
