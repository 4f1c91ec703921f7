"""akma ka derive: Ka's of a master secret, by the module; what its options and a URI may be.

SPDX-License-Identifier: Apache-2.0
"""

import json
import stat
import subprocess
from pathlib import Path

import pytest

from flow import wait_until
from reference import device_ka
from samples import KEY, VECTORS
from tool import AKMA, ENVIRONMENT, akma, example_of, secret

HEADER = "identity,ks-naf,ka,ka-id"
VECTOR_FILE = VECTORS / "akma-ka.json"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def refused(*words: str | Path, status: int = 1) -> str:
    result = akma("ka", "derive", *words)
    assert result.returncode == status and result.stdout == b"", result
    assert KEY.hex() not in result.stderr.decode()
    return result.stderr.decode()


@pytest.mark.parametrize(
    "vector", json.loads(VECTOR_FILE.read_text())["vectors"], ids=lambda vector: str(vector["name"])
)
def test_vectors(tmp_path: Path, vector: dict[str, str]) -> None:
    """Guards against a Ka that is not the published one of this master, device and ka-id."""
    master = secret(tmp_path / "master", bytes.fromhex(vector["key"]))
    words = ["--ka-id", vector["ka-id"]] if vector["ka-id"] else []
    result = akma("ka", "derive", "--master", master, "--device", vector["device"], *words)
    row = f"{vector['device']},,{vector['derived-key']},{vector['ka-id']}"
    assert result.stdout.decode().splitlines() == [HEADER, row]


def test_a_list(tmp_path: Path) -> None:
    """Guards against rows out of the list's order, of another device, or in a file for everybody."""
    names = [f"device-{number}@enterprise.example" for number in range(3000)]
    listed = write(tmp_path / "list", "".join(name + "\n" for name in names))
    words: list[str | Path] = [
        "--master",
        secret(tmp_path / "m", KEY),
        "--in",
        listed,
        "--ka-id",
        "2026",
    ]
    result = akma("ka", "derive", *words, "--out", tmp_path / "out", "--threads", "5")
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600
    rows = [f"{name},,{device_ka(KEY, name, '2026').hex()},2026" for name in names]
    assert (tmp_path / "out").read_text().splitlines() == [HEADER, *rows]
    few = akma("ka", "derive", *words, "--threads", "1")  # whose four jobs come round again
    assert few.stdout == (tmp_path / "out").read_bytes()


MANY = "".join(f"x{number}\n" for number in range(600))  # more than one job's


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\nb\na\n", "line 3: an earlier line has this device already"),
        ("a\n\nb\n", "line 2: is empty; it must have the name of a device"),
        ("a\nb,c\n", "line 2: a device's name must be UTF-8 without blanks, commas"),
        ("a\nb c\n", "line 2: a device's name must be UTF-8 without blanks, commas"),
        ("\u202ea\n", "line 1: a device's name must be UTF-8"),
        ("\ufeffa\n", "line 1: a byte order mark comes before it"),
        ("a" * 256 + "\n", "line 1: a device's name has at most 255 octets"),
        ("a\nb", "line 2: "),
        (f"{MANY}a b\n", "line 601: a device's name must be UTF-8 without blanks, commas"),
        (f"{MANY}x0\n", "line 601: an earlier line has this device already"),
        ("", "has no device"),
    ],
)
def test_bad_lists(tmp_path: Path, text: str, said: str) -> None:
    """Guards against a bad list that is written in part, or whose bad name becomes a device."""
    listed = write(tmp_path / "list", text)
    words: list[str | Path] = [
        "--master",
        secret(tmp_path / "m", KEY),
        "--in",
        listed,
        "--out",
        tmp_path / "out",
    ]
    assert said in refused(*words)
    assert not (tmp_path / "out").exists() and len(list(tmp_path.iterdir())) == 2


def test_a_file_that_is_there(tmp_path: Path) -> None:
    """Guards against Ka's that are overwritten, or a command that overwrites its input."""
    master, out = secret(tmp_path / "m", KEY), write(tmp_path / "out", "old\n")
    words: list[str | Path] = ["--master", master, "--device", "a", "--out"]
    assert "is there already" in refused(*words, out) and out.read_text() == "old\n"
    assert akma("ka", "derive", *words, out, "--force").returncode == 0
    assert out.read_text().splitlines() == [HEADER, f"a,,{device_ka(KEY, 'a').hex()},"]
    assert "what this command reads" in refused(*words, tmp_path / "m", "--force", status=2)
    words = ["--master", master, "--in", out, "--out", out, "--force"]
    assert "what this command reads" in refused(*words, status=2)


def test_a_file_that_comes_meanwhile(tmp_path: Path) -> None:
    """Guards against Ka's of another command that are replaced, as they were not there at the beginning."""
    master, out = secret(tmp_path / "m", KEY), tmp_path / "out"
    words: list[str | Path] = ["--master", master, "--in", "-", "--out", out]
    with subprocess.Popen(
        [AKMA, "ka", "derive", *words],
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as late:
        wait_until(lambda: len(list(tmp_path.iterdir())) == 2)  # the new file, under another name
        write(out, "theirs\n")
        said = late.communicate(b"a\n", timeout=100)[1]
    assert late.returncode == 1 and f"{out}: File exists".encode() in said
    assert out.read_text() == "theirs\n" and len(list(tmp_path.iterdir())) == 2


def test_masters(tmp_path: Path) -> None:
    """Guards against a master that is too short, public, not hex, of zeros, or on the command line."""
    short = secret(tmp_path / "short", KEY[:31])
    zeros = secret(tmp_path / "zeros", bytes(32))
    public = secret(tmp_path / "public", KEY)
    (tmp_path / "public").chmod(0o644)
    for master, said in (
        (short, "must be 64 hex digits"),
        (zeros, "zero"),
        (public, "chmod"),
        (KEY.hex(), "must be file:PATH, env:NAME, fd:N or stdin"),
        ("file:/nowhere", "No such file"),
    ):
        assert said in refused("--master", master, "--device", "a")
    assert "a PIN is for a token" in refused(
        "--master", secret(tmp_path / "m", KEY), "--ka-pin", "file:x", "--device", "a"
    )
    assert "give either" in refused("--master", "stdin", status=2)
    assert "used twice" in refused("--master", "stdin", "--in", "-", status=2)
    token = ["--master", "pkcs11:token=none", "--ka-pin", "stdin", "--in", "-"]
    assert "--ka-pin and --in: used twice" in refused(*token, status=2)
    assert "--ka-id" in refused("--master", "stdin", "--device", "a", "--ka-id", "a,b", status=2)


SECRET = "1234"


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("pkcs11:object=k?pin-value=" + SECRET, "pin-value: every user of the machine can read it"),
        ("pkcs11:object=%zz" + SECRET, "must be a URI as RFC 7512 has it"),
        ("pkcs11:nothing=" + SECRET, "attribute that is not known"),
        ("pkcs11:object=k;type=private", "type: must be secret-key"),
        ("pkcs11:object=k?pin-source=|echo%20" + SECRET, "pin-source: must be file:/PATH"),
        ("pkcs11:object=k?pin-source=relative", "pin-source: must be file:/PATH"),
        ("pkcs11:object=k?pin-source=file:/nowhere", "the PIN: file:/nowhere: No such file"),
        ("pkcs11:object=k?module-path=/nowhere.so", "/nowhere.so"),
    ],
)
def test_uris(uri: str, said: str) -> None:
    """Guards against a URI that is understood in part, or whose PIN appears in an error."""
    text = refused("--master", uri, "--device", "a")
    assert said in text or "this build has no PKCS#11" in text
    assert SECRET not in text


def test_pins(tmp_path: Path) -> None:
    """Guards against a PIN that others can read, an empty one, and two of them."""
    (tmp_path / "pin").write_text("1234\n")
    (tmp_path / "pin").chmod(0o644)
    uri, pin = "pkcs11:object=k", f"file:{tmp_path}/pin"
    for words, said in (
        (["--ka-pin", pin], "chmod"),
        (["--ka-pin", "1234"], "must be file:PATH"),
        (["--ka-pin", f"file:{secret(tmp_path / 'x', b'')[5:]}"], "is empty"),
    ):
        text = refused("--master", uri, "--device", "a", *words)
        if "this build has no PKCS#11" in text:
            pytest.skip("without p11-kit a PIN is not read")
        assert said in text
    (tmp_path / "pin").chmod(0o600)
    twice = refused("--master", f"{uri}?pin-source={pin}", "--device", "a", "--ka-pin", pin)
    assert "the PIN is given twice" in twice


def test_new_master_options() -> None:
    """Guards against options of Ka's that a master secret would ignore."""
    for words, said in (
        (["--pkcs11", "pkcs11:object=k", "--identity", "a"], "goes with --ka-pin alone"),
        (["--identity", "a", "--ka-pin", "file:x"], "is for a token"),
        (["--pkcs11", "k-master"], "must be a PKCS#11 URI"),
    ):
        result = akma("ka", "new", *words)
        assert result.returncode == 2 and said in result.stderr.decode()
    assert "--ka-pin" in example_of("ka", "derive")
