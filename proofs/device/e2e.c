/*
 * akma_e2e() reads and writes only what it was given; a refusal writes nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "given.h"

static void prove_one(enum akma_e2e_mode mode, size_t ka, size_t length)
{
    const uint64_t not_after = (uint64_t)nondet_int64();
    const struct akma_e2e_input input = {
        .ks_naf = any_octets(32),
        .ka = any_octets(ka),
        .naf = {.naf_fqdn = any_octets(1), .ua_protocol_id = any_octets(5)},
        .refresh = any_octets(2),
        .usage = any_octets(1),
        .mode = mode,
        .not_after = nondet_bool() ? &not_after : NULL,
        .now = (uint64_t)nondet_int64(),
    };
    const struct output output = any_output(length);

    claim_all_or_nothing(&output, akma_e2e(&any_hmac, &input, output.key, output.length));
}

void prove(void)
{
    static const size_t lengths[] = {0, 1, 32, 33, 65};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        prove_one(MODE, 16, lengths[i]);
        prove_one(MODE, 32, lengths[i]);
    }
}
