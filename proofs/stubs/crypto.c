/*
 * What libcrypto does with memory: allocations may fail, and secret memory has to be cleansed when
 * it is given back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proof.h"

#include <openssl/crypto.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

size_t failing, blocks, texts;
bool has_failed, compares_same;
const void *cleansed;

bool fails(void)
{
    const bool now = failing == 1;

    failing -= failing > 0;
    has_failed |= now;
    return now;
}

void OPENSSL_cleanse(void *memory, size_t length)
{
    for (size_t i = 0; i < length; i++)
        ((unsigned char *)memory)[i] = 0;
    cleansed = memory;
}

/* Zero at first, so that what is not zero in the end was written and not cleansed. */
static void *allocate(size_t size, size_t *in_use)
{
    if (fails())
        return NULL;
    ++*in_use;
#ifdef ANY_SIZE /* blocks of a constant size each are much easier on cbmc than one of any size */
    for (size_t constant = 1; constant <= ANY_SIZE; constant++)
        if (size == constant)
            return calloc(1, constant);
    CLAIM(false);
#endif
    return calloc(1, size);
}

void *CRYPTO_secure_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return allocate(size, &blocks);
}

void CRYPTO_secure_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    for (size_t i = 0; i < __CPROVER_OBJECT_SIZE(memory); i++)
        CLAIM(((unsigned char *)memory)[i] == 0);
    blocks--;
    free(memory);
}

char *CRYPTO_strndup(const char *text, size_t length, const char *file, int line)
{
    char *copy = allocate(length + 1, &texts);

    (void)file;
    (void)line;
    for (size_t i = 0; copy != NULL && i < length; i++)
        copy[i] = text[i];
    return copy;
}

char *CRYPTO_strdup(const char *text, const char *file, int line)
{
    return CRYPTO_strndup(text, strlen(text), file, line);
}

void CRYPTO_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    texts -= memory != NULL;
    free(memory);
}

/* The answer is told beforehand, so that cbmc has no two ways to go from here. */
int CRYPTO_memcmp(const void *one, const void *other, size_t length)
{
    unsigned char differs = 0;

    for (size_t i = 0; i < length; i++)
        differs |= ((const unsigned char *)one)[i] ^ ((const unsigned char *)other)[i];
    GIVEN((differs == 0) == compares_same);
    return compares_same ? 0 : 1;
}

int OPENSSL_hexchar2int(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

OSSL_PARAM OSSL_PARAM_construct_end(void)
{
    return (OSSL_PARAM){0};
}
