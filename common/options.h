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
    OPTION_CHECK    /* checks whether the program could start: then nothing exits with EXIT_USAGE */
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

/* One option. If argument is NULL it takes no value, and *value is set to some text. */
struct option_row {
    const char *name, *argument;
    const char **value; /* at first the default; NULL: none */
    enum option_given given;
    const char *help;
};

/*
 * Rows that --help lists under a title; NULL: without one. A group without rows is a text at the
 * end of --help, such as an example.
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
 * Parse the command line. Exits with 0 after --help or --version, and after an error message with
 * options_refusal(). Call it once in a process; it keeps the rows, which later error messages use.
 */
void options_parse(int argc, char *argv[], const char *purpose, const struct option_group *groups,
                   size_t count);

/* The exit status if options make no sense: EXIT_USAGE, or EXIT_FAILURE of a check. */
int options_refusal(void);

/* Was --check given? */
bool options_are_to_be_checked(void);

/*
 * Where an option was given, as the beginning of a sentence about it: "FILE:LINE: ", filtered; or
 * empty, if it was given on the command line or nowhere. sentence begins with the option's name,
 * with or without dashes; if it was given twice, the value that follows says which one is meant.
 */
const char *options_where(const char *sentence);

/* The same for what is behind the sentence's first colon: "AKMA-E2E: naf-fqdn: ...". */
const char *options_where_behind(const char *sentence);

/*
 * The files that the options of this process name, in the order of the table: every value of a row
 * whose argument is FILE, except for the rows named in except, which ends with NULL. Stores at most
 * max of them, and returns how many there are.
 */
size_t options_files(const char *const *except, const char **paths, size_t max);

/* Was --print-config given? Then print the effective options. */
bool options_print(void);

/* A number of an option, from min to max, or exit as above. */
unsigned int options_number(const char *name, const char *value, unsigned int min,
                            unsigned int max);

#endif
