/*
 * A number of a policy is read if and only if it is decimal digits within the key's bounds
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proof.h"

#include <stdio.h>

#define snprintf(...) 0 /* what an error says is not under proof */
#include "policy_keys.c"

#define LENGTH \
    7 /* octets: two more than the longest number has digits, unless it starts with zeros */

/* What comes before them: nothing, or of 2^64 what makes a number that is beyond 64 bits. */
#ifndef BEGIN
#    define BEGIN ""
#endif
#define BEGIN_LENGTH (sizeof(BEGIN) - 1)

const char *errors_shown(char shown[SHOWN_SIZE], const char *came, size_t length)
{
    (void)came, (void)length;
    return shown;
}

void prove(void)
{
    const struct policy_key *key =
        &policy_keys[nondet_bool() ? POLICY_KEY_MIN_KA_LENGTH : POLICY_KEY_MIN_REFRESH_LENGTH];
    char value[BEGIN_LENGTH + LENGTH + 1], fault[POLICY_REASON_SIZE];
    struct policy_setting setting = {.number = 0};
    unsigned long number = 0;
    bool wanted = true;

    for (size_t i = 0; i < BEGIN_LENGTH; i++)
        value[i] = BEGIN[i];
    value[BEGIN_LENGTH + LENGTH] = '\0';
    for (size_t i = 0; value[i] != '\0'; i++) {
        wanted = wanted && value[i] >= '0' && value[i] <= '9';
        if (wanted && number <= key->max) /* and does not matter beyond */
            number = number * 10 + (unsigned long)(value[i] - '0');
    }
    wanted = wanted && value[0] != '\0' && number >= key->min && number <= key->max;
    CLAIM(read_number(key, &setting, value, fault) == wanted);
    CLAIM(!wanted || setting.number == number);
}
