// The public header in C++: every macro is there, and nothing else is needed.
// SPDX-License-Identifier: Apache-2.0
#include <akma/kdf.h>
#include <akma/kdf.h>

static_assert(AKMA_NAF_ID_MAX == AKMA_NAF_FQDN_MAX + AKMA_UA_PROTOCOL_ID_LENGTH, "NAF_Id");
static_assert(sizeof(AKMA_KDF_E2E) == sizeof("AKMA-E2E"), "a string literal");
