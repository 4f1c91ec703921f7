/*
 * Errors: one list of reasons, raised on OpenSSL's error stack through the core that loaded us
 *
 * The data text names the parameter, then what was given, then what is wanted. It never holds a
 * secret, and stays under 1000 octets: a longer one vanishes from the error stack.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_ERRORS_H
#define AKMA_ERRORS_H

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#define AKMA_REASONS(REASON)                       \
    REASON(MISSING, "missing parameter")           \
    REASON(REPEATED, "parameter given twice")      \
    REASON(CONFLICT, "conflicting parameters")     \
    REASON(TYPE, "wrong parameter type")           \
    REASON(LENGTH, "invalid length")               \
    REASON(VALUE, "invalid value")                 \
    REASON(OUTPUT_LENGTH, "invalid output length") \
    REASON(EXPIRED, "key past its end of life")    \
    REASON(POLICY, "refused by policy")            \
    REASON(UNAVAILABLE, "algorithm not available") \
    REASON(HMAC, "HMAC failed")                    \
    REASON(MEMORY, "out of memory")                \
    REASON(CORE, "unsuitable libcrypto")

enum reason {
    REASON_NONE,
#define REASON(name, text) REASON_##name,
    AKMA_REASONS(REASON)
#undef REASON
};

/* Number and text of every reason, ended by {0, NULL}: OSSL_FUNC_provider_get_reason_strings(). */
extern const OSSL_ITEM error_reasons[];

/* The core's error functions, bound to one loaded instance of this provider. */
struct errors {
    const OSSL_CORE_HANDLE *handle;
    OSSL_FUNC_core_new_error_fn *new_error;
    OSSL_FUNC_core_set_error_debug_fn *set_debug;
    OSSL_FUNC_core_vset_error_fn *vset;
};

/* Put one error on the calling thread's stack; ... is a format and what it prints. */
#define RAISE(errors, reason, ...) \
    errors_raise(errors, __FILE__, __LINE__, __func__, reason, __VA_ARGS__)

void errors_raise(const struct errors *errors, const char *file, int line, const char *function,
                  enum reason reason, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

#define SHOWN_SIZE 64

/* What was given, fit for an error text: printable, cut with dots to SHOWN_SIZE. Returns shown. */
const char *errors_shown(char shown[SHOWN_SIZE], const char *given, size_t length);

#endif
