"""Stands in for an operator: NEF, AAnF, BSF, token server and NRF, behind a real HTTP/2 server.

It holds every request, and what it answers itself, against operator_schemas.py, and derives what it answers from a
subscriber's K_AUSF, or Ks, with the reference.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import contextlib
import datetime
import json
import re
import secrets
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import jsonschema

import reference
from needs import needs
from operator_schemas import (
    ACCESS_TOKEN_REQ,
    KEYS,
    PROBLEM_DETAILS,
    TOKEN_REQUEST,
    USER_AGENT,
    Schema,
    closed,
)

SCRIPT = Path(__file__).resolve().parent / "https_server.js"
LOOPBACK = "127.0.0.1"
JSON = {"content-type": "application/json"}
PROBLEM = {"content-type": "application/problem+json"}
TOKEN = "/oauth2/token"

Request = dict[str, Any]
Reply = dict[str, Any]


class HttpsServer:
    """A real HTTPS server with certificates both ways; handle(request) gives the answer, or None for none.

    within: the command that it is run by, such as one that enters a network namespace.
    """

    def __init__(
        self,
        handle: Callable[[Request], Reply | None],
        certificate: tuple[Path, Path],
        ca: Path,
        versions: str = "both",
        port: int = 0,
        answers: Path | None = None,
        within: tuple[str, ...] = (),
    ) -> None:
        needs("node")
        self.handle = handle
        self.refused: list[str] = []
        self.process = subprocess.Popen(
            [
                *[
                    *within,
                    "node",
                    str(SCRIPT),
                    *map(str, certificate),
                    str(ca),
                    versions,
                    LOOPBACK,
                ],
                *[str(port), *([str(answers)] if answers else [])],
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lock = threading.Lock()
        assert self.process.stdout
        self.port: int = json.loads(self.process.stdout.readline())["port"]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        assert self.process.stdout and self.process.stdin
        for line in self.process.stdout:
            request = json.loads(line)
            if "refused" in request:
                self.refused.append(request["refused"])
                continue
            reply = self.handle(request)
            if reply is not None:
                self.reply(request, reply)

    def reply(self, request: Request, reply: Reply) -> None:
        """Answer a request, now or later."""
        assert self.process.stdin
        with self._lock, contextlib.suppress(BrokenPipeError, ValueError):
            self.process.stdin.write(json.dumps({"id": request["id"], **reply}) + "\n")
            self.process.stdin.flush()

    def stop(self) -> None:
        """End it, and every connection."""
        self.process.kill()
        self.process.wait(10)
        self.thread.join(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


@dataclass
class Subscriber:
    """Who is known to the operator, by what it takes to derive the keys."""

    supi: str = "001010000000001"
    k_ausf: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    ks: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    rand: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    gpsi: str | None = "extid-device-1@example.com"
    realm: str = "5gc.mnc001.mcc001.3gppnetwork.org"

    @property
    def a_kid(self) -> str:
        """A-KID: RID and A-TID, at the realm (TS 33.535 6.1)."""
        a_tid = base64.b64encode(reference.a_tid(self.k_ausf, self.supi)).decode()
        return f"0001.{a_tid.rstrip('=')}@{self.realm}"

    @property
    def b_tid(self) -> str:
        """B-TID: RAND at the BSF (TS 33.220 4.4.9)."""
        return f"{base64.b64encode(self.rand).decode()}@bsf.mnc001.mcc001.pub.3gppnetwork.org"

    @property
    def impi(self) -> str:
        """The private identity."""
        return f"{self.supi}@ims.mnc001.mcc001.3gppnetwork.org"

    def k_af(self, af_id: bytes) -> bytes:
        """K_AF (TS 33.535 A.4)."""
        return reference.k_af(reference.k_akma(self.k_ausf, self.supi), af_id)


def expiry(seconds: float) -> str:
    """A date-time so many seconds from now."""
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return when.isoformat(timespec="seconds").replace("+00:00", "Z")


class Operator:
    """NEF, AAnF, BSF, token server and NRF at one address.

    requests: all that came, in order; faults: what was wrong with them; answer: set it to alter what is said,
    it gets the request and the true reply and returns another, or None for none.
    """

    def __init__(
        self,
        certificate: tuple[Path, Path],
        ca: Path,
        *,
        versions: str = "both",
        naf_id: bytes = b"naf.example.com" + bytes.fromhex("0100000007"),
        gba_naf_id: bytes = b"",
        af_id: str = "naf.example.com",
        token: bool = False,
        client: tuple[str, str] = ("client", "secret"),
        name: str = "localhost",
        port: int = 0,
        within: tuple[str, ...] = (),
    ) -> None:
        self.naf_id, self.af_id, self.client = naf_id, af_id, client
        self.gba_naf_id = gba_naf_id or naf_id
        self.other_af_ids: dict[str, bytes] = {}  # by the text of their afId
        self.other_naf_ids: set[bytes] = set()
        self.needs_token = token
        self.tokens: set[str] = set()
        self.token_lifetime: int | None = 3600
        self.lifetime = 3600.0
        self.subscribers: list[Subscriber] = []
        self.known: dict[str, Subscriber] = {}  # by A-KID and by B-TID
        self.requests: list[Request] = []
        self.times: list[float] = []
        self.faults: list[str] = []
        self.answer: Callable[[Request, Reply], Reply | None] | None = None
        self.server = HttpsServer(self._handle, certificate, ca, versions, port, within=within)
        self.url = f"https://{name}:{self.server.port}"

    def add(self, *subscribers: Subscriber) -> None:
        """Make subscribers known."""
        self.subscribers += subscribers
        for subscriber in subscribers:
            self.known |= {subscriber.a_kid: subscriber, subscriber.b_tid: subscriber}

    def asked(self, path: str = "") -> list[Request]:
        """The requests for keys, or those of one path."""
        paths = [path] if path else list(KEYS)
        return [request for request in self.requests if request["path"] in paths]

    def _fault(self, what: str) -> Reply:
        self.faults.append(what)
        return self._problem(status=400, cause="INVALID_MSG_FORMAT", detail=what)

    def _problem(self, **members: Any) -> Reply:
        jsonschema.validate(members, closed(PROBLEM_DETAILS))
        return {"status": members["status"], "headers": PROBLEM, "body": json.dumps(members)}

    def _read(self, request: Request, schema: Schema) -> dict[str, Any]:
        """What a request says; ValueError, or jsonschema's, if it is invalid."""
        if not re.fullmatch(USER_AGENT, request["headers"].get("user-agent", "")):
            raise ValueError(f"User-Agent: {request['headers'].get('user-agent')}")
        if request["path"] == TOKEN:
            said: dict[str, Any] = dict(
                urllib.parse.parse_qsl(request["body"], True, strict_parsing=True)
            )
        else:
            said = json.loads(request["body"])
        jsonschema.validate(said, closed(schema))
        return said

    def _handle(self, request: Request) -> Reply | None:
        self.times.append(time.monotonic())
        self.requests.append(request)
        reply = self._token(request) if request["path"] == TOKEN else self._key(request)
        return self.answer(request, reply) if self.answer else reply

    # OAuth 2.0

    def _token(self, request: Request) -> Reply:
        authorization = request["headers"].get("authorization", "")
        if request["headers"].get("content-type") != "application/x-www-form-urlencoded":
            return self._fault("content type of the token request")
        is_nrf = "nfInstanceId=" in request["body"]
        try:
            self._read(request, ACCESS_TOKEN_REQ if is_nrf else TOKEN_REQUEST)
        except (ValueError, jsonschema.ValidationError) as error:
            return self._fault(f"token request: {error}")
        if not is_nrf:
            pair = ":".join(urllib.parse.quote(part, safe="") for part in self.client)
            if authorization != "Basic " + base64.b64encode(pair.encode()).decode():
                error_body = {"error": "invalid_client", "error_description": "unknown client"}
                return {"status": 401, "headers": JSON, "body": json.dumps(error_body)}
        elif authorization:
            return self._fault("an NRF knows its consumers by their certificates")
        token = secrets.token_urlsafe(32)
        self.tokens.add(token)
        answer = {"access_token": token, "token_type": "Bearer"}
        lifetime = {} if self.token_lifetime is None else {"expires_in": self.token_lifetime}
        return {"status": 200, "headers": JSON, "body": json.dumps(answer | lifetime)}

    def _is_authorized(self, request: Request) -> bool:
        scheme, _, token = request["headers"].get("authorization", "").partition(" ")
        return not self.needs_token or (scheme == "Bearer" and token in self.tokens)

    # Keys

    def _key(self, request: Request) -> Reply:
        if request["path"] not in KEYS or request["method"] != "POST":
            return self._fault(f"{request['method']} {request['path']}")
        asked, answered = KEYS[request["path"]]
        if request["headers"].get("content-type") != "application/json":
            return self._fault("content type")
        if not self._is_authorized(request):
            return {"status": 401, "headers": {"www-authenticate": 'Bearer error="invalid_token"'}}
        if not self.needs_token and "authorization" in request["headers"]:
            return self._fault("a token that nobody has asked for")
        try:
            question = self._read(request, asked)
        except (ValueError, jsonschema.ValidationError) as error:
            return self._fault(f"{request['path']}: {error}")
        known = self._bootstrapping(question) if "btId" in question else self._akma(question)
        if known is not None:
            jsonschema.validate(known, closed(answered))
            return {"status": 200, "headers": JSON, "body": json.dumps(known)}
        if "btId" not in question:
            return {"status": 204}
        return self._problem(status=404, cause="CONTEXT_NOT_FOUND")

    def _akma(self, question: dict[str, Any]) -> dict[str, Any] | None:
        subscriber = self.known.get(question["aKId"])
        af_ids = {self.af_id: self.naf_id, **self.other_af_ids}
        if subscriber is None or question["afId"] not in af_ids:
            return None
        af_id = af_ids[question["afId"]]
        answer = {"kaf": subscriber.k_af(af_id).hex(), "expiry": expiry(self.lifetime)}
        if question.get("anonInd", False):  # TS 33.535 7.1.5: nothing but the key
            return answer
        answer["supi"] = f"imsi-{subscriber.supi}"
        return answer | ({"gpsi": subscriber.gpsi} if subscriber.gpsi else {})

    def _bootstrapping(self, question: dict[str, Any]) -> dict[str, Any] | None:
        subscriber = self.known.get(question["btId"])
        named = question["nafId"]
        naf_id = named["nafFqdn"].encode() + bytes.fromhex(named["uaSecProtId"])
        if subscriber is None or naf_id not in {self.gba_naf_id, *self.other_naf_ids}:
            return None
        of = (subscriber.ks, subscriber.rand, subscriber.impi, naf_id)
        return {
            "meKeyMaterial": reference.ks_naf(*of).hex(),
            "uiccKeyMaterial": reference.ks_int_naf(*of).hex(),
            "keyExpiryTime": expiry(self.lifetime),
            "impi": subscriber.impi,
            "gbaType": "3G_GBA",
        }

    def stop(self) -> None:
        """End it."""
        self.server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
