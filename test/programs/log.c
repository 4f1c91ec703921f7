/*
 * A log with many lines: log COUNT [LOG-FILE|- [AUDIT-LOG]]
 *
 * Says "done" on standard output when all were given to the log, or to the audit log if one is
 * named; opens both again at each line of standard input, and ends with it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/log.h"
#include "ops/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char *argv[])
{
    const unsigned long count = argc >= 2 ? strtoul(argv[1], NULL, 10) : 0;
    char number[24];

    if (argc >= 3 && strcmp(argv[2], "-") != 0)
        log_set_up(LOG_LEVEL_INFO, argv[2]);
    if (!log_open(LOG_FULL) || !audit_open(argc == 4 ? argv[3] : NULL))
        return EXIT_FAILURE;
    for (unsigned long i = 0; i < count; i++) {
        (void)snprintf(number, sizeof(number), "%lu", i);
        if (argc == 4)
            audit("test", "number", number, NULL);
        else
            log_event("test", "number", number, NULL);
    }
    puts("done");
    (void)fflush(stdout);
    while (getchar() != EOF) {
        log_reopen();
        audit_reopen();
    }
    return EXIT_SUCCESS;
}
