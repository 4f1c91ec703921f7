"""Options from a file: what it may say, what is refused and where, what --check and --print-config make of it.

SPDX-License-Identifier: Apache-2.0
"""

import datetime
import os
import socket
import subprocess
from pathlib import Path

import pytest

from certificates import DAY, Authority
from evp import BUILD
from flow import ENVIRONMENT, FQDN, LOOPBACK, free_port, run_to_end, ue, write_devices
from link import Program
from project import ROOT
from samples import KA, KEY

UE = "ue@bsf.example.com"
REFUSED = {  # a line behind good ones -> what is said of it
    "acept x": "all.conf:5: acept: there is no such option",
    "--metrics :0": "all.conf:5: --metrics: write names as --help has them, without dashes",
    "include mark.conf": "mark.conf:1: this line: a byte order mark comes before it",
    "metrics=secret": "all.conf:5: this line: a blank is wanted",
    "metrics": "all.conf:5: metrics: a value is missing: HOST:PORT",
    "metrics # nothing": "all.conf:5: metrics: a value is missing",
    'usage "open': "all.conf:5: usage: the value has an open quotation mark",
    'usage "open""': "all.conf:5: usage: the value has an open quotation mark",
    'usage "closed" more': "all.conf:5: usage: the value has an open quotation mark, or more behind it",
    "proxy-protocol maybe": "all.conf:5: proxy-protocol: must have no value, or yes, or no",
    "accept 127.0.0.1:1": "all.conf:5: accept: may be given once, and {folder}/all.conf:2 has it",
    "version": "all.conf:5: version: belongs on the command line",
    "include loop.conf": "loop.conf:1: include: files include each other, more than 8 deep",
    "include none.conf": "all.conf:5: include: none.conf: there is no such file",
    "line-timeout 0": "all.conf:5: --line-timeout 0: must be a number from 1 to 86400",
    "e2e never": "all.conf:5: --e2e never: must be required, offered or off",
    "device-name x": "all.conf:5: --device-name has no effect without --key-source",
    "forward 127.0.0.1": "all.conf:5: --forward 127.0.0.1: must be HOST:PORT",
    "drain-timeout 3s": "all.conf:5: --drain-timeout 3s: must be a number",
    "key-lifetime 1\nkey-lifetime 2": "all.conf:6: key-lifetime: may be given once",
}


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """The options of a server that can start."""
    devices = write_devices(tmp_path / "devices.csv", [[UE, KEY.hex(), KA.hex()]])
    path = tmp_path / "all.conf"
    path.write_text(
        f"# all in one\naccept {LOOPBACK}:0   # the NAF\n\tdevices {devices}\r\nnaf-fqdn\t{FQDN}\n"
    )
    return path


def run(program: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """A program that ends by itself."""
    return run_to_end(BUILD / "e2e" / program, *words)


def effective(*words: str | Path) -> dict[str, list[tuple[str, str]]]:
    """--print-config: name -> values, each with where it came from."""
    result = run("e2e-as", "--print-config", *words)
    assert result.returncode == 0, result.stderr
    found: dict[str, list[tuple[str, str]]] = {}
    for line in result.stdout.splitlines():
        setting, origin = line.rsplit(" # ", 1)
        name, _, value = setting.strip().partition(" ")
        found.setdefault(name, []).append((value, origin))
    return found


@pytest.mark.parametrize("line", REFUSED)
def test_a_wrong_line_is_named(conf: Path, line: str) -> None:
    """Guards against a refusal without file, line and name, and one that repeats a value which may be secret."""
    conf.with_name("loop.conf").write_text("include loop.conf\n")
    conf.with_name("mark.conf").write_text("\ufeff# of an editor\n")
    conf.write_text(conf.read_text() + line + "\n")
    for check, status in (((), 1 if "forward" in line else 2), (("--check",), 1)):
        result = run("e2e-as", "--config", conf, *check)
        assert REFUSED[line].format(folder=conf.parent) in result.stderr + result.stdout
        assert result.returncode == status and "secret" not in result.stderr


def test_where_options_came_from(conf: Path) -> None:
    """Guards against an included file or a default that wins over the command line, or is printed with another's
    place.
    """
    parts = conf.parent / "conf.d"
    parts.mkdir()
    (parts / "b.conf").write_text('usage " # x"\nproxy-protocol no\n')
    (parts / "a.conf").write_text("line-timeout 12\n")
    conf.write_text(conf.read_text() + "include conf.d/*.conf\ninclude none.d/*.conf\n")
    found = effective("--config", conf, "--line-timeout", "9")
    assert found["accept"] == [(f"{LOOPBACK}:0", f"{conf}:2")]
    assert found["usage"] == [('" # x"', f"{parts}/b.conf:1")]
    assert found["line-timeout"] == [("9", "command line")]
    assert found["drain-timeout"] == [("3", "default")]
    assert "proxy-protocol" not in found and "forward" not in found
    again = conf.parent / "again.conf"
    again.write_text(run("e2e-as", "--config", conf, "--print-config").stdout)
    values = {name: [value for value, _ in pairs] for name, pairs in found.items()}
    values["line-timeout"] = ["12"]
    reread = effective("--config", again)
    assert {name: [value for value, _ in pairs] for name, pairs in reread.items()} == values


def test_values_are_printed_as_they_are_read(conf: Path) -> None:
    """Guards against a value with a quote, blank, backslash or # that --print-config prints so that it reads
    differently.
    """
    values = ["x\t#y", "x #y", "#x", "a\\b", "c" * 700, "d\\x0A", 'e"f', " g ", "h\ti"]
    values += ['"j', '"', '""', '"k"', 'l" #m', '"n" "o']
    for value in values:
        found = subprocess.run(
            [BUILD / "e2e/e2e-as", "--config", conf, "--keylog", value, "--print-config"],
            env=ENVIRONMENT,
            capture_output=True,
            check=True,
        )
        again = conf.with_name("again.conf")
        again.write_bytes(found.stdout)
        second = subprocess.run(
            [BUILD / "e2e/e2e-as", "--config", again, "--print-config"],
            env=ENVIRONMENT,
            capture_output=True,
            check=True,
        )
        lines = [
            [line for line in output.stdout.decode().splitlines() if line.startswith("keylog ")]
            for output in (found, second)
        ]
        assert lines[0][0].split(" # command line")[0].rstrip() == (
            lines[1][0].rsplit(" # ", 1)[0].rstrip()
        )
        printed = lines[0][0].split(" # command line")[0].rstrip().removeprefix("keylog ")
        if printed.startswith('"'):
            printed = printed[1:-1].replace('""', '"')
        assert printed == value


def test_folders_to_include(conf: Path, tmp_path: Path) -> None:
    """Guards against a folder that cannot be read being taken as empty, and a pattern character in the folder's
    own name.
    """
    odd = tmp_path / "site[1]*"
    (odd / "parts").mkdir(parents=True)
    own = odd / "own.conf"
    own.write_text(conf.read_text() + "include parts/*.conf\ninclude none/*.conf\n")
    (odd / "parts/one.conf").write_text("drain-timeout 77\n")
    assert [value for value, _ in effective("--config", own)["drain-timeout"]] == ["77"]
    loop = odd / "loop"
    loop.symlink_to(loop)
    own.write_text(conf.read_text() + "include loop/*.conf\n")
    result = run("e2e-as", "--config", own, "--print-config")
    assert result.returncode != 0 and "include: loop/*.conf: cannot be read" in result.stderr


def test_the_command_line_replaces_what_is_repeated(conf: Path) -> None:
    """Guards against a repeated option whose values in the file are added to those of the command line."""
    files = "".join(f"source-{what} x\n" for what in ("cert", "key", "ca"))
    sources = "key-source aanf:https://a.example\nkey-source bsf:https://b.example\n"
    conf.write_text(conf.read_text() + files + sources)
    assert [value for value, _ in effective("--config", conf)["key-source"]] == [
        "aanf:https://a.example",
        "bsf:https://b.example",
    ]
    given = effective("--config", conf, "--key-source", "bsf:https://c.example")
    assert given["key-source"] == [("bsf:https://c.example", "command line")]


def test_a_flow_from_files(conf: Path) -> None:
    """Guards against an option of e2e-as or e2e-ue that works on the command line but not in a file."""
    with Program("--config", conf) as server:
        address = server.read().decode().split()[1]
        own = conf.with_name("ue.conf")
        own.write_text(
            f"connect {address}\ndevices {conf.parent}/devices.csv\nidentity {UE}\nnaf-fqdn {FQDN}\nmessage a b\n"
        )
        assert run("e2e-ue", "--config", own).stdout == "e2e: a b\n"
        checked = run("e2e-ue", "--config", own, "--check")
        assert checked.returncode == 0 and "not ok" not in checked.stdout
        assert ue(conf.parent / "devices.csv", UE, address).returncode == 0


def test_check_of_a_ue(conf: Path) -> None:
    """Guards against a --check of e2e-ue that passes what a start refuses: a level, an interval, an unwritable file."""
    own = conf.with_name("ue.conf")
    own.write_text(
        f"connect {LOOPBACK}:1\ndevices {conf.parent}/devices.csv\nidentity {UE}\nnaf-fqdn {FQDN}\n"
        "listen unix:ue.socket\n"
    )
    words: list[str | Path] = ["--config", own, "--check"]
    for option in (["--log-level", "loud"], ["--reload-interval", "1s"]):
        result = run("e2e-ue", *words, *option)
        assert result.returncode == 1 and option[0] in result.stderr
    for name in ("log-file", "keylog"):
        result = run("e2e-ue", *words, f"--{name}", conf.parent)
        assert result.returncode == 1
        assert f"not ok --{name} {conf.parent}: must be a regular file\n" in result.stdout


def checked(*words: str | Path) -> tuple[int, list[str]]:
    """--check: its exit status, and what is not ok."""
    result = run("e2e-as", "--check", *words)
    lines = result.stdout.splitlines()
    assert all(line.startswith(("ok ", "not ok ")) for line in lines), result.stdout
    return result.returncode, [line[7:] for line in lines if line.startswith("not ok ")]


def test_check_of_files(conf: Path) -> None:
    """Guards against a --check that ends at the first fault, misses what a start would refuse, or leaves out a
    file's mode.
    """
    assert checked("--config", conf) == (0, [])
    (conf.parent / "devices.csv").chmod(0o644)
    status, faults = checked("--config", conf, "--metrics", "no.such.invalid:1")
    assert status == 1 and len(faults) == 2
    assert "devices.csv" in faults[0] and "--metrics no.such.invalid:1: " in faults[1]


def test_check_says_where(conf: Path) -> None:
    """Guards against a fault that --check finds in a file's value being reported without the file and line."""
    text = conf.read_text().replace(FQDN, "-naf")
    conf.write_text(text + "forward no.such.invalid:1\n")
    status, faults = checked("--config", conf)
    assert status == 1 and len(faults) == 2
    assert faults[0].startswith(f"{conf}:4: AKMA-E2E: naf-fqdn: ")
    assert faults[1].startswith(f"{conf}:5: --forward no.such.invalid:1: ")


def test_check_of_files_to_write(conf: Path) -> None:
    """Guards against a --check that misses a folder that does not exist, or that creates a file by checking."""
    here, none = conf.with_name("as.log"), conf.with_name("none") / "audit.log"
    status, faults = checked("--config", conf, "--log-file", here, "--audit-log", none)
    assert status == 1 and faults == [f"--audit-log {none}: No such file or directory"]
    assert not here.exists()


def test_check_of_files_that_are_none(conf: Path) -> None:
    """Guards against a --check that accepts a folder or a link where a start appends to a file."""
    link = conf.with_name("link")
    link.symlink_to(conf.with_name("behind"))
    status, faults = checked("--config", conf, "--log-file", conf.parent, "--audit-log", link)
    assert status == 1 and faults == [
        f"--log-file {conf.parent}: must be a regular file",
        f"--audit-log {link}: must be a regular file",
    ]


@pytest.mark.parametrize("value", ["99999", "nonsense"])
def test_check_of_a_port(conf: Path, value: str) -> None:
    """Guards against an impossible port without a HOST that --check passes."""
    status, faults = checked("--config", conf, "--metrics", value)
    assert status == 1 and len(faults) == 1 and faults[0].startswith(f"--metrics :{value}: ")


def test_check_of_one_port_for_two(conf: Path) -> None:
    """Guards against two listeners on one port that --check passes, and two on port 0 that it refuses."""
    port = free_port()
    both: list[str | Path] = ["--config", conf, "--accept", f"{LOOPBACK}:{port}"]
    for other in (f"{LOOPBACK}:{port}", f"0.0.0.0:{port}"):
        status, faults = checked(*both, "--e2e-accept", other)
        assert status == 1 and faults == [
            f"--accept {LOOPBACK}:{port} and --e2e-accept {other}: "
            "one port cannot be listened on twice"
        ]
    assert checked("--config", conf, "--e2e-accept", f"{LOOPBACK}:0") == (0, [])
    assert checked(*both, "--e2e-accept", f"127.0.0.2:{port}") == (0, [])


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["tcp", "udp"])
def test_check_of_ports_in_use(conf: Path, kind: socket.SocketKind) -> None:
    """Guards against a --check that says nothing of a port that another program uses, or refuses the one of the
    running server."""
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind((LOOPBACK, 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        udp = "udp:" if kind == socket.SOCK_DGRAM else ""
        place = f"{udp}{LOOPBACK}:{taken.getsockname()[1]}"
        said = "in use now, by a server that runs or another program"
        server: list[str | Path] = ["e2e-as", "--config", conf, "--e2e-accept", place]
        there = f"{udp}{LOOPBACK}:1"
        local: list[str | Path] = [
            "e2e-ue",
            "--devices",
            conf.with_name("devices.csv"),
            "--identity",
            UE,
        ]
        local += ["--naf-fqdn", FQDN, "--connect", there, "--e2e-connect", there]
        local += ["--dtls-ciphers", "ECDHE-PSK-CHACHA20-POLY1305"] if udp else []
        for words in (server, [*local, "--listen", place]):
            result = run(str(words[0]), *words[1:], "--check")
            assert f"\nok {words[-2]} {place}: {said}\n" in result.stdout, result.stdout


def test_check_of_a_port_in_use_at_the_other_family(conf: Path) -> None:
    """Guards against an address of IPv6 whose socket takes IPv4 as well, where another program has that: a start fails."""
    with socket.create_server(("0.0.0.0", 0)) as taken:
        place = f"[::]:{taken.getsockname()[1]}"
        result = run("e2e-as", "--config", conf, "--e2e-accept", place, "--check")
        assert f"\nok --e2e-accept {place}: in use now, " in result.stdout, result.stdout
        assert "Address already in use" in run("e2e-as", "--config", conf, "--accept", place).stderr


def test_check_of_an_address_elsewhere(conf: Path) -> None:
    """Guards against an address of another host that --check passes, which no start can listen on."""
    status, faults = checked("--config", conf, "--e2e-accept", "192.0.2.1:4433")
    assert status == 1 and faults == [
        "--e2e-accept 192.0.2.1:4433: Cannot assign requested address"
    ]


FIRST_FREE = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())


@pytest.mark.skipif(FIRST_FREE < 2, reason="every port is everybody's here")
def test_check_of_a_privileged_port(conf: Path) -> None:
    """Guards against a --check that says nothing of a port that only root may bind."""
    drop = ["setpriv", "--bounding-set", "-net_bind_service", "--inh-caps", "-net_bind_service"]
    command = [*(drop if os.geteuid() == 0 else []), str(BUILD / "e2e/e2e-as"), "--check"]
    result = run_to_end(*command, "--config", conf, "--e2e-accept", f"{LOOPBACK}:1")
    line = f"ok --e2e-accept {LOOPBACK}:1: this process may not bind it: "
    assert result.returncode == 0 and line in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize(("name", "status"), [(FQDN, 0), ("-naf", 1)])
def test_check_and_print(conf: Path, name: str, status: int) -> None:
    """Guards against a --print-config that leaves out the check, or its exit status, if --check is given as well."""
    conf.write_text(conf.read_text().replace(FQDN, name))
    for order in (("--check", "--print-config"), ("--print-config", "--check")):
        result = run("e2e-as", "--config", conf, *order)
        assert result.returncode == status
        checks, _, printed = result.stdout.partition("\nnaf-fqdn ")
        assert "ok --devices" in checks and printed.startswith(name)


def test_check_of_certificates(conf: Path) -> None:
    """Guards against an expired certificate or another's key that --check passes."""
    authority = Authority(conf.parent)
    good, late = authority.issue("good"), authority.issue("late", life=-DAY / 2)
    parts: list[str | Path] = [
        "--third-party",
        f"{LOOPBACK}:1",
        "--ca",
        authority.file,
        "--config",
        conf,
    ]
    write_devices(conf.parent / "devices.csv", [[UE, KEY.hex(), ""]])
    status, lines = checked(*parts, "--cert", good[0], "--key", good[1])
    assert (status, lines) == (0, [])
    status, lines = checked(*parts, "--cert", late[0], "--key", late[1])
    expired = (datetime.datetime.utcnow() - DAY / 2).strftime("%Y-%m-%dT")
    assert status == 1 and lines[0].startswith(
        f"--cert {late[0]}: it has expired, at {expired}"[:-12]
    )
    status, lines = checked(*parts, "--cert", good[0], "--key", late[1])
    assert status == 1 and lines == [f"--key {late[1]}: it is not the key of --cert"]


def test_check_of_a_store_that_is_away(conf: Path) -> None:
    """Guards against a store that --check counts as good although nothing answers."""
    key = conf.with_name("store.key")
    key.touch(mode=0o600)
    key.write_text("1:" + "ab" * 32 + "\n")
    store: list[str | Path] = ["--store", f"redis://{LOOPBACK}:1", "--store-key", key]
    status, lines = checked("--config", conf, *store)
    assert status == 1 and len(lines) == 1 and lines[0].startswith(f"--store {store[1]}: ")


@pytest.mark.parametrize(
    "words,wanted",
    [
        (["--dev"], {"--devices", "--device-name"}),
        (["--e2e", ""], {"required", "offered", "off"}),
        (["--devices", "all.c"], {"all.conf"}),
        (["--accept", ""], set()),
    ],
)
def test_completion(conf: Path, words: list[str], wanted: set[str]) -> None:
    """Guards against a completion that offers options, values or files which the program's own table does not have."""
    program = BUILD / "e2e/e2e-as"
    script = f'. {ROOT}/e2e/completion/e2e-as; COMP_WORDS=("$0" "$@"); COMP_CWORD=$#; '
    script += '_akma_e2e "$0"; printf "%s\\n" "${COMPREPLY[@]}"'
    result = subprocess.run(
        ["bash", "-c", script, program, *words],
        cwd=conf.parent,
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(result.stdout.split()) == wanted and result.stderr == ""
