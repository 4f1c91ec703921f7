/*
 * Command-line options: tables in groups, for parsing and for --help
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "options.h"

#include "options_file.h"
#include "options_table.h"
#include "printable.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELP_WIDTH  80
#define HELP_COLUMN 30 /* where the words about an option begin */

/*
 * What getopt_long() returns: 1 for an argument that is no option, and for a long option a number
 * beyond any octet. Each row has its own number; otherwise getopt_long() would not notice that an
 * abbreviation is ambiguous.
 */
enum { IS_ARGUMENT = 1, IS_HELP = 256, IS_IN_TABLE };

/* What this process was given. */
static struct options_table all;

/* Print words from a column on, no further than the width of a terminal. */
static void print_words(const char *words, int column)
{
    int at = column;

    while (*words != '\0') {
        const int length = (int)strcspn(words, " ");

        if (at > column && at + 1 + length > HELP_WIDTH) {
            printf("\n%*s", column, "");
            at = column;
        }
        printf("%s%.*s", at > column ? " " : "", length, words);
        at += length + (at > column);
        words += length;
        words += strspn(words, " ");
    }
    printf("\n");
}

static void help_row(const char *name, const char *argument, const char *words)
{
    char left[64];
    const int length = snprintf(left, sizeof(left), "  --%s%s%s", name, argument == NULL ? "" : " ",
                                argument == NULL ? "" : argument);

    if (length + 2 > HELP_COLUMN)
        printf("%s\n%*s", left, HELP_COLUMN, "");
    else
        printf("%-*s", HELP_COLUMN, left);
    print_words(words, HELP_COLUMN);
}

static void help_option(const struct option_row *row)
{
    const bool has_default =
        row->argument != NULL && row->value != NULL && *row->value != NULL && **row->value != '\0';
    const char *before = "", *what = "", *after = "";
    char words[400];

    if (row->given == OPTION_REQUIRED)
        before = " (required)";
    else if (has_default)
        before = " (default ", what = *row->value, after = ")";
    (void)snprintf(words, sizeof(words), "%s%s%s%s", row->help, before, what, after);
    help_row(row->name, row->argument, words);
}

static void help(const char *program, const char *purpose, const struct option_group *groups,
                 size_t count)
{
    printf("%s - ", program);
    print_words(purpose, (int)strlen(program) + 3);
    for (size_t i = 0; i < count && groups[i].count > 0; i++) {
        printf("\n");
        if (groups[i].title != NULL)
            printf("%s\n", groups[i].title);
        for (size_t j = 0; j < groups[i].count; j++)
            help_option(&groups[i].rows[j]);
    }
    help_row("help", NULL, "this text");
    if (groups[count - 1].count == 0)
        printf("\n%s\n", groups[count - 1].title);
}

int options_refusal(void)
{
    return all.is_check ? EXIT_FAILURE : EXIT_USAGE;
}

bool options_are_to_be_checked(void)
{
    return all.is_check;
}

static _Noreturn void refuse(const char *program)
{
    fprintf(stderr, "%s: try --help\n", program);
    exit(options_refusal());
}

/*
 * What getopt_long() refuses. Only the name of an option is repeated: the text after "=", or an
 * argument that does not belong here, may be a secret.
 */
static _Noreturn void refuse_option(const char *program, const char *word)
{
    const char letter[] = {'-', (char)optopt, '\0'}; /* the wrong one of several */
    const bool is_letter = optopt != 0 && optopt < IS_HELP;
    const char *const name = is_letter ? letter : word;
    char shown[PRINTABLE_SIZE];

    fprintf(stderr, "%s: %s: %s\n", program,
            printable_octets(shown, sizeof(shown), name, strcspn(name, "=")),
            optopt < IS_HELP ? "there is no such option, or it is ambiguous"
                             : "this option takes no value");
    refuse(program);
}

static _Noreturn void refuse_argument(const char *program, int place)
{
    fprintf(stderr,
            "%s: argument %d is not an option, nor the value of one (it may be a secret, so it is "
            "not shown)\n",
            program, place);
    refuse(program);
}

static void require(const char *program, const struct options_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i]->given == OPTION_REQUIRED && *table->rows[i]->value == NULL) {
            fprintf(stderr, "%s: --%s %s is missing\n", program, table->rows[i]->name,
                    table->rows[i]->argument);
            refuse(program);
        }
}

static void add_rows(struct options_table *table, const struct option_group *group)
{
    for (size_t i = 0; i < group->count && table->count < OPTIONS_MAX; i++)
        table->rows[table->count++] = &group->rows[i];
}

/* The rows in getopt_long()'s form, then --help and the end. */
static void know_rows(const struct options_table *table, struct option known[OPTIONS_MAX + 2])
{
    for (size_t i = 0; i < table->count; i++)
        known[i] =
            (struct option){table->rows[i]->name,
                            table->rows[i]->argument == NULL ? no_argument : required_argument,
                            NULL, IS_IN_TABLE + (int)i};
    known[table->count] = (struct option){"help", no_argument, NULL, IS_HELP};
    known[table->count + 1] = (struct option){NULL, 0, NULL, 0};
}

static _Noreturn void print_version(const char *program)
{
    const char *slash = strrchr(program, '/');

    printf("%s %s\n", slash == NULL ? program : slash + 1, AKMA_VERSION);
    exit(EXIT_SUCCESS);
}

bool options_take(struct options_table *table, size_t index, const char *argument,
                  struct option_origin origin)
{
    const struct option_row *row = table->rows[index];
    const size_t most = options_most(row->given), place = most > 1 ? table->given[index] : 0;

    if (most > 1 && table->given[index] == most)
        return false;
    row->value[place] = row->argument == NULL ? "yes" : argument;
    table->origins[index][place < OPTION_ORIGINS ? place : OPTION_ORIGINS - 1] = origin;
    table->given[index]++;
    return true;
}

/* One of the command line. */
static void take_option(const char *program, struct options_table *table, size_t index,
                        const char *argument)
{
    const struct option_row *row = table->rows[index];

    switch (row->given) {
    case OPTION_VERSION:
        print_version(program);
    case OPTION_CONFIG:
        table->config = argument;
        break;
    case OPTION_PRINT:
        table->is_print = true;
        break;
    case OPTION_CHECK:
        table->is_check = true;
        break;
    default:
        if (options_take(table, index, argument, (struct option_origin){NULL, 0}))
            break;
        fprintf(stderr, "%s: --%s is given more than %zu times\n", program, row->name,
                options_most(row->given));
        refuse(program);
    }
}

/* The command line is read: what it does not say, the file may. */
static void finish(const char *program, struct options_table *table)
{
    if (table->config != NULL && !options_file_read(table, program, table->config))
        refuse(program);
    require(program, table);
}

void options_parse(int argc, char *argv[], const char *purpose, const struct option_group *groups,
                   size_t count)
{
    const char *const program = PRINTABLE(argv[0]);
    struct option known[OPTIONS_MAX + 2];

    for (size_t i = 0; i < count; i++)
        add_rows(&all, &groups[i]);
    know_rows(&all, known);
    for (;;) {
        /* The hyphen keeps the arguments in their order, the colon errors from being printed. */
        const int got = getopt_long(argc, argv, "-:", known, NULL);

        switch (got) {
        case -1:
            if (optind < argc)
                refuse_argument(program, optind);
            finish(program, &all);
            return;
        case IS_ARGUMENT:
            refuse_argument(program, optind - 1);
        case IS_HELP:
            help(program, purpose, groups, count);
            exit(EXIT_SUCCESS);
        case ':':
            fprintf(stderr, "%s: %s: a value is missing\n", program, PRINTABLE(argv[optind - 1]));
            refuse(program);
        case '?':
            refuse_option(program, argv[optind - 1]);
        default:
            take_option(program, &all, (size_t)(got - IS_IN_TABLE), optarg);
        }
    }
}

bool options_print(void)
{
    if (all.is_print)
        options_table_print(&all);
    return all.is_print;
}

size_t options_files(const char *const *except, const char **paths, size_t max)
{
    return options_table_files(&all, except, paths, max);
}

const char *options_where(const char *sentence)
{
    return options_table_where(&all, sentence);
}

const char *options_where_behind(const char *sentence)
{
    const char *colon = strstr(sentence, ": ");

    return colon == NULL ? "" : options_where(colon + 2);
}

unsigned int options_number(const char *name, const char *value, unsigned int min, unsigned int max)
{
    char *end = NULL;
    unsigned long number;

    errno = 0;
    number = strtoul(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || number < min ||
        number > max) {
        fprintf(stderr, "%s--%s %s: must be a number from %u to %u\n", options_where(name), name,
                PRINTABLE(value), min, max);
        exit(options_refusal());
    }
    return (unsigned int)number;
}
