/*
 * What a command must not write over: its own inputs, and files of devices
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "out_file.h"

#include "rows.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_SIZE 512                              /* more than a header that has every column */
#define SEPARATORS  ",;\t\"' \r\xEF\xBB\xBF\xFF\xFE" /* a spreadsheet's as well, and its marks */

bool out_file_is(const char *out, const char *in)
{
    const bool is_stdin = strcmp(in, "-") == 0;
    struct stat a, b;

    return (!is_stdin && strcmp(out, in) == 0) ||
           (stat(out, &a) == 0 && (is_stdin ? fstat(STDIN_FILENO, &b) : stat(in, &b)) == 0 &&
            a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

static bool is_devices_header(char *line)
{
    bool has_identity = false, has_key = false;
    char *rest = NULL;

    for (const char *name = strtok_r(line, SEPARATORS, &rest); name != NULL;
         name = strtok_r(NULL, SEPARATORS, &rest)) {
        has_identity = has_identity || strcmp(name, column_name(COLUMN_IDENTITY)) == 0;
        has_key = has_key || strcmp(name, column_name(COLUMN_KA)) == 0 ||
                  strcmp(name, column_name(COLUMN_KS_NAF)) == 0;
    }
    return has_identity && has_key;
}

const char *out_file_fault(const char *out)
{
    char line[HEADER_SIZE + 1];
    struct stat status;
    ssize_t length;
    int fd;

    if (lstat(out, &status) != 0 || !S_ISREG(status.st_mode))
        return NULL; /* nothing there, or what secret_file_create() refuses */
    fd = open(out, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
    length = fd < 0 ? -1 : read(fd, line, HEADER_SIZE);
    if (fd >= 0)
        (void)close(fd);
    if (length < 0)
        return "cannot be read, and may be a devices file: give another name";
    line[length] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return is_devices_header(line)
               ? "is a devices file, and the keys in it may exist nowhere else: give another name"
               : NULL;
}
