"""akma psk: every format, column and refusal; order, memory, and what an interruption leaves behind.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import hashlib
import json
import os
import pty
import resource
import signal
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import reference
from configuration import write_config
from evp import BUILD
from flow import wait_until
from samples import FQDN, KA, KEY, NAF_ID, UA
from sanitizer import unless_its_runtime_is_in_the_way
from small_disk import SmallDisk
from tool import AKMA, ENVIRONMENT, akma, example_of, help_of

NAF = ["--naf-fqdn", FQDN, "--ua-protocol-id", UA.hex()]
HEADER = "identity,ks-naf,ka"
NOTHING: list[str] = []
Rows = Sequence[tuple[str, bytes, bytes]]
Words = list[str | Path]


def fleet(count: int) -> list[tuple[str, bytes, bytes]]:
    """Devices with keys of their own."""
    digests = [hashlib.sha512(str(number).encode()).digest() for number in range(count)]
    return [
        (f"device-{number}@bsf.example.com", digest[:32], digest[32:])
        for number, digest in enumerate(digests)
    ]


def write(folder: Path, *lines: str, end: str = "\n") -> Path:
    path = folder / "devices.csv"
    path.write_bytes("".join(line + end for line in lines).encode("utf-8", "surrogateescape"))
    path.chmod(0o600)
    return path


def write_rows(folder: Path, rows: Rows) -> Path:
    return write(folder, HEADER, *(f"{name},{ks.hex()},{ka.hex()}" for name, ks, ka in rows))


def psk(path: Path, *words: str, form: str = "mosquitto") -> subprocess.CompletedProcess[bytes]:
    return akma("psk", "--in", path, "--out", path.parent / "psk", "--format", form, *words)


def line(name: str, ks_naf: bytes, ka: bytes, between: str = ":") -> str:
    return f"{name}{between}{reference.e2e_key(ks_naf, ka, NAF_ID).hex()}\n"


GOOD = fleet(3)
A, B, C = (f"{name},{ks.hex()},{ka.hex()}" for name, ks, ka in GOOD)


FORMATS = {
    "mosquitto": ("", ":"),
    "stunnel": ("", ":"),
    "gnutls": ("", ":"),
    "libcoap": (",", ","),
    "openssl": ("-psk_identity ", " -psk "),
}


@pytest.mark.parametrize("form", FORMATS)
def test_formats(tmp_path: Path, form: str) -> None:
    """Guards against a format of akma psk that its program reads otherwise, or a file that others can read."""
    result = psk(write_rows(tmp_path, GOOD), *NAF, form=form)
    assert result.returncode == 0 and result.stdout == result.stderr == b""
    before, between = FORMATS[form]
    expected = "".join(before + line(*row, between=between) for row in GOOD)
    assert (tmp_path / "psk").read_text() == expected
    assert stat.S_IMODE((tmp_path / "psk").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["devices.csv", "psk"]


def test_htdigest(tmp_path: Path) -> None:
    """Guards against another user, realm or password than HTTP Digest's profile has (TS 33.222 5.2), and another row's FQDN."""
    keys = [f"{ks.hex()},{ka.hex()}" for _, ks, ka in GOOD]
    path = write(
        tmp_path, HEADER + ",naf-fqdn", f"a@b,{keys[0]},", f"ü@b,{keys[1]},iot.example.com"
    )
    for length in (32, 512):
        assert psk(path, *NAF, "--length", str(length), form="htdigest").returncode == 0
        expected = ""
        for name, (_, ks, ka), fqdn in zip(
            ("a@b", "ü@b"), GOOD, (FQDN, "iot.example.com"), strict=False
        ):
            key = reference.e2e_key(ks, ka, fqdn.encode() + UA, length=length)
            start = f"{name}:3GPP-bootstrapping@{fqdn}:"
            words = start.encode() + base64.b64encode(key)
            expected += start + hashlib.md5(words).hexdigest() + "\n"
        assert (tmp_path / "psk").read_text() == expected


def test_json(tmp_path: Path) -> None:
    """Guards against identities whose characters break the JSON, or keys that are wrong in it."""
    rows = [*GOOD, ("back\\slash/ä@x", KEY, KA)]
    fleets: list[Rows] = [rows, rows[:1]]
    for some in fleets:
        assert psk(write_rows(tmp_path, some), *NAF, form="json").returncode == 0
        expected = [
            {"identity": name, "e2e-key": reference.e2e_key(ks, ka, NAF_ID).hex()}
            for name, ks, ka in some
        ]
        assert json.loads((tmp_path / "psk").read_text()) == expected


@pytest.mark.parametrize(
    ("form", "identity", "character"),
    [
        *((form, "a:b@c", ":") for form in ("mosquitto", "stunnel", "gnutls", "htdigest")),
        *((form, "#a@c", "#") for form in ("mosquitto", "stunnel", "gnutls", "htdigest")),
        ("openssl", "it's", "'"),
        ("openssl", "back\\slash", "\\x5C"),
    ],
)
def test_what_a_format_cannot_carry(
    tmp_path: Path, form: str, identity: str, character: str
) -> None:
    """Guards against an identity that a format reads as the end of a field, and so as another identity."""
    path = write(tmp_path, HEADER, A, f"{identity},{KEY.hex()},{KA.hex()}")
    result = psk(path, *NAF, form=form)
    assert result.returncode == 1 and not (tmp_path / "psk").exists()
    reason = f"line 3: identity: the format {form} cannot carry its '{character}'\n"
    assert result.stderr.decode().endswith(reason)
    assert psk(path, *NAF, form="json").returncode == 0


def test_columns(tmp_path: Path) -> None:
    """Guards against a column that is ignored in another order, or loses against an option."""
    header = "usage,ka,identity,refresh,ka-id,ua-protocol-id,naf-fqdn,ks-naf"
    ua = "010001c0a8"
    path = write(
        tmp_path,
        header,
        f"u,{KA.hex()},one,00ff,k,{ua},iot.example.com,{KEY.hex()}",
        f",{KA.hex()},two,,,,,{KEY.hex()}",
    )
    options = ["--refresh", "0a", "--usage", "other", "--mode", "HKDF", "--digest", "SHA2-512"]
    assert psk(path, *NAF, *options, "--length", "64").returncode == 0
    of: dict[str, Any] = {"mode": "HKDF", "digest": "SHA2-512", "length": 64}
    naf_id = b"iot.example.com" + bytes.fromhex(ua)
    one = reference.e2e_key(KEY, KA, naf_id, refresh=b"\0\xff", usage="u", **of)
    two = reference.e2e_key(KEY, KA, NAF_ID, refresh=b"\x0a", usage="other", **of)
    assert (tmp_path / "psk").read_text() == f"one:{one.hex()}\ntwo:{two.hex()}\n"


def test_options_without_columns(tmp_path: Path) -> None:
    """Guards against an option that has no effect where the file has no column of its name."""
    path = write(tmp_path, HEADER, f"one,{KEY.hex()},{KA.hex()}")
    keys = {
        "--refresh 0a": reference.e2e_key(KEY, KA, NAF_ID, refresh=b"\x0a"),
        "--usage u": reference.e2e_key(KEY, KA, NAF_ID, usage="u"),
    }
    for words, key in keys.items():
        assert psk(path, *NAF, *words.split()).returncode == 0
        assert (tmp_path / "psk").read_text() == f"one:{key.hex()}\n"


def test_no_row_inherits(tmp_path: Path) -> None:
    """Guards against a row with an empty field that gets the row before's refresh, usage or name."""
    header = HEADER + ",refresh,usage"
    keys = f"{KEY.hex()},{KA.hex()}"
    path = write(tmp_path, header, f"one,{keys},0102,u", f"two,{keys},,")
    assert psk(path, *NAF).returncode == 0
    one = reference.e2e_key(KEY, KA, NAF_ID, refresh=b"\x01\x02", usage="u")
    two = reference.e2e_key(KEY, KA, NAF_ID)
    assert (tmp_path / "psk").read_text() == f"one:{one.hex()}\ntwo:{two.hex()}\n"
    path = write(tmp_path, HEADER + ",naf-fqdn", f"one,{keys},{FQDN}", f"two,{keys},")
    result = psk(path, "--ua-protocol-id", UA.hex())
    assert result.returncode == 1 and b"line 3: naf-fqdn:" in result.stderr


KEYS = f"{KEY.hex()},{KA.hex()}"
BAD_ROWS = {
    "hex": (f"x,{'zz' * 32},{KA.hex()}", "ks-naf: must be 64 hex digits"),
    "length of ks-naf": (f"x,{KEY.hex()[2:]},{KA.hex()}", "ks-naf: must be 64 hex digits"),
    "no ks-naf": (f"x,,{KA.hex()}", "ks-naf: must be 64 hex digits"),
    "no ka": (f"x,{KEY.hex()},", "ka: must be the hex of 16 to 65535 octets"),
    "short ka": (f"x,{KEY.hex()},{'00' * 15}", "ka: must be the hex of 16 to 65535 octets"),
    "odd ka": (f"x,{KEY.hex()},{KA.hex()}0", "ka: not hex"),
    "empty identity": (f",{KEYS}", "identity: empty"),
    "blank": (f"a b,{KEYS}", "identity: must be 1 to 255"),
    "quote": (f'"a",{KEYS}', "identity: must be 1 to 255"),
    "quote behind a letter that is not ASCII": (f'ä",{KEYS}', "identity: must be 1 to 255"),
    "blank behind a letter that is not ASCII": (f"ä b,{KEYS}", "identity: must be 1 to 255"),
    "escape": (f"a\x1b[31m,{KEYS}", "identity: must be 1 to 255"),
    "not UTF-8": (f"a\udcff,{KEYS}", "identity: must be 1 to 255"),
    "blank of Unicode": (
        f"a\u00a0b,{KEYS}",
        "identity: must be 1 to 255 octets of UTF-8 without blanks, commas and quotes; it has U+00A0",
    ),
    "wide blank": (
        f"a\u3000b,{KEYS}",
        "identity: must be 1 to 255 octets of UTF-8 without blanks, commas and quotes; it has U+3000",
    ),
    "no width": (
        f"ä\u200bb,{KEYS}",
        "identity: must be 1 to 255 octets of UTF-8 without blanks, commas and quotes; it has U+200B",
    ),
    "other direction": (
        f"a\u202eb,{KEYS}",
        "identity: must be 1 to 255 octets of UTF-8 without blanks, commas and quotes; it has U+202E",
    ),
    "mark": (
        f"\ufeffab,{KEYS}",
        "identity: must be 1 to 255 octets of UTF-8 without blanks, commas and quotes; it has U+FEFF",
    ),
    "control": (
        f"a\u0085b,{KEYS}",
        "identity: must be 1 to 255 octets of UTF-8 without blanks, commas and quotes; it has U+0085",
    ),
    "no character": (
        f"a\U0001fffeb,{KEYS}",
        "identity: must be 1 to 255 octets of UTF-8 without blanks, commas and quotes; it has U+1FFFE",
    ),
    "NUL": (f"a\0b,{KEYS}", "identity: must be 1 to 255"),
    "long identity": (f"{'a' * 256},{KEYS}", "identity: must be 1 to 255"),
    "missing field": (f"x,{KEY.hex()}", "fewer fields"),
    "another field": (f"x,{KEYS},", "more fields"),
    "empty line": ("", "fewer fields"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_bad_rows(tmp_path: Path, name: str) -> None:
    """Guards against a bad row that costs the previous output, is told of without file, line and field, or stops --keep-going."""
    row, reason = BAD_ROWS[name]
    path = write(tmp_path, HEADER, A, row, B)
    (tmp_path / "psk").write_text("old")
    result = psk(path, *NAF)
    assert result.returncode == 1
    said = result.stderr.decode()
    assert said.startswith(f"akma psk: {path}: line 3: {reason}") and said.count("\n") == 1
    assert KEY.hex() not in said and KA.hex() not in said
    assert (tmp_path / "psk").read_text() == "old"
    for form in ("mosquitto", "json"):
        result = psk(path, *NAF, "--keep-going", form=form)
        said = result.stderr.decode()
        assert result.returncode == 1 and f"line 3: {reason}" in said
        assert said.splitlines()[-1].endswith("; bad rows: 1") and "2 of 3" in said
        if form == "mosquitto":
            assert (tmp_path / "psk").read_text() == line(*GOOD[0]) + line(*GOOD[1])
        else:
            good = json.loads((tmp_path / "psk").read_text())
            assert [entry["identity"] for entry in good] == [GOOD[0][0], GOOD[1][0]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["devices.csv", "psk"]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("naf-fqdn", "a_b", "naf-fqdn:"),
        ("naf-fqdn", "a" * 254, "naf-fqdn: must be a host name of 1 to 253"),
        ("ua-protocol-id", "01", "ua-protocol-id: must be 10 hex digits"),
        ("refresh", "0", "refresh: must be the hex of 0 to 255"),
        ("refresh", "0z", "refresh: not hex"),
        ("usage", "u" * 256, "usage: must be 0 to 255"),
    ],
)
def test_bad_parameters(tmp_path: Path, column: str, value: str, reason: str) -> None:
    """Guards against a column whose value is wrong being passed over."""
    path = write(tmp_path, f"{HEADER},{column}", f"x,{KEYS},{value}")
    result = psk(path, *NAF)
    assert result.returncode == 1 and f"line 2: {reason}" in result.stderr.decode()


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (
            "",
            "the header is wrong: its field 1 is none of identity, ks-naf, ka, ka-id, naf-fqdn, ua-protocol-id, refresh, "
            "usage, device, not-after\n",
        ),
        (A, "the header is wrong: its field 1 is none of"),
        ("\ufeff" + HEADER, "the header is wrong: a byte order mark comes before it"),
        ("identity,ks-naf", "ka: the header is wrong: this column is missing"),
        ("ks-naf,ka", "identity: the header is wrong: this column is missing"),
        ("identity,ks-naf,ka,ka", "ka: the header is wrong: this column is named twice"),
        ("identity,ks-naf,ka,colour", "the header is wrong: its field 4 is none of"),
        ("identity,ks-naf,ka ", "the header is wrong: there is a blank in it"),
        ("identity, ks-naf, ka", "the header is wrong: there is a blank in it"),
        ("identity;ks-naf;ka", "the header is wrong: its fields are separated by semicolons"),
        ("identity\tks-naf\tka", "the header is wrong: its fields are separated by tabs"),
        ('"identity","ks-naf","ka"', "the header is wrong: its fields are in quotes"),
        ("'identity','ks-naf','ka'", "the header is wrong: its fields are in quotes"),
    ],
)
def test_bad_headers(tmp_path: Path, header: str, reason: str) -> None:
    """Guards against a header that is wrong being skipped like a bad row."""
    for more in NOTHING, ["--keep-going"]:
        result = psk(write(tmp_path, header, A), *NAF, *more)
        said = result.stderr.decode()
        assert result.returncode == 1 and f"line 1: {reason}" in said and said.count("\n") == 1
        assert not (tmp_path / "psk").exists()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16(tmp_path: Path, encoding: str) -> None:
    """Guards against a text of a spreadsheet that is refused without a word of how it was saved."""
    path = write(tmp_path)
    path.write_bytes(f"{HEADER}\r\n{A}\r\n".encode(encoding))
    result = psk(path, *NAF)
    assert result.returncode == 1
    assert b"line 1: the header is wrong: it is UTF-16; write UTF-8" in result.stderr


@pytest.mark.parametrize("endless", ["/dev/zero", "/dev/urandom"])
def test_inputs_without_an_end(tmp_path: Path, endless: str) -> None:
    """Guards against a call that takes a device into memory before it looks at its first line."""
    words: Words = [AKMA, "psk", "--in", endless, "--out", tmp_path / "psk", "--format", "json"]
    result = subprocess.run(
        words,
        env=ENVIRONMENT,
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2**24, 2**24)),
        timeout=100,
        check=False,
    )
    assert result.returncode == 1 and b"line 1: " in result.stderr
    assert not (tmp_path / "psk").exists()


BOUNDS = {  # octets of the shortest and the longest key, and of the longest identity
    "mosquitto": (1, 512, 255),
    "stunnel": (16, 512, 255),
    "libcoap": (1, 32, 128),
    "openssl": (1, 512, 255),
    "gnutls": (4, 8160, 255),
    "htdigest": (1, 512, 255),
    "json": (1, 8160, 255),
}


@pytest.mark.parametrize("form", BOUNDS)
def test_bounds_of_a_format(tmp_path: Path, form: str) -> None:
    """Guards against a file that its reader refuses, or whose keys and identities it cuts off."""
    shortest, longest, most = BOUNDS[form]
    path = write(tmp_path, HEADER, f"{'i' * most},{KEYS}")
    for length in {shortest, longest}:
        result = psk(path, *NAF, "--length", str(length), form=form)
        assert result.returncode == 0, result.stderr
    (tmp_path / "psk").write_text("old")
    for length in {shortest - 1, longest + 1} - {0, 8161}:
        result = psk(path, *NAF, "--length", str(length), form=form)
        assert result.returncode == 2
        assert (
            f"--length {length}: the format {form} takes keys of {shortest} "
            in result.stderr.decode()
        )
    if most < 255:
        result = psk(write(tmp_path, HEADER, A, f"{'i' * (most + 1)},{KEYS}"), *NAF, form=form)
        assert result.returncode == 1
        said = f"line 3: identity: {most + 1} octets; the format {form} takes at most {most}"
        assert said in result.stderr.decode()
    assert (tmp_path / "psk").read_text() == "old"


def test_files_that_were_cut(tmp_path: Path) -> None:
    """Guards against a file that was cut in its transfer giving some keys and no error."""
    for text in ("", HEADER, f"{HEADER}\n{A}", f"{HEADER}\n{A}\n{B[:-10]}"):
        path = write(tmp_path, text, end="")
        for more in NOTHING, ["--keep-going"]:
            result = psk(path, *NAF, *more)
            assert result.returncode == 1 and result.stderr.startswith(b"akma psk: ")
            assert result.stderr.count(b"\n") == 1
            assert not (tmp_path / "psk").exists()
        if text.count("\n") > 1:
            assert b"line 3: no end of line at the end of the file" in result.stderr
    path = write(tmp_path, HEADER, "x" * 300000)
    result = psk(path, *NAF)
    assert result.returncode == 1 and b"line 2: longer than any row can be" in result.stderr


def test_cr_lf(tmp_path: Path) -> None:
    """Guards against a file with the ends of lines of Windows being refused, or the CR becoming part of a value."""
    assert psk(write(tmp_path, HEADER, A, end="\r\n"), *NAF).returncode == 0
    assert (tmp_path / "psk").read_text() == line(*GOOD[0])


def test_longest_row(tmp_path: Path) -> None:
    """Guards against the longest row that can be, read in pieces, giving another key."""
    ka = b"\xab" * 65535
    rows = [("i" * 255, KEY, ka), ("j" * 255, KEY, ka)]
    assert psk(write_rows(tmp_path, rows), *NAF).returncode == 0
    assert (tmp_path / "psk").read_text() == "".join(line(*row) for row in rows)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--format", "csv"], 2, "--format: must be mosquitto, stunnel"),
        (["--length", "0"], 2, "--length 0: must be a number from 1"),
        (["--length", "9000", "--format", "json"], 1, "line 2:"),
        (["--refresh", "0"], 2, "--refresh: must be an even number of hex digits"),
        (["--refresh", "00" * 300], 2, "--refresh: must be an even number of hex digits"),
        (["--ua-protocol-id", "xx"], 2, "--ua-protocol-id: must be an even number of hex digits"),
        (["--ua-protocol-id", "01"], 2, "ua-protocol-id"),
        (["--naf-fqdn", "a_b"], 2, "naf-fqdn"),
        (["--digest", "MD5"], 2, "digest"),
        (["--mode", "5G"], 2, "mode"),
        (["--usage", "u" * 256], 2, "usage"),
        (["--in", "/nowhere\x1b/x"], 1, "/nowhere\\x1B/x: No such file"),
        (["--out", "/dev/null"], 1, "/dev/null: not a regular file"),
        (["--out", "/nowhere/x"], 1, "/nowhere/x: No such file"),
    ],
)
def test_refusals(tmp_path: Path, words: list[str], status: int, said: str) -> None:
    """Guards against options of akma psk that make no sense together and are taken."""
    result = psk(write(tmp_path, HEADER, A), *NAF, *words)
    assert result.returncode == status and said in result.stderr.decode()
    assert [path.name for path in tmp_path.iterdir()] == ["devices.csv"]


@pytest.mark.parametrize("name", ["devices.csv", "link", "-"])
def test_out_that_is_the_input(tmp_path: Path, name: str) -> None:
    """Guards against PSKs in the place of the keys that they were derived from, by any name of that file."""
    path = write(tmp_path, HEADER, A)
    old = path.read_text()
    (tmp_path / "link").hardlink_to(path)
    source = path if name == "-" else tmp_path / name
    for more in (NOTHING, ["--force"]):
        words: Words = ["--out", path, "--format", "json", *NAF, *more]
        with source.open() as file:
            result = subprocess.run(
                [AKMA, "psk", "--in", "-" if name == "-" else source, *words],
                env=ENVIRONMENT,
                stdin=file,
                capture_output=True,
            )
        assert result.returncode == 2 and f"--out: {path}: is what this" in result.stderr.decode()
    (tmp_path / "symbolic").symlink_to(path)
    result = akma("psk", "--in", tmp_path / "symbolic", *words)
    assert result.returncode == 2 and path.read_text() == old


def test_out_that_is_a_devices_file(tmp_path: Path) -> None:
    """Guards against PSKs in the place of another file's keys, which may be nowhere else."""
    path, out = write(tmp_path, HEADER, A), tmp_path / "psk"
    for header in (HEADER, "ks-naf,identity", HEADER + ",ka-id\r", HEADER.replace(",", ";")):
        out.write_text(old := f"{header}\n{B}\n")
        result = psk(path, *NAF)
        assert result.returncode == 1 and out.read_text() == old.replace("\r", "")
        assert f"--out: {out}: is a devices file" in result.stderr.decode()
        assert b"or --force to replace it" in result.stderr
        assert psk(path, *NAF, "--force").returncode == 0
        assert out.read_text() == line(*GOOD[0])
        assert psk(path, *NAF).returncode == 0  # its own file is replaced as ever


@pytest.mark.parametrize("form", ["mosquitto", "json"])
def test_nothing_to_derive(tmp_path: Path, form: str) -> None:
    """Guards against a file without a PSK, which cuts every device off."""
    (tmp_path / "psk").write_text("old")
    path = write(tmp_path, HEADER)
    for words in (NOTHING, ["--keep-going"]):
        result = psk(path, *NAF, *words, form=form)
        assert result.returncode == 1
        assert f"{path}: has no row to derive a key from" in result.stderr.decode()
        assert (tmp_path / "psk").read_text() == "old"


def test_without_naf_or_provider(tmp_path: Path) -> None:
    """Guards against akma psk failing without a word of what is missing."""
    path = write(tmp_path, HEADER, A)
    result = psk(path)
    assert result.returncode == 1 and b"line 2: naf-id: missing" in result.stderr
    result = akma(
        *["psk", "--in", str(path), "--out", str(tmp_path / "psk"), "--format", "json"],
        environment={"OPENSSL_CONF": "/dev/null"},
    )
    assert result.returncode == 1 and b"is akma activated" in result.stderr
    for missing in ("--in", "--out", "--format"):
        words = ["--in", str(path), "--out", str(tmp_path / "psk"), "--format", "json"]
        del words[words.index(missing) : words.index(missing) + 2]
        result = akma("psk", *words)
        assert result.returncode == 2 and f"{missing} ".encode() in result.stderr


def test_a_file_that_others_can_use(tmp_path: Path) -> None:
    """Guards against a devices file that others can read passing without a warning."""
    path = write(tmp_path, HEADER, A)
    path.chmod(0o644)
    result = psk(path, *NAF)
    assert result.returncode == 0 and b"warning" in result.stderr and b"chmod 600" in result.stderr


# Many rows


MANY = fleet(12000)  # more blocks than can be under way


@pytest.mark.life
def test_order(tmp_path: Path) -> None:
    """Guards against blocks that threads finish early being written before the ones that precede them."""
    path = write_rows(tmp_path, MANY)
    assert psk(path, *NAF).returncode == 0
    expected = "".join(line(*row) for row in MANY)
    assert (tmp_path / "psk").read_text() == expected
    command: list[str | Path] = [
        AKMA,
        "psk",
        "--in",
        path,
        "--out",
        tmp_path / "one",
        "--format",
        "mosquitto",
    ]
    one = {min(os.sched_getaffinity(0))}
    subprocess.run(
        [*command, *NAF],
        env=ENVIRONMENT,
        preexec_fn=lambda: os.sched_setaffinity(0, one),
        check=True,
    )
    assert (tmp_path / "one").read_text() == expected


def test_the_last_row_of_an_identity_counts(tmp_path: Path) -> None:
    """Guards against a retired Ka in the file after a rotation, near or far, from a file or a pipe, alone or with others."""
    later = [(MANY[i][0], KEY, hashlib.sha256(str(i).encode()).digest()) for i in (0, 5000, 11999)]
    latest = [later[1][:2] + (KA,), later[1][:2] + (KA,)]
    path = write_rows(tmp_path, [*MANY, *later, *latest])
    gone = {name for name, _, _ in later}
    kept = [row for row in MANY if row[0] not in gone] + [later[0], later[2], latest[1]]
    assert psk(path, *NAF).stderr == b""
    assert (tmp_path / "psk").read_text() == "".join(line(*row) for row in kept)
    words = ["psk", "--in", "-", "--out", str(tmp_path / "piped"), "--format", "json", *NAF]
    result = akma(*words, given=path.read_bytes())
    assert result.returncode == 0 and result.stderr == b""
    piped = json.loads((tmp_path / "piped").read_text())
    assert [entry["identity"] for entry in piped] == [row[0] for row in kept]


def test_a_row_that_does_not_count_may_be_refused(tmp_path: Path) -> None:
    """Guards against a fleet that stops at a Ka which was replaced because the policy refuses it."""
    config = write_config(tmp_path / "openssl.cnf", {"akma": {"min-ka-length": "32"}})
    old, new = f"x,{KEY.hex()},{KA.hex()[:40]}", f"x,{KEY.hex()},{KA.hex()}"
    environment = {"OPENSSL_CONF": str(config)}
    for rows, keys, status in (([old, new], 1, 0), ([new, old], 0, 1), ([new, "x,zz,zz"], 0, 1)):
        path = write(tmp_path, HEADER, *rows)
        words: Words = ["psk", "--in", path, "--out", tmp_path / "psk", "--format", "mosquitto"]
        words += NAF
        assert akma(*words, environment=environment).returncode == status
        result = akma(*words, "--keep-going", environment=environment)
        assert result.returncode == status
        assert (tmp_path / "psk").read_text() == keys * line("x", KEY, KA)


def test_a_rotation_as_documented(tmp_path: Path) -> None:
    """Guards against a rotation after which the file has the retired Ka's, or none: ka new, ka add, psk, ka remove."""
    path = write_rows(tmp_path, fleet(3))
    (tmp_path / "list").write_text("".join(f"{name}\n" for name, _, _ in fleet(3)))
    words: Words = ["--in", tmp_path / "list", "--ka-id", "2026", "--out", tmp_path / "new"]
    assert akma("ka", "new", *words).returncode == 0
    assert akma("ka", "add", "--devices", path, "--in", tmp_path / "new").returncode == 0
    fields = [row.split(",") for row in (tmp_path / "new").read_text().splitlines()[1:]]
    made = [
        (name, ks, bytes.fromhex(row[2]))
        for (name, ks, _), row in zip(fleet(3), fields, strict=True)
    ]
    assert psk(path, *NAF).returncode == 0
    assert (tmp_path / "psk").read_text() == "".join(line(*row) for row in made)


def test_standard_input_where_the_shell_has_it(tmp_path: Path) -> None:
    """Guards against reading a file from its beginning where a caller has read a part of it already."""
    path = write_rows(tmp_path, GOOD)
    text = "a line before\n" + path.read_text()
    path.write_text(text)
    with path.open("rb", buffering=0) as file:
        file.seek(len("a line before\n"))
        words: Words = ["psk", "--in", "-", "--out", tmp_path / "psk", "--format", "mosquitto"]
        subprocess.run([AKMA, *words, *NAF], stdin=file, env=ENVIRONMENT, check=True)
    assert (tmp_path / "psk").read_text() == "".join(line(*row) for row in GOOD)


def test_the_first_bad_row_is_told(tmp_path: Path) -> None:
    """Guards against an error about another bad row than the first one, when a later thread is faster."""
    lines = [f"{name},{ks.hex()},{ka.hex()}" for name, ks, ka in MANY]
    for bad in (11000, 3000, 9000):
        lines[bad] = "x"
    path = write(tmp_path, HEADER, *lines)
    for _ in range(3):
        result = psk(path, *NAF)
        assert result.returncode == 1 and result.stderr.count(b"\n") == 1
        assert b"line 3002: fewer fields" in result.stderr
    result = psk(path, *NAF, "--keep-going")
    lines_told = [text.split(b": ")[2] for text in result.stderr.splitlines()[:-1]]
    assert lines_told == [b"line 3002", b"line 9002", b"line 11002"]


PEAK = """
import os, sys
process = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(process, 0)
print(status, usage.ru_maxrss)
"""


def peak(path: Path) -> int:
    """The most memory it took, in octets; started by something small, whose own size counts."""
    command: list[str | Path] = [
        AKMA,
        "psk",
        "--in",
        path,
        "--out",
        path.parent / "psk",
        "--format",
        "gnutls",
        *NAF,
    ]
    output = subprocess.check_output(
        ["/usr/bin/python3", "-I", "-S", "-c", PEAK, *command], env=ENVIRONMENT
    )
    status, kibibytes = map(int, output.split())
    assert status == 0
    return kibibytes * 1024


@unless_its_runtime_is_in_the_way
def test_size_of_many_rows(tmp_path: Path) -> None:
    """Guards against memory that grows with the file by more than 16 octets per row."""
    keys = f"{KEY.hex()},{KA.hex()[:32]}"
    counts = (100_000, 600_000)
    taken = []
    for count in counts:
        path = write(tmp_path, HEADER, *(f"{number},{keys}" for number in range(count)))
        taken.append(peak(path))
    assert taken[1] - taken[0] <= 16 * (counts[1] - counts[0]) + 512 * 1024


# Interruptions


def test_limit_of_size(tmp_path: Path) -> None:
    """Guards against a limit of a file's size leaving half a psk file."""
    path = write_rows(tmp_path, MANY)
    (tmp_path / "psk").write_text("old")
    command: list[str | Path] = [AKMA, "psk", "--in", path, "--out", tmp_path / "psk", *NAF]
    command += ["--format", "stunnel"]
    for limit in (0, 1000, 500_000):
        result = subprocess.run(
            command,
            env=ENVIRONMENT,
            capture_output=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
            check=False,
        )
        assert result.returncode == 1 and b"psk: File too large" in result.stderr
        assert (tmp_path / "psk").read_text() == "old"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["devices.csv", "psk"]


@pytest.mark.parametrize("form", ["stunnel", "json"])
def test_full_disk(tmp_path: Path, disk: SmallDisk, form: str) -> None:
    """Guards against a full disk that costs the old file, or leaves half a file beside it."""
    path = write_rows(tmp_path, MANY)
    out = disk.folder / "psk"
    out.write_text("old")
    for filled in (False, True):
        if filled:
            disk.fill()
        before = disk.names()
        result = akma("psk", "--in", path, "--out", out, "--format", form, *NAF)
        assert result.returncode == 1
        assert result.stderr.decode() == f"akma psk: {out}: No space left on device\n"
        assert out.read_text() == "old" and disk.names() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals(tmp_path: Path, number: signal.Signals) -> None:
    """Guards against an interrupted akma psk that has replaced the old file, or leaves its temporary one behind."""
    fifo, out = tmp_path / "fifo", tmp_path / "psk"
    os.mkfifo(fifo)
    out.write_text("old")
    command: list[str | Path] = [AKMA, "psk", "--in", fifo, "--out", out, "--format", "json", *NAF]

    def hear_signals() -> None:
        """A shell that runs the tests in the background may have them ignored."""
        signal.signal(number, signal.SIG_DFL)

    with subprocess.Popen(command, env=ENVIRONMENT, preexec_fn=hear_signals) as process:
        with open(fifo, "w") as writer:
            writer.write(HEADER + "\n")
            for name, ks, ka in MANY:
                writer.write(f"{name},{ks.hex()},{ka.hex()}\n")
            writer.flush()
            wait_until(lambda: len(list(tmp_path.iterdir())) == 3)
            process.send_signal(number)
            assert process.wait(20) == -number
    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fifo", "psk"]


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_pipe(tmp_path: Path, name: str) -> None:
    """Guards against a devices file read from a pipe whose last rows are lost, or whose errors do not say where."""
    path = tmp_path / "devices.csv"
    text = "".join([HEADER + "\n", A + "\n"])
    words: list[str | Path] = [
        "psk",
        "--in",
        name,
        "--out",
        tmp_path / "psk",
        "--format",
        "stunnel",
        *NAF,
    ]
    result = akma(*words, given=text.encode())
    assert result.returncode == 0 and result.stderr == b"" and not path.exists()
    assert (tmp_path / "psk").read_text() == line(*GOOD[0])
    result = akma(*words, given=f"{HEADER}\nx\n".encode())
    where = "standard input" if name == "-" else name
    assert result.stderr.decode().startswith(f"akma psk: {where}: line 2: fewer fields")


def test_progress_bar(tmp_path: Path) -> None:
    """Guards against a progress bar that remains at the end, or that is written when no terminal is there."""
    keys = f"{KEY.hex()},{KA.hex()}"
    path = write(tmp_path, HEADER, *(f"{number},{keys}" for number in range(10_000)))
    pace = f"{os.environ.get('LD_PRELOAD', '')} {BUILD}/test/programs/libpreload_pace.so"
    parent, child = pty.openpty()
    command: list[str | Path] = [
        AKMA,
        "psk",
        "--in",
        path,
        "--out",
        tmp_path / "psk",
        "--format",
        "stunnel",
        *NAF,
    ]
    with subprocess.Popen(command, env=ENVIRONMENT | {"LD_PRELOAD": pace}, stderr=child) as process:
        os.close(child)
        shown = b""
        while True:
            try:
                octets = os.read(parent, 65536)
            except OSError:  # the other end is closed
                break
            shown += octets
        assert process.wait(60) == 0
    os.close(parent)
    assert b"% " in shown and b"devices" in shown and b"[#" in shown
    assert shown.endswith(b"\r\x1b[K")
    result = subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=True)
    assert result.stdout == result.stderr == b""


def test_help_of_psk(tmp_path: Path) -> None:
    """Guards against the example in the help of akma psk that no longer works, or a format that it does not name."""
    text = help_of("psk")
    for name in [*FORMATS, "json", "ka-id and device are not used", "A row whose not-after"]:
        assert name in text
    write_rows(tmp_path, GOOD)
    folders = ENVIRONMENT | {"PATH": f"{AKMA.parent}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", example_of("psk")], cwd=tmp_path, env=folders, check=True)
    naf_id = b"mqtt.example.com" + bytes.fromhex("0100000007")
    expected = [
        f"{name}:{reference.e2e_key(ks, ka, naf_id, usage='mqtt').hex()}" for name, ks, ka in GOOD
    ]
    assert (tmp_path / "psk.txt").read_text().splitlines() == expected
