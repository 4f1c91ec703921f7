/*
 * akma config: does what would be written work?
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONFIG_TRIAL_H
#define CONFIG_TRIAL_H

#include "conf_file.h"

/*
 * Try a text out as a configuration, in a process of its own: each akma is active, and default or
 * fips is; nothing of the system's file and no policy of the file before, which may be empty, is
 * lost. False: fault.
 */
bool config_trial(const char *text, size_t length, const struct conf_file *system,
                  const struct conf_file *before, char fault[CONF_FAULT_SIZE]);

#endif
