/*
 * The form of a key: what cannot be one
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "key_form.h"

#include <stdbool.h>

/*
 * Is every octet zero? Memory that nobody wrote a key to looks like that. The answer tells that an
 * argument is refused, and no more of its octets.
 */
static bool declassified_is_zero(const unsigned char *octets, size_t length)
{
    volatile bool zero = false; /* one branch here, and none behind it sees more than the answer */
    unsigned char sum = 0;

    for (size_t i = 0; i < length; i++)
        sum |= octets[i];
    if (sum == 0)
        zero = true;
    return zero;
}

const char *key_fault(const unsigned char *key, size_t length)
{
    return declassified_is_zero(key, length)
               ? "every octet is zero; give the key (was it ever written there?)"
               : NULL;
}
