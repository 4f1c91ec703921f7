/*
 * The options of a process: where each was given, and all of them in the form of --config
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "options_table.h"

#include "printable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_COLUMN 48 /* where --print-config says where a value came from */

size_t options_most(enum option_given given)
{
    return given == OPTION_TWICE ? 2 : given == OPTION_MANY ? OPTION_MANY_MAX : 1;
}

static bool begins_with(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

/* The row with whose name a sentence begins; *rest: what follows the name. */
static const struct option_row *find_row(const struct options_table *table, const char *sentence,
                                         size_t *index, const char **rest)
{
    const char *name = sentence + strspn(sentence, "-");
    const size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

    *rest = name + length;
    for (*index = 0; *index < table->count; ++*index)
        if (strlen(table->rows[*index]->name) == length &&
            begins_with(name, table->rows[*index]->name))
            return table->rows[*index];
    return NULL;
}

const char *options_table_where(const struct options_table *table, const char *sentence)
{
    static _Thread_local char shown[PRINTABLE_PATH_MAX + 16];
    const char *rest;
    size_t index, place = 0;
    const struct option_row *row = find_row(table, sentence, &index, &rest);

    if (row == NULL || table->given[index] == 0)
        return "";
    if (table->given[index] > 1 && options_most(row->given) > 1 && *rest == ' ' &&
        begins_with(rest + 1, row->value[1]))
        place = 1;
    if (table->origins[index][place].file == NULL)
        return "";
    (void)snprintf(shown, sizeof(shown),
                   "%s:%u: ", PRINTABLE_PATH(table->origins[index][place].file),
                   table->origins[index][place].line);
    return shown;
}

static bool is_among(const char *const *names, const char *name)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

size_t options_table_files(const struct options_table *table, const char *const *except,
                           const char **paths, size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < table->count && count < max; i++) {
        const struct option_row *row = table->rows[i];

        if (row->value != NULL && *row->value != NULL && row->argument != NULL &&
            strcmp(row->argument, "FILE") == 0 && !is_among(except, row->name))
            paths[count++] = *row->value;
    }
    return count;
}

#define BLANKS " \t\r"

/* Would a file of options cut this value, or read it as something else? Then it is quoted. */
static bool needs_quotes(const char *value)
{
    const size_t length = strlen(value);

    if (length == 0 || strchr("\"#" BLANKS, value[0]) != NULL ||
        strchr(BLANKS, value[length - 1]) != NULL)
        return true;
    for (size_t i = 1; i < length; i++)
        if (value[i] == '#' && strchr(BLANKS, value[i - 1]) != NULL)
            return true;
    return false;
}

/* A value whole and as a file has it, so that it can be read again; but what does something to a
 * terminal is filtered. Its octets. */
static int print_text(const char *value, bool is_quoted)
{
    static const char plain[] = "\"\\\t"; /* the filter would escape them */
    int printed = 0;

    while (*value != '\0') {
        const size_t length = strcspn(value, plain);
        char *shown = malloc(4 * length + 4);

        if (shown != NULL)
            printed += printf("%s", printable_octets(shown, 4 * length + 4, value, length));
        free(shown);
        value += length;
        if (is_quoted && *value == '"')
            printed += printf("\"");
        if (*value != '\0')
            printed += printf("%c", *value++);
    }
    return printed;
}

static void print_value(const struct option_row *row, const char *value, const char *origin)
{
    const bool is_quoted = row->argument != NULL && needs_quotes(value);
    const char *quote = is_quoted ? "\"" : "";
    int length = printf("%s%s%s", row->name, row->argument == NULL ? "" : " ", quote);

    if (row->argument != NULL)
        length += print_text(value, is_quoted) + printf("%s", quote);
    printf("%*s # %s\n", length < VALUE_COLUMN ? VALUE_COLUMN - length : 0, "", origin);
}

static void print_row(const struct options_table *table, size_t index)
{
    const struct option_row *row = table->rows[index];
    const size_t most = options_most(row->given);
    const size_t count = table->given[index] < most ? table->given[index] : most;
    char origin[PRINTABLE_PATH_MAX + 16];

    if (row->value == NULL || (row->argument == NULL && *row->value == NULL))
        return;
    if (count == 0 && *row->value != NULL)
        print_value(row, *row->value, "default");
    for (size_t i = 0; i < count; i++) {
        const struct option_origin *from =
            &table->origins[index][i < OPTION_ORIGINS ? i : OPTION_ORIGINS - 1];

        if (from->file == NULL)
            (void)snprintf(origin, sizeof(origin), "command line");
        else
            (void)snprintf(origin, sizeof(origin), "%s:%u", PRINTABLE_PATH(from->file), from->line);
        print_value(row, row->value[i], origin);
    }
}

void options_table_print(const struct options_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        print_row(table, i);
    (void)fflush(stdout);
}
