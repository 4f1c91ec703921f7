/*
 * A modem's answer to a command
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "at_answer.h"

#include "hex.h"
#include "printable.h"

#include <stdlib.h>
#include <string.h>

#define HEX_DIGITS "0123456789abcdefABCDEF"

static bool begins(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

static bool is_error(const char *line)
{
    return begins(line, "ERROR") || begins(line, "+CME ERROR") || begins(line, "NO CARRIER");
}

enum at_line at_answer_take(struct at_answer *answer, const char *line, char fault[GBA_FAULT_SIZE])
{
    const size_t wanted = strlen(answer->wanted);

    if (begins(line, answer->wanted)) {
        if (strlen(line) - wanted < sizeof(answer->found))
            memcpy(answer->found, line + wanted, strlen(line) - wanted + 1);
        return AT_MORE;
    }
    if (is_error(line))
        (void)gba_fail(fault,
                       "the modem refuses %.7s: %s; ask its maker whether programs may use it",
                       answer->command, PRINTABLE(line));
    else if (strcmp(line, "OK") != 0)
        return AT_MORE;
    else if (answer->found[0] != '\0')
        return AT_DONE;
    else
        (void)gba_fail(fault, "the modem answers %.7s without %s", answer->command, answer->wanted);
    return AT_REFUSED;
}

bool at_answer_apdu(const char *found, unsigned char apdu[APDU_ANSWER_MAX], size_t *length)
{
    char *end;
    const unsigned long digits = strtoul(found, &end, 10);
    size_t there;

    if (*end++ != ',')
        return false;
    end += *end == '"' ? 1 : 0;
    there = strspn(end, HEX_DIGITS);
    *length = there / 2;
    return there == digits && there % 2 == 0 && *length <= APDU_ANSWER_MAX &&
           hex_decode(apdu, end, there);
}

bool at_answer_file(const char *found, unsigned char *octets, size_t length)
{
    static const char good[] = "144,0,";

    if (!begins(found, good))
        return false;
    found += strlen(good);
    found += *found == '"' ? 1 : 0;
    return strspn(found, HEX_DIGITS) >= 2 * length && hex_decode(octets, found, 2 * length);
}
