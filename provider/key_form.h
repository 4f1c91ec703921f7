/*
 * The form of a key: what cannot be one
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_KEY_FORM_H
#define AKMA_KEY_FORM_H

#include <stddef.h>

/* NULL, or what is wrong and what is wanted: a key is not all zero. Takes the same time for all. */
const char *key_fault(const unsigned char *key, size_t length);

#endif
