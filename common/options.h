/*
 * Command-line options of the two programs: one table each, for parsing and for --help
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define EXIT_USAGE 2

/* One option; with argument NULL it takes none, and value becomes what is not NULL. */
struct option_row {
    const char *name, *argument;
    const char **value; /* holds the default before; NULL: none */
    bool required;
    const char *help;
};

/* Parse, or exit: with 0 after --help, with EXIT_USAGE and a sentence where that cannot be. */
void options_parse(int argc, char *argv[], const char *purpose, const struct option_row *rows,
                   size_t count);

/* A number of an option, from min to max, or exit as above. */
unsigned int options_number(const char *name, const char *value, unsigned int min,
                            unsigned int max);

#endif
