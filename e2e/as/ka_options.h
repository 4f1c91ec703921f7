/*
 * The options of e2e-as that say where Ka comes from
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_OPTIONS_H
#define KA_OPTIONS_H

#include "ka/ka_kinds.h"
#include "options.h"

#include <stdbool.h>

/* For the table of options. */
extern const struct option_group ka_options;

/* Is there a --ka-source, or what goes with it? */
bool ka_options_given(void);

/* The path of --ka-source file:PATH; NULL: it was not given, or is of another kind. */
const char *ka_options_file(void);

/* Check what was given, or exit with EXIT_USAGE and a sentence. */
void ka_options_check(void);

/*
 * The source that was asked for; if none was, or a file, the one of these devices, which are
 * kept; life, is_for_a_link: as in ka_settings. NULL: the reason went to standard error.
 */
struct ka_source *ka_options_open(struct devices_current *devices, unsigned int life,
                                  bool is_for_a_link);

/* Could it be opened, and are its files good? False: fault. */
bool ka_options_try(char fault[KA_FAULT_SIZE]);

/* What is to be read again; at_sighup: somebody has said so. False, with a fault: nothing is taken.
 */
bool ka_options_read(bool at_sighup, struct ka_files **files, char fault[KA_FAULT_SIZE]);
void ka_options_use(struct ka_source *source, struct ka_files *files);
void ka_options_drop(struct ka_files *files);

#endif
