/*
 * What akma doctor finds: one line per check, or JSON
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stddef.h>

struct report {
    bool json;
    size_t checks, failed;
};

void report_begin(struct report *report, bool json);

/* One check and what came of it; subject, an instance or a file, may be NULL. Returns ok. */
bool report_add(struct report *report, bool ok, const char *check, const char *subject,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

/* True if all checks were ok. */
bool report_end(const struct report *report);

#endif
