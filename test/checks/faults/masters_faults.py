"""Faults of Ka's that e2e-as derives from master secrets.

SPDX-License-Identifier: Apache-2.0
"""

from room import Room, of

FLOW, TOKEN = "test_ka_masters", "test_token_flow"

FAULTS = [
    *of(
        "ka_masters.c",
        ("!ka_rules_permit(&masters->rules, device) ||\n        ", ""),
        ("ka_revocations_have(masters->revocations, device, ka_id))", "false)"),
        ("if (settings->pin != NULL && tokens == 0)", "if (false)"),
        by=FLOW,
    ),
    *of(
        "ka_rules.c",
        ("if (rules->ka_id_count < 2)", "if (true)"),
        ("*which = i < rules->masters ? i : rules->masters - 1;", "*which = 0;"),
        ("return rules->patterns[0] == NULL;", "return true;"),
        ("pattern = star + 1;", "return true;"),
        ("return *pattern == '\\0';", "return true;"),
        ("if (masters > 1 && count < masters)", "if (false)"),
        ("strcmp(settings->ka_ids[before], settings->ka_ids[i]) == 0", "false"),
        by=FLOW,
    ),
    *of(
        "ka_revocations.c",
        ("ka_revoked_new_rows(fresh, older, add_change, &news);", "(void)add_change;"),
        by=FLOW,
    ),
    *of(
        "ka_masters.c",
        ("loop_add_timer(request->limit, masters->timeout_ms);", ""),
        ("if (!job->is_given_up) {", "if (true) {"),
        by=TOKEN,
    ),
    *of(
        "ka_revoked.c",
        ('has_row(list, device, "") || ', ""),
        ("has_row(list, device, ka_id) ||", ""),
        (" ||\n           (ka_id[0] != '\\0' && has_row(list, \"\", ka_id))", ""),
        ("return length == 0 || say_line", "return true || say_line"),
        ("(status->st_mode & (S_IWGRP | S_IWOTH)) != 0", "false"),
        ("if (row.device[0] == '\\0' && row.ka_id[0] == '\\0')", "if (false)"),
        ("if (!has_row(older, fresh->device, fresh->ka_id))", "if (false)"),
        by=FLOW,
    ),
    *of(
        "ka_workers.c",
        ("workers->reached != MASTER_REFUSED;", "true;"),
        by=TOKEN,
    ),
    *of(
        "ka_workers.c",
        ("if (is_down && !was_down) {", "if (is_down) {"),
        ("        if (workers->down == 0)\n", "        if (workers->down < 9)\n"),
        ("workers->is_held_up = true;", ""),
        by=FLOW,
    ),
    *of(
        "ka_revoked_table.c",
        ("(void)payload;\n    watch->is_stale = true;", "(void)payload, (void)watch;"),
        by=TOKEN,
    ),
]

TARGETS = "akma akma-tool e2e-as e2e-ue load ka_workers preload_exit_scan token_shim"
ROOM = Room("e2e/ka", TARGETS, [FLOW, TOKEN], FAULTS)
