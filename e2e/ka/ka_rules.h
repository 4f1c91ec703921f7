/*
 * Which Ka's may be derived from master secrets: --ka-id and --ka-devices
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_RULES_H
#define KA_RULES_H

#include "ka/ka_kinds.h"

struct ka_rules {
    const char *const *ka_ids;   /* of the options; the first is what flags are issued with */
    const char *const *patterns; /* whose Ka's may be made; none: everybody's */
    size_t masters, ka_id_count;
};

/* Do the options fit the masters? False: fault. */
bool ka_rules_check(const struct ka_settings *settings, char fault[KA_FAULT_SIZE]);

/* Those of the options, whose texts are kept. */
struct ka_rules ka_rules_of(const struct ka_settings *settings);

/*
 * The master of a ka-id, NULL: the one that flags are issued with, which it becomes. The first
 * --ka-id is the first master's, and so on; those that are left are the last one's. A list of two
 * or more is complete; else the only master has every ka-id that a UE names. False: nobody has it.
 */
bool ka_rules_find_master(const struct ka_rules *rules, const char **ka_id, size_t *which);

/* May a Ka of this device be derived? */
bool ka_rules_permit(const struct ka_rules *rules, const char *device);

#endif
