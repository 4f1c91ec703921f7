"""Faults of first connections over TLS 1.2, and of the Ua security protocol identifiers.

SPDX-License-Identifier: Apache-2.0
"""

from room import Room, of

FAULTS = [
    *of(
        "session/psk_lookup.c",
        ("if (!ue_may_be(ue, UE_FIRST)) {", "if (false) {"),
        by="test_tls12",
    ),
    *of(
        "session/psk_lookup.c",
        ("ids->by_suite && (SSL_is_dtls(ssl) || ue_is_tls12(lookup->ue))", "ids->by_suite"),
        ("TLS1_2_VERSION && !client_hello_offers_tls13(ssl))", "TLS1_2_VERSION)"),
        by="test_operator_suites",
    ),
    *of("session/ue.c", (" && !ue_is_tls12(ue);", ";"), by="test_tls12"),
    *of(
        "session/ua_alpn.c",
        ("ue->lookup == NULL ? ue_is_tls12(ue)", "ue->lookup == NULL ? false"),
        by="test_tls12",
    ),
    *of("source/source.c", ("&& !is_for(file, query)", "&& false"), by="test_tls12"),
    *of("source/key_service.c", ("strstr(text, KEY_AF_ID_UA)", "NULL"), by="test_operator_suites"),
    *of(
        "as/ua_protocol_ids.c",
        ("if (says_suite && versions == UA_TLS13)", "if (false)"),
        ("if (says_suite && ids->suites.count != 1)", "if (false)"),
        ("else if (!says_suite && versions == UA_TLS12_TOO)", "else if (false)"),
        by="test_tls12",
    ),
    *of(
        "as/ua_protocol_ids.c",
        ("ids->by_suite && i < ids->suites.count", "ids->by_suite && i < 1"),
        by="test_operator_suites",
    ),
    *of(
        "as/source_options.c",
        ("if (has_several_versions)", "if (false)"),
        by="test_operator_suites",
    ),
    *of(
        "messages/ua_protocol_id.c",
        ("if (is_of_tls13)", "if (false)"),
        ("if (!is_of_suite)", "if (false)"),
        ("return !is_of_suite || is_of_tls13", "return true"),
        ("has_suite(suites, id) ? NULL", "true ? NULL"),
        by="test_tls12",
    ),
    *of(
        "net/dtls.c",
        ("SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER", "SSL_OP_CIPHER"),
        ("SSL_OP_NO_ENCRYPT_THEN_MAC | SSL_OP_NO_EXTENDED_MASTER_SECRET", "0"),
        by="test_tls12",
    ),
    *of(
        "server/connection.c",
        ("        (void)shutdown(connection->fd, SHUT_WR);", "        (void)bio;"),
        by="test_operator_suites",
    ),
    *of(
        "ue/ue_protocols.c",
        ("!options->bootstraps && suites->count != 1", "false"),
        ("if (says_suite(options) && !protocols->allows_tls12)", "if (false)"),
        by="test_tls12",
    ),
]

ROOM = Room(
    folder="e2e",
    target="akma e2e-as e2e-ue",
    tests=["test_tls12", "test_operator_suites"],
    faults=FAULTS,
)
