/*
 * Command-line options: tables in groups, for parsing and for --help
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define EXIT_USAGE 2

/* How often an option is given; false and true are the first two. */
enum option_given {
    OPTION_OPTIONAL = false,
    OPTION_REQUIRED = true,
    OPTION_TWICE,  /* not at all, once, or twice: then value[1] has the second */
    OPTION_MANY,   /* up to OPTION_MANY_MAX times: value[0], value[1], ... */
    OPTION_VERSION /* prints the version and exits, as --help does; it has no value */
};

#define OPTION_MANY_MAX 64

#define OPTION_VERSION_ROW                                                  \
    {                                                                       \
        "version", NULL, NULL, OPTION_VERSION, "print the version and exit" \
    }

/* One option; with argument NULL it takes none, and value becomes what is not NULL. */
struct option_row {
    const char *name, *argument;
    const char **value; /* holds the default before; NULL: none */
    enum option_given given;
    const char *help;
};

/*
 * What belongs together, below a line of --help; title NULL: no line. A group without rows is a
 * text that stands at the end of --help, such as an example.
 */
struct option_group {
    const char *title;
    const struct option_row *rows;
    size_t count;
};

#define OPTION_GROUP(title, rows)                     \
    {                                                 \
        title, rows, sizeof(rows) / sizeof((rows)[0]) \
    }

/*
 * Parse, or exit: with 0 after --help or --version, with EXIT_USAGE and a sentence where that
 * cannot be.
 */
void options_parse(int argc, char *argv[], const char *purpose, const struct option_group *groups,
                   size_t count);

/* A number of an option, from min to max, or exit as above. */
unsigned int options_number(const char *name, const char *value, unsigned int min,
                            unsigned int max);

#endif
