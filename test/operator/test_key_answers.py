"""What NEF, AAnF and BSF answer, read strictly: form, schema, times, and what is said of errors.

SPDX-License-Identifier: Apache-2.0
"""

import calendar
import json
import subprocess
from typing import Any

import pytest

from evp import BUILD

KEY = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4
EXPIRY = "2031-05-06T07:08:09Z"
SECONDS = calendar.timegm((2031, 5, 6, 7, 8, 9))
JSON = "application/json"
PROBLEM = "application/problem+json"


def read(system: str, body: Any, content_type: str = JSON, *name: str) -> str:
    """What the reader prints; body is octets, or is made JSON; name: what names the device, in numbers."""
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    result = subprocess.run(
        [BUILD / "test/programs/key_answer", system, content_type, *name],
        input=octets,
        capture_output=True,
        timeout=20,
        check=True,
    )
    return result.stdout.decode(errors="replace")


def akma(**members: Any) -> dict[str, Any]:
    """An application key with changes; None leaves a member out."""
    answer = {"kaf": KEY, "expiry": EXPIRY} | members
    return {name: value for name, value in answer.items() if value is not None}


def gba(**members: Any) -> dict[str, Any]:
    """Bootstrapping information with changes; None leaves a member out."""
    answer = {"meKeyMaterial": KEY} | members
    return {name: value for name, value in answer.items() if value is not None}


def test_application_key() -> None:
    """Guards against an answer of NEF or AAnF that is right and is refused, or read with another key, device or end."""
    assert read("akma", akma()) == f"ks-naf {KEY}\ndevice \nnot-after {SECONDS}\n"
    assert read("akma", akma(kaf=KEY.upper())).startswith(f"ks-naf {KEY}\n")
    full = akma(gpsi="extid-dev@example.com", supi="imsi-001010000000001", suppFeat="1a")
    assert "device extid-dev@example.com\n" in read("akma", full)
    assert "device imsi-001010000000001\n" in read("akma", akma(supi="imsi-001010000000001"))
    assert f"ks-naf {KEY}" in read("akma", akma(), "Application/JSON; charset=utf-8")


def test_bootstrapping_information() -> None:
    """Guards against an answer of a BSF that is right and is refused, or read with another key, device or end."""
    assert read("gba", gba()) == f"ks-naf {KEY}\ndevice \n"
    full = gba(
        uiccKeyMaterial=OTHER,
        keyExpiryTime=EXPIRY,
        bootstrappingInfoCreationTime=EXPIRY,
        impi="001010000000001@ims.mnc001.mcc001.3gppnetwork.org",
        gbaType="3G_GBA",
        ussList=[{"uss": {}}],
    )
    assert read("gba", full) == (
        f"ks-naf {KEY}\nks-int-naf {OTHER}\n"
        f"device 001010000000001@ims.mnc001.mcc001.3gppnetwork.org\nnot-after {SECONDS}\n"
    )


def test_later_versions_may_add_members() -> None:
    """Guards against an answer being refused for a member of a later version, or of the other system (TS 29.501)."""
    assert read("akma", akma(newThing={"a": [1]})) == read("akma", akma())
    assert "ks-int-naf" not in read("akma", akma(uiccKeyMaterial=OTHER))


@pytest.mark.parametrize(
    "name, value",
    [
        *[("kaf", value) for value in (None, "", KEY[:-1], KEY + "0", KEY[:-2], KEY + "00")],
        *[("kaf", value) for value in (KEY[:-1] + "g", " " + KEY[1:], 1, None, [KEY], {"a": KEY})],
        *[("expiry", value) for value in (None, "", "tomorrow", 1935990489, EXPIRY[:-1])],
        *[("gpsi", value) for value in ("", 7, "x" * 256, ["a"])],
        *[("gpsi", value) for value in ("a b", 'a"b', "msisdn-1234", "msisdn-49x15", "extid-x")],
        *[("gpsi", value) for value in ("a\x07b", "a\u00a0b", "extid-@b", "extid-a@b@c")],
        *[("supi", value) for value in ("", False, "x" * 256)],
        *[("supi", value) for value in ("imsi-", "imsi-0010", "imsi-0010100000000012")],
        *[("supi", value) for value in ("nai-user", "imsi-00101x000000001")],
    ],
)
def test_application_key_of_the_wrong_form(name: str, value: Any) -> None:
    """Guards against a member of an AKMA answer with a wrong type or form being taken."""
    out = read("akma", akma(**{name: value}))
    assert out.startswith(f"fault {name}: ") and "must be" in out
    assert KEY[:30] not in out


@pytest.mark.parametrize(
    "name, value",
    [
        *[("meKeyMaterial", value) for value in (None, KEY[:-1], KEY + "0", 5, "0x" + KEY[2:])],
        *[("uiccKeyMaterial", value) for value in ("", OTHER[:-1], 5)],
        *[("keyExpiryTime", value) for value in ("", "2031-05-06", 5)],
        *[("impi", value) for value in ("", 5, "x" * 256, "user", "@b", "a@", "a@b@c", "a b@c")],
    ],
)
def test_bootstrapping_information_of_the_wrong_form(name: str, value: Any) -> None:
    """Guards against a member of a BSF's answer with a wrong type or form being taken."""
    assert read("gba", gba(**{name: value})).startswith(f"fault {name}: ")


@pytest.mark.parametrize("value", [None, [], {}, "", 5, ["x"]])
def test_members_that_nobody_needs(value: Any) -> None:
    """Guards against a key being refused for an empty list, or a null, in a member that is not used."""
    for name in ("gbaType", "ussList", "bootstrappingInfoCreationTime", "suppFeat"):
        for system, answer in (("gba", gba()), ("akma", akma())):
            assert read(system, answer | {name: value}) == read(system, answer)


def test_null_is_absent() -> None:
    """Guards against null being read as a value, or a null key as a key."""
    for name in ("gpsi", "supi", "suppFeat"):
        assert read("akma", akma() | {name: None}) == read("akma", akma())
    assert read("akma", akma() | {"expiry": None}) == f"ks-naf {KEY}\ndevice \n"
    for name in ("uiccKeyMaterial", "keyExpiryTime", "impi"):
        assert read("gba", gba() | {name: None}) == read("gba", gba())
    assert read("akma", akma() | {"kaf": None}).startswith("fault kaf: must be")
    assert read("gba", gba() | {"meKeyMaterial": None}).startswith("fault meKeyMaterial: must be")


def test_what_names_the_device() -> None:
    """Guards against a device that gets another Ka when its operator sends one more name than the chosen one."""
    names = {"gpsi": "extid-dev@example.com", "supi": "imsi-001010000000001"}
    both = akma(**names)
    assert "device extid-dev@example.com\n" in read("akma", both)
    for number, name in ((0, "gpsi"), (1, "supi")):
        assert f"device {names[name]}\n" in read("akma", both, JSON, str(number))
        assert f"device {names[name]}\n" in read(
            "akma", akma(**{name: names[name]}), JSON, str(number)
        )
    assert "device \n" in read("akma", akma(supi=names["supi"]), JSON, "0")
    assert read("akma", both | {"supi": "imsi-1"}, JSON, "0").startswith("fault supi: ")


@pytest.mark.parametrize(
    "body",
    [
        *[b"", b"{", b"null", b"[]", b'"text"', b"{}{}", b"\xff\xfe", b"<html></html>"],
        f'{{"kaf":"{KEY}","expiry":"{EXPIRY}"}} more'.encode(),
        f'{{"kaf":"{KEY}","kaf":"{KEY}","expiry":"{EXPIRY}"}}'.encode(),
        f'{{"kaf":"{KEY}","expiry":"{EXPIRY}","x":1,"x":1}}'.encode(),
        f'{{"kaf":"{KEY}","expiry":"{EXPIRY}","supi":"a\\u0000b"}}'.encode(),
        f'{{"kaf":"{KEY}","expiry":"{EXPIRY}","supi":"\xe9"}}'.encode("latin-1"),
        b"[" * 5000,
    ],
    ids=str,
)
def test_bodies_that_are_no_answer(body: bytes) -> None:
    """Guards against a body that is no JSON object being taken for an answer."""
    assert read("akma", body).startswith("fault body: ")


@pytest.mark.parametrize(
    "content_type",
    ["", "text/html", "application/jsonp", "application/problem+json", "application/json2", "json"],
)
def test_content_types_that_are_not_json(content_type: str) -> None:
    """Guards against a proxy's page that is read as an answer."""
    assert read("akma", akma(), content_type) == "fault content type: must be application/json\n"


@pytest.mark.parametrize(
    "text, moment",
    [
        ("1970-01-01T00:00:00Z", (1970, 1, 1, 0, 0, 0)),
        ("2024-02-29T23:59:59Z", (2024, 2, 29, 23, 59, 59)),
        ("2000-02-29t00:00:00z", (2000, 2, 29, 0, 0, 0)),
        ("2031-05-06T07:08:09.123456789Z", (2031, 5, 6, 7, 8, 9)),
        ("2031-05-06T07:08:09+02:00", (2031, 5, 6, 5, 8, 9)),
        ("2031-05-06T07:08:09.5-05:30", (2031, 5, 6, 12, 38, 9)),
        ("2030-12-31T23:59:60Z", (2031, 1, 1, 0, 0, 0)),
        ("2038-01-19T03:14:08Z", (2038, 1, 19, 3, 14, 8)),
        ("9999-12-31T23:59:59Z", (9999, 12, 31, 23, 59, 59)),
    ],
)
def test_times(text: str, moment: tuple[int, ...]) -> None:
    """Guards against a time of RFC 3339 read as another moment."""
    assert f"not-after {calendar.timegm(moment)}\n" in read("akma", akma(expiry=text))


@pytest.mark.parametrize(
    "text",
    [
        *["2031-05-06 07:08:09Z", "2031-5-06T07:08:09Z", "31-05-06T07:08:09Z", "20310506T070809Z"],
        *["2031-00-06T07:08:09Z", "2031-13-06T07:08:09Z", "2031-05-00T07:08:09Z"],
        *["2031-04-31T07:08:09Z", "2031-02-29T07:08:09Z", "2100-02-29T07:08:09Z"],
        *["2031-05-06T24:08:09Z", "2031-05-06T07:60:09Z", "2031-05-06T07:08:61Z"],
        *["2031-05-06T07:08Z", "2031-05-06T07:08:09", "2031-05-06T07:08:09.Z"],
        *["2031-05-06T07:08:09+0200", "2031-05-06T07:08:09+24:00", "2031-05-06T07:08:09+02:60"],
        *["2031-05-06T07:08:09Zx", "2031-05-06T07:08:09Z ", " 2031-05-06T07:08:09Z", "+2031"],
        *["2031-05-06T-7:08:09Z", "2031-05-06T07:08:09,5Z", "2031-05-06T07:08:09*02:00"],
    ],
)
def test_times_that_are_none(text: str) -> None:
    """Guards against a day that no calendar has, or a form that no time has, being taken for a key's end."""
    assert read("akma", akma(expiry=text)).startswith("fault expiry: ")


def test_problems() -> None:
    """Guards against an operator's error that is logged without its cause, or at any length."""
    problem = {"status": 403, "cause": "K_AF_NOT_ALLOWED", "detail": "no such AF", "title": "x"}
    said = "status: 403, cause: K_AF_NOT_ALLOWED, detail: no such AF\n"
    assert read("problem", problem, PROBLEM) == said
    token = {"error": "invalid_client", "error_description": "who are you"}
    assert read("problem", token, JSON) == (
        "error: invalid_client, error_description: who are you\n"
    )
    for nothing, content_type in (
        (problem, "text/plain"),
        (b"{", PROBLEM),
        ([], PROBLEM),
        ({"cause": [1], "detail": None}, PROBLEM),
        (b"", PROBLEM),
    ):
        assert read("problem", nothing, content_type) == "\n"
    long = read("problem", {"cause": "c" * 300, "detail": "d" * 300}, PROBLEM)
    assert len(long) <= 400 and long.startswith("cause: ccc")
