/*
 * The options of e2e-as that say how keys come from the operator's network
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOURCE_OPTIONS_H
#define SOURCE_OPTIONS_H

#include "options.h"
#include "source.h"

/* For the table of options. */
extern const struct option_group source_options;

/* The option's value: what is told to the operator, with which it reaches us. NULL: not given. */
struct source_options_notify {
    const char *accept, *name;
    const char *certificate, *key, *ca;
};

/* What the rest of the command line says that matters here. */
struct source_options_naf {
    const char *fqdn;
    const char *ua_protocol_id; /* hex */
};

/* Is there a key source? */
bool source_options_given(void);

/*
 * Check what was given, before any thread is started: exits with EXIT_USAGE and a sentence where
 * that cannot be. False: a file cannot be used, and the reason went to standard error.
 */
bool source_options_check(const struct source_options_naf *naf);

/* The source that was asked for, in front of a devices file, which it takes over. NULL: no memory.
 */
struct source *source_options_open(struct source *file);

/* What was said of notifications; false: nothing. */
bool source_options_notifications(struct source_options_notify *notify);

/* Cleanse what was read; the source is gone. */
void source_options_close(void);

#endif
