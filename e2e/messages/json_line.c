/*
 * Lines of JSON, strict: one object, no name twice, hex of a fixed length
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "messages/json_line.h"

#include "hex.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DETAIL_MAX 100 /* octets of a detail in a fault */

static void cleanse_and_free(void *memory)
{
    if (memory != NULL)
        OPENSSL_cleanse(memory, malloc_usable_size(memory));
    free(memory);
}

void json_line_set_up(void)
{
    json_set_alloc_funcs(malloc, cleanse_and_free);
}

/* The length of what is shown of a detail: whole characters, or an answer would be no JSON. */
static size_t shown_length(const char *detail)
{
    const char *end = detail + strnlen(detail, DETAIL_MAX);

    while (end > detail && ((unsigned char)*end & 0xC0) == 0x80)
        end--;
    return (size_t)(end - detail);
}

bool json_line_fault(char fault[JSON_FAULT_SIZE], const char *what, const char *detail)
{
    (void)snprintf(fault, JSON_FAULT_SIZE, "%s%.*s", what, (int)shown_length(detail), detail);
    return false;
}

json_t *json_line_parse(const char *line, size_t length, char fault[JSON_FAULT_SIZE])
{
    json_error_t error;
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);

    if (object == NULL) {
        (void)snprintf(fault, JSON_FAULT_SIZE, "not JSON with each name once, from octet %d on",
                       error.position);
    } else if (!json_is_object(object)) {
        (void)json_line_fault(fault, "must be a JSON object", "");
        json_decref(object);
        object = NULL;
    }
    OPENSSL_cleanse(&error, sizeof(error)); /* it quotes the line, which may hold a key */
    return object;
}

json_t *json_line_with(json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value) == 0)
        return object;
    json_decref(object);
    return NULL;
}

/* Into memory that is there already: json_dumps() leaves a name out if it gets none. */
char *json_line_encode(json_t *object)
{
    const size_t length = object == NULL ? 0 : json_dumpb(object, NULL, 0, JSON_COMPACT);
    char *line = length == 0 ? NULL : OPENSSL_zalloc(length + 1);

    if (line != NULL && json_dumpb(object, line, length, JSON_COMPACT) != length) {
        json_line_free(line);
        line = NULL;
    }
    json_decref(object);
    return line;
}

void json_line_free(char *text)
{
    if (text != NULL)
        OPENSSL_clear_free(text, strlen(text));
}

void json_line_to_hex(char *hex, const unsigned char *octets, size_t length)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < length; i++) {
        hex[2 * i] = digits[octets[i] >> 4];
        hex[2 * i + 1] = digits[octets[i] & 0x0F];
    }
    hex[2 * length] = '\0';
}

bool json_line_from_hex(unsigned char *octets, size_t length, const char *hex)
{
    return strlen(hex) == 2 * length && hex_decode(octets, hex, 2 * length);
}
