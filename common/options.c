/*
 * Command-line options of the two programs: one table each, for parsing and for --help
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 24

static void help(const char *program, const char *purpose, const struct option_row *rows,
                 size_t count)
{
    printf("%s - %s\n\n", program, purpose);
    for (size_t i = 0; i < count; i++) {
        char left[40];

        (void)snprintf(left, sizeof(left), "--%s %s", rows[i].name,
                       rows[i].argument == NULL ? "" : rows[i].argument);
        printf("  %-32s %s", left, rows[i].help);
        if (rows[i].required)
            printf(" (required)");
        else if (rows[i].argument != NULL && *rows[i].value != NULL)
            printf(" (default %s)", *rows[i].value);
        printf("\n");
    }
    printf("  %-32s this text\n", "--help");
}

static _Noreturn void refuse(const char *program)
{
    fprintf(stderr, "%s: try --help\n", program);
    exit(EXIT_USAGE);
}

static void require(const char *program, const struct option_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].required && *rows[i].value == NULL) {
            fprintf(stderr, "%s: --%s %s is missing\n", program, rows[i].name, rows[i].argument);
            refuse(program);
        }
}

void options_parse(int argc, char *argv[], const char *purpose, const struct option_row *rows,
                   size_t count)
{
    struct option known[OPTIONS_MAX + 2] = {{0}};
    int index;

    for (size_t i = 0; i < count; i++)
        known[i] = (struct option){
            rows[i].name, rows[i].argument == NULL ? no_argument : required_argument, NULL, 1};
    known[count] = (struct option){"help", no_argument, NULL, 2};
    for (;;) {
        switch (getopt_long(argc, argv, "", known, &index)) {
        case -1:
            if (optind < argc) {
                fprintf(stderr, "%s: %s is no option\n", argv[0], argv[optind]);
                refuse(argv[0]);
            }
            require(argv[0], rows, count);
            return;
        case 1:
            *rows[index].value = rows[index].argument == NULL ? "yes" : optarg;
            break;
        case 2:
            help(argv[0], purpose, rows, count);
            exit(EXIT_SUCCESS);
        default:
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
        fprintf(stderr, "--%s %s: a number from %u to %u wanted\n", name, value, min, max);
        exit(EXIT_USAGE);
    }
    return (unsigned int)number;
}
