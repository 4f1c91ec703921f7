/*
 * Ka's in PostgreSQL: sealed rows of the table akma_ka (examples/postgresql)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_POSTGRESQL_H
#define KA_POSTGRESQL_H

#include "ka/ka_kinds.h"

/* As in the row of a kind. */
bool ka_postgresql_check(const struct ka_settings *settings, char fault[KA_FAULT_SIZE]);
struct ka_source *ka_postgresql_open(const struct ka_settings *settings, char fault[KA_FAULT_SIZE]);
struct ka_files *ka_postgresql_read(const struct ka_settings *settings, char fault[KA_FAULT_SIZE]);
void ka_postgresql_use(struct ka_source *source, struct ka_files *files);
void ka_postgresql_drop(struct ka_files *files);
bool ka_postgresql_try(const struct ka_settings *settings, char fault[KA_FAULT_SIZE]);

#endif
