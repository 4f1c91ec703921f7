/*
 * A key is alive if and only if it has no end, or the clock can be read and is not beyond it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proof.h"

#include "derive.c"

static time_t now;

time_t time(time_t *into)
{
    (void)into;
    return now;
}

void prove(void)
{
    static struct provctx provctx;
    static struct kdf_ctx ctx = {.provctx = &provctx};
    const bool has_end = nondet_bool();
    bool wanted;

    now = nondet_int64();
    ctx.inputs.settings.present = has_end ? INPUT_BIT(INPUT_NOT_AFTER) : 0;
    ctx.inputs.settings.not_after = nondet_int64();
    wanted = !has_end || (now >= 0 && now <= ctx.inputs.settings.not_after);
    CLAIM(key_is_alive(&ctx) == wanted);
    CLAIM(raised == !wanted);
}
