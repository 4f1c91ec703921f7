/*
 * S of AKMA-KA, for computing the HMAC outside the module: in a token
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_STRING_H
#define KA_STRING_H

#include <stddef.h>

#define KA_STRING_TEXT_MAX 255 /* octets of a device and of a ka-id */
#define KA_STRING_MAX      (2 + 7 + 2 + KA_STRING_TEXT_MAX + 2 + KA_STRING_TEXT_MAX + 2)

/*
 * S = FF E2 || "akma-ka" || 0007 || device || L1 || ka-id || L2 (docs/derivation.md). Returns its
 * length; or 0 if a text is too long or not allowed in a devices file: *fault says which, and what
 * is wanted. With an empty device, S belongs to no device, and its HMAC distinguishes masters.
 */
size_t ka_string(unsigned char s[KA_STRING_MAX], const char *device, const char *ka_id,
                 const char **fault);

#endif
