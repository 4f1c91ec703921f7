"""Faults of the flow over DTLS.

SPDX-License-Identifier: Apache-2.0
"""

from room import Room, of

FAULTS = [
    *of(
        "server/dtls_acceptor.c",
        ("        return;\n    if (before != NULL)", "    {\n    }\n    if (before != NULL)"),
        ("memcpy(octets + 4, &ip4->sin_port, 2);\n    return 6;", "return 4;"),
        ("length == COOKIE_LENGTH && period", "period"),
        (
            "memcmp(random, octets + RANDOM_AT, sizeof(random)) != 0",
            "memcmp(random, octets + RANDOM_AT, sizeof(random)) == 0",
        ),
        by="test_dtls",
    ),
    *of(
        "server/dtls_acceptor.c",
        ("#define SESSION_MAX    64 ", "#define SESSION_MAX    6400 "),
        ("length > (connection->is_finished ? SESSION_OCTETS : WAITING_OCTETS)", "false"),
        by="test_dtls_limits",
    ),
    *of(
        "app/forward.c",
        (
            "    dgram_relay_use(forward->dgram_relay, connected->fd);",
            "    (void)close(connected->fd);",
        ),
        ("    connector_blame(&forward->address, CONNECTOR_BLAME_MS);\n", ""),
        by="application_elsewhere",
    ),
    *of(
        "server/dtls_finished.c",
        (">= AGAIN_MS &&", ">= 0 &&"),
        (">= AGAIN_MS &&", ">= 50 * AGAIN_MS &&"),
        by="other_key_is_logged",
    ),
    *of(
        "net/dgram.c",
        ("if (inherited_has(option))", "if (false)"),
        ("allow_others(one, true)", "share(one)"),
        by="test_dtls_upgrade",
    ),
    *of(
        "net/addr.c",
        (" && is_first(addresses, each)", ""),
        by="test_dtls_names",
    ),
    *of(
        "ue/client.c",
        ("client->given_up < client->others", "false"),
        ("client->is_second ? STEP_CONNECT_E2E : STEP_CONNECT);", "STEP_CONNECT);"),
        ("is_udp(client) ? CLIENT_SECONDS_UDP * 1000 : CONNECTOR_BLAME_MS", "CONNECTOR_BLAME_MS"),
        ("    if (client->given_up == 0)\n        client->shared", "    client->shared"),
        (
            "    if (is_late && is_unheard(client)) {",
            "    if (false) {",
        ),
        by="test_dtls_names",
    ),
    *of(
        "ue/dgram_listener.c",
        ("if (peer != NULL && is_unheard(peer))", "if (false)"),
        ("if (!peer->awaits_answer)\n", ""),
        by="test_dtls_names",
    ),
    *of(
        "net/io_watch.c",
        ("wanted == IO_WANT_READ)\n        dtls_release", "false)\n        dtls_release"),
        by="test_dtls_limits",
    ),
    *of(
        "net/dtls.c",
        ("(SSL_CIPHER_is_aead(cipher) ? key : strength) >= BITS_WANTED", "true"),
        ("!SSL_is_dtls(ssl) || SSL_alloc_buffers(ssl) > 0", "true"),
        ("if (!has_extension(ssl, TLSEXT_TYPE_extended_master_secret))", "if (false)"),
        ("if (has_extension(ssl, TLSEXT_TYPE_encrypt_then_mac))", "if (true)"),
        by="test_dtls",
    ),
    *of(
        "messages/ua_protocol_id.c",
        ("1, 0, 1, (unsigned char)(suite >> 8)", "1, 0, 0, (unsigned char)(suite >> 8)"),
        by="test_dtls",
    ),
    *of(
        "server/dtls_acceptor.c",
        ("if (!open_own(acceptor, connection))", "if (false)"),
        (
            "        memcpy(cookies.secret, secret, sizeof(cookies.secret));",
            "        (void)secret;",
        ),
        ("(acceptor->worker->is_draining && before == NULL)", "acceptor->worker->is_draining"),
        (
            "    (void)serve_next(argument, (int)fd);",
            "    while (serve_next(argument, (int)fd))\n        continue;",
        ),
        by="test_dtls_upgrade",
    ),
    *of(
        "server/acceptor.c",
        ("is_to_close(endpoints, i) || endpoints->are_handed_over", "is_to_close(endpoints, i)"),
        by="test_dtls_upgrade",
    ),
    *of(
        "session/ue_repeats.c",
        ("length == repeats->length && memcmp(line, repeats->line, length) == 0", "true"),
        by="test_dtls",
    ),
    *of(
        "app/dgram_relay.c",
        ("relay->header_length = header_length;", "relay->header_length = 0;"),
        by="test_dtls",
    ),
    *of(
        "messages/proxy_header.c",
        ("is_udp ? TRANSPORT_DGRAM : TRANSPORT_STREAM", "TRANSPORT_STREAM"),
        by="test_dtls",
    ),
]

ROOM = Room(
    folder="e2e",
    target="akma e2e-as e2e-ue dtls_timer preload_descriptors preload_names preload_time",
    tests=["test_dtls", "test_dtls_limits", "test_dtls_names", "test_dtls_upgrade"],
    faults=FAULTS,
)
