/*
 * Fuzz target: the BSF's document
 *
 * B-TID and lifetime of what is taken keep to their form.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bsf_info.h"
#include "names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void want(int condition)
{
    if (!condition)
        abort();
}

static void try_document(const char *text, size_t length)
{
    struct bsf_info info;
    char fault[GBA_FAULT_SIZE] = "";

    if (!bsf_info_read(&info, text, length, 1, fault)) {
        want(fault[0] != '\0');
        return;
    }
    want(names_nai_fault(info.b_tid) == NULL && info.lifetime > 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_document((const char *)data, size);
    return 0;
}
