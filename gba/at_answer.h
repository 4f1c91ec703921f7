/*
 * A modem's answer to a command (TS 27.007): lines until OK or an error, perhaps with others in
 * between
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AT_ANSWER_H
#define AT_ANSWER_H

#include "apdu.h"

#define AT_LINE_SIZE 1024

enum at_line {
    AT_MORE,   /* the answer continues */
    AT_DONE,   /* found has it */
    AT_REFUSED /* fault says why */
};

/* A command, and how its answer begins. Cleanse found. */
struct at_answer {
    const char *command, *wanted;
    char found[AT_LINE_SIZE]; /* what follows `wanted`; empty: nothing yet */
};

/* Process one line, without its end. */
enum at_line at_answer_take(struct at_answer *answer, const char *line, char fault[GBA_FAULT_SIZE]);

/* An APDU's answer in +CSIM's form, LENGTH,"HEX". False: it is of another form, or too long. */
bool at_answer_apdu(const char *found, unsigned char apdu[APDU_ANSWER_MAX], size_t *length);

/* The first octets of a file in +CRSM's form, 144,0,"HEX". False: another status, or too few. */
bool at_answer_file(const char *found, unsigned char *octets, size_t length);

#endif
