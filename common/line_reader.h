/*
 * Whole lines of a file or pipe, a block at a time: the memory used does not grow with the file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LINE_READER_H
#define LINE_READER_H

#include <stdbool.h>
#include <stddef.h>

#define BLOCK_SIZE ((size_t)256 * 1024) /* also bounds a line; a row with the longest Ka fits */

/* What some editors begin a file of UTF-8 with, and why it is refused. */
#define BYTE_ORDER_MARK      "\xEF\xBB\xBF"
#define BYTE_ORDER_MARK_SAYS "a byte order mark comes before it; write UTF-8 without one"

struct line_reader {
    int fd;
    char *carried; /* the beginning of a line whose end is not read yet */
    size_t length;
};

enum line_reader_result {
    BLOCK_READ,     /* one line or more */
    BLOCK_END,      /* nothing is left */
    BLOCK_CUT,      /* the last line has no end: the file may have been cut */
    BLOCK_TOO_LONG, /* a line does not fit into a block */
    BLOCK_FAILED    /* errno says why */
};

/* False when out of memory. The caller keeps fd. */
bool line_reader_open(struct line_reader *lines, int fd);

/* The caller has moved in the file: drop the carried beginning of a line. */
void line_reader_again(struct line_reader *lines);

/* Read a block of whole lines, each with its LF. */
enum line_reader_result line_reader_block(struct line_reader *lines, char block[BLOCK_SIZE],
                                          size_t *length);

/* What a result other than BLOCK_READ and BLOCK_END means, as the end of a sentence. */
const char *line_reader_says(enum line_reader_result result);

/* Cleanse and release. */
void line_reader_close(struct line_reader *lines);

/*
 * The next line of a block: where it begins, and its length without LF or CR LF. False: the block
 * is at its end, or what is left of it has no LF.
 */
bool line_next(char **rest, size_t *left, char **line, size_t *length);

#endif
