"""Notifications by HTTP/2, which is what an AAnF speaks (TS 29.500 5.2.1): real curl, and frames made by hand.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import json
import signal
import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer import command
from flow import SECONDS, Server, split
from operator_network import Subscriber
from operator_site import NOTIFY, Notified

pytestmark = [pytest.mark.node, pytest.mark.slow]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING, GOAWAY = 0, 1, 4, 6, 7
END_STREAM, END_HEADERS = 1, 4
# HPACK (RFC 7541): POST, https; a path, an authority and a content type that are not in its table.
POST = bytes([0x83, 0x87, 0x44, 8]) + b"/revoked" + bytes([0x41, 1]) + b"x"
POST += bytes([0x0F, 0x10, 16]) + b"application/json"


def frame(kind: int, flags: int, stream: int, octets: bytes = b"") -> bytes:
    """RFC 9113 4.1."""
    return len(octets).to_bytes(3) + struct.pack(">BBI", kind, flags, stream) + octets


class Site(Notified):
    """A server that takes notifications, and who notifies."""

    @contextlib.contextmanager
    def serving(self, *options: str) -> Iterator[Server]:
        """With an AAnF that is never asked."""
        source = "aanf:https://localhost:1"
        with self.server(source, options=("--e2e", "offered", *NOTIFY, *options), names=["x"]) as s:
            self.read_notify(s)
            yield s

    def curl(self, *words: str, body: str, paths: tuple[str, ...] = ("/revoked",)) -> list[str]:
        """ "VERSION STATUS" of each request, all over one connection where curl can."""
        host, port = split(self.notify)
        certificate, key = self.nef_files
        options = ["--silent", "--http2", "--cert", str(certificate), "--key", str(key)]
        options += ["--cacert", str(self.authority.file), "--data-binary", "@-"]
        options += ["--resolve", f"naf.example.com:{port}:{host}", "--max-time", "30"]
        if "-H" not in words:
            options += ["-H", "Content-Type: application/json"]
        for path in paths:
            options += ["--write-out", "%{http_version} %{http_code} %{num_connects}\\n"]
            options += ["--output", "/dev/null", f"https://naf.example.com:{port}{path}"]
        result = command("curl", *options, *words, stdin=body, seconds=60)
        return result.stdout.splitlines()

    @contextlib.contextmanager
    def connected(self) -> Iterator[ssl.SSLSocket]:
        """A connection that has agreed on HTTP/2, and has said so."""
        context = ssl.create_default_context(cafile=str(self.authority.file))
        context.load_cert_chain(*map(str, self.nef_files))
        context.set_alpn_protocols(["h2"])
        with socket.create_connection(split(self.notify), SECONDS) as raw:
            with context.wrap_socket(raw, server_hostname="naf.example.com") as tls:
                assert tls.selected_alpn_protocol() == "h2"
                tls.sendall(PREFACE + frame(SETTINGS, 0, 0))
                yield tls


def frames(tls: ssl.SSLSocket, seconds: float = SECONDS) -> Iterator[tuple[int, int, bytes]]:
    """Kind, stream and octets of what comes, until the end."""
    tls.settimeout(seconds)
    held = b""
    while True:
        while len(held) < 9 or len(held) < 9 + int.from_bytes(held[:3]):
            try:
                octets = tls.recv(65536)
            except (ConnectionError, ssl.SSLError):
                return
            if not octets:
                return
            held += octets
        length = int.from_bytes(held[:3])
        yield held[3], int.from_bytes(held[5:9]), held[9 : 9 + length]
        held = held[9 + length :]


@pytest.fixture(name="site")
def make_site(tmp_path: Path) -> Site:
    """With a CA of its own."""
    return Site(tmp_path)


def test_http2(site: Site) -> None:
    """Guards against a notification over HTTP/2 with another status than over HTTP/1.1, or that needs a connection of its own."""
    body = json.dumps({"aKId": Subscriber().a_kid})
    with site.serving() as server:
        assert site.curl(body=body) == ["2 204 1"]
        assert site.curl(body=body, paths=("/revoked",) * 3) == ["2 204 1", "2 204 0", "2 204 0"]
        many = site.curl("--parallel", body=body, paths=("/revoked",) * 20)
        assert len(many) == 20 and {line.rpartition(" ")[0] for line in many} == {"2 204"}
        for words, said, path, status in (
            ((), "{}", "/revoked", 400),
            ((), body, "/other", 404),
            ((), body, "/" + "x" * 2000, 414),
            (("-X", "PUT"), body, "/revoked", 405),
            ((), body + " " * 5000, "/revoked", 413),
            (("-H", "Content-Type: text/plain"), body, "/revoked", 415),
            (("-X", "M" * 40), body, "/revoked", 501),
        ):
            assert site.curl(*words, body=said, paths=(path,)) == [f"2 {status} 1"], status
        assert site.curl(body=body, paths=("/revoked?query",)) == ["2 204 1"]
        assert "allow: POST" in site.curl("-X", "PUT", "--dump-header", "-", body=body)
        assert site.curl("--http1.1", body=body) == ["1.1 204 1"]
        server.wait_for_error("event=notification")


def test_heads_that_are_too_long(site: Site) -> None:
    """Guards against a head beyond HTTP/1.1's limit that is accepted over HTTP/2, or ends more than itself."""
    body = json.dumps({"aKId": Subscriber().a_kid})
    with site.serving():
        words = [word for n in range(9) for word in ("-H", f"X-{n}: {'y' * 1000}")]
        (line,) = site.curl(*words, "-H", "Content-Type: application/json", body=body)
        assert line == "2 431 1"
        assert site.curl(body=body) == ["2 204 1"]


def test_requests_that_are_never_whole(site: Site) -> None:
    """Guards against an HTTP/2 connection that never sends a whole request and outlives --line-timeout."""
    head = frame(HEADERS, END_HEADERS, 1, POST)
    for sent in (b"", head, head + frame(DATA, 0, 1, b"{")):
        with site.serving("--line-timeout", "1") as server, site.connected() as tls:
            tls.sendall(sent)
            list(frames(tls, 30))
            if sent:
                server.wait_for_error("was not complete in time")


def test_a_request_after_an_idle_time(site: Site) -> None:
    """Guards against a request on an idle HTTP/2 connection that has the idle time left, not --line-timeout."""
    body = json.dumps({"aKId": Subscriber().a_kid}).encode()
    whole = frame(HEADERS, END_HEADERS, 1, POST) + frame(DATA, END_STREAM, 1, body)
    with site.serving("--line-timeout", "1") as server, site.connected() as tls:
        tls.sendall(whole)
        stream = frames(tls, 30)
        assert any((kind, number) == (HEADERS, 1) for kind, number, _ in stream)
        tls.sendall(frame(HEADERS, END_HEADERS, 3, POST))
        list(stream)
        server.wait_for_error("was not complete in time")


def test_what_is_no_http2(site: Site) -> None:
    """Guards against frames that break HTTP/2 and keep their connection without an error, or end the server."""
    body = json.dumps({"aKId": Subscriber().a_kid})
    with site.serving():
        for bad in (
            b"GET / HTTP/1.1\r\n\r\n",
            frame(DATA, END_STREAM, 1, b"{}"),
            frame(HEADERS, END_HEADERS | END_STREAM, 2, POST),
            frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff" * 8),
            frame(PING, 0, 0, b"short"),
            (1 << 23).to_bytes(3) + b"\x00" * 6,
        ):
            with site.connected() as tls:
                tls.sendall(bad)
                kinds = [kind for kind, _, _ in frames(tls)]
                assert kinds == [] or GOAWAY in kinds, bad
        assert site.curl(body=body) == ["2 204 1"]


def test_a_client_that_gives_up(site: Site) -> None:
    """Guards against a RST_STREAM that ends the server or its connection, or a later notification."""
    body = json.dumps({"aKId": Subscriber().a_kid}).encode()
    reset = frame(3, 0, 1, struct.pack(">I", 8))
    whole = frame(HEADERS, END_HEADERS, 1, POST) + frame(DATA, END_STREAM, 1, body)
    with site.serving() as server:
        for sent in (whole + reset, frame(HEADERS, END_HEADERS, 1, POST) + reset):
            with site.connected() as tls:
                tls.sendall(sent + frame(PING, 0, 0, b"8 octets"))
                assert any(kind == PING for kind, _, _ in frames(tls))
        assert site.curl(body=body.decode()) == ["2 204 1"]
        assert server.process.poll() is None


def test_the_end_of_a_server(site: Site) -> None:
    """Guards against a SIGTERM that says no GOAWAY on an idle HTTP/2 connection, or waits for its client."""
    with site.serving("--drain-timeout", "60") as server, site.connected() as tls:
        stream = frames(tls)
        assert next(stream)[0] == SETTINGS
        tls.sendall(frame(PING, 0, 0, b"8 octets"))
        assert any(kind == PING for kind, _, _ in stream)
        server.process.send_signal(signal.SIGTERM)
        assert any(kind == GOAWAY for kind, _, _ in stream)
        assert server.process.wait(SECONDS) == 0
