/*
 * e2e-ue's options for a key by a USIM and the BSF
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BOOTSTRAP_OPTIONS_H
#define BOOTSTRAP_OPTIONS_H

#include "options.h"
#include "ue/ue_bootstrap.h"

#include <stdbool.h>

#define BOOTSTRAP_OPTION_ROWS 9

extern const struct option_row bootstrap_option_rows[BOOTSTRAP_OPTION_ROWS];

/* Is --bsf given? Is --usim-pin? */
bool bootstrap_options_are_given(void);
bool bootstrap_options_have_pin(void);

/* The other options that --bsf has to do with; NULL: not given. */
struct bootstrap_others {
    const char *devices, *identity, *device, *ka_id, *prefix;
};

/* NULL, or what is wrong with them: a sentence. */
const char *bootstrap_options_fault(const struct bootstrap_others *others);

/* What follows from them. Holds secrets: bootstrap_options_close() cleanses it. */
struct bootstrap_inputs;

/*
 * Read PIN and Ka, and try whether the state file can be written. NULL: the reason went to standard
 * error. A number that is none exits. naf_fqdn and protocols, so many: what Ks_NAF is for.
 */
struct bootstrap_inputs *bootstrap_options_open(const char *naf_fqdn,
                                                const struct ue_protocol *protocols, size_t count);

/* Can the card be opened? One with a PIN is left alone: a look must not cost a try. False: the
 * reason went to standard error. */
bool bootstrap_options_try_card(const struct bootstrap_inputs *inputs);

/* NULL gives NULL. */
const struct ue_bootstrap_options *bootstrap_options_of(const struct bootstrap_inputs *inputs);

/* Where the Ka of --ka is; without it, or with NULL, there is the device alone. */
struct ue_kas bootstrap_options_kas(const struct bootstrap_inputs *inputs, const char *device,
                                    const char *ka_id);

/* NULL is fine. */
void bootstrap_options_close(struct bootstrap_inputs *inputs);

#endif
