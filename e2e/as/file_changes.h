/*
 * Whether the files that options name have changed: certificates, keys, CAs, CRLs, passwords
 *
 * The devices file is not among them: half a file must never revoke half a fleet.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FILE_CHANGES_H
#define FILE_CHANGES_H

#include <stdbool.h>

struct file_changes;

/* After the options are parsed and before their files are read. NULL: out of memory. */
struct file_changes *file_changes_new(void);

/*
 * The files are read now; how that ended. False: it failed as it did before. What failed is tried
 * again, less and less often. NULL is fine.
 */
void file_changes_reading(struct file_changes *changes);
bool file_changes_done(struct file_changes *changes, bool taken);

/*
 * Is one another than was read, and did this look and the last one find every file alike? is_soon:
 * one has changed, and the next look should come soon.
 */
bool file_changes_look(struct file_changes *changes, bool *is_soon);

/* NULL is fine. */
void file_changes_free(struct file_changes *changes);

#endif
