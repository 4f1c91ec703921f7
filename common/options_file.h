/*
 * A file of options: --config
 *
 *     # the NAF                        a comment, at a line's begin or behind a blank
 *     accept [::]:4433                 the option's name without dashes, a blank, the value
 *     usage " # "                      in quotes, where blanks or a # belong to the value
 *     proxy-protocol                   an option without a value; or: yes, no
 *     include conf.d/ *.conf           files, in the order of their names; from this file's folder
 *
 * (without the blank behind the slash). An option that may be given more than once is repeated.
 * What the command line says of an option replaces all that files say of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OPTIONS_FILE_H
#define OPTIONS_FILE_H

#include "options_table.h"

/* Values are kept until the process ends. False: file, line, name and what is wanted are said. */
bool options_file_read(struct options_table *table, const char *program, const char *path);

#endif
