/*
 * Derivers of one master whose secret is in this process: as many as threads derive at a time
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_DERIVERS_H
#define KA_DERIVERS_H

#include "master.h"

struct ka_derivers;

/* master is kept. NULL: out of memory. */
struct ka_derivers *ka_derivers_new(struct master *master);

/* As deriver_derive(), on any thread. */
enum master_result ka_derivers_derive(struct ka_derivers *derivers, const char *device,
                                      const char *ka_id, unsigned char ka[MASTER_KA_LENGTH],
                                      char fault[MASTER_FAULT_SIZE]);

/* NULL is fine. Nobody derives any more. */
void ka_derivers_free(struct ka_derivers *derivers);

#endif
