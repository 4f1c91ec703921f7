/*
 * Work that may end its process, in a process of its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>

#define CHILD_WORDS_SIZE 400

typedef void child_work(const void *argument, char words[CHILD_WORDS_SIZE]);

/*
 * Do the work, for 20 seconds at most. Its words arrive, "" if it has none. True: it ended its
 * process, and the words say by which signal.
 */
bool child_run(child_work *work, const void *argument, char words[CHILD_WORDS_SIZE]);

#endif
