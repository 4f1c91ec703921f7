/*
 * As many octets can be derived as the digest gives in 255 blocks, or in one (TS 33.220 B.2.0, of
 * the derivations of 3GPP); one at least, of AKMA-KA all 32, and somewhere to write them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proof.h"

#include "derive.c"

void prove(void)
{
    static const size_t sizes[] = {32, 48, 64, 32, 32, 48, 64};
    static struct provctx provctx;
    static unsigned char octet;
    static struct kdf_ctx ctx = {.provctx = &provctx};

    for (enum derivation_id id = 0; id < DERIVATION_COUNT; id++)
        for (enum digest_id digest = 0; digest < DIGEST_COUNT; digest++) {
            const struct algorithm algorithm = {.row = &derivations[id]};
            const size_t length = nondet_size();
            const size_t max = sizes[digest] * (id == DERIVATION_E2E ? 255 : 1);
            const bool has_buffer = nondet_bool(),
                       wanted =
                           has_buffer && length >= (id == DERIVATION_KA ? 32 : 1) && length <= max;

            ctx.inputs.algorithm = &algorithm;
            ctx.inputs.settings.digest = digest;
            raised = 0;
            CLAIM(output_fits(&ctx, has_buffer ? &octet : NULL, length) == wanted);
            CLAIM(raised == !wanted);
        }
}
