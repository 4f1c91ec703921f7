"""Faults of a master secret, here and in a PKCS#11 token.

SPDX-License-Identifier: Apache-2.0
"""

from room import Room, of

DERIVE, TOKEN = "test_tool_ka_derive", "test_token"

FAULTS = [
    *of(
        "master_secret.c",
        ("done && why[0] == '\\0';", "done;"),
        ("secret->length != KEY_LENGTH", "false"),
        by=DERIVE,
    ),
    *of("master_secret.c", ("secret_free(&secret);", ""), by=TOKEN),
    *of(
        "ka_string.c",
        ("s[at++] = 0xE2;", "s[at++] = 0xE3;"),
        ('"akma-ka"', '"akma-kb"'),
        ("(unsigned char)(length >> 8)", "0xFF"),
        (
            "return append_field(s, at, ka_id, ka_id_length);",
            "return append_field(s, at, device, device_length);",
        ),
        by=TOKEN,
    ),
    *of(
        "token_uri.c",
        ("p11_kit_uri_get_pin_value(uri->uri) != NULL", "false"),
        ("p11_kit_uri_any_unrecognized(uri->uri)", "false"),
        ("if (!is_secret_key(uri))", "if (false)"),
        ("if (path[0] != '/')", "if (false)"),
        by=DERIVE,
    ),
    *of(
        "token.c",
        ("if (pin != NULL && token->uri.pin != NULL)", "if (false)"),
        by=DERIVE,
    ),
    *of(
        "token_slot.c",
        ("p11_kit_uri_match_token_info(token->uri.uri, &slot->info)", "true"),
        ("if (matches == 1)", "if (matches >= 1)"),
        by=TOKEN,
    ),
    *of(
        "token_login.c",
        ("(slot->info.flags & locks[i].flag) != 0", "false"),
        ("(each == token || is_same(&each->login.info, &slot->info))", "each == token"),
        by="wrong_pin or pin_that_changes or two_masters_in_one",
    ),
    *of(
        "token_key.c",
        ("if (count > 1)", "if (false)"),
        ("length != MASTER_KA_LENGTH) {", "false) {"),
        ("if (got == MASTER_KA_LENGTH)", "if (true)"),
        by=TOKEN,
    ),
    *of(
        "token_new.c",
        ("if (count > 0)", "if (false)"),
        ("{CKA_EXTRACTABLE, &no, sizeof(no)}", "{CKA_EXTRACTABLE, &yes, sizeof(yes)}"),
        ("{CKA_WRAP, &no, sizeof(no)}", "{CKA_WRAP, &yes, sizeof(yes)}"),
        by=TOKEN,
    ),
    *of("token_modules.c", ("server != NULL && server[0] != '\\0'", "false"), by=TOKEN),
    *of(
        "token_modules.c",
        (" > 0 && modules->is_socket)", " > 0 && false)"),
        by="ends_before_it_answers",
    ),
]

TARGETS = "akma akma-tool e2e-as e2e-ue load preload_exit_scan token_shim"
ROOM = Room("master", TARGETS, ["test_tool_ka_derive", "test_token", "test_token_flow"], FAULTS)
