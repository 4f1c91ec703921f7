/*
 * What the operator answers, read: one answer on standard input, what was understood on standard
 * output
 *
 *     key_answer akma|gba|problem CONTENT-TYPE [0|1|2]    the number of an enum key_name
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/key_answer.h"
#include "messages/json_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_key(const char *name, const struct given_key *key)
{
    if (!key->given)
        return;
    printf("%s ", name);
    for (size_t i = 0; i < KS_NAF_LENGTH; i++)
        printf("%02x", key->octets[i]);
    printf("\n");
}

static void print_answer(enum key_system system, enum key_name name, const char *type,
                         const char *body, size_t length)
{
    char fault[KEY_ANSWER_FAULT_SIZE] = "";
    struct key_answer answer;

    if (!key_answer_read(&answer, system, name, type, body, length, fault)) {
        printf("fault %s\n", fault);
        return;
    }
    print_key("ks-naf", &answer.ks_naf);
    print_key("ks-int-naf", &answer.ks_int_naf);
    printf("device %s\n", answer.device);
    if (answer.not_after != KEY_ANSWER_NO_END)
        printf("not-after %" PRId64 "\n", answer.not_after);
}

int main(int argc, char *argv[])
{
    static char body[65536];
    const size_t length = fread(body, 1, sizeof(body), stdin);
    char problem[KEY_ANSWER_PROBLEM_SIZE];

    if (argc < 3)
        return EXIT_FAILURE;
    json_line_set_up();
    if (strcmp(argv[1], "problem") == 0) {
        key_answer_problem(argv[2], body, length, problem);
        printf("%s\n", problem);
    } else {
        print_answer(strcmp(argv[1], "gba") == 0 ? KEY_GBA : KEY_AKMA,
                     argc < 4 ? KEY_NAMES : (enum key_name)strtol(argv[3], NULL, 10), argv[2], body,
                     length);
    }
    return EXIT_SUCCESS;
}
