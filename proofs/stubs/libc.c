/*
 * Loops in place of cbmc's own functions of memory, which are weak where the length is unknown
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>

void *memcpy(void *to, const void *from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        ((unsigned char *)to)[i] = ((const unsigned char *)from)[i];
    return to;
}

/* Like the real one it may be given memory that overlaps. */
void *memmove(void *to, const void *from, size_t length)
{
    unsigned char *out = to;
    const unsigned char *in = from;

    if (__CPROVER_POINTER_OBJECT(to) != __CPROVER_POINTER_OBJECT(from) ||
        __CPROVER_POINTER_OFFSET(to) <= __CPROVER_POINTER_OFFSET(from))
        for (size_t i = 0; i < length; i++)
            out[i] = in[i];
    else
        for (size_t i = length; i > 0; i--)
            out[i - 1] = in[i - 1];
    return to;
}

void *memchr(const void *from, int octet, size_t length)
{
    const unsigned char *in = from;

    for (size_t i = 0; i < length; i++)
        if (in[i] == (unsigned char)octet)
            return (void *)(in + i);
    return NULL;
}
