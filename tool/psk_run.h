/*
 * A fleet through the pipeline: blocks in, lines out, in order and all or nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PSK_RUN_H
#define PSK_RUN_H

#include "psk_job.h"

/*
 * Read the CSV at `in`, replace `out`. The layout and `seen` of the setup are filled in here.
 * False: what is wrong went to standard error; out is as it was, or with keep_going has the good
 * rows.
 */
bool psk_run(struct psk_setup *setup, const char *in, const char *out, bool keep_going);

#endif
