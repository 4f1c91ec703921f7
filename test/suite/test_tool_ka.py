"""akma ka: making Ka's, and changing a devices file: locked, all or nothing, mode and owner kept.

SPDX-License-Identifier: Apache-2.0
"""

import fcntl
import os
import resource
import shutil
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from samples import KA, KEY
from small_disk import SmallDisk
from tool import AKMA, ENVIRONMENT, akma, example_of, help_of, secret

OTHER = bytes(range(32))
HEADER = "identity,ks-naf,ka,ka-id"


def write(path: Path, *lines: str, mode: int = 0o600) -> Path:
    path.write_text("".join(line + "\n" for line in lines))
    path.chmod(mode)
    return path


def row(identity: str, ka: bytes, ka_id: str | None = None, ks_naf: bytes = KEY) -> str:
    return ",".join([identity, ks_naf.hex(), ka.hex(), *([] if ka_id is None else [ka_id])])


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    lines = [row("one", KA, "2025"), row("two", OTHER, "2025", OTHER), row("one", OTHER, "2026")]
    return write(tmp_path / "devices.csv", HEADER, *lines)


def refused(*words: str | Path, status: int = 1, given: bytes = b"") -> str:
    result = akma("ka", *words, given=given)
    assert result.returncode == status and result.stdout == b"", result.stderr
    said = result.stderr.decode()
    assert KA.hex() not in said and KEY.hex() not in said and OTHER.hex() not in said
    return said


# new


@pytest.mark.parametrize("length", [16, 32, 100])
def test_new(tmp_path: Path, length: int) -> None:
    names = [f"device-{number}@bsf.example.com" for number in range(500)]
    path = write(tmp_path / "list", *names)
    words = ["--length", str(length)] if length != 32 else []
    result = akma("ka", "new", "--in", path, "--ka-id", "2026", "--out", tmp_path / "new", *words)
    assert result.returncode == 0 and result.stdout == result.stderr == b""
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600
    header, *lines = (tmp_path / "new").read_text().splitlines()
    rows = [line.split(",") for line in lines]
    assert header == HEADER and [fields[0] for fields in rows] == names
    assert {(fields[1], fields[3]) for fields in rows} == {("", "2026")}
    kas = [bytes.fromhex(fields[2]) for fields in rows]
    assert {len(ka) for ka in kas} == {length} and len(set(kas)) == len(kas)
    ones = sum(octet.bit_count() for ka in kas for octet in ka)
    bits = 8 * length * len(kas)
    assert abs(ones - bits / 2) < 4 * bits**0.5  # eight deviations of a fair coin


def test_new_for_a_few(tmp_path: Path) -> None:
    result = akma("ka", "new", "--identity", "one", "--identity", "two")
    header, one, two = result.stdout.decode().splitlines()
    assert header == HEADER and one.startswith("one,,") and two.startswith("two,,")
    assert one.endswith(",") and one[5:] != two[5:]
    assert akma("ka", "new", "--in", write(tmp_path / "list")).stdout.decode() == HEADER + "\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one\ntwo", "no end of line at the end"),
        ("one\n\n", "line 2: identity: empty"),
        ("one\na b\n", "line 2: identity: must be 1 to 255"),
        ("one\na,b\n", "line 2: identity: empty"),
        ("one\na\0b\n", "line 2: identity: empty"),
        ("one\n" + "a" * 256 + "\n", "line 2: identity: must be 1 to 255"),
        ("one\n" + "a" * 1000 + "\n", "line 2: identity: must be 1 to 255"),
        ("one\ntwo\none\n", "line 3: identity: an earlier line has it already"),
    ],
)
def test_bad_lists(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "list"
    path.write_text(text)
    (tmp_path / "new").write_text("old")
    stderr = refused("new", "--in", path, "--out", tmp_path / "new")
    assert f"{path}: {said}" in stderr
    assert (tmp_path / "new").read_text() == "old"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "give either this or --identity"),
        (["--in", "x", "--identity", "y"], 2, "give either this or --identity"),
        (["--in", "/nowhere\x1b"], 1, "/nowhere\\x1B: No such file"),
        (["--identity", "y", "--length", "15"], 2, "must be a number from 16 to 65535"),
        (["--identity", "y", "--length", "65536"], 2, "must be a number from 16 to 65535"),
        (["--identity", "y", "--ka-id", "a b"], 1, "line 1: ka-id: must be 0 to 255"),
        (["--identity", "y", "--ka-id", "a,b"], 1, "line 1: more fields"),
        (
            ["--identity", "y", "--ka-id", f"a\nb,,{'00' * 16},"],
            1,
            "each identity and ka-id must be one line",
        ),
        (["--identity", "a\nb"], 1, "line 1: fewer fields"),
        (["--identity", "y", "--out", "/dev/null"], 1, "/dev/null: not a regular file"),
    ],
)
def test_refused_new(words: list[str], status: int, said: str) -> None:
    assert said in refused("new", *words, status=status)


# add


def test_add_from_new(devices: Path, tmp_path: Path) -> None:
    """Known devices keep their Ks_NAF; what was there stays, to the octet."""
    old = devices.read_text()
    names = write(tmp_path / "list", "two", "three", "one")
    assert (
        akma("ka", "new", "--in", names, "--ka-id", "2027", "--out", tmp_path / "new").returncode
        == 0
    )
    result = akma("ka", "add", "--devices", devices, "--in", tmp_path / "new")
    assert result.returncode == 0 and result.stdout == b"3 added\n" and result.stderr == b""
    made = [line.split(",")[2] for line in (tmp_path / "new").read_text().splitlines()[1:]]
    keys = [OTHER.hex(), "", KEY.hex()]
    added = [
        f"{name},{key},{ka},2027\n"
        for name, key, ka in zip(("two", "three", "one"), keys, made, strict=True)
    ]
    assert devices.read_text() == old + "".join(added)


def test_add_one(devices: Path, tmp_path: Path) -> None:
    old = devices.read_text()
    source = secret(tmp_path / "ka", b"k" * 20)
    words: list[str | Path] = ["--devices", devices, "--identity", "three", "--ka-id", "k"]
    result = akma("ka", "add", *words, "--ka", source, "--ks-naf", "stdin", given=KA.hex().encode())
    assert result.returncode == 0 and result.stderr == b""
    assert devices.read_text() == old + row("three", b"k" * 20, "k", KA) + "\n"
    words[3], words[5] = "one", "k2"
    assert akma("ka", "add", *words, "--length", "17").returncode == 0
    fields = devices.read_text().splitlines()[-1].split(",")
    assert fields[:2] == ["one", KEY.hex()] and len(fields[2]) == 34 and fields[3] == "k2"
    words[5] = "k3"
    assert akma("ka", "add", *words, "--ka", "stdin", "--raw", given=b"r" * 16).returncode == 0
    assert devices.read_text().endswith(row("one", b"r" * 16, "k3") + "\n")


def test_add_a_name_where_there_were_none(tmp_path: Path) -> None:
    path = write(tmp_path / "d", "identity,ks-naf,ka,refresh", row("one", KA) + ",00")
    assert akma("ka", "add", "--devices", path, "--identity", "one").returncode == 0
    assert path.read_text().splitlines()[0] == "identity,ks-naf,ka,refresh"
    words: list[str | Path] = ["--devices", path, "--identity", "two", "--ka-id", "k"]
    assert akma("ka", "add", *words).returncode == 0
    header, first, second, third = path.read_text().splitlines()
    assert header == "identity,ks-naf,ka,refresh,ka-id" and first == row("one", KA) + ",00,"
    assert second.startswith("one,") and second.endswith(",,")
    assert third.startswith("two,,") and third.endswith(",,k")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "give either this or --identity"),
        (["--in", "/nowhere/x"], 1, "/nowhere/x: No such file"),
        (
            ["--identity", "one", "--ka-id", "2026"],
            1,
            "line 5: ka-id: this identity has it already",
        ),
        (["--identity", "one", "--ks-naf", "stdin"], 1, "line 5: ks-naf: differs"),
        (["--identity", "one", "--ka", KA.hex()], 2, "no secret belongs on a command line"),
        (["--identity", "x", "--ka", "stdin", "--raw"], 1, "--ka: stdin: longer"),
        (["--identity", "a b"], 1, "identity: must be 1 to 255"),
        (["--identity", ""], 1, "identity: empty"),
        (["--identity", f"a,,{'00' * 16},\nb"], 1, "each must be one line"),
        (["--identity", "a", "--ka-id", "a b"], 1, "ka-id: must be 0 to 255"),
    ],
)
def test_refused_add(devices: Path, words: list[str], status: int, said: str) -> None:
    old = devices.read_text()
    given = b"x" * 65536 if "--raw" in words else OTHER.hex().encode()
    assert said in refused("add", "--devices", devices, *words, status=status, given=given)
    assert devices.read_text() == old
    assert [path.name for path in devices.parent.iterdir()] == ["devices.csv"]


def test_add_without_a_ka(devices: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "in", "identity,ks-naf,ka", f"x,{KEY.hex()},")
    assert f"{path}: line 2: ka: must be the hex" in refused(
        "add", "--devices", devices, "--in", path
    )
    short = secret(tmp_path / "short", b"s" * 15)
    said = refused("add", "--devices", devices, "--identity", "x", "--ka", short)
    assert "--ka: shorter than the secret has to be" in said


# remove


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["--ka-id", "2025"], [2]),
        (["--identity", "one"], [1]),
        (["--identity", "one", "--ka-id", "2025"], [1, 2]),
    ],
)
def test_remove(devices: Path, words: list[str], kept: list[int]) -> None:
    header, *lines = devices.read_text().splitlines()
    result = akma("ka", "remove", "--devices", devices, *words)
    assert result.stderr == b"" and result.stdout.decode() == f"{3 - len(kept)} removed\n"
    assert devices.read_text().splitlines() == [header, *(lines[number] for number in kept)]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "give this, --ka-id or both"),
        (["--identity", "three"], 1, "there is no such row"),
        (["--identity", "two", "--ka-id", "2026"], 1, "there is no such row"),
        (["--ka-id", ""], 1, "there is no such row"),
    ],
)
def test_refused_remove(devices: Path, words: list[str], status: int, said: str) -> None:
    old = devices.stat()
    assert said in refused("remove", "--devices", devices, *words, status=status)
    assert devices.stat().st_ino == old.st_ino


# Both


BOTH = [["add", "--identity", "x"], ["remove", "--identity", "one"]]


@pytest.mark.parametrize("words", BOTH)
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400])
def test_mode_and_owner_stay(devices: Path, words: list[str], mode: int) -> None:
    owner = (65534, 65533) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    os.chown(devices, *owner)
    devices.chmod(mode)
    result = akma("ka", words[0], "--devices", devices, *words[1:])
    assert result.returncode == 0
    status = devices.stat()
    assert (status.st_uid, status.st_gid) == owner and stat.S_IMODE(status.st_mode) == mode


@pytest.mark.parametrize("words", BOTH)
def test_files_that_are_none(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "real").write_text(HEADER + "\n")
    (tmp_path / "link").symlink_to("real")
    os.mkfifo(tmp_path / "fifo")
    for path, said in [
        (tmp_path / "link", "not a regular file"),
        (tmp_path / "fifo", "not a regular file"),
        (Path("/dev/null"), "not a regular file"),
        (tmp_path / "nothing", "No such file"),
        (write(tmp_path / "bad", "identity"), "line 1: the header is wrong"),
        (write(tmp_path / "row", HEADER, "x"), "line 2: fewer fields"),
    ]:
        assert f"{path}: {said}" in refused(words[0], "--devices", path, *words[1:])
    assert (tmp_path / "real").read_text() == HEADER + "\n"


@pytest.mark.parametrize("words", BOTH)
def test_limit_of_size(devices: Path, words: list[str]) -> None:
    old = devices.read_text()
    result = subprocess.run(
        [AKMA, "ka", words[0], "--devices", devices, *words[1:]],
        env=ENVIRONMENT,
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50)),
        check=False,
    )
    assert result.returncode == 1 and b"File too large" in result.stderr
    assert devices.read_text() == old
    assert [path.name for path in devices.parent.iterdir()] == ["devices.csv"]


@pytest.mark.parametrize("words", BOTH)
def test_full_disk(devices: Path, disk: SmallDisk, words: list[str]) -> None:
    old = devices.read_text()
    path = Path(shutil.copy(devices, disk.folder))
    disk.fill()
    before = disk.names()
    assert "No space left on device" in refused(words[0], "--devices", path, *words[1:])
    assert path.read_text() == old and disk.names() == before


def test_full_disk_for_new_ones(disk: SmallDisk) -> None:
    out = disk.folder / "new.csv"
    out.write_text("old")
    disk.fill()
    before = disk.names()
    assert "No space left on device" in refused("new", "--identity", "x", "--out", out)
    assert out.read_text() == "old" and disk.names() == before


def test_writers_wait_for_each_other(devices: Path) -> None:
    """Many at once: every row arrives."""
    threads = [
        threading.Thread(
            target=akma, args=("ka", "add", "--devices", devices, "--identity", f"x{number}")
        )
        for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [line.split(",")[0] for line in devices.read_text().splitlines()[1:]]
    assert sorted(names) == sorted(["one", "two", "one", *(f"x{number}" for number in range(12))])


def test_a_writer_that_holds_the_lock(devices: Path) -> None:
    """It is waited for, not for ever."""
    old = devices.read_text()
    with open(devices) as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        for words in BOTH:
            begun = time.monotonic()
            said = refused(words[0], "--devices", devices, *words[1:], "--wait", "1")
            assert "another writer has held its lock for 1 seconds" in said
            assert 1 <= time.monotonic() - begun < 10
    assert devices.read_text() == old


def test_actions() -> None:
    assert "akma ka new" in help_of("ka") and "akma ka add" in example_of("ka")
    assert akma("ka").returncode == 2
    assert "what\\x1B: must be new, add or remove" in refused("what\x1b", status=2)


def test_examples(devices: Path, tmp_path: Path) -> None:
    """The examples of --help, one after the other."""
    write(tmp_path / "identities.txt", "three")
    folders = ENVIRONMENT | {"PATH": f"{AKMA.parent}:{os.environ['PATH']}"}
    for action in ("new", "add", "remove"):
        line = example_of("ka", action)
        subprocess.run(["sh", "-c", line], cwd=tmp_path, env=folders, check=True)
    line = example_of("ka")
    subprocess.run(["sh", "-c", line], cwd=tmp_path, env=folders, check=True)
    *lines, added = devices.read_text().splitlines()[1:]
    names = [line.split(",")[::3] for line in lines]
    assert added.startswith("ue1@bsf.example.com,,") and added.endswith(",")
    assert names == [["one", "2026"], ["three", "2026"]]
