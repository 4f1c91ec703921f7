"""docs/operator-side.md keeps its word: each exchange is what we ask, and what it gives is what the reference derives.

SPDX-License-Identifier: Apache-2.0
"""

import json
import re
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import pytest

import jsonschema

import reference
from certificates import Authority
from project import ROOT
from key_source import KeySource, identity_options
from operator_network import HttpsServer, Reply, Request
from operator_schemas import (
    ACCESS_TOKEN_REQ,
    KEYS,
    PROBLEM_DETAILS,
    TOKEN_REQUEST,
    USER_AGENT,
    closed,
)
from store_cluster import private

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs/operator-side.md").read_text()
NAF_ID = b"naf.example.com" + bytes.fromhex("0100000007")
SUPI, RAND = "001010000000001", bytes(range(16))
IMPI = f"{SUPI}@ims.mnc001.mcc001.3gppnetwork.org"
K_AF = reference.k_af(reference.k_akma(bytes(range(32)), SUPI), NAF_ID)
OF = (bytes(range(32, 64)), RAND, IMPI, NAF_ID)
# Heading -> look-ups, and what each has to bring: key and device.
LOOKED_UP: dict[str, list[tuple[str, str]]] = {
    "NEF, with a token": [("akma", f"found {K_AF.hex()} extid-device-7@enterprise.example ")],
    "AAnF, with the token of an NRF": [("akma", f"found {K_AF.hex()} imsi-{SUPI} ")],
    "BSF, without a token": [
        ("gba", f"found {reference.ks_naf(*OF).hex()} {IMPI} "),
        ("uicc", f"found {reference.ks_int_naf(*OF).hex()} {IMPI} "),
    ],
}


@dataclass
class Message:
    """A request or an answer as the page has it."""

    start: list[str]
    headers: dict[str, str]
    body: str

    @classmethod
    def read(cls, text: str) -> "Message":
        """From its block."""
        head, _, body = text.partition("\n\n")
        start, *lines = head.splitlines()
        headers = dict(line.split(": ", 1) for line in lines)
        headers = {name.lower(): value for name, value in headers.items()}
        return cls(start.split(), headers, body.strip())


def section(heading: str) -> str:
    """The text under a heading."""
    return PAGE.split(f"\n### {heading}\n")[1].split("\n### ")[0]


def exchanges(heading: str) -> list[tuple[Message, Message]]:
    """Each request with its answer."""
    blocks = re.findall(r"^```http\n(.*?)^```$", section(heading), re.MULTILINE | re.DOTALL)
    messages = [Message.read(block) for block in blocks]
    return list(zip(messages[::2], messages[1::2], strict=True))


def options(heading: str, port: int, folder: Path) -> list[str]:
    """The options of the page, for a server of ours."""
    (command,) = re.findall(r"^    (--key-source (?:.*\\\n)*.*)$", section(heading), re.MULTILINE)
    command = re.sub(r"https://\w+\.operator\.example", f"https://localhost:{port}", command)
    secret = private(folder / "secret", "correct horse battery\n")
    return [
        str(secret) if word == "secret" else word for word in command.replace("\\\n", "").split()
    ]


def matches(request: Request, wanted: Message) -> bool:
    """Is this what the page says is asked?"""
    method, path, version = wanted.start
    headers = {
        name: value for name, value in request["headers"].items() if name != "content-length"
    }
    came = (request["method"], request["path"], f"HTTP/{request['version'].removesuffix('.0')}")
    return (*came, headers, request["body"]) == (method, path, version, wanted.headers, wanted.body)


@pytest.mark.node
def test_exchanges(tmp_path: Path) -> None:
    """Guards against a request that is not as docs/operator-side.md shows it, or an answer from there that gives another key."""
    authority = Authority(tmp_path)
    files = authority.issue("operator", "localhost")
    ours = identity_options(authority.issue("naf.example.com"), authority.file)
    for heading, wanted in LOOKED_UP.items():
        expected = exchanges(heading)
        left = list(expected)

        def answer(request: Request) -> Reply | None:
            question, reply = left.pop(0)
            assert matches(request, question), (heading, request, question)
            status = int(reply.start[1])
            return {"status": status, "headers": reply.headers, "body": reply.body}

        with HttpsServer(answer, files, authority.file, "h2") as server:
            with KeySource(*options(heading, server.port, tmp_path), *ours) as source:
                body = next(question.body for question, _ in expected if "{" in question.body)
                (identity,) = re.findall(r'"(?:aKId|btId)":"([^"]+)"', body)
                for kind, found in wanted:
                    assert source.look(identity, kind).startswith(found), heading
                if heading.startswith("BSF"):
                    nobody = "nobody@bsf.mnc001.mcc001.pub.3gppnetwork.org"
                    assert source.look(nobody, "gba") == "unknown"
                    (said,) = re.findall(r"^    (event=source-no-key .*)$", PAGE, re.MULTILINE)
                    assert source.wait_for_error("source-no-key").endswith(said)
        assert not left, heading


def test_exchanges_by_their_schemas() -> None:
    """Guards against an exchange of docs/operator-side.md that the published documents do not have."""
    seen = 0
    for heading in LOOKED_UP:
        for question, reply in exchanges(heading):
            path = question.start[1].removeprefix("/exposed")
            assert re.fullmatch(USER_AGENT, question.headers["user-agent"])
            if path not in KEYS:
                form = dict(urllib.parse.parse_qsl(question.body, strict_parsing=True))
                schema = ACCESS_TOKEN_REQ if "nfInstanceId" in form else TOKEN_REQUEST
                jsonschema.validate(form, closed(schema))
                continue
            answered = KEYS[path][1] if reply.start[1] == "200" else PROBLEM_DETAILS
            jsonschema.validate(json.loads(question.body), closed(KEYS[path][0]))
            jsonschema.validate(json.loads(reply.body), closed(answered))
            seen += 1
    assert seen == 4


def test_every_member_is_there() -> None:
    """Guards against a member of an exchange in docs/operator-side.md without a row that explains it."""
    rows = "".join(re.findall(r"^\| `.*$", section("Every member"), re.MULTILINE))
    headings = list(LOOKED_UP)
    bodies = "".join(
        message.body for heading in headings for pair in exchanges(heading) for message in pair
    )
    names = set(re.findall(r'"(\w+)":', bodies)) - {"nafId", "status", "cause", "scope"}
    assert len(names) > 15
    assert not [name for name in names if f"`{name}`" not in rows and f".{name}`" not in rows]
