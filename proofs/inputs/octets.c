/*
 * The module's octets, whose owners embed less: so that short values need memory of their own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define octets_init octets_init_whole
#include "../../provider/octets.c"
#undef octets_init

size_t embedded_max;

void octets_init(struct octets *octets, unsigned char *embedded, size_t capacity)
{
    octets_init_whole(octets, embedded, capacity < embedded_max ? capacity : embedded_max);
}
