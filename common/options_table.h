/*
 * The options of a process: their rows, how often each was given, and where
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OPTIONS_TABLE_H
#define OPTIONS_TABLE_H

#include "options.h"

#define OPTIONS_MAX    96
#define OPTION_ORIGINS 2 /* per option; further ones share the last place */

/* Where a value came from; file NULL: the command line. */
struct option_origin {
    const char *file;
    unsigned int line;
};

struct options_table {
    const struct option_row *rows[OPTIONS_MAX];
    size_t given[OPTIONS_MAX]; /* how often */
    struct option_origin origins[OPTIONS_MAX][OPTION_ORIGINS];
    size_t count;
    const char *config; /* of --config; NULL: not given */
    bool is_print, is_check;
};

/* How many values an option may have; 1: on the command line the last one counts. */
size_t options_most(enum option_given given);

/* Add a value, which is kept, not copied. False: it was given too often. */
bool options_take(struct options_table *table, size_t index, const char *argument,
                  struct option_origin origin);

/* As the functions of options.h with these names. */
const char *options_table_where(const struct options_table *table, const char *sentence);
size_t options_table_files(const struct options_table *table, const char *const *except,
                           const char **paths, size_t max);
void options_table_print(const struct options_table *table);

#endif
