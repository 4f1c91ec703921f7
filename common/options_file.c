/*
 * A file of options: --config
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "options_file.h"

#include "line_reader.h"
#include "printable.h"

#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BLANKS      " \t\r"
#define DEPTH_MAX   8     /* files that include each other */
#define LINE_OCTETS 16384 /* of a line at most */
#define NO_DASHES   "write names as --help has them, without dashes"

/* A file that is being read. */
struct reading {
    struct options_table *table;
    const bool *is_closed; /* of each row: the command line has said it */
    const char *program, *path;
    unsigned int line, depth;
};

/* What was read stays, for the options to point into. */
struct kept {
    struct kept *next;
    char text[];
};

static struct kept *kept;

static const char *keep_text(const char *text)
{
    const size_t size = strlen(text) + 1;
    struct kept *copy = malloc(sizeof(*copy) + size);

    if (copy == NULL)
        return NULL;
    memcpy(copy->text, text, size);
    copy->next = kept;
    kept = copy;
    return copy->text;
}

static bool refuse_line(const struct reading *reading, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool refuse_line(const struct reading *reading, const char *name, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "%s: %s:%u: %s: ", reading->program, PRINTABLE_PATH(reading->path),
            reading->line, PRINTABLE(name));
    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, in the line before */
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    return false;
}

/* Within quotes a quotation mark is written twice. False: they are open, or more is behind them. */
static bool cut_quoted(char **value)
{
    char *from = *value + 1, *to = from;

    *value = from;
    for (; *from != '\0' && (from[0] != '"' || from[1] == '"'); *to++ = *from++)
        from += from[0] == '"';
    if (*from == '\0')
        return false;
    *to = '\0';
    from++;
    from += strspn(from, BLANKS);
    return *from == '\0' || *from == '#';
}

/* A value's end: behind its quotes, or before a comment and blanks. */
static bool cut_value(char **value)
{
    char *end, *comment;

    if (**value == '"')
        return cut_quoted(value);
    for (comment = strchr(*value, '#'); comment != NULL; comment = strchr(comment + 1, '#'))
        if (comment == *value || strchr(BLANKS, comment[-1]) != NULL) {
            *comment = '\0';
            break;
        }
    end = *value + strlen(*value);
    while (end > *value && strchr(BLANKS, end[-1]) != NULL)
        *--end = '\0';
    return true;
}

static bool find_row(const struct options_table *table, const char *name, size_t *index)
{
    for (*index = 0; *index < table->count; ++*index)
        if (strcmp(table->rows[*index]->name, name) == 0)
            return true;
    return false;
}

static bool refuse_name(const struct reading *reading, const char *name)
{
    if (strncmp(name, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
        return refuse_line(reading, "this line", BYTE_ORDER_MARK_SAYS);
    if (strncmp(name, "--", 2) == 0)
        return refuse_line(reading, name, NO_DASHES);
    if (strpbrk(name, "=:") != NULL)
        return refuse_line(reading, "this line",
                           "a blank is wanted between an option's name and its value");
    return refuse_line(reading, name, "there is no such option; " NO_DASHES);
}

/* Options without a value: the name alone, or with yes or no. */
static bool take_switch(const struct reading *reading, size_t index, const char *value)
{
    const struct option_origin origin = {reading->path, reading->line};
    const char *name = reading->table->rows[index]->name;

    if (strcmp(value, "no") == 0) {
        reading->table->given[index]++;
        return true;
    }
    if (value[0] != '\0' && strcmp(value, "yes") != 0)
        return refuse_line(reading, name, "must have no value, or yes, or no");
    return options_take(reading->table, index, NULL, origin);
}

static bool take_value(const struct reading *reading, size_t index, const char *value)
{
    const struct option_origin origin = {reading->path, reading->line};
    const struct option_row *row = reading->table->rows[index];
    const char *copy = keep_text(value);

    if (copy == NULL)
        return refuse_line(reading, row->name, "out of memory");
    return options_take(reading->table, index, copy, origin);
}

static bool take_option(const struct reading *reading, const char *name, const char *value,
                        bool has_value)
{
    struct options_table *table = reading->table;
    const struct option_row *row;
    size_t index;

    if (!find_row(table, name, &index))
        return refuse_name(reading, name);
    row = table->rows[index];
    if (row->value == NULL)
        return refuse_line(reading, name, "belongs on the command line, not in a file");
    if (row->argument != NULL && !has_value)
        return refuse_line(reading, name, "a value is missing: %s", row->argument);
    if (reading->is_closed[index])
        return true;
    if (table->given[index] >= options_most(row->given)) {
        const struct option_origin *before = &table->origins[index][0];

        if (options_most(row->given) > 1 || before->file == NULL)
            return refuse_line(reading, name, "is given more than %zu times",
                               options_most(row->given));
        return refuse_line(reading, name, "may be given once, and %s:%u has it already",
                           PRINTABLE_PATH(before->file), before->line);
    }
    return row->argument == NULL ? take_switch(reading, index, value)
                                 : take_value(reading, index, value);
}

static bool read_file(const struct reading *outer);

/* The pattern in the folder of the file that includes, whose name is none; NULL: out of memory. */
static char *whole_pattern(const struct reading *reading, const char *pattern)
{
    const char *slash = pattern[0] == '/' ? NULL : strrchr(reading->path, '/');
    const size_t folder = slash == NULL ? 0 : (size_t)(slash + 1 - reading->path);
    char *whole = malloc(2 * folder + strlen(pattern) + 1), *place = whole;

    if (whole == NULL)
        return NULL;
    for (size_t i = 0; i < folder; i++) {
        if (strchr("*?[\\", reading->path[i]) != NULL)
            *place++ = '\\';
        *place++ = reading->path[i];
    }
    memcpy(place, pattern, strlen(pattern) + 1);
    return whole;
}

/* A folder that is not there has no files; one that cannot be read may have some. */
static int on_glob_error(const char *path, int error)
{
    (void)path;
    return error != ENOENT;
}

static bool expand(const struct reading *reading, const char *pattern, glob_t *found)
{
    char *whole = whole_pattern(reading, pattern);
    int result;

    if (whole == NULL)
        return refuse_line(reading, "include", "out of memory");
    result = glob(whole, 0, on_glob_error, found);
    free(whole);
    if (result == 0 || (result == GLOB_NOMATCH && strpbrk(pattern, "*?[") != NULL))
        return true;
    return refuse_line(reading, "include", "%s: %s", PRINTABLE(pattern),
                       result == GLOB_NOMATCH ? "there is no such file" : "cannot be read");
}

static bool include(const struct reading *reading, const char *pattern)
{
    glob_t found = {.gl_pathc = 0};
    bool done;

    if (pattern[0] == '\0')
        return refuse_line(reading, "include", "a value is missing: FILE or DIR/*.conf");
    if (reading->depth == DEPTH_MAX)
        return refuse_line(reading, "include", "files include each other, more than %d deep",
                           DEPTH_MAX);
    done = expand(reading, pattern, &found);
    for (size_t i = 0; done && i < found.gl_pathc; i++) {
        struct reading inner = *reading;

        inner.path = keep_text(found.gl_pathv[i]);
        inner.depth++;
        done = inner.path != NULL ? read_file(&inner)
                                  : refuse_line(reading, "include", "out of memory");
    }
    globfree(&found);
    return done;
}

static bool take_line(const struct reading *reading, char *line)
{
    char *name = line + strspn(line, BLANKS);
    char *value = name + strcspn(name, BLANKS);
    const bool is_last = *value == '\0';
    bool is_quoted;

    if (*name == '\0' || *name == '#')
        return true;
    *value = '\0';
    if (!is_last)
        value++;
    value += strspn(value, BLANKS);
    is_quoted = *value == '"';
    if (!cut_value(&value))
        return refuse_line(
            reading, name,
            "the value has an open quotation mark, or more behind it (within quotes write "
            "it twice)");
    if (strcmp(name, "include") == 0)
        return include(reading, value);
    return take_option(reading, name, value, is_quoted || *value != '\0');
}

static bool read_lines(struct reading *reading, FILE *file)
{
    char line[LINE_OCTETS + 2];
    bool done = true;

    while (done && fgets(line, sizeof(line), file) != NULL) {
        char *end = strchr(line, '\n');

        reading->line++;
        if (end == NULL && !feof(file)) /* a line without an end, or a NUL in it */
            return refuse_line(reading, "this line", "must be a text of at most %d octets",
                               LINE_OCTETS);
        if (end != NULL)
            *end = '\0';
        done = take_line(reading, line);
    }
    return done && (!ferror(file) || refuse_line(reading, "this line", "%s", strerror(errno)));
}

static bool refuse_file(const struct reading *reading, const char *reason)
{
    fprintf(stderr, "%s: --config %s: %s\n", reading->program, PRINTABLE_PATH(reading->path),
            reason);
    return false;
}

static bool read_file(const struct reading *outer)
{
    struct reading reading = *outer;
    FILE *file = fopen(reading.path, "re");
    struct stat status;
    bool done;

    if (file == NULL)
        return refuse_file(&reading, strerror(errno));
    reading.line = 0;
    if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode))
        done = refuse_file(&reading, "is a folder: include its files, DIR/*.conf");
    else
        done = read_lines(&reading, file);
    (void)fclose(file);
    return done;
}

bool options_file_read(struct options_table *table, const char *program, const char *path)
{
    bool is_closed[OPTIONS_MAX];
    const struct reading reading = {table, is_closed, program, path, 0, 1};

    for (size_t i = 0; i < table->count; i++)
        is_closed[i] = table->given[i] > 0;
    return read_file(&reading);
}
