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
    OPTION_TWICE,   /* not at all, once, or twice: then value[1] has the second */
    OPTION_MANY,    /* up to OPTION_MANY_MAX times: value[0], value[1], ... */
    OPTION_VERSION, /* prints the version and exits, as --help does; it has no value */
    OPTION_CONFIG,  /* names a file of options (options_file.h) */
    OPTION_PRINT,   /* asks for options_print() */
    OPTION_CHECK    /* looks whether the program could start: then nothing exits with EXIT_USAGE */
};

#define OPTION_MANY_MAX 64

#define OPTION_VERSION_ROW                                                  \
    {                                                                       \
        "version", NULL, NULL, OPTION_VERSION, "print the version and exit" \
    }

#define OPTION_CONFIG_ROW                                                                   \
    {                                                                                       \
        "config", "FILE", NULL, OPTION_CONFIG,                                              \
            "read options from this file too: a line for each, its name without dashes, a " \
            "blank, the value; the command line overrides"                                  \
    }
#define OPTION_CHECK_ROW                                                                   \
    {                                                                                      \
        "check", NULL, NULL, OPTION_CHECK,                                                 \
            "check everything that a start needs, say for each whether it is ok, and exit" \
    }
#define OPTION_PRINT_ROW                                                                           \
    {                                                                                              \
        "print-config", NULL, NULL, OPTION_PRINT,                                                  \
            "print the effective options, in the form of --config, each with where it came from, " \
            "and exit"                                                                             \
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
 * text at the end of --help, such as an example.
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
 * Parse, or exit: with 0 after --help or --version, with options_refusal() and an error message
 * otherwise. Call it once in a process; it keeps the rows, which later error messages use.
 */
void options_parse(int argc, char *argv[], const char *purpose, const struct option_group *groups,
                   size_t count);

/* The exit status of a program whose options make no sense: EXIT_USAGE, or EXIT_FAILURE of a check.
 */
int options_refusal(void);

/* Was --check given? */
bool options_are_to_be_checked(void);

/*
 * Where an option was given, to begin a sentence about it: "FILE:LINE: ", filtered; empty: on the
 * command line, or nowhere. sentence begins with the option's name, with or without dashes; if it
 * was given twice, the value that follows tells which is meant.
 */
const char *options_where(const char *sentence);

/*
 * The files that options of this process name, in the order of the table: every value of a row
 * whose argument is FILE, but of the rows in except, which ends with NULL. At most max; how many
 * there are.
 */
size_t options_files(const char *const *except, const char **paths, size_t max);

/* Was --print-config given? Then print the effective options. */
bool options_print(void);

/* A number of an option, from min to max, or exit as above. */
unsigned int options_number(const char *name, const char *value, unsigned int min,
                            unsigned int max);

#endif
