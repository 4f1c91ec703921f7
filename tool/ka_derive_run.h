/*
 * A fleet's Ka's through the pipeline: names in, rows out, in order and all or nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_DERIVE_RUN_H
#define KA_DERIVE_RUN_H

#include "master.h"

#include <stdbool.h>
#include <stddef.h>

struct ka_derive_setup {
    struct master *master;
    const char *in;             /* a list of devices; NULL: the devices are given */
    const char *const *devices; /* ends with NULL */
    const char *out;            /* NULL: standard output */
    bool force;                 /* replace what is at out */
    const char *ka_id;
    size_t threads; /* 0: as many as there are processors, and 4 with a token */
};

/* False: why went to standard error, and nothing was written. */
bool ka_derive_run(const struct ka_derive_setup *setup);

#endif
