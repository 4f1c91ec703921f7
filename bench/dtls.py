"""DTLS beside libcoap's server and gnutls-serv: the same pre-shared key, the same cipher suite, the same load.

gnutls-serv serves one client at a time, so that it is compared with one; libcoap's server with many. Both have a suite in
common with e2e-as that has no forward secrecy; the suite that e2e-as is meant for is measured, too.

SPDX-License-Identifier: Apache-2.0
"""

import secrets
from collections.abc import Callable
from typing import Any

from programs import HOST, SECONDS, Bench, Program, free_port
from report import table
from turns import compare, memory, rates

COMMON, OURS = "PSK-AES128-CCM8", "ECDHE-PSK-CHACHA20-POLY1305"
PRIORITIES = "NONE:+VERS-DTLS1.2:+PSK:+AES-128-CCM-8:+AEAD:+GROUP-ALL:+SIGN-ALL:+COMP-NULL"
HELD = 1000
DATAGRAM = 64  # octets of each that bench/load sends
MEMORY_MAX = 45  # KiB of a held session
Served = tuple[Program, list[str]]


def own(bench: Bench, suite: str, *options: str) -> Served:
    """e2e-as, and how to reach it."""
    program, to_it = bench.server("--dtls-ciphers", suite, *options, scheme="udp:")
    return program, [*to_it, "--dtls-ciphers", suite]


def once(bench: Bench, program: Program, port: int) -> Served:
    """One handshake with Ks_NAF."""
    to = ["--way", "tls", "--connect", f"udp:{HOST}:{port}", "--devices", str(bench.devices)]
    return program, [*to, "--dtls-ciphers", COMMON]


def libcoap(bench: Bench, key: str) -> Served:
    """libcoap's server with OpenSSL beneath it; DTLS is at the port behind CoAP's."""
    port = free_port()
    words = ["coap-server-openssl", "-A", HOST, "-p", str(port), "-h", "x", "-k", key]
    return once(bench, bench.start(port, *words, scheme="udp:"), port + 1)


def gnutls(bench: Bench) -> Served:
    """gnutls-serv over UDP."""
    keys = bench.file("gnutls", bench.secrets.read_text())
    words = ["gnutls-serv", "--udp", "--port", "{port}", "--pskpasswd", str(keys), "--echo"]
    program = bench.start(free_port(), *words, "--priority", PRIORITIES, scheme="udp:")
    return once(bench, program, int(program.address.rsplit(":", 1)[1]))


def measure(bench: Bench) -> dict[str, Any]:
    """Everything."""
    key = secrets.token_hex(16)  # libcoap's -k is text
    row = ("ue0", key.encode().hex(), secrets.token_hex(32))
    bench.devices = bench.table("one-device", [row])
    bench.secrets = bench.file("one-secret", f"3GPP-bootstrapping.ue0:{row[1]}\n")
    server, coap, gnu = own(bench, COMMON), libcoap(bench, key), gnutls(bench)

    def turn(served: Served, per_visit: int, *more: str) -> Callable[[], tuple[float, float]]:
        return lambda: rates(bench, served[0], per_visit, *served[1], *more)

    one = ("--clients", "1")
    results: dict[str, Any] = {
        "libcoap": compare(turn(server, 2), turn(coap, 1)),
        "gnutls": compare(turn(server, 2, *one), turn(gnu, 1, *one)),
        "suite": compare(turn(own(bench, OURS), 2), turn(server, 2)),
    }
    application = bench.start(
        free_port(), bench.build / "bench/echo", f"udp:{HOST}:{{port}}", scheme="udp:"
    )
    relay = own(bench, OURS, "--forward", application.address)

    def datagrams(*words: str) -> tuple[float]:
        return (bench.load("--task", "bulk", *words)["octets"] / DATAGRAM / SECONDS,)

    plain = ["--way", "plain", "--connect", application.address]
    results["datagrams"] = compare(lambda: datagrams(*relay[1]), lambda: datagrams(*plain))
    forward = ("--forward", application.address)
    results["held"] = {
        f"e2e-as --forward, {OURS}": memory(bench, lambda: own(bench, OURS, *forward), HELD),
        f"e2e-as --forward, {COMMON}": memory(bench, lambda: own(bench, COMMON, *forward), HELD),
        f"coap-server, {COMMON}": memory(bench, lambda: libcoap(bench, key), HELD),
    }
    return results


ROWS = [
    ("libcoap", f"handshakes/s, {COMMON}, 16 clients", "coap-server"),
    ("gnutls", f"handshakes/s, {COMMON}, one client", "gnutls-serv --udp"),
    ("suite", f"handshakes/s, {OURS}, 16 clients", f"e2e-as, {COMMON}"),
    ("datagrams", f"datagrams/s through --forward and back, {OURS}", "without e2e-as"),
]


def tables(results: dict[str, Any]) -> str:
    """The section in Markdown."""
    compared = []
    for name, title, other in ROWS:
        ours, theirs, ratio = results[name][0]
        cpu = f"{results[name][1][2]:.2f}" if len(results[name]) > 1 else ""
        compared.append([title, other, f"{ours:.0f}", f"{theirs:.0f}", f"{ratio:.2f}", cpu])
    header = ["e2e-as", "beside", "here", "beside it", "ratio", "ratio per processor second"]
    held = [[name, f"{kib:.1f}"] for name, kib in results["held"].items()]
    return "\n".join(
        [
            table("DTLS", header, compared),
            table(f"KiB of a held DTLS session, {HELD} of them", ["server", "KiB"], held),
        ]
    )


def met(results: dict[str, Any]) -> bool:
    """Does a held session keep to its limit?"""
    return all(kib <= MEMORY_MAX for name, kib in results["held"].items() if "e2e-as" in name)


SECTION = (measure, tables, met)
