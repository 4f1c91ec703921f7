/*
 * Deriving from what a context was given: every check, then a mode
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_DERIVE_H
#define AKMA_DERIVE_H

#include "context.h"

/* True if the provider's policy was understood; else nothing may be derived, an error is raised. */
bool derive_is_allowed(const struct provctx *provctx);

/* Derive length octets; false with an error raised, and whatever was written is cleansed. */
bool derive(struct kdf_ctx *ctx, unsigned char *out, size_t length);

/* Cleanse an output of a length that this context could give. */
void cleanse_output(const struct kdf_ctx *ctx, unsigned char *out, size_t length);

#endif
