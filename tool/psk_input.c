/*
 * The devices that akma psk reads, twice: a file, or a pipe that is held in memory for it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "psk_input.h"

#include "secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECE ((size_t)256 * 1024)

static bool set_fault(char fault[PSK_INPUT_FAULT_SIZE], const char *what)
{
    (void)snprintf(fault, PSK_INPUT_FAULT_SIZE, "%s", what);
    return false;
}

bool psk_input_open(struct psk_input *input, const char *in, char fault[PSK_INPUT_FAULT_SIZE])
{
    const bool is_stdin = strcmp(in, "-") == 0;

    *input = (struct psk_input){
        .fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                       : open(in, O_RDONLY | O_CLOEXEC | O_NOCTTY),
        .name = is_stdin ? "standard input" : in,
    };
    if (input->fd < 0 || fstat(input->fd, &input->status) != 0)
        return set_fault(fault, strerror(errno));
    input->begin = S_ISREG(input->status.st_mode) ? lseek(input->fd, 0, SEEK_CUR) : 0;
    return true;
}

/* The beginning of no text: the rest of it, which may have no end, is not waited for. */
static bool is_no_text(const char *piece, size_t length)
{
    return memchr(piece, '\0', length) != NULL ||
           (length == PIECE && memchr(piece, '\n', length) == NULL);
}

static bool copy(int from, int to, char *piece, char fault[PSK_INPUT_FAULT_SIZE])
{
    size_t total = 0;
    ssize_t got;

    while ((got = read(from, piece, PIECE)) > 0) {
        total += (size_t)got;
        if (total > PSK_PIPE_MAX)
            return set_fault(fault,
                             "more than 1 GiB, which a pipe is held in memory for: give a file");
        if (!secret_file_write(to, piece, (size_t)got))
            return set_fault(fault, strerror(errno));
        if (is_no_text(piece, (size_t)got))
            return true; /* reading it says what is wrong */
    }
    return got == 0 || set_fault(fault, strerror(errno));
}

/* In a file without a name, whose pages nobody else sees. */
bool psk_input_hold(struct psk_input *input, char fault[PSK_INPUT_FAULT_SIZE])
{
    char *piece;
    int held;
    bool done = false;

    if (S_ISREG(input->status.st_mode))
        return true;
    piece = OPENSSL_malloc(PIECE);
    held = memfd_create("akma psk", MFD_CLOEXEC);
    if (piece == NULL || held < 0)
        (void)set_fault(fault, piece == NULL ? "out of memory" : strerror(errno));
    else
        done = copy(input->fd, held, piece, fault) &&
               (fstat(held, &input->status) == 0 || set_fault(fault, strerror(errno)));
    OPENSSL_clear_free(piece, PIECE);
    (void)close(input->fd);
    input->fd = held;
    return done && psk_input_rewind(input, fault);
}

bool psk_input_is_unchanged(const struct psk_input *input, char fault[PSK_INPUT_FAULT_SIZE])
{
    const struct timespec *before = &input->status.st_mtim;
    struct stat now;

    return (fstat(input->fd, &now) == 0 && now.st_size == input->status.st_size &&
            now.st_mtim.tv_sec == before->tv_sec && now.st_mtim.tv_nsec == before->tv_nsec) ||
           set_fault(fault, "it was changed while it was read: do it again");
}

bool psk_input_rewind(struct psk_input *input, char fault[PSK_INPUT_FAULT_SIZE])
{
    return lseek(input->fd, input->begin, SEEK_SET) == input->begin ||
           set_fault(fault, strerror(errno));
}

void psk_input_close(struct psk_input *input)
{
    if (input->fd >= 0)
        (void)close(input->fd);
    input->fd = -1;
}
