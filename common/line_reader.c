/*
 * Whole lines of a file or pipe, a block at a time
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "line_reader.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

bool line_reader_open(struct line_reader *lines, int fd)
{
    *lines = (struct line_reader){.fd = fd, .carried = OPENSSL_malloc(BLOCK_SIZE)};
    return lines->carried != NULL;
}

void line_reader_close(struct line_reader *lines)
{
    OPENSSL_clear_free(lines->carried, BLOCK_SIZE);
    lines->carried = NULL;
}

void line_reader_again(struct line_reader *lines)
{
    lines->length = 0;
}

/* Fill the block up, as far as the file goes; the length, or -1. */
static ssize_t fill(int fd, char *block, size_t length)
{
    while (length < BLOCK_SIZE) {
        const ssize_t got = read(fd, block + length, BLOCK_SIZE - length);

        if (got < 0)
            return -1;
        if (got == 0)
            break;
        length += (size_t)got;
    }
    return (ssize_t)length;
}

enum line_reader_result line_reader_block(struct line_reader *lines, char block[BLOCK_SIZE],
                                          size_t *length)
{
    const char *end;
    ssize_t filled;

    memcpy(block, lines->carried, lines->length);
    filled = fill(lines->fd, block, lines->length);
    if (filled < 0)
        return BLOCK_FAILED;
    if (filled == 0)
        return BLOCK_END;
    end = memrchr(block, '\n', (size_t)filled);
    if (end == NULL)
        return (size_t)filled == BLOCK_SIZE ? BLOCK_TOO_LONG : BLOCK_CUT;
    *length = (size_t)(end + 1 - block);
    lines->length = (size_t)filled - *length;
    memcpy(lines->carried, end + 1, lines->length);
    return BLOCK_READ;
}

const char *line_reader_says(enum line_reader_result result)
{
    switch (result) {
    case BLOCK_CUT:
        return "no end of line at the end of the file: it may have been cut off; write it again";
    case BLOCK_TOO_LONG:
        return "longer than any row can be";
    case BLOCK_FAILED:
        return strerror(errno);
    default:
        return "";
    }
}

bool line_next(char **rest, size_t *left, char **line, size_t *length)
{
    const char *end = memchr(*rest, '\n', *left);

    if (end == NULL)
        return false;
    *line = *rest;
    *length = (size_t)(end - *rest);
    *rest += *length + 1;
    *left -= *length + 1;
    if (*length > 0 && (*line)[*length - 1] == '\r')
        (*length)--;
    return true;
}
