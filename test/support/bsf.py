"""A BSF for tests: HTTP Digest AKAv1-MD5 by hashlib, the subscriber's AKA vectors as literals, and ways to misbehave.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import hashlib
import re
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from flow import LOOPBACK


@dataclass(frozen=True)
class Vector:
    """What one authentication of one subscriber is made of."""

    rand: bytes
    autn: bytes
    res: bytes
    ks: bytes  # CK || IK


# TS 35.208 4.3, test set 1; SQN is ff9bb4d0b607.
K = bytes.fromhex("465b5ce8b199b49faa5f0a2ee238a6bc")
OPC = bytes.fromhex("cd63cb71954a9f4e48a5994e37a02baf")
SQN = 0xFF9BB4D0B607
SET_1 = Vector(
    rand=bytes.fromhex("23553cbe9637a89d218ae64dae47bf35"),
    autn=bytes.fromhex("55f328b43577b9b94a9ffac354dfafb3"),
    res=bytes.fromhex("a54211d5e3ba50bf"),
    ks=bytes.fromhex("b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441"),
)
IMSI = "001010000000001"
IMPI = f"{IMSI}@ims.mnc001.mcc001.3gppnetwork.org"
REALM = "bsf.mnc001.mcc001.pub.3gppnetwork.org"
TYPE = "application/vnd.3gpp.bsf+xml"


def md5(*pieces: str | bytes) -> str:
    """In hex, of pieces with colons between."""
    octets = [piece.encode() if isinstance(piece, str) else piece for piece in pieces]
    return hashlib.md5(b":".join(octets)).hexdigest()


def info(b_tid: str, lifetime: str) -> str:
    """BootstrappingInfo, as TS 24.109 annex C has it."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<BootstrappingInfo xmlns="uri:3gpp-gba">\n'
        f"<btid>{b_tid}</btid>\n<lifetime>{lifetime}</lifetime>\n</BootstrappingInfo>\n"
    )


def in_seconds(seconds: int) -> str:
    """A lifetime."""
    end = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")


def in_an_hour() -> str:
    """A lifetime."""
    return in_seconds(3600)


@dataclass
class Behaviour:
    """How a BSF answers; the defaults are those of TS 24.109."""

    vectors: list[Vector] = field(default_factory=lambda: [SET_1])
    fresh: Callable[[], Vector] | None = None  # in place of vectors: one for each challenge
    realm: str = REALM
    algorithm: str = "algorithm=AKAv1-MD5"
    qop: str = 'qop="auth-int"'
    nonce_end: bytes = b""
    opaque: str = "5ccc069c403ebaf9f0171e9517f40e41"
    b_tid: str | None = None
    lifetime: Callable[[], str] = in_an_hour
    content_type: str = TYPE
    body: Callable[[str], str] = lambda body: body
    rspauth: Callable[[str], str | None] = lambda rspauth: rspauth
    issue: Callable[[str, Vector], None] | None = None  # is told of each bootstrapping
    status: int = 200
    seconds: float = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    challenge: Callable[[str], str] = lambda challenge: challenge


@dataclass
class Seen:
    """One request, as it came."""

    path: str
    agent: str
    digest: dict[str, str]


def parse(header: str) -> dict[str, str]:
    """The parameters of an Authorization header."""
    assert header.startswith("Digest "), header
    pairs = re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^,\s]+))', header[7:])
    return {name: quoted or bare for name, quoted, bare in pairs}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bsf: "Bsf"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing goes to standard error."""

    def do_GET(self) -> None:
        """One step of the exchange."""
        digest = parse(self.headers.get("Authorization", "Digest "))
        self.bsf.seen.append(Seen(self.path, self.headers.get("User-Agent", ""), digest))
        self.bsf.times.append(time.monotonic())
        time.sleep(self.bsf.behaviour.seconds)
        if not digest.get("response") and "auts" not in digest:
            self.challenge()
        elif "auts" in digest:
            self.bsf.resynchronised.append(base64.b64decode(digest["auts"]))
            if digest["response"] != self.response(digest, "GET", "", password=b""):
                self.bsf.faults.append("AUTS without the response of an empty password")
            self.bsf.step += 1
            self.challenge()
        else:
            self.finish_exchange(digest)

    def vector(self) -> Vector:
        """The one whose turn it is."""
        return self.bsf.behaviour.vectors[min(self.bsf.step, len(self.bsf.behaviour.vectors) - 1)]

    def reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """One answer."""
        self.send_response(status)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def challenge(self, stale: str = "") -> None:
        """401 with RAND and AUTN."""
        behaviour = self.bsf.behaviour
        if behaviour.fresh is not None:
            behaviour.vectors = [behaviour.fresh()]
        vector = self.vector()
        nonce = base64.b64encode(vector.rand + vector.autn + behaviour.nonce_end).decode()
        words = [f'realm="{behaviour.realm}"', f'nonce="{nonce}"', behaviour.algorithm]
        words += [behaviour.qop, f'opaque="{behaviour.opaque}"']
        value = behaviour.challenge("Digest " + ", ".join(word for word in words if word) + stale)
        self.reply(401, [("WWW-Authenticate", value), *behaviour.headers], b"")

    def response(
        self, digest: dict[str, str], method: str, body: str, password: bytes | None = None
    ) -> str:
        """RFC 2617 3.2.2.1, with RES as the password; with AUTS an empty one (RFC 3310 3.4)."""
        secret = self.vector().res if password is None else password
        ha1 = md5(digest["username"], digest["realm"], secret)
        entity = [md5(body)] if digest["qop"] == "auth-int" else []
        ha2 = md5(method, digest["uri"], *entity)
        return md5(ha1, digest["nonce"], digest["nc"], digest["cnonce"], digest["qop"], ha2)

    def finish_exchange(self, digest: dict[str, str]) -> None:
        """200 for a client that knows RES."""
        behaviour, vector = self.bsf.behaviour, self.vector()
        if digest["response"] != self.response(digest, "GET", ""):
            self.challenge(", stale=true")
            return
        b_tid = behaviour.b_tid or f"{base64.b64encode(vector.rand).decode()}@{behaviour.realm}"
        body = behaviour.body(info(b_tid, behaviour.lifetime()))
        headers = [("Content-Type", behaviour.content_type)] if behaviour.content_type else []
        rspauth = behaviour.rspauth(self.response(digest, "", body))
        if rspauth is not None:
            words = [f'qop={digest["qop"]}', f'rspauth="{rspauth}"', f'cnonce="{digest["cnonce"]}"']
            headers.append(("Authentication-Info", ", ".join([*words, f'nc={digest["nc"]}'])))
        self.bsf.issued.append((b_tid, vector))
        if behaviour.issue is not None:
            behaviour.issue(b_tid, vector)
        self.reply(behaviour.status, [*headers, *behaviour.headers], body.encode())


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is gone is no news."""


class Bsf:
    """The server, on a port of its own."""

    def __init__(self, behaviour: Behaviour | None = None, certificate: Path | None = None) -> None:
        self.behaviour = behaviour or Behaviour()
        self.seen: list[Seen] = []
        self.resynchronised: list[bytes] = []
        self.faults: list[str] = []  # what was wrong with a request
        self.times: list[float] = []  # of the requests
        self.issued: list[tuple[str, Vector]] = []
        self.step = 0
        handler = type("Handler", (_Handler,), {"bsf": self})
        self.server = _Server((LOOPBACK, 0), handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        scheme = "http" if certificate is None else "https"
        self.url = f"{scheme}://{LOOPBACK}:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)
