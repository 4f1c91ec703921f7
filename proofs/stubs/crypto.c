/*
 * What libcrypto does with memory: allocations may fail, and what is given back has to be cleansed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proof.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* Blocks of a constant size each are much easier on cbmc than one of any size. */
#define SECURE_MAX 8

size_t secret_length;

void OPENSSL_cleanse(void *memory, size_t length)
{
    for (size_t i = 0; i < length; i++)
        ((unsigned char *)memory)[i] = 0;
}

void *CRYPTO_secure_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    for (size_t constant = 1; constant <= SECURE_MAX; constant++)
        if (size == constant)
            return malloc(constant); /* NULL at times */
    CLAIM(size == 0);
    return NULL;
}

void CRYPTO_secure_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    for (size_t i = 0; i < secret_length; i++)
        CLAIM(((unsigned char *)memory)[i] == 0);
    free(memory);
}
