/*
 * What goes together with --database
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka_database.h"

#include <stdio.h>

bool ka_database_options_check(const char *command, const struct ka_database_options *options)
{
    if (options->uri != NULL || (options->key == NULL && options->password_file == NULL))
        return true;
    fprintf(stderr, "akma ka %s: --%s: has no effect without --database\n", command,
            options->key != NULL ? "ka-key" : "ka-password-file");
    return false;
}
