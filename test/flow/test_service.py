"""Under a service manager: when a program says that it is ready, what else it says, and sockets that it is given.

SPDX-License-Identifier: Apache-2.0
"""

import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from evp import BUILD
from flow import FQDN, LOOPBACK, Process, Server, split, ue, ue_command, write_devices
from project import ROOT
from samples import KA, KEY
from service import Manager, activated, address, held, listening

UNITS = ROOT / "e2e/systemd"
UE = "ue@bsf.example.com"


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """One UE."""
    return write_devices(tmp_path / "devices.csv", [[UE, KEY.hex(), KA.hex()]])


def test_ready_when_it_serves(devices: Path, tmp_path: Path) -> None:
    """Guards against READY=1 before UEs are served, and against a stop that does not announce how long it takes."""
    with Manager(tmp_path) as manager:
        with Server(devices, "--drain-timeout", "7", environment=manager.environment) as server:
            message = manager.receive()
            assert message["READY"] == "1"
            assert message["STATUS"].startswith("serving: NAF third-party endpoint")
            assert ue(devices, UE, server.address, server.e2e_address).returncode == 0
        message = manager.wait_for(STOPPING="1")
        assert message["EXTEND_TIMEOUT_USEC"] == "12000000"
        assert message["STATUS"].startswith("draining: ")


def test_a_server_that_cannot_start_is_never_ready(devices: Path, tmp_path: Path) -> None:
    """Guards against READY=1, or an exit status of 0, from a server that could not start."""
    devices.chmod(0o644)
    with Manager(tmp_path) as manager:
        command: list[str | Path] = [
            BUILD / "e2e/e2e-as",
            "--accept",
            f"{LOOPBACK}:0",
            "--devices",
            devices,
        ]
        with Process(*command, "--naf-fqdn", FQDN, environment=manager.environment) as server:
            assert server.wait() == 1
        assert manager.receive(0.01) == {}


def test_reload_tells_the_truth(devices: Path, tmp_path: Path) -> None:
    """Guards against a status that does not name a refused reload, or still names it after one was applied."""
    with Manager(tmp_path) as manager, Server(devices, environment=manager.environment) as server:
        assert manager.receive()["READY"] == "1"
        good = devices.read_text()
        for text, refused in ((good + "bad\n", True), (good, False)):
            devices.write_text(text)
            server.process.send_signal(signal.SIGHUP)
            assert int(manager.wait_for(RELOADING="1")["MONOTONIC_USEC"]) > 0
            status = manager.wait_for(READY="1")["STATUS"]
            assert ("the last reload was refused: " in status) is refused, status
            assert ("devices.csv" in status) is refused


def test_the_watchdog_is_fed(devices: Path, tmp_path: Path) -> None:
    """Guards against a watchdog that is not fed as often as the manager wants, or that is another process's and is fed."""
    with Manager(tmp_path, WATCHDOG_USEC="400000") as manager:
        with Server(devices, environment=manager.environment):
            for _ in range(3):
                assert manager.wait_for(WATCHDOG="1") == {"WATCHDOG": "1"}
        other = manager.environment | {"WATCHDOG_PID": "1"}
        while manager.receive(0.01):
            pass
        with Server(devices, environment=other):
            assert "READY" in manager.receive()
            assert manager.receive(0.5) == {}


def test_the_ue_is_ready_too(devices: Path, tmp_path: Path) -> None:
    """Guards against an e2e-ue --listen that does not tell the manager that it is ready, alive or stopping."""
    command = ue_command(devices, UE, f"{LOOPBACK}:1")
    command[command.index("--message") :] = ["--listen", f"{LOOPBACK}:0"]
    with Manager(tmp_path, WATCHDOG_USEC="400000") as manager:
        with Process(*command, environment=manager.environment):
            assert manager.receive() == {"READY": "1", "STATUS": "serving local connections"}
            manager.wait_for(WATCHDOG="1")
        assert manager.wait_for(STOPPING="1")


def test_sockets_go_by_their_names(devices: Path) -> None:
    """Guards against inherited sockets taken by their order, or one that no option wants kept without a word."""
    e2e, other, first = listening(), listening(), listening()
    within = activated([("e2e-accept", e2e), ("naf-accept", other), ("accept", first)])
    with e2e, other, first, Server(devices, within=tuple(within)) as server:
        assert (server.address, server.e2e_address) == (address(first), address(e2e))
        assert ue(devices, UE, server.address, server.e2e_address).returncode == 0
        assert (
            'descriptor 4 is closed, because no option that was given is called "naf-accept"'
            in (server.errors)
        )


def test_a_restart_refuses_nobody(devices: Path) -> None:
    """Guards against a client that is refused because it connects while no process is there."""
    waiting = listening()
    within = tuple(activated([("accept", waiting)]))
    with waiting:
        with Server(devices, two_addresses=False, within=within):
            pass
        with socket.create_connection(split(address(waiting)), 10) as early:
            with Server(devices, two_addresses=False, within=within) as server:
                early.sendall(b"nothing that a server of TLS expects\n")
                early.settimeout(10)
                assert early.recv(100)[:1] == b"\x15"  # an alert
                assert ue(devices, UE, server.address).returncode == 0


@pytest.mark.parametrize("kind", ["bound", "file"])
def test_what_is_no_listening_socket_is_refused(devices: Path, kind: str) -> None:
    """Guards against a start with an inherited descriptor on which nobody can be served."""
    with held(socket.socket()) as bound:
        bound.bind((LOOPBACK, 0))
        command = activated([("accept", bound)])
        if kind == "file":
            command[2] = re.sub(r"3<&\d+", "3</dev/null", command[2])
        command += [str(BUILD / "e2e/e2e-as"), "--accept", f"{LOOPBACK}:0"]
        with Process(*command, "--devices", devices, "--naf-fqdn", FQDN) as server:
            assert server.wait() == 1
            server.wait_for_error("descriptor 3, accept, is no socket that listens")


def test_a_socket_for_local_programs_is_private(devices: Path, tmp_path: Path) -> None:
    """Guards against a local socket through which other users speak as the device."""
    with held(socket.socket(socket.AF_UNIX)) as local:
        local.bind(str(tmp_path / "local"))
        local.listen()
        command = ue_command(devices, UE, f"{LOOPBACK}:1")
        command[command.index("--message") :] = ["--listen", f"{LOOPBACK}:0"]
        for mode, said in ((0o666, b""), (0o600, f"listen unix:{tmp_path}/local".encode())):
            (tmp_path / "local").chmod(mode)
            with Process(*activated([("listen", local)]), *command) as program:
                assert program.read() == said


def test_purge(tmp_path: Path) -> None:
    """Guards against a purge that deletes keys or audit logs, or that leaves other logs and empty devices files."""
    header, row = "identity,ks-naf,ka\n", "ue,11,22"
    files = {"akma/all/devices.csv": header + row, "akma/naf/devices.csv": header}
    logs = {"log/e2e-as-all/audit.log": "x", "log/e2e-as-all/e2e-as.log.1.gz": "x"}
    logs |= {"log/e2e-as-naf/e2e-as.log": "x", "log/e2e-ue/e2e-ue.log.1": "x"}
    for name, text in (files | logs).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    script = (
        (ROOT / "debian/akma-tools.postrm").read_text().replace("/etc/akma", f"{tmp_path}/akma")
    )
    script = script.replace("/var/log", f"{tmp_path}/log")
    subprocess.run(["sh", "-c", script, "postrm", "purge"], check=True)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"akma/all/devices.csv", "log/e2e-as-all/audit.log"}
    assert not (tmp_path / "akma/naf").exists() and not (tmp_path / "log/e2e-as-naf").exists()
    assert not (tmp_path / "log/e2e-ue").exists()


def test_logs_are_rotated_as_their_user() -> None:
    """Guards against a rotation of logs that root does, that misses a log, or that tells another unit."""
    text = (ROOT / "debian/akma-tools.logrotate").read_text()
    blocks = re.findall(r"^/var/log/([\w-]+)/([\w-]+)\*\.log \{\n(.*?)^\}", text, re.M | re.S)
    units = {path.stem for path in UNITS.glob("e2e-as-*.service") if "@" not in path.stem}
    assert {(unit, log) for unit, log, _ in blocks} == {("e2e-ue", "e2e-ue")} | {
        (unit, log) for unit in units for log in ("e2e-as", "audit")
    }
    for path in ("e2e-as-.service.d/hardening.conf", "e2e-ue.service"):
        assert "\nLogsDirectory=%p\n" in (UNITS / path).read_text(), "the service makes it"
    assert len(blocks) == text.count("{")
    for unit, _, block in blocks:
        [user] = re.findall("^User=(.*)$", (UNITS / f"{unit}.service").read_text(), re.M)
        assert f"    su {user} {user}\n" in block
        told = set(re.findall("'([^']*)'", block))
        assert told == {f"{unit}.service"} | {
            f"{path.stem}*.service" for path in UNITS.glob(f"{unit}@*")
        }


def test_how_a_sample_is_checked() -> None:
    """Guards against a check of a sample that differs from its unit's start, such as one by root, who may read every
    key."""
    samples = list((ROOT / "examples/config").glob("*.conf"))
    assert len(samples) == 5
    for sample in samples:
        [unit] = [path for path in UNITS.glob("*.service") if f"/{sample.name}" in path.read_text()]
        text = unit.read_text()
        [user] = re.findall("^User=(.*)$", text, re.M)
        [setting] = re.findall('^Environment="(OPENSSL_CONF=.*)"$', text, re.M)
        [check] = re.findall("^ExecStartPre=(.*)$", text, re.M)
        check = re.sub('"@?[^" ]*/([^"/]*)"', r"\1", check, count=1).replace('"', "")
        assert f"#   runuser -u {user} -- env {setting} {check}\n" in sample.read_text()


def test_units() -> None:
    """Guards against units that are ready too early, keep a stuck loop or a bad file, or name a socket unlike its option."""
    common = (UNITS / "e2e-as-.service.d/hardening.conf").read_text()
    for line in ("Type=notify", "WatchdogSec=30", "Restart=on-failure", "RestartSec=5"):
        assert f"\n{line}\n" in common
    for name in ("e2e-as-all", "e2e-as-third-party"):  # few tries of a token's PIN
        text = (UNITS / f"{name}.service").read_text().split("[Service]")[0]
        assert "\nStartLimitIntervalSec=300\nStartLimitBurst=3\n" in text
    services = list(UNITS.glob("*.service"))
    assert len(services) >= 5
    for unit in services:
        text = unit.read_text()
        [start] = re.findall("^ExecStart=(.*)$", text, re.M)
        assert re.findall("^ExecStartPre=(.*)$", text, re.M) == [start + " --check"]
        reloads = re.findall("^ExecReload=(.*)$", text, re.M)
        assert reloads == [start + " --check", "/bin/kill -HUP $MAINPID"]
    sockets = sorted(UNITS.glob("*.socket"))
    assert len(sockets) == 5
    for unit in sockets:
        text = unit.read_text()
        [service] = re.findall(r"^Service=(e2e-as-[a-z-]+)\.service$", text, re.M)
        [name] = re.findall("^FileDescriptorName=(.*)$", text, re.M)
        assert unit.stem == f"{service}-{name}" and (UNITS / f"{service}.service").exists()
        assert name in ("accept", "e2e-accept", "naf-accept")
