/*
 * A file of options: --config
 *
 *     # the NAF                        a comment, at the beginning of a line or behind a blank
 *     accept [::]:4433                 the option's name without dashes, a blank, the value
 *     usage " # "                      in quotes, where blanks or a # belong to the value ("" is ")
 *     proxy-protocol                   an option without a value; or: yes, no
 *     include conf.d/ *.conf           files in the order of their names, relative to this file's
 * folder
 *
 * (without the blank behind the slash). An option that may be given more than once is repeated.
 * An option on the command line replaces all that files say about it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OPTIONS_FILE_H
#define OPTIONS_FILE_H

#include "options_table.h"

/* Values are kept until the process ends. False: an error was printed, with file, line and name. */
bool options_file_read(struct options_table *table, const char *program, const char *path);

#endif
