/*
 * What a UE is set up with, its rows of keys among it, which a reload or a bootstrapping replaces
 * while flows continue with the ones before
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UE_KEYS_H
#define UE_KEYS_H

#include "ue/client_setup.h"
#include "ue/ue_key_rows.h"

#include <stdbool.h>

/* Which file, and what it has to have; kept, not copied. */
struct ue_keys_options {
    const char *devices;            /* NULL: ka has the only Ka */
    bool bootstraps;                /* keys come by ue_keys_put(), and the file has Ka's alone */
    struct ue_kas kas;              /* then: without rows, which are the file's */
    const char *identity, *device;  /* which row: the last of identity, or if NULL of device */
    const char *prefix, *separator; /* what the PSK identity begins with */
    const char *oldest_ka_id;       /* NULL: any */
    bool insecure;                  /* take a file that others can use */
    bool needs_ka;
};

#define UE_KEYS_FAULT_SIZE CLIENT_REASON_SIZE /* of a sentence, unfiltered */

struct ue_keys;

/* rest: everything of the setup but the rows; copied. NULL: fault says why. */
struct ue_keys *ue_keys_open(const struct client_setup *rest, const struct ue_keys_options *options,
                             char fault[UE_KEYS_FAULT_SIZE]);

/* The current setup, on any thread; it stays as it is until it is released. */
const struct client_setup *ue_keys_acquire(struct ue_keys *keys);
void ue_keys_release(struct ue_keys *keys, const struct client_setup *setup);

/* Put what a bootstrapping gave into use. False, with a fault, leaves the old one. On any thread.
 */
bool ue_keys_put(struct ue_keys *keys, const struct ue_key *key, char fault[UE_KEYS_FAULT_SIZE]);

/* Read the file again: false, with a fault, leaves the old one in use. On one thread at a time.
 */
bool ue_keys_reload(struct ue_keys *keys, char fault[UE_KEYS_FAULT_SIZE]);

/*
 * Has the file changed, and did this look and the last one find it alike? True once a change.
 * is_soon: it has changed, and the next look should come soon.
 */
bool ue_keys_have_changed(struct ue_keys *keys, bool *is_soon);

/* NULL is fine. Everything acquired must have been released. */
void ue_keys_free(struct ue_keys *keys);

#endif
