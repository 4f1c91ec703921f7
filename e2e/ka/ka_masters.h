/*
 * Ka's derived from one or several master secrets; the ka-id selects the master
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_MASTERS_H
#define KA_MASTERS_H

#include "ka/ka_kinds.h"

/* As in the row of a kind. */
bool ka_masters_check(const struct ka_settings *settings, char fault[KA_FAULT_SIZE]);
struct ka_source *ka_masters_open(const struct ka_settings *settings, char fault[KA_FAULT_SIZE]);
struct ka_files *ka_masters_read(const struct ka_settings *settings, char fault[KA_FAULT_SIZE]);
void ka_masters_use(struct ka_source *source, struct ka_files *files);
void ka_masters_drop(struct ka_files *files);
bool ka_masters_try(const struct ka_settings *settings, char fault[KA_FAULT_SIZE]);

#endif
