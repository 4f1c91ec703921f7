/*
 * The devices that akma psk reads, twice: a file, or a pipe that is held in memory for it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PSK_INPUT_H
#define PSK_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define PSK_INPUT_FAULT_SIZE 200
#define PSK_PIPE_MAX         ((size_t)1024 * 1024 * 1024) /* octets of what is not a file */

struct psk_input {
    int fd; /* -1: none */
    const char *name;
    struct stat status; /* of a file, when it was opened */
    off_t begin;        /* where a shell's `<` has it */
};

/* Open a file, or standard input for "-". False: fault. */
bool psk_input_open(struct psk_input *input, const char *in, char fault[PSK_INPUT_FAULT_SIZE]);

/* Read a pipe to its end, so that what came can be read twice. False: fault. */
bool psk_input_hold(struct psk_input *input, char fault[PSK_INPUT_FAULT_SIZE]);

/* Go back to the beginning. False: fault. */
bool psk_input_rewind(struct psk_input *input, char fault[PSK_INPUT_FAULT_SIZE]);

/* Is it as it was when it was opened? False: fault. */
bool psk_input_is_unchanged(const struct psk_input *input, char fault[PSK_INPUT_FAULT_SIZE]);

void psk_input_close(struct psk_input *input);

#endif
