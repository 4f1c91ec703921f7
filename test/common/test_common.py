"""What the programs share: the filter, UTF-8, files of secrets, devices files, e2e_key.

SPDX-License-Identifier: Apache-2.0
"""

import os
import random
import re
import shutil
import struct
import subprocess
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

import reference
from evp import BUILD
from processor import seconds_of_children
from tool import ENVIRONMENT

PROGRAM = BUILD / "test/programs/common"
KS_NAF, KA, OTHER = b"\x11" * 32, b"\x22" * 32, b"\x33" * 32
HEADER = "identity,ks-naf,ka"
NEEDS_KS_NAF, NEEDS_KA, REFRESH = 1 << 1, 1 << 2, 1 << 6


def common(
    *words: str | Path, lines: list[bytes] | None = None, blind: bool = False
) -> tuple[int, list[str]]:
    """Run it; lines go in as hex. Nothing but standard output is written to. Blind: lstat() fails."""
    preload = f"{os.environ.get('LD_PRELOAD', '')} {BUILD}/test/programs/libpreload_lstat.so"
    result = subprocess.run(
        [PROGRAM, *words],
        input="".join(line.hex() + "\n" for line in lines or []),
        env=ENVIRONMENT | ({"LD_PRELOAD": preload} if blind else {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.stderr == ""
    return result.returncode, result.stdout.splitlines()


def test_every_code_point() -> None:
    """Guards against a check of UTF-8 that refuses a code point of some plane, or takes a control character for
    text.
    """
    lines = []
    for start in range(0, 0x110000, 1024):
        points = [point for point in range(start, start + 1024) if not 0xD800 <= point <= 0xDFFF]
        lines.append("".join(map(chr, points)).encode())
    halves = [line[i : i + 2000] for line in lines for i in range(0, len(line), 2000)]
    assert common("text", lines=halves)[1] == [str(int(reference.is_text(half))) for half in halves]


def test_every_beginning() -> None:
    """Guards against a malformed or truncated UTF-8 sequence that passes the filter, for each first octet."""
    some = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]
    lines = [bytes([first]) for first in range(256)]
    lines += [bytes([first, second]) for first in range(256) for second in some]
    tails = [b"\x80", b"\xbf", b"\xc0", b"\x80\x80", b"\xbf\xbf", b"\x80\x7f", b"\x80\x80\x80"]
    lines += [line + tail for line in lines[256:] for tail in tails]
    assert common("text", lines=lines)[1] == [str(int(reference.is_text(line))) for line in lines]


# The filter


BAD = {"Cc", "Cf", "Zl", "Zp"}  # controls, format characters, separators of lines and paragraphs


def filtered(octets: bytes, size: int = 512) -> str:
    status, lines = common("printable", str(size), lines=[octets])
    assert status == 0
    return bytes.fromhex(lines[0]).decode()


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (b"plain text, with: punctuation!", "plain text, with: punctuation!"),
        ("Käse – 漢字 🙂".encode(), "Käse – 漢字 🙂"),
        (b"\x1b[31mred", "\\x1B[31mred"),
        (b"two\nlines\r\t\0", "two\\x0Alines\\x0D\\x09\\x00"),
        (b"\x7f", "\\x7F"),
        ("\x85\x9b".encode(), "\\xC2\\x85\\xC2\\x9B"),
        ("\u202eevil\u2066".encode(), "\\xE2\\x80\\xAEevil\\xE2\\x81\\xA6"),
        ("\u200b\ufeff\u00ad".encode(), "\\xE2\\x80\\x8B\\xEF\\xBB\\xBF\\xC2\\xAD"),
        ("\u2028\u2029\u061c".encode(), "\\xE2\\x80\\xA8\\xE2\\x80\\xA9\\xD8\\x9C"),
        ("\U000e0041".encode(), "\\xF3\\xA0\\x81\\x81"),
        (b"\xff\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80", "".join(
            f"\\x{octet:02X}" for octet in b"\xff\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80")),
        (b"\xe2\x82", "\\xE2\\x82"),
        (b"\xe6\xbc", "\\xE6\\xBC"),
        (b'say "no" \\x41', "say \\x22no\\x22 \\x5Cx41"),
        (b"", ""),
    ],
)  # fmt: skip
def test_filter(octets: bytes, shown: str) -> None:
    """Guards against an octet that moves a cursor, forges a line of a log, or is no UTF-8, and gets past the filter."""
    assert filtered(octets) == shown


def unfiltered(shown: str) -> bytes:
    """What the filter was given, if nothing was cut."""
    first, *parts = shown.encode().split(b"\\x")
    return first + b"".join(bytes.fromhex(part[:2].decode()) + part[2:] for part in parts)


@pytest.mark.parametrize("size", range(4, 41))
def test_filter_cuts_at_every_size(size: int) -> None:
    """Guards against a cut text whose dots go beyond the size that the caller gave."""
    (shown,) = common("printable", str(size), lines=[b"a" * 100])[1]
    assert bytes.fromhex(shown).decode() == "a" * (size - 4) + "..."


@pytest.mark.parametrize("size", range(4, 41))
def test_filter_keeps_its_bounds(size: int) -> None:
    """Guards against a text that is cut inside a character or an escape, or although it fits."""
    chance = random.Random(size)
    pieces = ["a", "é", "€", "🔑", '"', "\n", "\u202e"]
    octets = [b"\xff", *(piece.encode() for piece in pieces)]
    texts = [
        b"".join(chance.choices(octets, k=chance.randrange(2 + size // 2))) for _ in range(500)
    ]
    wholes = [bytes.fromhex(line).decode() for line in common("printable", "512", lines=texts)[1]]
    cuts = [bytes.fromhex(line).decode() for line in common("printable", str(size), lines=texts)[1]]
    assert {len(whole.encode()) - size for whole in wholes} >= {-1, 0}
    for text, whole, cut in zip(texts, wholes, cuts, strict=True):
        assert not BAD.intersection(map(unicodedata.category, whole)) and unfiltered(whole) == text
        assert len(cut.encode()) < size
        if len(whole.encode()) < size:
            assert cut == whole
        else:
            assert cut.endswith("...") and whole.startswith(cut[:-3])
            assert text.startswith(unfiltered(cut[:-3]))  # no escape is cut


def test_filter_of_every_category() -> None:
    """Guards against a control, format or separator character that reaches a terminal, and a letter that is escaped."""
    points = [point for point in range(0x20000) if not 0xD800 <= point <= 0xDFFF]
    lines = [chr(point).encode() for point in points]
    _, shown = common("printable", "64", lines=lines)
    for point, line in zip(points, shown, strict=True):
        category = unicodedata.category(chr(point))
        escaped = bytes.fromhex(line) != chr(point).encode()
        if category in BAD:
            assert escaped, hex(point)
        elif category[0] in "LMNPSZ" and chr(point) not in '"\\':
            assert not escaped, hex(point)


# Files of secrets


@pytest.fixture
def private(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("x")
    path.chmod(0o600)
    return path


def test_private_file(private: Path) -> None:
    """Guards against a file of secrets being refused although its owner alone can use it, or missing without a word of it."""
    for mode in (0o600, 0o400, 0o700):
        private.chmod(mode)
        assert common("open", private) == (0, ["open"])
    assert common("open", private.parent / "nothing")[1] == ["No such file or directory"]


@pytest.mark.parametrize("mode", [0o660, 0o620, 0o610, 0o650, 0o604, 0o602, 0o601])
def test_file_that_others_can_use(private: Path, mode: int) -> None:
    """Guards against a file of secrets that its group or others can use, and that is opened without being asked for."""
    private.chmod(mode)
    status, (said,) = common("open", private)
    assert status == 1 and "chmod 600" in said
    assert common("insecure", private) == (0, ["open"])


@pytest.mark.root
def test_file_of_somebody_else(private: Path) -> None:
    """Guards against a file of secrets that another user owns, and so can change, being taken."""
    os.chown(private, 65534, -1)
    for how in ("open", "insecure", "append"):
        status, (said,) = common(how, private)
        assert status == 1 and "belongs to another user" in said


SERVICE, OTHERS = 4711, 4712


def open_as(path: Path, user: int = SERVICE, groups: tuple[int, ...] = ()) -> tuple[int, str]:
    """As a service's user reads it, whose group has the user's number; the build may be in a folder of root's."""
    folder = Path("/tmp") / path.parts[2]  # of `mounted`
    program = Path(shutil.copy(PROGRAM, folder))
    result = subprocess.run(
        [program, "open", path],
        capture_output=True,
        text=True,
        check=False,
        user=user,
        group=user,
        extra_groups=[*groups],
    )
    return result.returncode, result.stdout.strip()


def acl(path: Path, *entries: tuple[int, int, int]) -> None:
    """Set a POSIX ACL of (tag, permissions, id), as linux/posix_acl_xattr.h has it."""
    packed = b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", struct.pack("<I", 2) + packed)
    except OSError as error:
        pytest.skip(f"no ACLs on this file system: {error}")


USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER_ENTRY, NOBODY = 1, 2, 4, 8, 16, 32, 0xFFFFFFFF


@pytest.fixture
def mounted() -> Iterator[Path]:
    """A folder that every user reaches, as /run/credentials is."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def credential(folder: Path, mode: int = 0o400) -> Path:
    path = folder / "devices.csv"
    path.write_text("x")
    path.chmod(mode)
    return path


@pytest.mark.root
def test_credentials_of_systemd(mounted: Path) -> None:
    """Guards against a credential of LoadCredential being refused because its owner or ACL is systemd's."""
    of_252 = credential(mounted)
    os.chown(of_252, SERVICE, SERVICE)
    assert open_as(of_252) == (0, "open")
    of_257 = mounted / "257"
    of_257.write_text("x")
    of_257.chmod(0o440)
    acl(
        of_257,
        (USER_OBJ, 4, NOBODY),
        (USER, 4, SERVICE),
        (GROUP_OBJ, 0, NOBODY),
        (MASK, 4, NOBODY),
        (OTHER_ENTRY, 0, NOBODY),
    )
    assert of_257.stat().st_mode & 0o777 == 0o440
    assert open_as(of_257) == (0, "open")


@pytest.mark.root
@pytest.mark.parametrize(
    ("entry", "mask", "good"),
    [
        ((USER, 4, OTHERS), 6, False),
        ((USER, 0, OTHERS), 6, True),
        ((USER, 2, OTHERS), 4, True),
        ((USER, 6, SERVICE), 6, True),
        ((USER, 6, 0), 6, True),
        ((GROUP, 4, OTHERS), 6, False),
        ((GROUP, 4, SERVICE), 6, True),
        ((GROUP, 6, SERVICE), 6, False),
        ((GROUP, 6, SERVICE), 4, True),
        ((GROUP, 4, 0), 6, True),
    ],
)
def test_entries_of_an_acl(
    mounted: Path, entry: tuple[int, int, int], mask: int, good: bool
) -> None:
    """Guards against an ACL entry that lets another user or group read a secret behind a harmless mode, or that is
    refused for what the ACL's mask takes from it.
    """
    path = credential(mounted)
    service = [] if entry[0] == USER and entry[2] == SERVICE else [(USER, 4, SERVICE)]
    users = sorted([*service, *([entry] if entry[0] == USER else [])], key=lambda one: one[2])
    groups = [entry] if entry[0] == GROUP else []
    acl(
        path,
        (USER_OBJ, 4, NOBODY),
        *users,
        (GROUP_OBJ, 0, NOBODY),
        *groups,
        (MASK, mask, NOBODY),
        (OTHER_ENTRY, 0, NOBODY),
    )
    status, said = open_as(path)
    assert (status == 0) == good and (good or "access control list" in said)


@pytest.mark.root
def test_secrets_of_kubernetes(mounted: Path) -> None:
    """Guards against files of secrets as Kubernetes mounts them (links to ..data, fsGroup) being refused."""
    folder = mounted / "..2026_11_29"
    folder.mkdir(mode=0o755)
    os.chown(credential(folder, 0o440), 0, SERVICE)
    (mounted / "..data").symlink_to(folder.name)
    link = mounted / "devices.csv"
    link.symlink_to("..data/devices.csv")
    assert open_as(link) == (0, "open")
    assert open_as(link, OTHERS, (SERVICE,)) == (0, "open")
    (folder / "devices.csv").chmod(0o460)
    assert "chmod 600" in open_as(link)[1]
    (folder / "devices.csv").chmod(0o440)
    os.chown(folder / "devices.csv", SERVICE, SERVICE)
    assert "chmod 600" in open_as(link)[1], "only root may leave it to a group"
    (folder / "devices.csv").chmod(0o400)
    os.chown(folder / "devices.csv", OTHERS, SERVICE)
    assert "belongs to another user" in common("open", link)[1][0]


@pytest.mark.root
def test_group_of_somebody_else(mounted: Path) -> None:
    """Guards against a secret that a foreign group can read being taken when root opens it."""
    path = credential(mounted, 0o440)
    assert common("open", path) == (0, ["open"])
    os.chown(path, 0, OTHERS)
    status, (said,) = common("open", path)
    assert status == 1 and "chmod 600" in said
    assert "run the program as the service's user" in said, "root is told what is amiss"


@pytest.mark.parametrize("how", ["open", "insecure", "append"])
def test_what_is_no_file(private: Path, how: str) -> None:
    """Guards against a start that hangs at a FIFO, reads a device node, or appends a log through a link."""
    link, fifo = private.parent / "link", private.parent / "fifo"
    to_fifo, nowhere = private.parent / "to-fifo", private.parent / "nowhere"
    link.symlink_to(private)
    to_fifo.symlink_to(fifo)
    nowhere.symlink_to("nothing")
    os.mkfifo(fifo, 0o600)
    is_log = how == "append"
    assert common(how, link) == (
        (1, ["a symbolic link: name the file itself"]) if is_log else (0, ["open"])
    )
    if not is_log:
        assert common(how, nowhere) == (1, ["No such file or directory"])
        private.chmod(0o660)
        assert common("open", link)[0] == 1, "the target's mode counts, a link has none"
    for path, said in [
        (to_fifo, "a symbolic link: name the file itself" if is_log else "not a regular file"),
        (fifo, "not a regular file"),
        (private.parent, "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
    ]:
        assert common(how, path) == (1, [said])


@pytest.mark.parametrize("how", ["open", "insecure", "append"])
def test_what_was_a_file_a_moment_ago(private: Path, how: str) -> None:
    """Guards against a FIFO, device or folder that takes the file's place between the check and the open."""
    link, fifo = private.parent / "link", private.parent / "fifo"
    link.symlink_to(private)
    os.mkfifo(fifo, 0o600)
    assert common(how, private, blind=True) == (0, ["open"])
    followed = (1, ["Too many levels of symbolic links"]) if how == "append" else (0, ["open"])
    assert common(how, link, blind=True) == followed
    for path in (fifo, Path("/dev/null"), private.parent):
        status, (said,) = common(how, path, blind=True)
        reasons = ["not a regular file", "No such device or address", "Is a directory"]
        assert status == 1 and said in reasons


def test_no_device_node_is_opened(tmp_path: Path) -> None:
    """Guards against an open of a device node before its kind is checked, which allocates a pseudo terminal."""
    trace = tmp_path / "trace"
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    if subprocess.run(["strace", "-o", trace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may trace nothing here")
    command: list[str | Path] = ["strace", "-f", "-o", trace, PROGRAM, "open", "/dev/ptmx"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    calls = [line for line in trace.read_text().splitlines() if '"/dev/ptmx"' in line]
    names = [re.sub(r"^\d+ +|\(.*", "", line) for line in calls if "execve(" not in line]
    assert names and not [name for name in names if "open" in name]


def test_append(tmp_path: Path) -> None:
    """Guards against a new log that others can read, or an old one whose mode, its owner's choice, is changed."""
    path = tmp_path / "log"
    assert common("append", path) == (0, ["open"])
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o666)
    assert common("append", path) == (0, ["open"])
    assert path.stat().st_mode & 0o777 == 0o600


# Devices files: what is not in test_flow.py


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "devices.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(0o600)
    return path


def devices(path: Path, needs: int = NEEDS_KS_NAF, extra: int = 0) -> tuple[int, list[str]]:
    return common("devices", str(needs), str(extra), path)


def row(identity: str, ks_naf: bytes = KS_NAF, ka: bytes = KA, *more: str) -> str:
    return ",".join([identity, ks_naf.hex(), ka.hex(), *more]) + "\n"


def test_rows_are_found(tmp_path: Path) -> None:
    """Guards against rows of one identity being mixed up: which is the last, and which has the Ka that is named."""
    text = HEADER + ",ka-id\n" + row("b", KS_NAF, KA, "new") + row("a", KS_NAF, KA, "")
    text += row("b", KS_NAF, b"", "") + row("b", KS_NAF, OTHER, "old") + row("c", KS_NAF, b"", "")
    status, lines = devices(write(tmp_path, text))
    # identity, line, ka-id, last row, row of the Ka that is meant, row of the name, refresh
    assert status == 0 and lines == [
        "a 3 - 3 3 3 -1",
        "b 2 new 5 5 2 -1",
        "b 4 - 5 5 0 -1",
        "b 5 old 5 5 5 -1",
        "c 6 - 6 0 0 -1",
        "",
    ]


def test_rows_of_a_device(tmp_path: Path) -> None:
    """Guards against a new identity of a known device that is found without the device's Ka's or under another's."""
    text = HEADER + ",ka-id,device,not-after\n"
    text += row("btid1", KS_NAF, KA, "1", "meter", "1000") + row(
        "btid2", OTHER, b"", "", "meter", ""
    )
    text += row("alone", KS_NAF, KA, "1", "", "253402300799")
    text += row("btid3", KS_NAF, KA, "1", "other", "") + row(
        "btid1", KS_NAF, OTHER, "2", "meter", ""
    )
    # line, device, its last row, row of the Ka, not-after, expired
    assert common("whose", write(tmp_path, text)) == (
        0,
        [
            "4 alone 4 4 253402300799 0",
            "2 meter 6 2 1000 1",
            "6 meter 6 6 0 0",
            "3 meter 6 6 0 0",
            "5 other 5 5 0 0",
        ],
    )
    text += row("btid9", KS_NAF, OTHER, "1", "meter", "")
    assert common("whose", write(tmp_path, text)) == (
        1,
        ["line 7: ka-id: this device has another Ka of that name"],
    )


@pytest.mark.parametrize(
    "seconds", ["0", "-1", "1e9", "253402300800", "9999999999999", "0x10", "2026-01-01T00:00:00Z"]
)
def test_not_after_is_seconds(tmp_path: Path, seconds: str) -> None:
    """Guards against a not-after in milliseconds or as a date that gives a key which never ends, or none."""
    text = HEADER + ",not-after\n" + row("a", KS_NAF, KA, seconds)
    assert common("whose", write(tmp_path, text)) == (
        1,
        ["line 2: not-after: must be seconds since 1970 UTC, from 1 to 253402300799"],
    )


@pytest.mark.parametrize(
    ("text", "needs", "said"),
    [
        (HEADER + "\n" + row("a", b"", KA), NEEDS_KS_NAF, "line 2: ks-naf: must be 64 hex digits"),
        (HEADER + "\n" + row("a", b"", KA), NEEDS_KA, None),
        (
            HEADER + "\n" + row("a", KS_NAF, b""),
            NEEDS_KA,
            "line 2: ka: must be the hex of 16 to 65535",
        ),
        (HEADER + "\n" + row("a", KS_NAF, b""), NEEDS_KS_NAF, None),
        (HEADER + "\n" + row("a", b"", b""), 0, None),
        (HEADER + "\n" + row("a", b"") + row("a", KS_NAF), 0, "line 3: ks-naf: differs"),
        (HEADER + "\n" + row("", KS_NAF), 0, "line 2: identity: empty"),
    ],
)
def test_needs(tmp_path: Path, text: str, needs: int, said: str | None) -> None:
    """Guards against a row without a key that the program needs being taken, or one without another key being refused."""
    status, lines = devices(write(tmp_path, text), needs)
    assert (status == 0) == (said is None) and (said is None or lines[0].startswith(said))


@pytest.mark.parametrize("digit", "g`G@:/")
def test_every_digit_is_looked_at(tmp_path: Path, digit: str) -> None:
    """Guards against a character beside the digits or letters that passes for a hex digit at some position."""
    digits = KS_NAF.hex()
    for place in range(0, 64, 7):
        wrong = digits[:place] + digit + digits[place + 1 :]
        path = write(tmp_path, f"{HEADER}\na,{wrong},{KA.hex()}\n")
        assert devices(path)[1][0].startswith("line 2: ks-naf: must be 64 hex digits")
    ka = b"\xaa" * 300
    for place in range(0, 600, 37):
        wrong = ka.hex()[:place] + digit + ka.hex()[place + 1 :]
        path = write(tmp_path, f"{HEADER}\na,{digits},{wrong}\n")
        assert devices(path)[1][0].startswith("line 2: ka: ")


def test_refresh(tmp_path: Path) -> None:
    """Guards against a column of refresh that is passed over where it is wanted, or taken where no program knows of it."""
    path = write(
        tmp_path, HEADER + ",refresh\n" + row("a", KS_NAF, KA, "2a00") + row("b", KS_NAF, KA, "")
    )
    status, lines = devices(path, NEEDS_KS_NAF, REFRESH)
    assert status == 0 and lines[:2] == ["a 2 - 2 2 2 42", "b 3 - 3 3 3 -1"]
    assert devices(path)[1] == [
        "line 1: the header is wrong: its field 4 is none of identity, ks-naf, ka, ka-id, device, "
        "not-after"
    ]


@pytest.mark.parametrize("cut", [1, 2, 3, 33, 64, 65])
def test_file_that_was_cut(tmp_path: Path, cut: int) -> None:
    """Guards against a file that was cut inside ka and gives a shorter Ka, and so a wrong key."""
    text = HEADER + "\n" + row("a") + row("b")
    status, (said,) = devices(write(tmp_path, text[:-cut]))
    assert status == 1 and said.startswith("line 3: no end of line at the end of the file")
    assert devices(write(tmp_path, HEADER))[1][0].startswith("line 1: no end of line")
    assert devices(write(tmp_path, ""))[1][0].startswith("line 1: the header is wrong")


@pytest.mark.parametrize(
    "text",
    [
        b"\xff",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"a\xe2\x82",
        b"a\0b",
        b"a b",
        b"a\x7f",
    ],
)
def test_texts_that_are_none(tmp_path: Path, text: bytes) -> None:
    """Guards against an identity or ka-id that is not text being accepted, so that every later flag fails."""
    keys = f",{KS_NAF.hex()},{KA.hex()},".encode()
    path = write(tmp_path, HEADER.encode() + b",ka-id\nok" + keys + text + b"\n")
    assert devices(path)[1][0].startswith("line 2: ka-id: must be 0 to 255 octets of UTF-8")
    path = write(tmp_path, HEADER.encode() + b",ka-id\n" + text + keys + b"k\n")
    assert devices(path)[1][0].startswith("line 2: identity: must be 1 to 255 octets of UTF-8")


def test_bounds_of_texts(tmp_path: Path) -> None:
    """Guards against an identity or a ka-id of more than 255 octets that is taken, counted in characters instead of octets."""
    longest = "é" * 127 + "x"
    path = write(tmp_path, HEADER + ",ka-id\n" + row(longest, KS_NAF, KA, longest))
    assert devices(path)[0] == 0
    path = write(tmp_path, HEADER + ",ka-id\n" + row("a", KS_NAF, KA, longest + "x"))
    assert devices(path)[0] == 1
    path = write(tmp_path, HEADER + "\n" + row(longest + "x"))
    assert devices(path)[0] == 1


def test_longest_row_and_a_longer_one(tmp_path: Path) -> None:
    """Guards against a row being lost at the end of a read block, and a line of any length being collected."""
    long = row("a", KS_NAF, b"\xab" * 65535)
    status, lines = devices(
        write(tmp_path, HEADER + "\n" + "".join(long.replace("a,", f"{i},", 1) for i in range(9)))
    )
    assert status == 0 and len(lines) == 10
    status, (said,) = devices(write(tmp_path, HEADER + "\n" + "x" * 262144 + "\n"))
    assert status == 1 and "longer than any row can be" in said


def test_longest_ka_and_a_longer_one(tmp_path: Path) -> None:
    """Guards against a Ka of 65,535 octets that is refused, or one of an octet more that overflows its field."""
    assert devices(write(tmp_path, HEADER + "\n" + row("a", KS_NAF, b"\1" * 65535)))[0] == 0
    status, (said,) = devices(write(tmp_path, HEADER + "\n" + row("a", KS_NAF, b"\1" * 65536)))
    assert status == 1 and said == "line 2: ka: must be the hex of 16 to 65535 octets"


@pytest.mark.parametrize(
    "header", ["ks-naf,identity,ka", "identity,ka,ks-naf", "ka-id,identity,ks-naf,ka"]
)
def test_columns_in_another_order(tmp_path: Path, header: str) -> None:
    """Guards against a file whose first columns are swapped, so that Ks_NAF is taken for Ka."""
    status, (said,) = devices(write(tmp_path, header + "\n"), 0)
    assert status == 1 and "identity,ks-naf,ka must come first, in this order" in said


@pytest.mark.parametrize("beside", range(-2, 3))
def test_room_of_rows_filled_to_its_end(tmp_path: Path, beside: int) -> None:
    """Guards against a row that overlaps the next or loses its NUL where a piece of 256 KiB is full."""
    piece, longest, more = 256 * 1024, 65535, len("a\0") + len(KS_NAF) + 1
    last = piece - 3 * (more + longest + 1) - more + beside
    lengths = [longest] * 3 + [last] + [longest] * 8
    rows = "".join(row(chr(97 + i), KS_NAF, bytes(length)) for i, length in enumerate(lengths))
    status, lines = devices(write(tmp_path, HEADER + "\n" + rows))
    numbers = range(2, 2 + len(lengths))
    assert status == 0
    assert lines == [f"{chr(95 + n)} {n} - {n} {n} {n} -1" for n in numbers] + [""]


def test_many_rows_of_one_identity(tmp_path: Path) -> None:
    """Guards against a comparison of each row with each of its identity, which took 40 s for 40,000 rows."""
    taken = []
    for identity in ("a{}", "a"):
        rows = (row(identity.format(n), KS_NAF, KA, f"k{n}") for n in range(40_000))
        path = write(tmp_path, HEADER + ",ka-id\n" + "".join(rows))
        before = seconds_of_children()
        status, (counted,) = common("count", path)
        taken.append(seconds_of_children() - before)
        assert status == 0 and counted.startswith("40000 ")
    assert taken[1] < 20 * taken[0]
    path.write_text(path.read_text() + row("a", KS_NAF, KA, "k7"))
    assert common("count", path)[1][0].endswith("line 40002: ka-id: this identity has it already")


def test_ends_of_line_alone(tmp_path: Path) -> None:
    """Guards against memory for rows being sized by line ends, which took 1.1 GiB for 2 MiB of LF."""
    path = write(tmp_path, HEADER + "\n" * (2 << 20))
    count, taken, said = common("count", path)[1][0].split(" ", 2)
    assert count == "0" and said.startswith("line 2: fewer fields") and int(taken) < 8 << 20


def test_rows_by_the_hundred_thousand(tmp_path: Path) -> None:
    """Guards against more than 256 octets of memory per row beside its keys, or quadratic time."""
    keys = f",{KS_NAF.hex()},{KA.hex()}\n"
    seconds = []
    for count in (20_000, 200_000):
        rows = "".join(f"{number:07}@bsf.example.com{keys}" for number in range(count))
        path = write(tmp_path, f"{HEADER}\n{rows}")
        before = seconds_of_children()
        counted, taken, _ = common("count", path)[1][0].split(" ", 2)
        seconds.append(seconds_of_children() - before)
        assert int(counted) == count
        assert int(taken) < count * (256 + len(KS_NAF) + len(KA))
    assert seconds[1] < 40 * seconds[0]


# Whether a file has changed


def test_file_that_is_still_being_written(tmp_path: Path) -> None:
    """Guards against a file that is read at the first look at its change, and so half written, or not at all."""
    path = tmp_path / "devices"
    path.write_text("begun")
    looks = [b"", b"\x01", b"\x02", b"\x03", b"", b""]
    assert common("watch", path, lines=looks) == (0, ["00", "10", "10", "10", "11", "11"])


# e2e_key of examples/


@pytest.mark.parametrize("mode", ["3GPP", "HKDF"])
def test_e2e_key(mode: str) -> None:
    """Guards against an option of e2e_key's derivation, mode, digest, usage or refresh, that is lost on its way to the module."""
    naf_id = b"naf.example.com" + bytes.fromhex("0100000007")
    key = reference.e2e_key(
        KS_NAF, KA, naf_id, refresh=b"r", usage="u", mode=mode, digest="SHA2-512"
    )
    assert common("e2e", mode.lower(), "sha512", "u", KA.hex()) == (0, [f"{key.hex()} 10"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["5G", "SHA2-256", "", KA.hex()], "AKMA-E2E: mode: "),
        (["3GPP", "MD5", "", KA.hex()], "AKMA-E2E: digest: "),
        (["3GPP", "SHA2-256", "u" * 256, KA.hex()], "AKMA-E2E: usage: "),
        (["3GPP", "SHA2-256", "", "22" * 15], "AKMA-E2E: ka: "),
    ],
)
def test_e2e_key_gives_reasons(words: list[str], said: str) -> None:
    """Guards against a derivation that fails in a program without the module's reason."""
    status, (reason,) = common("e2e", *words)
    assert status == 1 and reason.startswith(said)
