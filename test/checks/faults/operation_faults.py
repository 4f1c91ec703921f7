"""Faults of what operators rely on: health, logs, reloads, upgrades, --check, configuration files.

SPDX-License-Identifier: Apache-2.0
"""

from room import Room, of

HEALTH, CONFIG, UPGRADE = "test_flow_health", "test_config_file", "test_upgrade and not upgrades"

FAULTS = [
    *of(
        "as/readiness.c",
        ("    if (age < READINESS_STUCK_MS)\n", "    if (age >= 0)\n"),
        by="test_service_units",
    ),
    *of(
        "as/readiness.c",
        ("up = up && !state.is_fresh;", "up = false;"),
        ("files[i].not_after < now", "false"),
        by=HEALTH,
    ),
    *of(
        "ops/health.c",
        ("clock_ms() - parts[part].failed < (int64_t)HEALTH_FRESH_MS", "true"),
        ("    parts[part].failed = clock_ms();\n", ""),
        by=HEALTH,
    ),
    *of(
        "as/reload.c",
        ("            expiry_forget(files[i].option);", "            continue;"),
        by=HEALTH,
    ),
    *of(
        "third_party/tp_link_client.c",
        (
            "    loop_add_event(client->settled, &settle);",
            "    on_settled(-1, 0, client);\n    (void)settle;",
        ),
        by=HEALTH,
    ),
    *of(
        "third_party/tp_link_client.c",
        ("        [TP_LINK_STORE] = FLAG_UNSTORED,", "        [TP_LINK_STORE] = FLAG_FAILED,"),
        ("        [TP_LINK_KA] = FLAG_WITHOUT_KA,", "        [TP_LINK_KA] = FLAG_FAILED,"),
        by="test_separate_outages",
    ),
    *of(
        "ka/ka_kinds.c",
        ("settings->is_for_a_link && given > LINK_MS ? LINK_MS : given", "given"),
        by="test_separate_outages",
    ),
    *of(
        "messages/tp_link_messages.c",
        ("    *error += strlen(culprits[i]);\n", "    i = TP_LINK_THIRD_PARTY;\n"),
        by="test_separate_outages",
    ),
    *of(
        "ops/log.c",
        (
            "    if (!may_write(limit, event, &suppressed))\n        return;\n    begin_line_as",
            "    (void)may_write(limit, event, &suppressed);\n    begin_line_as",
        ),
        by="test_flow_log",
    ),
    *of(
        "ops/log_buffer.c",
        ("    buffer->is_cut = buffer->is_cut || line != place;\n", ""),
        ("        lose(buffer, place, (size_t)(end - place));\n", "        (void)end;\n"),
        (
            "    buffer->is_cut = buffer->is_cut && is_same_file(buffer->fd, fd);\n",
            "    (void)is_same_file;\n",
        ),
        by="test_flow_log",
    ),
    *of(
        "as/successor.c",
        ("        (void)kill(successor->pid, number);\n", "        (void)successor;\n"),
        (
            "    if (successor->state == SUCCESSOR_STARTING)\n        end_program(successor->pid);\n",
            "",
        ),
        ("else if (strcmp(packet, HANDOVER_RELOAD) == 0)", "else if (false)"),
        ("else if (strcmp(packet, HANDOVER_REOPEN) == 0)", "else if (false)"),
        by=UPGRADE,
    ),
    *of(
        "as/predecessor.c",
        ("    end_program(channel);\n", "    (void)end_program;\n"),
        by="test_an_old_process_that_cannot",
    ),
    *of(
        "as/ka_options.c",
        ("|| (kind->only_at_sighup && !at_sighup))", "|| (false && !at_sighup))"),
        by="test_ka_masters",
    ),
    *of(
        "ops/checks.c",
        ("    if (!S_ISREG(status.st_mode))\n", "    if (false)\n"),
        ("    if (share_an_address(one, other))\n", "    if (false)\n"),
        ("return is_bound ? 0 : last;", "return 0;"),
        ("    if (error == EADDRINUSE)\n", "    if (false)\n"),
        ("    else if (error == EACCES)\n", "    else if (false)\n"),
        by=CONFIG,
    ),
    *of(
        "../common/options_file.c",
        ("    return error != ENOENT;\n", "    return error == INT_MAX;\n"),
        ("            *place++ = '\\\\';\n", "            (void)0;\n"),
        by=CONFIG,
    ),
    *of(
        "../common/options_table.c",
        ('printed += printf("%c", *value++);', "value++;"),
        by=CONFIG,
    ),
    *of(
        "ops/log.c",
        ('is_done ? NULL : "it cannot', 'true ? NULL : "it cannot'),
        by="test_flow_files",
    ),
]

ROOM = Room(
    folder="e2e",
    target="akma akma-tool e2e-as e2e-ue log echo preload_time ka_workers token_shim store",
    tests=[
        "test_flow_health",
        "test_flow_log",
        "test_config_file",
        "test_upgrade",
        "test_upgrades",
        "test_separate_outages",
        "test_service_units",
        "test_ka_masters",
        "test_flow_files",
    ],
    faults=FAULTS,
)
