/*
 * The keys under which records of a shared store are sealed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "seal_keys.h"

#include "hex.h"
#include "printable.h"
#include "secret_file.h"

#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DIGITS_MAX 10 /* of a 32-bit number */
#define FILE_MAX   ((size_t)SEAL_KEYS_MAX * (DIGITS_MAX + 1 + 2 * SEAL_KEY_LENGTH + 1))

/* The number before the colon; false: it is none, or too large. */
static bool parse_number(const char *text, size_t digits, uint32_t *number)
{
    uint64_t value = 0;

    for (size_t i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *number = (uint32_t)value;
    return digits > 0 && value <= UINT32_MAX;
}

/* NULL, or what is wrong with a line. */
static const char *parse_line(struct seal_keys *keys, const char *line, size_t length)
{
    const char *colon = memchr(line, ':', length < DIGITS_MAX + 1 ? length : DIGITS_MAX + 1);
    struct seal_key key;

    if (keys->count == SEAL_KEYS_MAX)
        return "there are more than 16 keys";
    if (colon == NULL || !parse_number(line, (size_t)(colon - line), &key.number))
        return "must begin with a number from 0 to 4294967295 and a colon";
    if (seal_keys_find(keys, key.number) != NULL)
        return "an earlier line has this number";
    if (length - (size_t)(colon + 1 - line) != (size_t)2 * SEAL_KEY_LENGTH ||
        !hex_decode(key.octets, colon + 1, (size_t)2 * SEAL_KEY_LENGTH))
        return "64 hex digits must follow the colon";
    keys->keys[keys->count++] = key;
    OPENSSL_cleanse(&key, sizeof(key));
    return NULL;
}

/* NULL, or what is wrong; then line says where. */
static const char *parse_lines(struct seal_keys *keys, const char *text, size_t length,
                               size_t *line)
{
    const char *wrong = NULL;

    for (*line = 1; length > 0 && wrong == NULL; *line += wrong == NULL) {
        const char *end = memchr(text, '\n', length);
        const size_t octets = end == NULL ? length : (size_t)(end - text);

        wrong = parse_line(keys, text, octets);
        text += octets + (end != NULL);
        length -= octets + (end != NULL);
    }
    return wrong != NULL || keys->count > 0 ? wrong : "there is no key; write N:<64 hex digits>";
}

struct seal_keys *seal_keys_parse(const char *text, size_t length, char fault[SEAL_KEYS_FAULT_SIZE])
{
    struct seal_keys *keys = OPENSSL_zalloc(sizeof(*keys));
    const char *wrong = "out of memory";
    size_t line = 1;

    if (keys != NULL)
        wrong = parse_lines(keys, text, length, &line);
    if (wrong == NULL)
        return keys;
    (void)snprintf(fault, SEAL_KEYS_FAULT_SIZE, "line %zu: %s", line, wrong);
    seal_keys_free(keys);
    return NULL;
}

struct seal_keys *seal_keys_read(const char *path, char fault[SEAL_KEYS_FAULT_SIZE])
{
    struct seal_keys *keys;
    size_t length = 0;
    char *text = secret_file_read(path, FILE_MAX, false, &length, fault);

    if (text == NULL)
        return NULL;
    keys = seal_keys_parse(text, length, fault);
    secret_file_free(text, length);
    return keys;
}

const struct seal_key *seal_keys_find(const struct seal_keys *keys, uint32_t number)
{
    for (size_t i = 0; i < keys->count; i++)
        if (keys->keys[i].number == number)
            return &keys->keys[i];
    return NULL;
}

void seal_keys_free(struct seal_keys *keys)
{
    OPENSSL_clear_free(keys, sizeof(*keys));
}
