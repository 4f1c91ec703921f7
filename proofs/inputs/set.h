/*
 * One call: each of its parameters is taken and that input is another, and nothing else; or an
 * error is raised and all is as it was. What was taken stays, or is put back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SET_H
#define SET_H

#include "given.h"

#define CHOICES 10 /* at most */

/* What was replaced is not left behind: no key, and of S nothing if Ka was in it. */
static void claim_forgotten(const struct inputs_undo *undo, bool has_key, bool has_ka)
{
    for (size_t i = 0; has_key && i < AKMA_KEY_LENGTH; i++)
        CLAIM(undo->key_embedded[i] == 0);
    for (size_t i = 0; has_ka && i < VALUE_MAX; i++)
        CLAIM(undo->s.embedded[i] == 0);
}

/* What is given, and what it has to come to. */
struct call {
    OSSL_PARAM given[CHOICES + 1];
    bool fits;
    struct held was, wanted;
    bool has_key, has_ka; /* has_ka: what is replaced of S is secret */
};

/* Returns whether what was to fail has failed. */
static bool prove_set(const struct call *call, size_t room, bool is_kept, size_t which_fails)
{
    static struct inputs inputs;
    static struct inputs_undo undo;
    bool is_taken;

    inputs_make(&inputs, &call->was, room);
    failing = which_fails;
    is_taken = inputs_begin(&inputs, call->given, &undo, &errors);
    CLAIM(is_taken == (call->fits && !has_failed));
    CLAIM(raised == !is_taken);
    if (is_kept)
        inputs_commit(&inputs, &undo);
    else
        inputs_rollback(&inputs, &undo);
    claim_held(&inputs, is_taken && is_kept ? &call->wanted : &call->was);
    claim_forgotten(&undo, call->has_key, call->has_ka);
    inputs_free(&inputs);
    CLAIM(blocks == 0 && texts == 0);
    return has_failed;
}

static bool prove_call(const struct held *was, struct choice choices[], size_t count, size_t room,
                       bool is_kept, size_t which_fails)
{
    struct call call = {.fits = all_fit(choices, count), .was = *was, .wanted = *was};

    named = 1; /* SHA2-384, HKDF */
    integer =
        AKMA_NOT_AFTER_MAX; /* one that is known, or cbmc follows its refusal; bounds.c has all */
    for (size_t i = 0; i < count; i++) {
        call.given[i] = as_given(&choices[i]);
        call.has_key |= choices[i].row->input == INPUT_KS_NAF;
        call.has_ka |= choices[i].row->input == INPUT_KA;
        if (call.fits)
            hold(&call.wanted, &choices[i]);
    }
    return prove_set(&call, room, is_kept, which_fails);
}

/* Kept, with room; and put back, where each value needs memory of its own. */
static void prove_both(const struct held *was, struct choice choices[], size_t count)
{
    (void)prove_call(was, choices, count, ROOMY, true, 0);
    (void)prove_call(was, choices, count, TIGHT, false, 0);
}

/* The other way round as well, and with each thing failing that can fail. */
static void prove_calls(const struct held *was, struct choice choices[], size_t count)
{
    prove_both(was, choices, count);
    (void)prove_call(was, choices, count, ROOMY, false, 0);
    (void)prove_call(was, choices, count, TIGHT, true, 0);
    for (size_t which = 1; prove_call(was, choices, count, TIGHT, false, which);)
        which++;
}

#endif
