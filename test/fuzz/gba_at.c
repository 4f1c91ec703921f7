/*
 * Fuzz target: what a modem answers, line by line
 *
 * Lines as the reader cuts them: no NUL, no line feed, shorter than AT_LINE_SIZE. An answer is what
 * followed the word that was wanted; an APDU and a file that are taken from it keep to their sizes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "at_answer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LENGTH 9 /* EF_IMSI */

static void want(int condition)
{
    if (!condition)
        abort();
}

/* The next line, with what ends it passed over. False: there is none. */
static bool next_line(const uint8_t **data, size_t *size, char line[AT_LINE_SIZE])
{
    const uint8_t *end = memchr(*data, '\n', *size);
    const size_t length = end == NULL ? *size : (size_t)(end - *data);
    size_t there = 0;

    if (*size == 0)
        return false;
    for (size_t i = 0; i < length && there < AT_LINE_SIZE - 1; i++)
        if ((*data)[i] != '\0')
            line[there++] = (char)(*data)[i];
    line[there] = '\0';
    *data += length + (end != NULL);
    *size -= length + (end != NULL);
    return true;
}

static void try_found(const char *found)
{
    unsigned char apdu[APDU_ANSWER_MAX], file[FILE_LENGTH];
    size_t length = 0;

    if (at_answer_apdu(found, apdu, &length))
        want(length <= sizeof(apdu) && strtoul(found, NULL, 10) == 2 * length);
    if (at_answer_file(found, file, sizeof(file)))
        want(strncmp(found, "144,0,", 6) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct at_answer answer = {.command = "AT+CSIM=", .wanted = "+CSIM: "};
    char line[AT_LINE_SIZE], fault[GBA_FAULT_SIZE] = "";
    enum at_line result = AT_MORE;

    if (size > 0 && (data[0] & 1) != 0)
        answer.wanted = "+CRSM: ";
    while (result == AT_MORE && next_line(&data, &size, line))
        result = at_answer_take(&answer, line, fault);
    want(strlen(answer.found) < sizeof(answer.found));
    if (result == AT_DONE)
        want(answer.found[0] != '\0');
    if (result == AT_REFUSED)
        want(fault[0] != '\0');
    try_found(answer.found);
    return 0;
}
