/*
 * What impi_fault() accepts
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "forms.h"

void prove(void)
{
    unsigned char text[LENGTH];
    const size_t length = nondet_size();

    GIVEN(length >= 1 && length <= LENGTH);
    is_text = nondet_bool();
    has_blank = nondet_bool();
    CLAIM((impi_fault(text, length) == NULL) ==
          (is_text && !has_blank && !begins_with(text, length, "sip:") &&
           !begins_with(text, length, "sips:") && !begins_with(text, length, "tel:") &&
           is_nai_form(text, length)));
}
