/*
 * What supi_fault() accepts
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "forms.h"

static bool is_imsi(const unsigned char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return length >= 5 && length <= 15;
}

static bool has_prefix(const unsigned char *text, size_t length)
{
    return begins_with(text, length, "imsi-") || begins_with(text, length, "nai-") ||
           begins_with(text, length, "gci-") || begins_with(text, length, "gli-") ||
           begins_with(text, length, "suci-") || begins_with(text, length, "msisdn-") ||
           begins_with(text, length, "extid-") || begins_with(text, length, "imei-") ||
           begins_with(text, length, "imeisv-");
}

void prove(void)
{
    unsigned char text[LENGTH];
    const size_t length = nondet_size();

    GIVEN(length >= 1 && length <= LENGTH);
    is_text = nondet_bool();
    has_blank = nondet_bool();
    CLAIM((supi_fault(text, length) == NULL) ==
          (is_text && !has_blank && !has_prefix(text, length) &&
           (is_imsi(text, length) || is_nai_form(text, length))));
}
