/*
 * Hexadecimal text to octets, and back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HEX_H
#define HEX_H

#include <stdbool.h>
#include <stddef.h>

/* Decode digits, an even number of them, into half as many octets; false if that cannot be. */
bool hex_decode(unsigned char *octets, const char *hex, size_t digits);

/* Write two lower-case digits for each octet, without a NUL; their number. */
size_t hex_encode(char *restrict hex, const unsigned char *restrict octets, size_t length);

#endif
