/*
 * A log with many lines: log COUNT
 *
 * Says "done" on standard output when all were given to the log, and ends with standard input.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/log.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char *argv[])
{
    const unsigned long count = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    char number[24];

    if (!log_open(LOG_FULL))
        return EXIT_FAILURE;
    for (unsigned long i = 0; i < count; i++) {
        (void)snprintf(number, sizeof(number), "%lu", i);
        log_event("test", "number", number, NULL);
    }
    puts("done");
    (void)fflush(stdout);
    while (getchar() != EOF)
        continue;
    return EXIT_SUCCESS;
}
