/*
 * Errors: that one was raised counts, and no text is made
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "errors.h"

#include "proof.h"

size_t raised;

void errors_raise(const struct errors *errors, const char *file, int line, const char *function,
                  enum reason reason, const char *format, ...)
{
    (void)errors, (void)file, (void)line, (void)function, (void)format;
    CLAIM(reason != REASON_NONE);
    raised++;
}

const char *errors_shown(char shown[SHOWN_SIZE], const char *given, size_t length)
{
    (void)given, (void)length;
    return shown;
}
