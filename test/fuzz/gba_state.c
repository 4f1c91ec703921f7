/*
 * Fuzz target: the state file of a bootstrapping
 *
 * What is taken keeps to its form; of what is refused nothing is left.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "names.h"
#include "state.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void want(int condition)
{
    if (!condition)
        abort();
}

/* The text as a private file; its path. */
static int make_file(char path[64], const uint8_t *data, size_t size)
{
    const int fd = memfd_create("state", 0);

    want(fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, data, size) == (ssize_t)size);
    (void)snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static void try_state(const struct gba_state *state)
{
    want(strlen(state->imsi) >= 6 && strspn(state->imsi, "0123456789") == strlen(state->imsi));
    want(names_nai_fault(state->impi) == NULL && names_nai_fault(state->b_tid) == NULL);
    want(state->lifetime > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gba_state state;
    char path[64], fault[GBA_FAULT_SIZE] = "";
    const int fd = make_file(path, data, size);

    if (gba_state_read(&state, path, fault))
        try_state(&state);
    else
        want(fault[0] != '\0' && !state.has_ks && state.b_tid[0] == '\0');
    (void)close(fd);
    return 0;
}
