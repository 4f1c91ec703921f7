"""Faults of e2e-ue's keys by bootstrapping: when it happens, what waits, what is refused.

SPDX-License-Identifier: Apache-2.0
"""

from room import Room, of

FAULTS = [
    *of(
        "attempts.c",
        ("begun + (int64_t)attempts->interval_s * 1000", "begun"),
        ("        pause *= 2;", "        ;"),
        ("return pause * 1000 + some_of(pause * 1000 / 2);", "return pause * 1000;"),
        ("return seconds - tenth + some_of(tenth / 2);", "return seconds / 2;"),
        ("return seconds - tenth + some_of(tenth / 2);", "return seconds;"),
        ("half < ATTEMPTS_SPREAD_MS ? half : ATTEMPTS_SPREAD_MS", "0"),
        ("pause < ATTEMPTS_PAUSE_MAX_S; i++", "true; i++"),
        by="test_attempts",
    ),
    *of(
        "ue_bootstrap.c",
        ("    attempts_begin(&bootstrap->attempts, clock_ms());", ""),
        ("        known.follows_refused = was_refused;", ""),
        ("    resume(bootstrap);\n", ""),
        ("if (wants_key(bootstrap)) /*", "if (false) /*"),
        ("if (!done && !has_ended(&bootstrap->own))", "if (!done)"),
        ("    known->is_refused = true;\n", ""),
        ("if (refused != NULL)\n        take_refusal", "if (false)\n        take_refusal"),
        ("strcmp(known->b_tid, refused) != 0)", "strcmp(known->b_tid, refused) == 0)"),
        ("    own->ends = &bootstrap->ends;\n", ""),
    ),
    *of(
        "ue_listen.c",
        ("    if (goes_on) {", "    if (false) {"),
        ("        if (!atomic_exchange(&news->is_posted, true))", "        if (false)"),
        ("    atomic_store(&news->is_posted, false);", ""),
    ),
    *of(
        "ue_message.c",
        ("is_resumed && !ue_bootstrap_is_recent(options)", "is_resumed"),
        ("is_resumed && !ue_bootstrap_is_recent(options)", "false"),
        ("if (ue_bootstrap_is_early(options))", "if (false)"),
        (
            "const bool is_resumed = ue_bootstrap_resume(options, keys);",
            "const bool is_resumed = false;",
        ),
    ),
    *of(
        "ue_key_rows.c",
        ("row->ka != NULL && strcmp(row->device, kas->device) == 0", "row->ka != NULL"),
    ),
    *of(
        "client.c",
        ("client->is_denied = alert.is_about_key;", ""),
    ),
]

ROOM = Room(
    folder="e2e/ue",
    target="akma akma-tool attempts e2e-as e2e-ue preload_time",
    tests=["test_attempts", "test_ue_bootstrap"],
    faults=FAULTS,
)
