/*
 * Lines of JSON, strict: one object, no name twice, hex of a fixed length
 *
 * Texts of JSON hold Ks_NAF: jansson cleanses what it releases, once it was set up so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef JSON_LINE_H
#define JSON_LINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define JSON_FAULT_SIZE 200

/* To be called once, before anything else of jansson. */
void json_line_set_up(void);

/* An object; NULL: fault says what is wrong, without octets of the line: it may hold a key. */
json_t *json_line_parse(const char *line, size_t length, char fault[JSON_FAULT_SIZE]);

/*
 * The object with one member more; both are taken over. NULL: there was no memory for either of
 * them, or for this. (What json_pack() may leave out, "s*", it leaves out without memory as well.)
 */
json_t *json_line_with(json_t *object, const char *name, json_t *value);

/* The text of a packed object, which is taken over; NULL when out of memory. */
char *json_line_encode(json_t *object);

/* Cleanse and release what json_line_encode() gave. NULL is fine. */
void json_line_free(char *text);

/* Write a fault; returns false, so that it can end a check. */
bool json_line_fault(char fault[JSON_FAULT_SIZE], const char *what, const char *detail);

/* Room for the hex of octets. */
#define JSON_HEX_SIZE(octets) (2 * (octets) + 1)

void json_line_to_hex(char *hex, const unsigned char *octets, size_t length);

/* False: not the hex of exactly length octets. */
bool json_line_from_hex(unsigned char *octets, size_t length, const char *hex);

#endif
