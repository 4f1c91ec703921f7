"""akma derive and akma identity: every option, source, format and refusal.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import os
import resource
import shlex
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import reference
from configuration import write_config
from flow import wait_until
from samples import ALGORITHMS, EXPECTED, FQDN, IMPI, KA, KEY, NAF_ID, RAND, SAMPLES, SUPI, UA
from small_disk import SmallDisk
from tool import AKMA, ENVIRONMENT, akma, example_of, help_of, secret

SECRETS = {"ks-naf", "ka", "key", "secret"}
E2E_KEY = EXPECTED["AKMA-E2E"]
NAF = ["--naf-fqdn", FQDN, "--ua-protocol-id", UA.hex()]


@pytest.fixture
def ks_naf(tmp_path: Path) -> str:
    return secret(tmp_path / "ks_naf", KEY)


@pytest.fixture
def ka(tmp_path: Path) -> str:
    return secret(tmp_path / "ka", KA)


@pytest.fixture
def both(ks_naf: str, ka: str) -> list[str]:
    """A call that derives AKMA-E2E's sample."""
    return ["derive", "--ks-naf", ks_naf, "--ka", ka, *NAF]


def assert_no_secrets(output: bytes) -> None:
    for octets in (KEY, KA, E2E_KEY):
        assert octets not in output and octets.hex().encode() not in output.lower()


def refused(*words: str | Path, status: int = 2, given: bytes = b"", **more: str) -> str:
    """What it says; nothing comes out."""
    result = akma(*words, given=given, environment=more)
    assert result.returncode == status and result.stdout == b"", result.stderr
    assert_no_secrets(result.stderr)
    return result.stderr.decode()


# akma derive: options


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_algorithms(tmp_path: Path, algorithm: str) -> None:
    """Guards against akma derive giving another key than the reference for some algorithm."""
    words = ["derive", "--algorithm", algorithm]
    for name, value in SAMPLES[algorithm].items():
        octets = value if isinstance(value, bytes) else str(value).encode()
        if name in SECRETS:
            words += [f"--{name}", secret(tmp_path / name, octets)]
        else:
            words += [f"--{name}", octets.hex() if isinstance(value, bytes) else octets.decode()]
    result = akma(*words)
    assert result.stderr == b"" and result.stdout.decode() == EXPECTED[algorithm].hex() + "\n"


@pytest.mark.parametrize("mode", ["3GPP", "HKDF"])
@pytest.mark.parametrize("digest", ["SHA2-256", "SHA2-512/256", "SHA3-384"])
def test_parameters_of_e2e(ka: str, mode: str, digest: str) -> None:
    """Guards against a parameter or alias of AKMA-E2E that the tool does not pass on."""
    result = akma(
        *["derive", "--key", "stdin", "--secret", ka, "--naf-id", NAF_ID.hex()],
        *["--refresh", "00ff", "--usage", "tls-psk", "--mode", mode, "--digest", digest],
        *["--not-after", "4102444800", "--properties", "provider=default", "--length", "77"],
        given=KEY.hex().encode(),
    )
    expected = reference.e2e_key(
        KEY, KA, NAF_ID, refresh=b"\x00\xff", usage="tls-psk", mode=mode, digest=digest, length=77
    )
    assert bytes.fromhex(result.stdout.decode()) == expected


def test_several_p(ks_naf: str) -> None:
    """Guards against parts P that akma derive reorders, drops, or takes without a bound."""
    parts = [b"a", b"", b"bc"]
    words = [word for part in parts for word in ("--p", part.hex())]
    result = akma("derive", "--algorithm", "3GPP-KDF", "--key", ks_naf, "--fc", "69", *words)
    assert bytes.fromhex(result.stdout.decode()) == reference.kdf_3gpp(KEY, b"\x69", parts)
    many = ["--p", "00"] * 65
    said = refused("derive", "--algorithm", "3GPP-KDF", "--key", ks_naf, "--fc", "69", *many)
    assert "--p is given more than 64 times" in said


@pytest.mark.parametrize("algorithm", ["AKMA-E2E", "AKMA-K-AF", "AKMA-K-AKMA"])
def test_down_the_chain_of_akma(ka: str, algorithm: str) -> None:
    """Guards against a step of K_AUSF, K_AKMA, K_AF, e2e_key that akma derive gets wrong or leaves out."""
    words = ["--supi", SUPI]
    expected = reference.k_akma(KEY, SUPI)
    if algorithm != "AKMA-K-AKMA":
        words += NAF
        expected = reference.k_af(expected, NAF_ID)
    if algorithm == "AKMA-E2E":
        words += ["--ka", ka, "--usage", "u"]
        expected = reference.e2e_key(expected, KA, NAF_ID, usage="u")
    words += ["--algorithm", algorithm, "--from-k-ausf", "stdin"]
    result = akma("derive", *words, given=KEY.hex().encode())
    assert result.stderr == b"" and bytes.fromhex(result.stdout.decode()) == expected


@pytest.mark.parametrize("algorithm", ["AKMA-E2E", "GBA-KS-NAF"])
def test_down_the_chain_of_gba(ka: str, algorithm: str) -> None:
    """Guards against a step of CK and IK, Ks_NAF, e2e_key that akma derive gets wrong or leaves out."""
    words = ["--rand", RAND.hex(), "--impi", IMPI, *NAF, "--algorithm", algorithm]
    expected = reference.ks_naf(KEY, RAND, IMPI, NAF_ID)
    if algorithm == "AKMA-E2E":
        words += ["--ka", ka, "--length", "16"]
        expected = reference.e2e_key(expected, KA, NAF_ID, length=16)
    result = akma("derive", *words, "--from-ck-ik", "stdin", given=KEY.hex().encode())
    assert result.stderr == b"" and bytes.fromhex(result.stdout.decode()) == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from-k-ausf", "stdin", "--supi", SUPI], "ka: missing"),
        (["--from-k-ausf", "stdin", "--rand", RAND.hex()], "supi: missing"),
        (["--from-ck-ik", "stdin", "--impi", IMPI], "rand: missing"),
        (
            ["--from-ck-ik", "stdin", "--rand", RAND.hex(), "--algorithm", "GBA-KS-NAF"],
            "impi: missing",
        ),
    ],
)
def test_chains_that_lack_something(words: list[str], said: str) -> None:
    """Guards against a chain with an input missing that gives a key."""
    stderr = refused("derive", *words, *NAF, given=KEY.hex().encode(), status=1)
    assert said in stderr


def test_chain_that_does_not_come_by(ka: str) -> None:
    """Guards against a chain that does not lead to the algorithm and gives a key of another."""
    words = ["--impi", IMPI, "--rand", RAND.hex(), "--ka", ka, *NAF, "--from-ck-ik", "stdin"]
    given = KEY.hex().encode()
    said = refused("derive", *words, "--algorithm", "GBA-KS-INT-NAF", given=given, status=1)
    assert "this chain does not lead to GBA-KS-INT-NAF" in said
    said = refused("derive", *words, "--from-k-ausf", "stdin", given=given)
    assert "one top of a chain" in said


def test_parameter_that_nobody_takes(both: list[str]) -> None:
    """Guards against an option that no step of the derivation takes being passed over."""
    assert "--supi: AKMA-E2E takes no such parameter" in refused(*both, "--supi", SUPI, status=1)


# akma derive: sources


Source = Callable[[Path, bytes], tuple[str, bytes, dict[str, str], int | None]]


def from_pipe(text: bytes) -> int:
    reader, writer = os.pipe()
    os.write(writer, text)
    os.close(writer)
    return reader


SOURCES: dict[str, Source] = {
    "file": lambda path, text: (f"file:{path}", b"", {}, None),
    "env": lambda path, text: ("env:KA", b"", {"KA": text.decode("latin-1")}, None),
    "stdin": lambda path, text: ("stdin", text, {}, None),
    "fd": lambda path, text: ("", b"", {}, from_pipe(text)),
}


def run_source(tmp_path: Path, name: str, text: bytes, *words: str) -> tuple[int, bytes, str]:
    path = tmp_path / "secret"
    path.write_bytes(text)
    path.chmod(0o600)
    source, given, environment, fd = SOURCES[name](path, text)
    command = ["derive", "--algorithm", "3GPP-KDF", "--fc", "69", "--p", "00"]
    command += ["--key", source or f"fd:{fd}", *words]
    fds = () if fd is None else (fd,)
    result = akma(*command, given=given, environment=environment, fds=fds)
    if fd is not None:
        os.close(fd)
    return result.returncode, result.stdout, result.stderr.decode()


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("spaces", ["{}", "  {}\n", "\t{}\r\n\v\f"])
def test_sources(tmp_path: Path, name: str, spaces: str) -> None:
    """Guards against a secret that is read otherwise from one kind of source than from another."""
    key = bytes(range(1, 90))
    text = spaces.format(" ".join(f"{octet:02X}" for octet in key)).encode()
    status, out, said = run_source(tmp_path, name, text)
    assert (status, said) == (0, "")
    assert bytes.fromhex(out.decode()) == reference.kdf_3gpp(key, b"\x69", [b"\0"])


@pytest.mark.parametrize("name", SOURCES)
def test_raw_sources(tmp_path: Path, name: str) -> None:
    """Guards against a raw key that loses its blanks, NUL or last new line."""
    key = b"\x01 ab\n" if name == "env" else b"\x00 ab\xff\n"
    status, out, said = run_source(tmp_path, name, key, "--raw")
    assert (status, said) == (0, "")
    assert bytes.fromhex(out.decode()) == reference.kdf_3gpp(key, b"\x69", [b"\0"])


BAD_TEXTS = {
    "odd": (b"abc", "not hex"),
    "no hex": (b"xy", "not hex"),
    "a NUL": (b"ab\0", "not hex"),
    "0x": (b"0xab", "not hex"),
    "colons": (b"ab:cd", "not hex"),
    **{f"beside a digit: {c}": (f"a{c}".encode(), "not hex") for c in "/:@G`g"},
    "empty": (b"", "empty"),
    "white space": (b" \n", "empty"),
    "long": (b"ab" * 65536, "longer than the secret can be"),
    "very long": (b"ab " * 200000, "longer than the secret can be"),
}


def test_environment_that_is_too_long(tmp_path: Path) -> None:
    """Guards against a secret from the environment that is cut to the room there is."""
    status, out, said = run_source(tmp_path, "env", b"k" * 130000, "--raw")
    assert status == 1 and out == b"" and "--key: env:KA: longer than the secret can be" in said


@pytest.mark.parametrize("name", ["file", "stdin"])
@pytest.mark.parametrize("text", BAD_TEXTS)
def test_bad_secrets(tmp_path: Path, name: str, text: str) -> None:
    """Guards against a source whose text is no hex, too short or empty giving a key."""
    octets, wanted = BAD_TEXTS[text]
    status, out, said = run_source(tmp_path, name, octets)
    assert status == 1 and out == b"" and f"--key: {name}" in said and wanted in said


def test_longest_secret(tmp_path: Path) -> None:
    """Guards against a secret of more octets than the module takes being cut."""
    for key in (b"k" * 65535, b"k" * 65536):
        status, out, said = run_source(tmp_path, "file", key, "--raw")
        if len(key) == 65535:
            assert bytes.fromhex(out.decode()) == reference.kdf_3gpp(key, b"\x69", [b"\0"])
        else:
            assert status == 1 and "longer than the secret can be" in said


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("file:", "must be file:PATH, env:NAME, fd:N or stdin"),
        ("stdin:", "must be file:PATH, env:NAME, fd:N or stdin"),
        (KA.hex(), "no secret belongs on a command line"),
        ("pass:0011", "no secret belongs on a command line"),
        ("file:/nowhere/at/all", "file:/nowhere/at/all: No such file"),
        ("file:/", "file:/: Is a directory"),
        ("file:no\x1b[31m", "file:no\\x1B[31m: No such file"),
        ("env:NO_SUCH", "env:NO_SUCH: there is no such variable"),
        ("fd:x", "fd:x: must be the number of an open file descriptor"),
        ("fd:1x", "fd:1x: must be the number of an open file descriptor"),
        ("fd:-1", "fd:-1: must be the number of an open file descriptor"),
        ("fd:+0", "fd:+0: must be the number of an open file descriptor"),
        ("fd: 0", "fd: 0: must be the number of an open file descriptor"),
        ("fd:99999999999999999999", "must be the number of an open file descriptor"),
        ("fd:77", "fd:77: Bad file descriptor"),
    ],
)
def test_bad_sources(tmp_path: Path, ks_naf: str, source: str, wanted: str) -> None:
    """Guards against a wrong exit status: it is 2 for a malformed source, and 1 for one that cannot be read."""
    status = 2 if "belongs on a command line" in wanted or "env:NAME" in wanted else 1
    said = refused("derive", "--ks-naf", ks_naf, "--ka", source, *NAF, status=status)
    assert wanted in said
    assert wanted in refused("derive", "--from-k-ausf", source, *NAF, status=status)
    devices = tmp_path / "devices"
    devices.write_text("identity,ks-naf,ka\n")
    words: list[str | Path] = ["ka", "add", "--devices", devices, "--identity", "x"]
    for option in ("--ka", "--ks-naf"):
        assert wanted in refused(*words, option, source, status=status)


USED_TWICE = ["stdin", "fd:0", "fd:{fd}", "file:{path}", "file:/dev/stdin", "env:X"]


@pytest.mark.parametrize("one", USED_TWICE)
@pytest.mark.parametrize("other", USED_TWICE)
def test_each_secret_has_a_source_of_its_own(tmp_path: Path, one: str, other: str) -> None:
    """Guards against a second secret from the same source that repeats the first, or is reported as missing."""
    path = Path(secret(tmp_path / "secret", KEY).removeprefix("file:"))
    (tmp_path / "link").symlink_to(path)
    same = {"fd:0": "stdin", "file:/dev/stdin": "stdin", "fd:{fd}": "file:{path}"}
    with path.open() as file:
        names = {"fd": file.fileno(), "path": path}
        words = ["--ks-naf", one.format(**names)]
        words += ["--ka", other.format(**names | {"path": tmp_path / "link"}), *NAF]
        more = {"X": KA.hex()}
        result = akma(
            "derive", *words, given=KA.hex().encode(), environment=more, fds=[file.fileno()]
        )
    if same.get(one, one) != same.get(other, other):
        assert b"used twice" not in result.stderr
        return
    assert result.returncode == 2 and result.stdout == b""
    assert b"used twice: each secret needs a source of its own" in result.stderr


def test_a_chain_has_a_source_of_its_own() -> None:
    """Guards against a chain whose first key and Ka come from the same source."""
    words = ["--from-k-ausf", "stdin", "--supi", SUPI, "--ka", "stdin", *NAF]
    assert "--ka: stdin: used twice" in refused("derive", *words)


@pytest.mark.parametrize("mode", [0o660, 0o604, 0o620, 0o602, 0o610, 0o601])
def test_warning_about_a_file_that_others_can_use(
    tmp_path: Path, both: list[str], mode: int
) -> None:
    """Guards against a file of secrets that others can use passing without a warning."""
    (tmp_path / "ka").chmod(mode)
    result = akma(*both)
    assert result.returncode == 0 and b"warning: --ka: file:" in result.stderr
    assert b"chmod 600" in result.stderr


def test_environment_is_cleansed(tmp_path: Path, ks_naf: str) -> None:
    """Guards against a secret that stays in the environment while the program waits for another one."""
    command = [str(AKMA), "derive", "--ka", "env:KA", "--ks-naf", "stdin", *NAF]
    environment = ENVIRONMENT | {"KA": KA.hex()}
    # Options are taken in the order of the table, --ks-naf first: give it by a file, --key waits.
    command[command.index("--ks-naf")] = "--key"
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:

        def seen() -> bytes:
            return Path(f"/proc/{process.pid}/environ").read_bytes()

        wait_until(lambda: seen() and KA.hex().encode() not in seen())
        assert b"KA=" in seen()
        out, _ = process.communicate(KEY.hex().encode(), timeout=30)
    assert bytes.fromhex(out.decode()) == E2E_KEY


# akma derive: output


def test_formats(both: list[str]) -> None:
    """Guards against a format of akma derive that loses octets, or an unknown one being taken."""
    assert akma(*both, "--format", "hex").stdout == E2E_KEY.hex().encode() + b"\n"
    assert akma(*both, "--format", "raw").stdout == E2E_KEY
    assert akma(*both, "--format", "base64").stdout == base64.b64encode(E2E_KEY) + b"\n"
    long = akma(*both, "--length", "8160", "--format", "base64").stdout
    assert base64.b64decode(long) == reference.e2e_key(KEY, KA, NAF_ID, length=8160)
    assert "--format: must be hex, raw or base64" in refused(*both, "--format", "pem")


@pytest.mark.parametrize("old", [False, True])
def test_out(tmp_path: Path, both: list[str], old: bool) -> None:
    """Guards against a key that is written into an existing file, with its wider mode and to its other names."""
    out = tmp_path / "key"
    if old:
        out.write_text("old")
        out.chmod(0o644)
        os.link(out, tmp_path / "other")
    result = akma(*both, "--out", out)
    assert result.returncode == 0 and result.stdout == result.stderr == b""
    assert out.read_text() == E2E_KEY.hex() + "\n"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    if old:
        assert (tmp_path / "other").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["ka", "key", "ks_naf"] + ["other"] * old
    )


@pytest.mark.parametrize("name", ["ka", "ks_naf", "link"])
def test_out_that_is_an_input(tmp_path: Path, both: list[str], name: str) -> None:
    """Guards against a key in the place of the Ka that it was derived from, by any name of that file."""
    os.link(tmp_path / "ka", tmp_path / "link")
    old = (tmp_path / name).read_text()
    said = refused(*both, "--out", tmp_path / name, status=2)
    assert "--out: is what this command reads" in said
    chain = ["--from-k-ausf", f"file:{tmp_path / name}", "--supi", SUPI, "--ka", "env:X", *NAF]
    said = refused("derive", *chain, "--out", tmp_path / name, status=2)
    assert "--out: is what this command reads" in said
    with (tmp_path / name).open() as file:
        words = ["--ks-naf", f"fd:{file.fileno()}", *NAF]
        result = akma("derive", *words, "--out", tmp_path / name, fds=[file.fileno()])
    assert result.returncode == 2 and b"--out: is what this command reads" in result.stderr
    assert (tmp_path / name).read_text() == old


def test_out_that_is_a_devices_file(tmp_path: Path, both: list[str]) -> None:
    """Guards against one key that overwrites the file of a fleet's keys."""
    out = tmp_path / "devices.csv"
    for header in ("identity,ks-naf,ka", "ka;identity", '\ufeff"identity","ks-naf"\r'):
        out.write_text(f"{header}\nx,,{'ab' * 16}\n")
        assert f"--out: {out}: is a devices file" in refused(*both, "--out", out, status=1)
        assert out.read_text().endswith(f"x,,{'ab' * 16}\n")
    for text in ("", "identity", "identity,device\n", "not identity\nidentity,ka\n"):
        out.write_text(text)
        assert akma(*both, "--out", out).returncode == 0


def test_out_that_cannot_be(tmp_path: Path, both: list[str]) -> None:
    """Guards against --out following a link, or writing to a device or pipe."""
    (tmp_path / "link").symlink_to("target")
    os.mkfifo(tmp_path / "fifo")
    before = sorted(path.name for path in tmp_path.iterdir())
    for out, wanted in [
        ("/dev/null", "not a regular file"),
        (str(tmp_path / "link"), "a symbolic link"),
        (str(tmp_path / "fifo"), "not a regular file"),
        (str(tmp_path), "not a regular file"),
        ("/nowhere/at/all", "No such file"),
    ]:
        assert wanted in refused(*both, "--out", out, status=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_limit_of_size(tmp_path: Path, both: list[str]) -> None:
    """Guards against a write that fails midway and leaves a shorter file, or a temporary one beside it."""
    out = tmp_path / "key"
    out.write_text("old")
    before = sorted(path.name for path in tmp_path.iterdir())
    result = subprocess.run(
        [AKMA, *both, "--out", out],
        env=ENVIRONMENT,
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)),
        check=False,
    )
    assert result.returncode == 1 and b"File too large" in result.stderr
    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_full_disk(disk: SmallDisk, both: list[str]) -> None:
    """Guards against a full disk costing the key that --out was to replace."""
    out = disk.folder / "key"
    out.write_text("old")
    disk.fill()
    before = disk.names()
    assert "No space left on device" in refused(*both, "--out", out, status=1)
    assert out.read_text() == "old" and disk.names() == before


def test_closed_pipe(both: list[str]) -> None:
    """Guards against a key that could not be written and an exit status that says it was."""
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run(
        [AKMA, *both], env=ENVIRONMENT, stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert result.returncode == 1 and b"standard output: Broken pipe" in result.stderr


# akma derive: refusals


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--length", "0"], 2, "--length 0: must be a number from 1"),
        (["--length", "16321"], 2, "must be a number from 1 to 16320"),
        (["--length", "8161"], 1, "8160"),
        (["--digest", "SHA1"], 1, "digest"),
        (["--mode", "5G"], 1, "mode"),
        (["--refresh", "0"], 2, "--refresh: must be an even number of hex digits"),
        (["--refresh", "zz"], 2, "--refresh: must be an even number of hex digits"),
        (["--refresh", "00" * 256], 1, "refresh"),
        (["--not-after", "x"], 2, "--not-after: must be a number"),
        (["--not-after", ""], 2, "--not-after: must be a number"),
        (["--not-after", " 4102444800"], 2, "--not-after: must be a number"),
        (["--not-after", "+4102444800"], 2, "--not-after: must be a number"),
        (["--not-after", "-"], 2, "--not-after: must be a number"),
        (["--not-after", "-1"], 1, "not-after: the 3GPP key ended at -1"),
        (["--not-after", "9" * 30], 2, "--not-after: must be a number"),
        (["--not-after", "1"], 1, "not-after"),
        (["--key", "stdin"], 1, "given twice"),
        (["--algorithm", "AKMA-E2F"], 1, "AKMA-E2F: not found"),
        (["--algorithm", "X\x1b"], 1, "X\\x1B: not found"),
        (["--what"], 2, "--what: there is no such option"),
        (["-xyz"], 2, "akma derive: -x: there is no such option"),
        (["-\xe9"], 2, "akma derive: -\\xC3: there is no such option"),
        (["--help=x"], 2, "--help: this option takes no value"),
        (["--k", "stdin"], 2, "--k: there is no such option, or it is ambiguous"),
        (["--ka"], 2, "--ka: a value is missing"),
        (["what"], 2, "akma derive: argument 9 is not an option"),
        (["what", "--length", "32"], 2, "akma derive: argument 9 is not an option"),
        (["--", "what", "--length", "32"], 2, "akma derive: argument 10 is not an option"),
        (["--length", "32", "--", "what"], 2, "akma derive: argument 12 is not an option"),
        (["--\x1b[31m"], 2, "--\\x1B[31m: there is no such option"),
    ],
)
def test_refusals(both: list[str], words: list[str], status: int, said: str) -> None:
    """Guards against options of akma derive that make no sense together and are taken."""
    told = refused(*both, *words, status=status, given=KEY.hex().encode())
    assert said in told and "\x1b" not in told


@pytest.mark.parametrize(
    "words",
    [["{}"], ["--", "{}"], ["--kaa={}"], ["--k={}"], ["--raw={}"], ["--help={}"], ["-k{}"]],
)
def test_refusals_repeat_no_secret(both: list[str], words: list[str]) -> None:
    """Guards against a refusal that repeats a mistyped word, which may be the key itself."""
    told = refused(*both, *(word.format(KA.hex()) for word in words))
    assert "akma derive: " in told and "try --help" in told


def test_required_options() -> None:
    """Guards against akma psk failing without the name of the option that is missing."""
    assert "--in CSV is missing" in refused("psk")
    assert "--out FILE is missing" in refused("psk", "--in", "-")


NO_NUMBERS = [
    "",
    " 5",
    "+5",
    "-5",
    "5x",
    "5 ",
    "0x20",
    "5\x1b[31m",
    "4294967328",
    "18446744073709551648",
]


@pytest.mark.parametrize("number", [*NO_NUMBERS, "9" * 30])
def test_options_that_are_no_numbers(both: list[str], number: str) -> None:
    """Guards against a number with letters, a sign or too many digits being taken in part."""
    shown = number.replace("\x1b", "\\x1B")
    said = refused(*both, "--length", number)
    assert said == f"--length {shown}: must be a number from 1 to 16320\n"


def test_without_the_provider(both: list[str]) -> None:
    """Guards against akma derive failing without a word of what to activate."""
    said = refused(*both, status=1, OPENSSL_CONF="/dev/null")
    assert "is akma activated" in said and "akma doctor" in said


def test_default_properties_of_another_provider(config: Path, tmp_path: Path) -> None:
    """Guards against a command that finds no akma where default_properties name the provider of the rest."""
    write_config(config, {"akma": {}}, properties="provider=default")
    key, ka = secret(tmp_path / "key", KEY), secret(tmp_path / "ka", KA)
    devices, psk = tmp_path / "devices.csv", tmp_path / "psk"
    devices.write_text(f"identity,ks-naf,ka\none,{KEY.hex()},{KA.hex()}\n")
    devices.chmod(0o600)
    there = {"OPENSSL_CONF": str(config)}
    result = akma("derive", "--ks-naf", key, "--ka", ka, *NAF, environment=there)
    assert result.stdout.decode() == E2E_KEY.hex() + "\n", result.stderr
    words: list[str | Path] = ["--in", devices, "--out", psk, "--format", "mosquitto", *NAF]
    assert akma("psk", *words, environment=there).returncode == 0
    assert psk.read_text() == f"one:{reference.e2e_key(KEY, KA, NAF_ID).hex()}\n"
    result = akma("ka", "derive", "--master", key, "--device", "one", environment=there)
    row = f"one,,{reference.device_ka(KEY, 'one').hex()},"
    assert result.stdout.decode().splitlines() == ["identity,ks-naf,ka,ka-id", row]


def test_commands() -> None:
    """Guards against an unknown command of akma doing something, or reaching the terminal unfiltered."""
    assert akma().returncode == 2
    assert "derive" in help_of()
    assert akma("--version").stdout.startswith(b"akma ")
    result = akma("what\n")
    assert result.returncode == 2 and b"what\\x0A: there is no such command" in result.stderr


def test_help_of_derive(tmp_path: Path, both: list[str]) -> None:
    """Guards against a parameter of KDF that akma derive has no option for, and an example in its help that no
    longer works.
    """
    text = help_of("derive")
    for parameters in SAMPLES.values():
        for name in parameters:
            assert f"  --{name} " in text
    line = example_of("derive")
    folders = ENVIRONMENT | {"KA": KA.hex(), "PATH": f"{AKMA.parent}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", line], cwd=tmp_path, env=folders, check=True)
    expected = reference.e2e_key(KEY, KA, NAF_ID, usage="tls-psk")
    assert (tmp_path / "e2e_key").read_text() == expected.hex() + "\n"


# akma identity

A_TID = reference.a_tid(KEY, SUPI)
REALM = "5gc.mnc015.mcc234.3gppnetwork.org"
B_TID = f"{base64.b64encode(RAND).decode()}@bsf.example.com"
A_KID = f"rid678.tid{A_TID.hex()}@{REALM}"
GBA = ["--rand", RAND.hex(), "--bsf", "bsf.example.com"]
OF_AKMA = ["--rid", "678", "--a-tid", A_TID.hex(), "--realm", REALM]
FILL = "." * (256 - len("3GPP-bootstrapping") - len(B_TID))  # the most that libssl takes


@pytest.mark.parametrize(
    ("words", "name", "identity", "psk"),
    [
        (GBA, "b-tid", B_TID, f"3GPP-bootstrapping.{B_TID}"),
        ([*GBA, "--uicc"], "b-tid", B_TID, f"3GPP-bootstrapping-uicc.{B_TID}"),
        ([*GBA, "--separator", ";"], "b-tid", B_TID, f"3GPP-bootstrapping;{B_TID}"),
        ([*GBA, "--separator", ""], "b-tid", B_TID, f"3GPP-bootstrapping{B_TID}"),
        ([*GBA, "--separator", FILL], "b-tid", B_TID, f"3GPP-bootstrapping{FILL}{B_TID}"),
        (["--b-tid", "a@b"], "b-tid", "a@b", "3GPP-bootstrapping.a@b"),
        (OF_AKMA, "a-kid", A_KID, f"3GPP-AKMA{A_KID}"),
        ([*OF_AKMA, "--separator", "."], "a-kid", A_KID, f"3GPP-AKMA.{A_KID}"),
        (["--a-kid", "a@b"], "a-kid", "a@b", "3GPP-AKMAa@b"),
    ],
)
def test_identity(words: list[str], name: str, identity: str, psk: str) -> None:
    """Guards against an identity of GBA or AKMA that is put together in another way than the specification's."""
    result = akma("identity", *words)
    assert result.stderr == b""
    assert result.stdout.decode() == f"{name}: {identity}\npsk-identity: {psk}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the parts of a B-TID or those of an A-KID"),
        ([*GBA, *OF_AKMA], "the parts of a B-TID or those of an A-KID"),
        (["--rand", RAND.hex()], "--bsf is missing"),
        (["--bsf", "b"], "--rand is missing"),
        (["--rand", "00", "--bsf", "b"], "--rand 00: must be 32 hex digits"),
        (["--rand", "zz" * 16, "--bsf", "b"], "must be 32 hex digits"),
        (["--rand", RAND.hex(), "--bsf", "a_b"], "--bsf a_b: must be a domain name"),
        (["--rand", RAND.hex(), "--bsf", ""], "a domain name"),
        (["--rand", RAND.hex(), "--bsf", "b" * 254], "a domain name"),
        (["--rand", RAND.hex(), "--bsf", "b" * 253], "a B-TID of at most 255 octets"),
        ([*OF_AKMA, "--rid", "12345"], "--rid 12345: must be 1 to 4 digits"),
        ([*OF_AKMA, "--rid", "x"], "1 to 4 digits"),
        ([*OF_AKMA, "--rid", "12x"], "1 to 4 digits"),
        ([*OF_AKMA, "--rid", ""], "1 to 4 digits"),
        ([*OF_AKMA, "--a-tid", "00"], "--a-tid 00: must be 64 hex digits"),
        ([*OF_AKMA, "--realm", "r" * 200], "an A-KID of at most 255 octets"),
        (["--b-tid", "a"], "user@realm"),
        (["--b-tid", "@b"], "user@realm"),
        (["--b-tid", "a@"], "user@realm"),
        (["--b-tid", "a b@c"], "user@realm"),
        (["--b-tid", "ä@c"], "user@realm"),
        (["--b-tid", "a\x1b@c"], "--b-tid a\\x1B@c: must be user@realm"),
        (["--b-tid", "a\x7f@c"], "--b-tid a\\x7F@c: must be user@realm"),
        (["--b-tid", "a@" + "b" * 254], "user@realm"),
        (["--b-tid", "a@" + "b" * 253], "a PSK identity of at most 256 octets"),
        ([*GBA, "--separator", " "], "--separator  : must be printable ASCII"),
        ([*GBA, "--separator", "\x1b"], "--separator \\x1B: must be printable ASCII"),
        ([*GBA, "--separator", FILL + "."], "a PSK identity of at most 256 octets"),
        ([*GBA, "--separator", "." * 256], "a PSK identity of at most 256 octets"),
    ],
)
def test_refused_identities(words: list[str], said: str) -> None:
    """Guards against an identity made of a part that has the wrong length or form."""
    assert said in refused("identity", *words)


NETWORKS = {
    "mnc012.mcc345.3gppnetwork.org": True,
    "bsf.mnc012.mcc345.pub.3gppnetwork.org": True,
    "5gc.nid000007ed9d5.mnc012.mcc345.3gppnetwork.org": True,
    "IMS.MNC012.MCC345.3GPPNETWORK.ORG": True,
    "bsf.provider.ipxuni.3gppnetwork.org": True,
    "my3gppnetwork.org": True,
    "mnc12.mcc345.example.com": True,
    "3gppnetwork.org": False,
    "pub.3gppnetwork.org": False,
    "ims.3gppnetwork.org": False,
    "ims.mcc345.mnc012.3gppnetwork.org": False,
    "ims.mnc12.mcc345.3gppnetwork.org": False,
    "ims.mnc0012.mcc345.3gppnetwork.org": False,
    "ims.mnc012.mcc34.3gppnetwork.org": False,
    "ims.mnc012.3gppnetwork.org": False,
    "ims.mcc345.3gppnetwork.org": False,
    "ims.mnc01a.mcc345.3gppnetwork.org": False,
    "xmnc012.mcc345.3gppnetwork.org": False,
    "ims.mnc012-mcc345.3gppnetwork.org": False,
    "ims.mnc012.mcc345.x.3gppnetwork.org": False,
}


@pytest.mark.parametrize("network", NETWORKS)
def test_names_of_a_network(tmp_path: Path, network: str) -> None:
    """Guards against a mistyped realm that is accepted and gives another key than the network has."""
    key = secret(tmp_path / "key", KEY)
    a_tid = ["--rid", "1", "--a-tid", "ab" * 32]
    impi = ["--algorithm", "GBA-KS-NAF", "--key", key, "--rand", RAND.hex(), *NAF]
    calls = [
        ["identity", "--rand", RAND.hex(), "--bsf", network],
        ["identity", *a_tid, "--realm", network],
        ["identity", "--b-tid", f"a@{network}"],
        ["identity", "--a-kid", f"a@{network}"],
        ["derive", *impi, "--impi", f"345012123456789@{network}"],
        ["derive", "--algorithm", "AKMA-K-AKMA", "--key", key, "--supi", f"user@{network}"],
    ]
    for words in calls:
        if NETWORKS[network]:
            assert akma(*words).returncode == 0, words
        else:
            assert "mnc<MNC>.mcc<MCC> in front of 3gppnetwork.org" in refused(*words), words


@pytest.mark.parametrize(
    "network",
    [
        "mcc345.mnc012.3gppnetwork.org.",
        "mnc012.mcc345.3gppnetwork.org.",
        "a.b.",
        ".a.b",
        "a..b",
        ".",
    ],
)
def test_empty_labels_of_a_network(tmp_path: Path, network: str) -> None:
    """Guards against a name with a dot at its end whose labels are not checked."""
    key = secret(tmp_path / "key", KEY)
    impi = ["--algorithm", "GBA-KS-NAF", "--key", key, "--rand", RAND.hex(), *NAF]
    for words in [
        ["identity", "--rand", RAND.hex(), "--bsf", network],
        ["identity", "--rid", "1", "--a-tid", "ab" * 32, "--realm", network],
        ["identity", "--b-tid", f"a@{network}"],
        ["identity", "--a-kid", f"a@{network}"],
        ["derive", *impi, "--impi", f"345012123456789@{network}"],
        ["derive", "--algorithm", "AKMA-K-AKMA", "--key", key, "--supi", f"user@{network}"],
    ]:
        assert "a name without an empty label" in refused(*words), words


def test_example_of_identity() -> None:
    """Guards against the example in the help of akma identity that no longer works."""
    result = akma(*shlex.split(example_of("identity"))[1:])
    assert (
        result.returncode == 0 and b"3GPP-bootstrapping.AAECAwQFBgcICQoLDA0ODw==@" in result.stdout
    )
