/*
 * Fuzz target: what an operator answers, and its errors
 *
 * The first octet chooses what the rest is. What is understood keeps to its bounds; what is not has
 * a fault, and leaves no key behind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/key_answer.h"
#include "utc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void want(int condition)
{
    if (!condition)
        abort();
}

static void try_answer(enum key_system system, const char *body, size_t length)
{
    static const struct key_answer nothing = {.not_after = 0};
    char fault[KEY_ANSWER_FAULT_SIZE] = "";
    struct key_answer answer;

    if (key_answer_read(&answer, system, KEY_NAMES, "application/json", body, length, fault)) {
        want(answer.ks_naf.given && strlen(answer.device) <= DEVICE_TEXT_MAX);
        want(!answer.is_failure);
        want(system == KEY_GBA || !answer.ks_int_naf.given);
        return;
    }
    want(fault[0] != '\0' && strlen(fault) < sizeof(fault));
    want(system == KEY_AKMA || !answer.is_failure);
    answer.is_failure = false;
    want(memcmp(&answer, &nothing, sizeof(nothing)) == 0);
}

static void try_problem(const char *body, size_t length)
{
    char problem[KEY_ANSWER_PROBLEM_SIZE];

    key_answer_problem("application/problem+json", body, length, problem);
    want(strlen(problem) < sizeof(problem));
    (void)key_answer_has_cause("application/problem+json", body, length);
}

static void try_time(const char *text, size_t length)
{
    char copy[64];
    int64_t seconds = 0;

    if (length >= sizeof(copy))
        return;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (utc_read(copy, UTC_RFC_3339, &seconds))
        want(seconds >= INT64_C(-62167305540) && seconds <= INT64_C(253402387140));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data + 1;

    if (size == 0)
        return 0;
    switch (data[0] % 4) {
    case 0:
        try_answer(KEY_AKMA, text, size - 1);
        break;
    case 1:
        try_answer(KEY_GBA, text, size - 1);
        break;
    case 2:
        try_problem(text, size - 1);
        break;
    default:
        try_time(text, size - 1);
    }
    return 0;
}
