/*
 * The line and the answer of a first connection over DTLS, in case the UE repeats the line
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UE_REPEATS_H
#define UE_REPEATS_H

#include <stdbool.h>
#include <stddef.h>

#define UE_REPEATS_SECONDS 60 /* that a session is kept for repeats: a UE repeats for 40 */

struct ue_repeats;

/* Of a line, which is copied. NULL: out of memory. */
struct ue_repeats *ue_repeats_new(const char *line, size_t length);

/* Once. False: out of memory. */
bool ue_repeats_set_answer(struct ue_repeats *repeats, const char *answer);

/* The answer to this line; NULL: it is a different line. */
const char *ue_repeats_answer(const struct ue_repeats *repeats, const char *line, size_t length);

/* NULL is fine. */
void ue_repeats_free(struct ue_repeats *repeats);

#endif
