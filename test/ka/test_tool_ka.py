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

from evp import BUILD
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
    """Guards against Ka's that repeat, or have another length or order than asked for, or a file that others can read."""
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
    """Guards against akma ka new giving two devices one Ka, or failing on a list without a name."""
    result = akma("ka", "new", "--identity", "one", "--identity", "two")
    header, one, two = result.stdout.decode().splitlines()
    assert header == HEADER and one.startswith("one,,") and two.startswith("two,,")
    assert one.endswith(",") and one[5:] != two[5:]
    assert akma("ka", "new", "--in", write(tmp_path / "list")).stdout.decode() == HEADER + "\n"


def test_new_for_many(tmp_path: Path) -> None:
    """Guards against a long list that is taken for one without an end, from a file or a pipe."""
    names = [f"{number:0255}" for number in range(1100)]  # 275 KiB
    path = write(tmp_path / "list", *names)
    for result in (
        akma("ka", "new", "--in", path),
        akma("ka", "new", "--in", "-", given=path.read_bytes()),
    ):
        _, *lines = result.stdout.decode().splitlines()
        assert [line.split(",")[0] for line in lines] == names, result.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one\ntwo", "no end of line at the end"),
        ("one\n\n", "line 2: identity: empty"),
        ("one\na b\n", "line 2: identity: must be 1 to 255"),
        ("one\na,b\n", "line 2: identity: must be 1 to 255"),
        ("one\na\0b\n", "line 2: identity: must be 1 to 255"),
        ("one\n" + "a" * 256 + "\n", "line 2: identity: must be 1 to 255"),
        ("one\n" + "a" * 1000 + "\n", "line 2: identity: must be 1 to 255"),
        ("one\ntwo\none\n", "line 3: identity: an earlier line has it already"),
    ],
)
def test_bad_lists(tmp_path: Path, text: str, said: str) -> None:
    """Guards against a bad list of names that overwrites the file of an earlier run."""
    path = tmp_path / "list"
    path.write_text(text)
    (tmp_path / "new").write_text("old")
    stderr = refused("new", "--in", path, "--out", tmp_path / "new", "--force")
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
    """Guards against options of akma ka new that make no sense together and are taken."""
    assert said in refused("new", *words, status=status)


def test_new_replaces_no_file(tmp_path: Path) -> None:
    """Guards against a second call that overwrites a fleet's Ka's, which nothing brings back."""
    words: list[str | Path] = ["--identity", "one", "--out", tmp_path / "new"]
    assert akma("ka", "new", *words).returncode == 0
    first = (tmp_path / "new").read_text()
    said = refused("new", *words)
    assert f"{tmp_path}/new: is there already" in said and "--force" in said
    assert (tmp_path / "new").read_text() == first
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert akma("ka", "new", *words, "--force").returncode == 0
    assert (tmp_path / "new").read_text() != first


def test_new_ones_at_the_same_time(tmp_path: Path) -> None:
    """Guards against two calls that each saw no file and both write it."""
    words: list[str | Path] = [AKMA, "ka", "new", "--out", tmp_path / "new", "--identity"]
    calls = [
        subprocess.Popen([*words, f"x{number}"], env=ENVIRONMENT, stderr=subprocess.PIPE)
        for number in range(8)
    ]
    said = [call.communicate()[1] for call in calls]
    codes = [call.returncode for call in calls]
    assert sorted(codes) == [0] + [1] * 7, said
    assert f"\nx{codes.index(0)},," in (tmp_path / "new").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


INPUTS = [["new"], ["add", "--devices", "devices.csv"], ["merge", "--ka", "devices.csv"]]


@pytest.mark.parametrize("words", INPUTS)
@pytest.mark.parametrize("endless", ["/dev/zero", "/dev/urandom", "pipe", "stdin"])
def test_inputs_without_an_end(devices: Path, words: list[str], endless: str) -> None:
    """Guards against a call that reads until the machine has no memory left."""
    option = "--ks-naf" if words[0] == "merge" else "--in"
    given = {"pipe": "/dev/stdin", "stdin": "-"}.get(endless, endless)
    with subprocess.Popen(["yes", "a"], stdout=subprocess.PIPE) as yes:
        result = subprocess.run(
            [AKMA, "ka", *words, option, given],
            stdin=yes.stdout,
            cwd=devices.parent,
            env=ENVIRONMENT,
            capture_output=True,
            timeout=100,
            check=False,
        )
        yes.kill()
    assert result.returncode == 1
    says = b"no text" if "dev" in endless else b"more than 256 MiB, and not from a regular file"
    assert says in result.stderr


# add


def test_add_from_new(devices: Path, tmp_path: Path) -> None:
    """Guards against an add that loses a known device's Ks_NAF or changes the rows that were there."""
    old = devices.read_text()
    names = write(tmp_path / "list", "two", "three", "one")
    assert (
        akma("ka", "new", "--in", names, "--ka-id", "2027", "--out", tmp_path / "new").returncode
        == 0
    )
    result = akma("ka", "add", "--devices", devices, "--in", tmp_path / "new", "--new")
    assert result.returncode == 0 and result.stdout == b"3 added\n" and result.stderr == b""
    made = [line.split(",")[2] for line in (tmp_path / "new").read_text().splitlines()[1:]]
    keys = [OTHER.hex(), "", KEY.hex()]
    added = [
        f"{name},{key},{ka},2027\n"
        for name, key, ka in zip(("two", "three", "one"), keys, made, strict=True)
    ]
    assert devices.read_text() == old + "".join(added)


def test_add_one(devices: Path, tmp_path: Path) -> None:
    """Guards against a row with another Ka, ka-id or Ks_NAF than akma ka add was given, or a change to other rows."""
    old = devices.read_text()
    source = secret(tmp_path / "ka", b"k" * 20)
    words: list[str | Path] = ["--devices", devices, "--identity", "three", "--ka-id", "k"]
    result = akma(
        "ka", "add", *words, "--new", "--ka", source, "--ks-naf", "stdin", given=KA.hex().encode()
    )
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
    """Guards against a file without ka-id losing its other columns when the first name comes."""
    path = write(tmp_path / "d", "identity,ks-naf,ka,refresh", row("one", KA) + ",00")
    assert akma("ka", "add", "--devices", path, "--identity", "one").returncode == 0
    assert path.read_text().splitlines()[0] == "identity,ks-naf,ka,refresh"
    words: list[str | Path] = ["--devices", path, "--identity", "two", "--ka-id", "k", "--new"]
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
        (["--identity", "x", "--ka", "stdin", "--ks-naf", "fd:0"], 2, "--ks-naf: used twice"),
        (["--identity", "x", "--ka", "stdin", "--raw"], 1, "--ka: stdin: longer"),
        (["--identity", "a b"], 1, "identity: must be 1 to 255"),
        (["--identity", ""], 1, "identity: empty"),
        (["--identity", f"a,,{'00' * 16},\nb"], 1, "each must be one line"),
        (["--identity", "a", "--ka-id", "a b"], 1, "ka-id: must be 0 to 255"),
    ],
)
def test_refused_add(devices: Path, words: list[str], status: int, said: str) -> None:
    """Guards against a refused akma ka add that changes the devices file, or leaves a temporary file."""
    old = devices.read_text()
    given = b"x" * 65536 if "--raw" in words else OTHER.hex().encode()
    assert said in refused("add", "--devices", devices, *words, status=status, given=given)
    assert devices.read_text() == old
    assert [path.name for path in devices.parent.iterdir()] == ["devices.csv"]


def test_add_to_devices_that_are_there(devices: Path, tmp_path: Path) -> None:
    """Guards against a mistyped identity that becomes a device of its own, while the right one keeps its old Ka."""
    old = devices.read_text()
    said = refused("add", "--devices", devices, "--identity", "tow")
    assert f"{devices}: has no device tow: mistyped? (1 of 1 rows; --new adds devices)" in said
    path = write(
        tmp_path / "in", HEADER, row("two", KA, "a", OTHER), row("tow", KA, ""), row("eno", KA, "")
    )
    said = refused("add", "--devices", devices, "--in", path)
    assert "has no device eno: mistyped? (2 of 3 rows; --new adds devices)" in said
    assert devices.read_text() == old
    assert akma("ka", "add", "--devices", devices, "--in", path, "--new").stdout == b"3 added\n"


def test_add_without_a_ka(devices: Path, tmp_path: Path) -> None:
    """Guards against a row without a Ka, or with one that is too short, being added."""
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
    """Guards against akma ka remove taking other rows than those it was told, or changing the order of the rest."""
    header, *lines = devices.read_text().splitlines()
    result = akma("ka", "remove", "--devices", devices, *words)
    assert result.stderr == b"" and result.stdout.decode() == f"{3 - len(kept)} removed\n"
    assert devices.read_text().splitlines() == [header, *(lines[number] for number in kept)]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "give this, --ka-id or both, or --no-ka-id"),
        (["--identity", "three"], 1, "there is no such row"),
        (["--identity", "two", "--ka-id", "2026"], 1, "there is no such row"),
        (["--ka-id", ""], 2, "--ka-id: empty: give a name; --no-ka-id removes rows"),
        (["--identity", "one", "--ka-id", ""], 2, "--ka-id: empty"),
        (["--ka-id", "2025", "--no-ka-id"], 2, "--no-ka-id: give this or --ka-id"),
        (["--no-ka-id"], 1, "there is no such row"),
    ],
)
def test_refused_remove(devices: Path, words: list[str], status: int, said: str) -> None:
    """Guards against a refused akma ka remove that replaces the devices file."""
    old = devices.stat()
    assert said in refused("remove", "--devices", devices, *words, status=status)
    assert devices.stat().st_ino == old.st_ino


def test_remove_what_has_no_name(tmp_path: Path) -> None:
    """Guards against an unset variable in a command that then removes every unnamed Ka, and the lack of a way to
    remove one on purpose."""
    lines = [row("one", KA, ""), row("one", OTHER, "2026"), row("two", KA, "")]
    path = write(tmp_path / "devices.csv", HEADER, *lines)
    words: list[str | Path] = ["ka", "remove", "--devices", path, "--no-ka-id"]
    assert akma(*words, "--identity", "one").stdout == b"1 removed\n"
    assert path.read_text().splitlines() == [HEADER, *lines[1:]]
    assert akma(*words).stdout == b"1 removed\n"
    assert path.read_text().splitlines() == [HEADER, lines[1]]


# merge


KAS = [("one", KA, "2025"), ("two", KA, ""), ("one", OTHER[:20], "2026")]
MERGED = [row("two", KA, "", OTHER), row("one", KA, "2025"), row("one", OTHER[:20], "2026")]


def merge_files(folder: Path) -> list[str | Path]:
    """Ks_NAF's and Ka's of two devices, in another order, with a change of Ka; the options that name them."""
    keys = [f"{name},{key.hex()}," for name, key in (("two", OTHER), ("one", KEY))]
    kas = [f"{name},,{ka.hex()},{ka_id}" for name, ka, ka_id in KAS]
    return [
        *("--ks-naf", write(folder / "naf.csv", "identity,ks-naf,ka", *keys)),
        *("--ka", write(folder / "ka.csv", HEADER, *kas)),
    ]


def test_merge(tmp_path: Path) -> None:
    """Guards against a Ka beside another device's Ks_NAF, and an order in which another Ka is the last one."""
    words = merge_files(tmp_path)
    result = akma("ka", "merge", *words, "--out", tmp_path / "out")
    assert result.returncode == 0 and result.stdout == b"3 merged\n" and result.stderr == b""
    assert (tmp_path / "out").read_text().splitlines() == [HEADER, *MERGED]
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600
    assert akma("ka", "merge", *words).stdout == (tmp_path / "out").read_bytes()
    words[1] = "-"
    assert akma("ka", "merge", *words, given=(tmp_path / "naf.csv").read_bytes()).returncode == 0
    assert "is there already" in refused("merge", *merge_files(tmp_path), "--out", tmp_path / "out")


@pytest.mark.parametrize("file", ["naf.csv", "ka.csv"])
def test_merge_of_what_one_file_has(tmp_path: Path, file: str) -> None:
    """Guards against a device that goes missing because its name is written otherwise in one file."""
    words = merge_files(tmp_path)
    with (tmp_path / file).open("a") as lines:
        lines.write(f"three,{KEY.hex()},\n" if file == "naf.csv" else f"three,,{KA.hex()},\n")
    other = {"naf.csv": "ka.csv", "ka.csv": "naf.csv"}[file]
    said = refused("merge", *words, "--out", tmp_path / "out")
    assert f"{tmp_path}/{other}: has no device three, which the other file has (--common" in said
    assert not (tmp_path / "out").exists()
    assert akma("ka", "merge", *words, "--common").stdout.decode().splitlines() == [HEADER, *MERGED]


def test_merge_by_device(tmp_path: Path) -> None:
    """Guards against Ka's that are not found because an identity is new with each bootstrapping."""
    third = bytes(range(100, 120))
    keys = [
        f"b1@bsf,{KEY.hex()},,one,",
        f"b2@bsf,{OTHER.hex()},,one,2000000000",
        f"two,{KEY.hex()},,,",
    ]
    kas = [
        f"one,,{KA.hex()},1,",
        f"two,,{OTHER.hex()},2,",
        f"one,,{third.hex()},3,",
        f"b,,{third.hex()},3,one",
    ]
    words: list[str | Path] = [
        "--ks-naf",
        write(tmp_path / "naf.csv", "identity,ks-naf,ka,device,not-after", *keys),
    ]
    words += ["--ka", write(tmp_path / "ka.csv", HEADER + ",device", *kas)]
    result = akma("ka", "merge", *words, "--out", tmp_path / "devices.csv")
    assert result.stdout == b"5 merged\n"
    header, *lines = (tmp_path / "devices.csv").read_text().splitlines()
    assert header == HEADER + ",device,not-after"
    assert lines == [
        row("b1@bsf", KA, "1") + ",one,",
        row("b1@bsf", third, "3") + ",one,",
        row("b2@bsf", KA, "1", OTHER) + ",one,2000000000",
        row("b2@bsf", third, "3", OTHER) + ",one,2000000000",
        row("two", OTHER, "2") + ",,",
    ]
    made = write(tmp_path / "new.csv", HEADER, f"one,,{KEY.hex()},4", f"two,,{KA.hex()},5")
    assert akma("ka", "add", "--devices", tmp_path / "devices.csv", "--in", made).returncode == 0
    added = (tmp_path / "devices.csv").read_text().splitlines()[-2:]
    assert added == [row("b2@bsf", KEY, "4", OTHER) + ",one,2000000000", row("two", KA, "5") + ",,"]


def test_refused_merge(tmp_path: Path) -> None:
    """Guards against rows without a key in the output."""
    words = merge_files(tmp_path)
    assert "-: used twice" in refused("merge", "--ks-naf", "-", "--ka", "-", status=2)
    assert "--ka CSV is missing" in refused("merge", *words[:2], status=2)
    said = refused("merge", *words[:3], tmp_path / "naf.csv")
    assert f"{tmp_path}/naf.csv: line 2: ka: must be the hex" in said
    said = refused("merge", "--ks-naf", tmp_path / "ka.csv", *words[2:])
    assert f"{tmp_path}/ka.csv: line 2: ks-naf: must be 64 hex digits" in said


ZERO = bytes(32)
UNSOUND = [
    (KEY, ZERO, "ka: all its octets are zero"),
    (KEY, ZERO[:16], "ka: all its octets are zero"),
    (KEY, KEY, "ka: the same as ks-naf"),
    (ZERO, KA, "ks-naf: all its octets are zero"),
]


@pytest.mark.parametrize(("ks_naf", "ka", "said"), UNSOUND)
def test_keys_that_the_module_refuses(tmp_path: Path, ks_naf: bytes, ka: bytes, said: str) -> None:
    """Guards against a last Ka that gives no key and so cuts its device off."""
    devices = write(tmp_path / "devices.csv", HEADER, row("one", KA, "1"), row("two", KA, "1"))
    old = devices.read_text()
    lines = [row("x", KA, "2"), row("y", ka, "2", ks_naf)]
    path = write(tmp_path / "in", HEADER, *lines)
    to: list[str | Path] = ["add", "--devices", devices, "--new"]
    assert f"{path}: line 3: {said}" in refused(*to, "--in", path)
    ka_file, ks_naf_file = secret(tmp_path / "ka", ka), secret(tmp_path / "ks_naf", ks_naf)
    words = ["--identity", "y", "--ka", ka_file, "--ks-naf", ks_naf_file]
    assert f"--ka, --ks-naf: {said}" in refused(*to, *words)
    if ks_naf == KEY:  # the one that the file has
        known = write(tmp_path / "known", HEADER, f"two,,{KA.hex()},2", f"one,,{ka.hex()},2")
        assert f"{known}: line 3: {said}" in refused(*to, "--in", known)
        assert f"--ka, --ks-naf: {said}" in refused(*to, "--identity", "one", "--ka", ka_file)
    assert devices.read_text() == old
    keys = write(tmp_path / "naf.csv", HEADER, f"y,{ks_naf.hex()},,")
    kas = write(tmp_path / "ka.csv", HEADER, f"y,,{ka.hex()},2")
    where = keys if ks_naf == ZERO else kas
    said_of_merge = refused("merge", "--ks-naf", keys, "--ka", kas, "--out", tmp_path / "out")
    assert f"{where}: line 2: {said}" in said_of_merge and not (tmp_path / "out").exists()


def test_generator_of_zeros(devices: Path) -> None:
    """Guards against Ka's of zeros from a broken random generator."""
    old = devices.read_text()
    zeros = f"{os.environ.get('LD_PRELOAD', '')} {BUILD}/test/programs/libpreload_zeros.so"
    for words in (["new"], ["add", "--devices", str(devices)]):
        broken = {"LD_PRELOAD": zeros}
        result = akma("ka", *words, "--identity", "one", environment=broken)
        assert result.returncode == 1 and result.stdout == b""
        assert b"system's generator: " in result.stderr and devices.read_text() == old


def test_a_row_that_the_module_refuses_can_be_removed(tmp_path: Path) -> None:
    """Guards against a file that cannot be repaired, because it is read as strictly as what is added."""
    path = write(tmp_path / "devices.csv", HEADER, row("one", ZERO, "1"), row("one", KA, "2"))
    assert akma("ka", "remove", "--devices", path, "--ka-id", "1").stdout == b"1 removed\n"


def test_out_that_is_an_input(tmp_path: Path) -> None:
    """Guards against a --force that lets a command overwrite its own input."""
    path = write(tmp_path / "list", "one")
    words = merge_files(tmp_path)
    calls: list[list[str | Path]] = [["new", "--in", path], ["merge", *words]]
    for call in calls:
        out = Path(call[2])
        old = out.read_text()
        said = refused(*call, "--out", out, "--force", status=2)
        assert "--out: is what this command reads" in said and out.read_text() == old


# Both


BOTH = [["add", "--new", "--identity", "x"], ["remove", "--identity", "one"]]


@pytest.mark.parametrize("words", BOTH)
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400, 0o644])
def test_mode_and_owner_stay(devices: Path, words: list[str], mode: int) -> None:
    """Guards against a change of the devices file that widens its mode or changes its owner."""
    owner = (65534, 65533) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    os.chown(devices, *owner)
    devices.chmod(mode)
    result = akma("ka", words[0], "--devices", devices, *words[1:])
    assert result.returncode == 0
    assert (b"every user can access it" in result.stderr) == (mode == 0o644), "it is said"
    status = devices.stat()
    assert (status.st_uid, status.st_gid) == owner and stat.S_IMODE(status.st_mode) == mode


@pytest.mark.parametrize("words", BOTH)
def test_files_that_are_none(tmp_path: Path, words: list[str]) -> None:
    """Guards against akma ka following a link or writing to a pipe in the place of a devices file."""
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
    """Guards against a limit of a file's size leaving half a devices file."""
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
    """Guards against a full disk leaving half a devices file, or a temporary one."""
    old = devices.read_text()
    path = Path(shutil.copy(devices, disk.folder))
    disk.fill()
    before = disk.names()
    assert "No space left on device" in refused(words[0], "--devices", path, *words[1:])
    assert path.read_text() == old and disk.names() == before


def test_full_disk_for_new_ones(disk: SmallDisk) -> None:
    """Guards against a full disk costing the file of Ka's that --force was to replace."""
    out = disk.folder / "new.csv"
    out.write_text("old")
    disk.fill()
    before = disk.names()
    words: list[str | Path] = ["--identity", "x", "--out", out, "--force"]
    assert "No space left on device" in refused("new", *words)
    assert out.read_text() == "old" and disk.names() == before


def test_writers_wait_for_each_other(devices: Path) -> None:
    """Guards against a row that is lost when many processes write to one devices file at once."""
    threads = [
        threading.Thread(
            target=akma,
            args=("ka", "add", "--new", "--devices", devices, "--identity", f"x{number}"),
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
    """Guards against a second writer that ignores the lock, or waits for it for ever."""
    old = devices.read_text()
    with open(devices) as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        for words in BOTH:
            begun = time.monotonic()
            said = refused(words[0], "--devices", devices, *words[1:], "--wait", "1")
            assert "another writer has held its lock for 1 seconds" in said
            assert time.monotonic() - begun >= 1
    assert devices.read_text() == old


def test_actions() -> None:
    """Guards against an action of akma ka without help, or one that does not exist and is run."""
    assert "akma ka new" in help_of("ka") and "akma ka add" in example_of("ka")
    assert akma("ka").returncode == 2
    assert "what\\x1B: must be new, derive, add, remove, merge, " in refused("what\x1b", status=2)


def test_examples(devices: Path, tmp_path: Path) -> None:
    """Guards against an example of akma ka --help that does not work."""
    write(tmp_path / "identities.txt", "two")
    folders = ENVIRONMENT | {"PATH": f"{AKMA.parent}:{os.environ['PATH']}"}
    for action in ("new", "add", "remove"):
        line = example_of("ka", action).splitlines()[0]
        subprocess.run(["sh", "-c", line], cwd=tmp_path, env=folders, check=True)
    write(
        tmp_path / "naf.csv", "identity,ks-naf,ka", *(f"{x},{KEY.hex()}," for x in ("one", "two"))
    )
    (tmp_path / "ka.csv").write_text(devices.read_text())
    devices.unlink()
    line = example_of("ka", "merge")
    subprocess.run(["sh", "-c", line], cwd=tmp_path, env=folders, check=True)
    line = example_of("ka")
    subprocess.run(["sh", "-c", f"{line} --new"], cwd=tmp_path, env=folders, check=True)
    *lines, added = devices.read_text().splitlines()[1:]
    names = [line.split(",")[::3] for line in lines]
    assert added.startswith("ue1@bsf.example.com,,") and added.endswith(",")
    assert names == [["one", "2026"], ["two", "2026"]]
