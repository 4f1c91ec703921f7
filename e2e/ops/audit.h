/*
 * The audit log: a line for every key that is issued, used or revoked (--audit-log)
 *
 *     time=2026-01-31T12:00:00Z event=key-issued key=e2e_key identity=ue1@bsf.example.com
 * device=ue1 ka-id=2026 naf=naf.example.com e2e-identity=e2e-...
 *
 * (in one line). Only appended to, and brought to the disk; nobody waits for it. Identities are in
 * full, whatever --log-identities says: it is the operator's own record, of mode 0600. No key is
 * ever in it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AUDIT_H
#define AUDIT_H

#include <stdbool.h>

/* Once. path NULL: there is none. False: the reason went to standard error. */
bool audit_open(const char *path);

/* event, then keys and values alternately, then NULL. A pair whose value is NULL is left out. */
void audit(const char *event, ...) __attribute__((sentinel));

/* Open the file again, by its name. */
void audit_reopen(void);

#endif
