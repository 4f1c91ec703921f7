/*
 * Errors: one list of reasons, raised on OpenSSL's error stack through the core that loaded us
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "errors.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

const OSSL_ITEM error_reasons[] = {
#define REASON(name, text) {REASON_##name, (void *)(uintptr_t)(text)},
    AKMA_REASONS(REASON)
#undef REASON
        {0, NULL},
};

void errors_raise(const struct errors *errors, const char *file, int line, const char *function,
                  enum reason reason, const char *format, ...)
{
    va_list arguments;

    errors->new_error(errors->handle);
    errors->set_debug(errors->handle, file, line, function);
    va_start(arguments, format);
    errors->vset(errors->handle, (uint32_t)reason, format, arguments);
    va_end(arguments);
}

const char *errors_shown(char shown[SHOWN_SIZE], const char *given, size_t length)
{
    static const char dots[] = "...";
    const size_t room = SHOWN_SIZE - sizeof(dots);
    const size_t end = length <= room ? length : room;

    for (size_t i = 0; i < end; i++)
        shown[i] = (char)(given[i] >= ' ' && given[i] <= '~' ? given[i] : '?');
    memcpy(shown + end, length <= room ? "" : dots, length <= room ? 1 : sizeof(dots));
    return shown;
}
