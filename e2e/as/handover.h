/*
 * SIGUSR2: what the new program and the one before it tell each other
 *
 * Each program that ends is told by all that came after it: those between may be gone before it.
 *
 * A packet is a word, and what follows it behind NULs. Another version may know words that this one
 * does not: they are ignored.
 *
 *     ready                            new to old: it can serve
 *     go SECRET                        old to new: nobody accepts on them now, and you may; 32
 *                                      octets, which cookies of DTLS are made with
 *     exec ERRNO                       new to old: there is no such program
 *     reload                           new to old: SIGHUP came
 *     reopen                           new to old: SIGUSR1 came
 *     revoke DEVICE KA-ID SUBJECT NAF  new to old: each "=" and the text, or "-": any (store.h)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>

/* In the new program's environment: FIRST:COUNT, descriptors to those before it, the last one
 * first.
 */
#define HANDOVER_VARIABLE "AKMA_PREDECESSORS"
#define HANDOVER_MAX      32   /* programs that are ending at a time */
#define HANDOVER_SIZE     1200 /* octets of a packet at most */

#define HANDOVER_READY  "ready"
#define HANDOVER_GO     "go"
#define HANDOVER_EXEC   "exec"
#define HANDOVER_RELOAD "reload"
#define HANDOVER_REOPEN "reopen"
#define HANDOVER_REVOKE "revoke"

/* "revoke" and its scope; its octets. */
size_t handover_write_scope(char packet[HANDOVER_SIZE], const struct store_scope *scope);

/* What follows the word; texts point into the packet, which ends with a NUL. False: it is none. */
bool handover_read_scope(const char *packet, size_t length, struct store_scope *scope);

#endif
