/*
 * What went wrong, in a sentence
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fault.h"

#include <stdarg.h>
#include <stdio.h>

bool gba_fail(char fault[GBA_FAULT_SIZE], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, in the line before */
    (void)vsnprintf(fault, GBA_FAULT_SIZE, format, arguments);
    va_end(arguments);
    return false;
}
