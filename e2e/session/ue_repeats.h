/*
 * What a first connection over DTLS was asked, and what it was answered: for when it asks again
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UE_REPEATS_H
#define UE_REPEATS_H

#include <stdbool.h>
#include <stddef.h>

#define UE_REPEATS_SECONDS 60 /* that a session is kept for them: a UE asks for 40 */

struct ue_repeats;

/* Of a line, which is copied. NULL: out of memory. */
struct ue_repeats *ue_repeats_new(const char *line, size_t length);

/* Once. False: out of memory. */
bool ue_repeats_set_answer(struct ue_repeats *repeats, const char *answer);

/* What the same line is answered with; NULL: it is another one. */
const char *ue_repeats_answer(const struct ue_repeats *repeats, const char *line, size_t length);

/* NULL is fine. */
void ue_repeats_free(struct ue_repeats *repeats);

#endif
