"""Faults of the akma tool.

SPDX-License-Identifier: Apache-2.0
"""

from room import Room, of

FAULTS = [
    *of(
        "derive.c",
        ("if (tops > 1)", "if (false)"),
        ("if (!request->inputs[i].taken)", "if (false)"),
        ("last = strcmp(step, algorithm) == 0;", "last = false;"),
        ("{AKMA_KDF_K_AF, AKMA_PARAM_KEY},", "{AKMA_KDF_K_AKMA, AKMA_PARAM_KEY},"),
    ),
    *of(
        "output.c",
        ("    text[used] = '\\n';\n", ""),
        ("enum output_format format = OUTPUT_HEX;", "enum output_format format = OUTPUT_RAW;"),
    ),
    *of(
        "psk_format.c",
        ("if (format->comments && length > 0 && identity[0] == '#')", "if (false)"),
        ("if (memchr(identity, *c, length) != NULL)", "if (false)"),
        ("if (text[i] == '\\\\')", "if (false)"),
    ),
    *of(
        "psk_job.c",
        ("field->length > 0 ? field : &setup->defaults[column]", "field"),
        ("&& stop)", "&& !stop)"),
    ),
    *of(
        "psk_run.c",
        ("    if (!run->keep_going)\n        run->failed = true;", ""),
        ("run->lines += job->lines;", ""),
        ("    run->lines = 1;\n", ""),
        ("return done && run.bad == 0;", "return done;"),
    ),
    *of(
        "seen.c",
        ("if (*slot == hash)", "if (false)"),
        ("part->capacity - part->capacity / 8", "part->capacity / 4"),
    ),
    *of(
        "guarded_file.c",
        ("if (pending != NULL)\n        (void)unlink(pending);", ""),
        ("(void)signal(SIGXFSZ, SIG_IGN);", ""),
        ("(void)signal(SIGPIPE, SIG_IGN);", ""),
    ),
    *of(
        "devices_edit.c",
        ("private_file_keep(&file, &edit->status, fault) && ", ""),
        ("if (is_at_path(edit->path, &edit->status))", "if (true)"),
        ("flock(edit->fd, LOCK_EX | LOCK_NB) == 0", "true"),
    ),
    *of(
        "doctor_config.c",
        ("if (!is_known(value->name))", "if (false)"),
        ("else if (is_section(doctor, value->value))", "else if (false)"),
        ("else if (is_no(activate))", "else if (false)"),
    ),
    *of("doctor_derivation.c", ("else if (active > 1 &&", "else if (active > 2 &&")),
    *of("report.c", ("report->failed += !ok;", "")),
]

TESTS = ["test_tool", "test_tool_psk", "test_tool_ka", "test_tool_doctor"]
ROOM = Room("tool", "akma-tool", TESTS, FAULTS)
