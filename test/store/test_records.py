"""Records of a shared store, and the file of the keys that seal them.

SPDX-License-Identifier: Apache-2.0
"""

import subprocess
from pathlib import Path

import pytest

import records
from evp import BUILD
from records import Record

WRAP, OLD = bytes(range(32)), bytes(range(32, 64))
IDENTITY, RUN_ID = "e2e-" + "5" * 32, "c" * 40
RECORD = Record(
    "device-1", "2026-11", "a@bsf.example", "naf.example", 1_800_000_000, bytes(range(100, 132))
)
NOW = RECORD.until - 30
REFUSED = 3


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """The new key seals, the old one still opens."""
    return write_keys(tmp_path / "store.key", f"2:{WRAP.hex()}\n1:{OLD.hex()}\n")


def write_keys(path: Path, text: str, mode: int = 0o600) -> Path:
    """A file for --store-key."""
    path.write_text(text)
    path.chmod(mode)
    return path


def run(keys: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The program that seals and opens."""
    return subprocess.run(
        [BUILD / "test/programs/record", keys, *words],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def seal(keys: Path, record: Record = RECORD) -> bytes:
    """Seal with the programs' own code."""
    words = [str(record.until), record.key.hex(), *record.texts]
    result = run(keys, "seal", IDENTITY, RUN_ID, *words)
    assert result.returncode == 0, result.stderr
    return bytes.fromhex(result.stdout.strip())


def unseal(
    keys: Path, sealed: bytes, identity: str = IDENTITY, run_id: str = RUN_ID, now: int = NOW
) -> Record | str:
    """Open with the programs' own code: what is in it, or why it is refused."""
    result = run(keys, "open", identity, run_id, str(now), sealed.hex())
    if result.returncode == REFUSED:
        assert not result.stdout
        return result.stderr
    assert result.returncode == 0, result.stderr
    *texts, until, key = result.stdout.splitlines()
    device, ka_id, subject, naf = texts
    return Record(device, ka_id, subject, naf, int(until), bytes.fromhex(key))


TEXTS = [
    ("device-1", "2026-11", "a@bsf.example", "naf.example"),
    ("d", "", "d", ""),
    ("d" * 255, "k" * 255, "s" * 255, "n" * 255),
    ("\u00e9\u4e2d", "", "\u00e9", ""),
]


def with_texts(texts: tuple[str, str, str, str]) -> Record:
    """RECORD with other texts."""
    return Record(*texts, RECORD.until, RECORD.key)


@pytest.mark.parametrize("texts", TEXTS)
def test_sealed_here_opened_there(keys: Path, texts: tuple[str, str, str, str]) -> None:
    """Guards against a record that is not sealed as the page says, so that another implementation cannot open it."""
    sealed = seal(keys, with_texts(texts))
    assert sealed[:5] == b"\x01\x00\x00\x00\x02"
    assert records.unseal(sealed, WRAP, IDENTITY, RUN_ID) == with_texts(texts)


@pytest.mark.parametrize("texts", TEXTS)
@pytest.mark.parametrize("number,wrap_key", [(2, WRAP), (1, OLD)])
def test_sealed_there_opened_here(
    keys: Path, texts: tuple[str, str, str, str], number: int, wrap_key: bytes
) -> None:
    """Guards against a record of another implementation that cannot be opened."""
    sealed = records.seal(with_texts(texts), wrap_key, IDENTITY, RUN_ID, number=number)
    assert unseal(keys, sealed) == with_texts(texts)


def test_no_two_records_are_alike(keys: Path) -> None:
    """Guards against a nonce that repeats, or a record with its key in the clear."""
    first, second = seal(keys), seal(keys)
    assert first[5:37] != second[5:37] and first[-48:] != second[-48:]
    assert RECORD.key not in first


def test_every_octet_counts(keys: Path) -> None:
    """Guards against an octet of a record that can be changed unnoticed."""
    sealed = records.seal(with_texts(("d", "", "s", "")), WRAP, IDENTITY, RUN_ID, number=2)
    assert unseal(keys, sealed) == with_texts(("d", "", "s", ""))
    for place in range(len(sealed)):
        altered = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        assert isinstance(unseal(keys, altered), str), place


@pytest.mark.parametrize("length", [0, 1, 4, 5, 36, 37, 44, 45, 46, 53, 62, 76, 88, 135])
def test_cut(keys: Path, length: int) -> None:
    """Guards against a record that was cut being opened, or read beyond its end."""
    sealed = records.seal(RECORD, WRAP, IDENTITY, RUN_ID)
    assert len(sealed) == 136
    assert "cut" in str(unseal(keys, sealed[:length]))


def test_longer(keys: Path) -> None:
    """Guards against a record with octets behind its end being opened."""
    sealed = records.seal(RECORD, WRAP, IDENTITY, RUN_ID, number=2)
    assert "cut or altered" in str(unseal(keys, sealed + b"\0"))


@pytest.mark.parametrize(
    "identity,run_id",
    [
        ("e2e-" + "6" * 32, RUN_ID),
        (IDENTITY, "d" * 40),
        (IDENTITY + "c", RUN_ID[1:]),
        (IDENTITY[:-1], "5" + RUN_ID),
    ],
)
def test_bound_to_identity_and_run(keys: Path, identity: str, run_id: str) -> None:
    """Guards against a record that is moved to another identity or another run of Redis, and opens there."""
    sealed = records.seal(RECORD, WRAP, IDENTITY, RUN_ID, number=2)
    assert unseal(keys, sealed) == RECORD
    assert "another run of Redis" in str(unseal(keys, sealed, identity, run_id))


def test_too_old(keys: Path) -> None:
    """Guards against a record that opens after its key has ended."""
    sealed = records.seal(RECORD, WRAP, IDENTITY, RUN_ID, number=2)
    assert unseal(keys, sealed, now=RECORD.until) == RECORD
    assert "too old" in str(unseal(keys, sealed, now=RECORD.until + 1))


def test_another_version(keys: Path) -> None:
    """Guards against a record of a version that is not known being read as one that is."""
    sealed = records.seal(RECORD, WRAP, IDENTITY, RUN_ID, number=2, version=2)
    assert "another version" in str(unseal(keys, sealed))


def test_unknown_key_number(keys: Path) -> None:
    """Guards against a record of a wrapping key that is not there failing without saying so."""
    sealed = records.seal(RECORD, WRAP, IDENTITY, RUN_ID, number=3)
    assert "--store-key does not have" in str(unseal(keys, sealed))


def test_wrong_key_of_a_number(keys: Path) -> None:
    """Guards against a record opening with another wrapping key of the same number."""
    sealed = records.seal(RECORD, WRAP, IDENTITY, RUN_ID, number=1)
    assert "altered" in str(unseal(keys, sealed))


HEX = "0f" * 32


@pytest.mark.parametrize(
    "text",
    [f"0:{HEX}", f"1:{HEX}\n", f"4294967295:{HEX.upper()}\n"]
    + ["".join(f"{number}:{HEX}\n" for number in range(16))],
)
def test_key_files(tmp_path: Path, text: str) -> None:
    """Guards against a file of wrapping keys that seals with another key than its first one."""
    assert seal(write_keys(tmp_path / "key", text))[:5] == struct_head(text)


def struct_head(text: str) -> bytes:
    """Version and the first line's number."""
    return b"\x01" + int(text.split(":", 1)[0]).to_bytes(4, "big")


@pytest.mark.parametrize(
    "text,complaint",
    [
        ("", "line 1: there is no key"),
        ("\n", "line 1: must begin with a number"),
        (f"{HEX}\n", "line 1: must begin with a number"),
        (f":{HEX}\n", "line 1: must begin with a number"),
        (f"-1:{HEX}\n", "line 1: must begin with a number"),
        (f" 1:{HEX}\n", "line 1: must begin with a number"),
        (f"5/:{HEX}\n", "line 1: must begin with a number"),
        (f"4294967296:{HEX}\n", "line 1: must begin with a number"),
        (f"00000000001:{HEX}\n", "line 1: must begin with a number"),
        (f"1:{HEX[:-2]}\n", "line 1: 64 hex digits"),
        (f"1:{HEX}00\n", "line 1: 64 hex digits"),
        (f"1:{HEX}\r\n", "line 1: 64 hex digits"),
        (f"1:{HEX[:-1]}g\n", "line 1: 64 hex digits"),
        (f"1:{HEX}\n1:{HEX[::-1]}\n", "line 2: an earlier line has this number"),
        (f"1:{HEX}\n\n", "line 2: must begin with a number"),
        ("".join(f"{number}:{HEX}\n" for number in range(17)), "line 17: there are more than 16"),
    ],
)
def test_bad_key_files(tmp_path: Path, text: str, complaint: str) -> None:
    """Guards against a file of wrapping keys that is wrong being taken, or an error that shows a key."""
    path = write_keys(tmp_path / "key", text)
    result = run(path, "open", IDENTITY, RUN_ID, "0", "00")
    assert result.returncode == 1 and not result.stdout
    assert f"--store-key: {complaint}" in result.stderr
    assert HEX[:16] not in result.stderr


@pytest.mark.parametrize("mode", [0o660, 0o604, 0o620, 0o602])
def test_key_file_for_its_owner_alone(tmp_path: Path, mode: int) -> None:
    """Guards against a file of wrapping keys that others can read being taken."""
    path = write_keys(tmp_path / "key", f"1:{HEX}\n", mode)
    assert "chmod 600" in run(path, "open", IDENTITY, RUN_ID, "0", "00").stderr


def test_key_file_that_is_not_there(tmp_path: Path) -> None:
    """Guards against a missing file of wrapping keys whose error does not say so."""
    result = run(tmp_path / "none", "open", IDENTITY, RUN_ID, "0", "00")
    assert "No such file" in result.stderr
