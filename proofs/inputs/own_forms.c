/*
 * FC is one octet other than FF, or FF and one more, which is not AKMA-E2E's; a SUPI is a text, and
 * no IMSI with its type before it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "forms.h"
#include "proof.h"

#include "params.c"

#define LENGTH 9

static bool is_imsi_with_type(const unsigned char *supi, size_t length)
{
    bool is_one = length > 5 && supi[0] == 'i' && supi[1] == 'm' && supi[2] == 's' &&
                  supi[3] == 'i' && supi[4] == '-';

    for (size_t i = 5; i < length; i++)
        is_one = is_one && supi[i] >= '0' && supi[i] <= '9';
    return is_one;
}

void prove(void)
{
    unsigned char octets[LENGTH];
    const size_t length = nondet_size(), fc_length = nondet_bool() ? 1 : 2;
    const bool is_fc = fc_length == 1 ? octets[0] != 0xFF : octets[0] == 0xFF && octets[1] != 0xE2;

    GIVEN(length >= 1 && length <= LENGTH);
    CLAIM((fc_fault(octets, fc_length) == NULL) == is_fc);
    failing = nondet_bool();
    CLAIM((supi_fault(octets, length) != NULL) ==
          (is_imsi_with_type(octets, length) || has_failed));
    CLAIM(
        is_imsi_with_type(octets, length) ||
        (asked.form == FORM_TEXT && asked.value.octets == octets && asked.value.length == length));
    CLAIM(param_table[INPUT_FC].fault == fc_fault && param_table[INPUT_SUPI].fault == supi_fault);
}
