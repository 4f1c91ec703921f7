/*
 * Command-line options: tables in groups, for parsing and for --help
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "options.h"

#include "printable.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 96

/* All rows of all groups, as getopt_long() knows them. */
struct table {
    const struct option_row *rows[OPTIONS_MAX];
    struct option known[OPTIONS_MAX + 2]; /* and --help, and the end */
    size_t given[OPTIONS_MAX];
    size_t count;
};

static void help_row(const struct option_row *row)
{
    char left[40];

    (void)snprintf(left, sizeof(left), "--%s %s", row->name,
                   row->argument == NULL ? "" : row->argument);
    printf("  %-32s %s", left, row->help);
    if (row->given == OPTION_REQUIRED)
        printf(" (required)");
    else if (row->argument != NULL && *row->value != NULL)
        printf(" (default %s)", *row->value);
    printf("\n");
}

static void help(const char *program, const char *purpose, const struct option_group *groups,
                 size_t count)
{
    printf("%s - %s\n", program, purpose);
    for (size_t i = 0; i < count; i++) {
        printf("\n");
        if (groups[i].title != NULL)
            printf("%s\n", groups[i].title);
        for (size_t j = 0; j < groups[i].count; j++)
            help_row(&groups[i].rows[j]);
    }
    printf("  %-32s this text\n", "--help");
}

static _Noreturn void refuse(const char *program)
{
    fprintf(stderr, "%s: try --help\n", program);
    exit(EXIT_USAGE);
}

static void require(const char *program, const struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i]->given == OPTION_REQUIRED && *table->rows[i]->value == NULL) {
            fprintf(stderr, "%s: --%s %s is missing\n", program, table->rows[i]->name,
                    table->rows[i]->argument);
            refuse(program);
        }
}

static void add_rows(struct table *table, const struct option_group *group)
{
    for (size_t i = 0; i < group->count && table->count < OPTIONS_MAX; i++) {
        const struct option_row *row = &group->rows[i];

        table->rows[table->count] = row;
        table->known[table->count++] = (struct option){
            row->name, row->argument == NULL ? no_argument : required_argument, NULL, 1};
    }
}

static void take(const char *program, struct table *table, size_t index, const char *argument)
{
    const struct option_row *row = table->rows[index];
    const bool twice = row->given == OPTION_TWICE;

    if (twice && table->given[index] == 2) {
        fprintf(stderr, "%s: --%s is given more than twice\n", program, row->name);
        refuse(program);
    }
    row->value[twice ? table->given[index] : 0] = row->argument == NULL ? "yes" : argument;
    table->given[index]++;
}

void options_parse(int argc, char *argv[], const char *purpose, const struct option_group *groups,
                   size_t count)
{
    struct table table = {.count = 0};
    int index = 0;

    for (size_t i = 0; i < count; i++)
        add_rows(&table, &groups[i]);
    table.known[table.count] = (struct option){"help", no_argument, NULL, 2};
    opterr = 0; /* getopt_long() would print what was given as it is */
    for (;;) {
        switch (getopt_long(argc, argv, ":", table.known, &index)) {
        case -1:
            if (optind < argc) {
                fprintf(stderr, "%s: %s is no option\n", argv[0], PRINTABLE(argv[optind]));
                refuse(argv[0]);
            }
            require(argv[0], &table);
            return;
        case 1:
            take(argv[0], &table, (size_t)index, optarg);
            break;
        case 2:
            help(argv[0], purpose, groups, count);
            exit(EXIT_SUCCESS);
        case ':':
            fprintf(stderr, "%s: %s: a value is missing\n", argv[0], PRINTABLE(argv[optind - 1]));
            refuse(argv[0]);
        default:
            fprintf(stderr, "%s: %s: there is no such option, or it is ambiguous\n", argv[0],
                    PRINTABLE(argv[optind - 1]));
            refuse(argv[0]);
        }
    }
}

unsigned int options_number(const char *name, const char *value, unsigned int min, unsigned int max)
{
    char *end = NULL;
    unsigned long number;

    errno = 0;
    number = strtoul(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || number < min ||
        number > max) {
        fprintf(stderr, "--%s %s: a number from %u to %u wanted\n", name, PRINTABLE(value), min,
                max);
        exit(EXIT_USAGE);
    }
    return (unsigned int)number;
}
