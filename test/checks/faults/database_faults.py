"""Faults of Ka's in a PostgreSQL: the row, the connection, the third party's side of it, and akma ka.

SPDX-License-Identifier: Apache-2.0
"""

from room import Room, of

FAULTS = [
    *of(
        "../common/ka_row.c",
        ("#define VERSION     1", "#define VERSION     2"),
        ('#define INFO        "akma ka row"', '#define INFO        "akma"'),
        ("{device, device_length};", "{device, 0};"),
        ("{ka_id, ka_id_length};", "{ka_id, 0};"),
        ("{head, KA_ROW_HEAD};", "{head, 5};"),
        ("&keys->keys[0];", "&keys->keys[keys->count - 1];"),
        by="test_flow or test_damaged_rows or test_row_of_another or test_rekey or test_import",
    ),
    *of(
        "../common/postgresql.c",
        (
            '    if (value_of(options, "sslmode") == NULL && !is_local(options))',
            "    if (false && !is_local(options))",
        ),
        ('if (done && (value_of(options, "password") != NULL ||', "if (done && (false ||"),
        ('value_of(options, "service") != NULL || environment("PGSERVICE") != NULL)', "false)"),
        ("(void)PQsetNoticeProcessor(connection, ignore, NULL);", "(void)ignore;"),
        ("turn %= (unsigned int)count;", "turn = 0;"),
        ('    used = strcspn(text, "\\r\\n");', "    used = length;"),
        by="test_tls_is_verified or remarks or test_read_only or test_useless_options or test_failing_over or test_flow",
    ),
    *of(
        "ka/pg_client.c",
        ('        give_up(client, "the database does not answer");', "        (void)late;"),
        (
            '        give_up(client, "the database is read-only: a standby, or failing over");',
            "        ;",
        ),
        ("        client->setup->notified(client->setup->argument, notify->extra);", "        ;"),
        ("        if (clock_ms() >= client->again)\n", "        if (client->again == 0)\n"),
        ("    if (ends_connection(result)) {\n", "    if (false && ends_connection(result)) {\n"),
        ("    client->setup->ready(client->setup->argument);", ""),
        ("        client->setup->settle(client->setup->argument);", "        ;"),
        by="test_a_database_that_says_nothing or test_read_only or test_removed or test_killed or test_missed or look_up_waits",
    ),
    *of(
        "ka/ka_postgresql.c",
        ('"ORDER BY version DESC LIMIT 1"', '"ORDER BY version LIMIT 1"'),
        ("    ka_row_changes_check(database->changes, database->client);\n", ""),
        ("    files->database->keys = files->keys;\n    files->keys = old;", "    (void)old;"),
        by="test_flow or missed or test_a_key",
    ),
    *of(
        "ka/ka_lookups.c",
        (
            "        ka_answer_set(&request->answer, KA_NONE, NULL);",
            '        wrong = "none";',
        ),
        (
            "    ka_answer_set(&request->answer, KA_UNAVAILABLE, reason);",
            "    ka_answer_set(&request->answer, KA_NONE, NULL);",
        ),
        (
            "        TAILQ_INSERT_HEAD(&lookups->waiting, request, next);",
            '        refuse(request, "gone");',
        ),
        (
            "        if (request->deadline > now)\n            continue;",
            "        if (now != 0)\n            continue;",
        ),
        ("    loop_add_timer(request->limit, lookups->setup.timeout_ms + ASKER_MS);\n", ""),
        by="device_without or damaged or look_up_waits or killed or not_resolved or read_only",
    ),
    *of(
        "ka/ka_row_changes.c",
        ("WHERE r.version IS DISTINCT FROM ", "WHERE r.version IS NULL AND 0 = "),
        by="missed",
    ),
    *of(
        "ka/ka_row_changes.c",
        ("        ka_leases_end(changes->leases, &gone[i]);", "        ;"),
        (
            "    for (size_t i = 0; done && i < count; i++)",
            "    for (size_t i = 0; i < count; i++)",
        ),
        ("    if (!replaced)\n", "    if (replaced || row != NULL)\n"),
        ("        changes->is_flooded = true;", "        changes->is_flooded = false;"),
        ("    changes->is_flooded = false;\n    changes->burst", "    changes->burst"),
        by="test_ka_used_rows",
    ),
    *of(
        "ka/ka_used_rows.c",
        ("*replaced = known != NULL && known->version != row->version;", "*replaced = false;"),
        ("        known->version = row->version;\n", ""),
        ("    rows->round++;", ""),
        ("        entry->round = rows->round;\n", "        entry->round = rows->round - 1;\n"),
        ("        rows->forgotten_until = until;\n", ""),
        (
            "        TAILQ_INSERT_TAIL(&rows->ages, known, of_age);",
            "        TAILQ_INSERT_HEAD(&rows->ages, known, of_age);",
        ),
        by="test_ka_used_rows",
    ),
    *of(
        "ka/ka_leases.c",
        ("            lease->is_gone = true;", "            lease->is_gone = false;"),
        ("strcmp(change->ka_id, lease->ka_id) == 0))", "true))"),
        ("    *lease->place = lease->next;\n", ""),
        by="test_ka_used_rows",
    ),
    *of(
        "../tool/ka_database.c",
        ("LOCK TABLE akma_ka IN SHARE ROW EXCLUSIVE MODE NOWAIT", "SELECT 1"),
        ("           check_repeated(database, rule, fault) &&\n", ""),
        ("           (rule != KA_DATABASE_ADD || check_known(database, fault)) &&\n", ""),
        ('" ORDER BY n "', '" ORDER BY n DESC "'),
        ("        if (is_next && rule != KA_DATABASE_IMPORT)", "        if (false)"),
        (
            "    return execute(database, \"SET LOCAL akma.rekey = 'on'\", fault) &&\n           ",
            "    return ",
        ),
        (
            '    return execute(database, "COMMIT", fault);',
            "    return database != NULL && fault != NULL;",
        ),
        by="test_ka_tool",
    ),
]

ROOM = Room(
    folder="e2e",
    target="akma akma-tool e2e-as e2e-ue ka_used_rows preload_names store",
    tests=["test_ka_used_rows", "test_ka_database", "test_ka_tool"],
    faults=FAULTS,
)
