"""Files of the log: levels, the journal's priorities, reopened at SIGUSR1, and the audit log.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from evp import BUILD
from flow import (
    ENVIRONMENT,
    FQDN,
    LOOPBACK,
    Server,
    StockClient,
    run_to_end,
    ue,
    wait_until,
    write_devices,
)
from link import Sides
from samples import KA, KEY

UE = "ue@bsf.example.com"


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """One UE whose Ka has a name."""
    return write_devices(tmp_path / "devices.csv", [[UE, KEY.hex(), KA.hex(), "2026"]])


def flow(server: Server, devices: Path) -> None:
    """Both connections, one after the other."""
    assert ue(devices, UE, server.address, server.e2e_address).returncode == 0


def test_what_is_less_severe_is_left_out(devices: Path) -> None:
    """Guards against a line below --log-level that is written, one above that is not, or one without severity."""
    with Server(devices, "--log-level", "warning") as server:
        flow(server, devices)
        with StockClient(server.address, f"3GPP-bootstrapping.{UE}", bytes(32)) as other:
            assert other.read() == b""
        server.wait_for_error("event=refused")
        assert "severity=warning" in server.errors and "event=flag" not in server.errors
        lines = server.errors.splitlines()
        assert all(" severity=warning" in line or " severity=err" in line for line in lines)


def test_priorities_of_the_journal(devices: Path, tmp_path: Path) -> None:
    """Guards against a journal's priority that lines lack, or that they have when JOURNAL_STREAM names another file."""
    command = [str(BUILD / "e2e/e2e-as"), "--accept", f"{LOOPBACK}:0", "--devices", str(devices)]
    command += ["--naf-fqdn", FQDN]
    script = (
        "import os, sys; status = os.fstat(2); shift = int(sys.argv[1]);"
        "os.environ['JOURNAL_STREAM'] = f'{status.st_dev}:{status.st_ino + shift}';"
        "os.execv(sys.argv[2], sys.argv[2:])"
    )
    for shift, beginning in (("0", "<6>time="), ("1", "time=")):
        with (tmp_path / "stderr").open("wb") as said, subprocess.Popen(
            [sys.executable, "-c", script, shift, *command],
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=said,
        ) as server:
            wait_until(lambda: "event=start" in (tmp_path / "stderr").read_text())
            server.send_signal(signal.SIGHUP)
            devices.write_text("half")
            wait_until(lambda: "event=reload" in (tmp_path / "stderr").read_text())
            server.send_signal(signal.SIGHUP)
            wait_until(lambda: "result=refused" in (tmp_path / "stderr").read_text())
            server.terminate()
        lines = (tmp_path / "stderr").read_text().splitlines()
        assert lines[0].startswith(beginning)
        assert any(line.startswith("<3>") for line in lines) is (shift == "0")
        write_devices(devices, [[UE, KEY.hex(), KA.hex(), "2026"]])


def test_files_are_reopened(devices: Path, tmp_path: Path) -> None:
    """Guards against a log that goes on in its renamed file after SIGUSR1, is cut, or can be read by others."""
    log, audit = tmp_path / "as.log", tmp_path / "audit.log"
    files = ["--log-file", str(log), "--audit-log", str(audit)]
    with Server(devices, *files) as server:
        flow(server, devices)
        wait_until(lambda: "event=e2e" in log.read_text())
        wait_until(lambda: audit.read_text().count("event=key-used") == 2)
        for path in (log, audit):
            path.rename(f"{path}.1")
        server.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: log.exists() and audit.exists())
        flow(server, devices)
        wait_until(lambda: "event=e2e" in log.read_text())
        wait_until(lambda: audit.read_text().count("event=key-used") == 2)
        assert server.errors == ""
    for path in (log, audit):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for part in (path, Path(f"{path}.1")):
            text = part.read_text()
            assert text.endswith("\n") and all(
                line.startswith("time=") for line in text.splitlines()
            )
    assert "event=reopen" in log.read_text() and "event=stop" in log.read_text()


def test_the_audit_log_of_a_separate_naf(tmp_path: Path) -> None:
    """Guards against a separate NAF whose audit log does not say that the key of a removed row has ended."""
    sides, audit = Sides(tmp_path), tmp_path / "audit.log"
    naf_devices = write_devices(tmp_path / "naf.csv", [[UE, KEY.hex(), ""]])
    ka = write_devices(tmp_path / "ka.csv", [[UE, "", KA.hex()]])
    with sides.run_third_party(ka) as third_party:
        address = third_party.addresses["naf-accept"]
        with sides.run_naf(naf_devices, address, "--audit-log", audit) as naf:
            naf.wait_for_error("event=line-up")
            write_devices(naf_devices, [["other", KEY.hex(), ""]])
            naf.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "event=key-revoked" in audit.read_text())
        (line,) = [line for line in audit.read_text().splitlines() if "key-revoked" in line]
        assert line.endswith(f" event=key-revoked key=Ks_NAF identity={UE} naf={FQDN} result=done")


def test_a_file_that_cannot_be_reopened(devices: Path, tmp_path: Path) -> None:
    """Guards against a log that is lost when its file cannot be opened again at SIGUSR1."""
    folder = tmp_path / "logs"
    folder.mkdir()
    log = folder / "as.log"
    with Server(devices, "--log-file", str(log)) as server:
        wait_until(lambda: "event=start" in log.read_text())
        moved = folder.rename(tmp_path / "moved") / "as.log"
        server.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: "event=reopen severity=err result=failed" in moved.read_text())
        assert "it cannot be opened" in moved.read_text()


@pytest.mark.parametrize("option", ["--log-file", "--audit-log"])
def test_a_file_that_cannot_be_opened(devices: Path, tmp_path: Path, option: str) -> None:
    """Guards against a server that starts without its log, or follows a link which somebody else put there."""
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for path, why in ((tmp_path / "none/log", "No such file"), (tmp_path / "link", "symbolic")):
        command: list[str | Path] = [BUILD / "e2e/e2e-as", "--accept", f"{LOOPBACK}:0"]
        command += ["--devices", devices]
        result = run_to_end(*command, "--naf-fqdn", FQDN, option, path)
        assert result.returncode == 1 and f"{option} {path}: " in result.stderr
        assert why in result.stderr


def fields(line: str) -> dict[str, str]:
    """The keys of a line."""
    return dict(re.findall(r'([a-z0-9-]+)=("[^"]*"|\S+)', line))


def test_the_audit_log(devices: Path, tmp_path: Path) -> None:
    """Guards against an audit log that lacks who, which device, Ka or NAF, that is hashed, or that has a key."""
    audit = tmp_path / "audit.log"
    with Server(
        devices, "--audit-log", str(audit), "--log-identities", "hash", "--log-level", "err"
    ) as server:
        flow(server, devices)
        wait_until(lambda: audit.read_text().count("\n") == 3)
        with StockClient(server.address, f"3GPP-bootstrapping.{UE}", KEY) as first:
            identity = first.flag()["identity"]
            write_devices(devices, [["other", KEY.hex(), KA.hex(), "2026"]])
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "event=key-revoked" in audit.read_text())
        assert server.errors == ""
    lines = [fields(line) for line in audit.read_text().splitlines()]
    whole = {"identity": UE, "device": UE, "naf": FQDN}
    used, issued, taken, again, other, revoked = lines
    for line in (used, again):
        assert line.items() >= {"event": "key-used", "key": "Ks_NAF", **whole}.items()
        assert line["peer"].startswith(f"{LOOPBACK}:")
    for line in (issued, other):
        assert line.items() >= {"event": "key-issued", "key": "e2e_key", "ka-id": "2026"}.items()
        assert line.items() >= whole.items()
    assert (
        taken.items() >= {"event": "key-used", "key": "e2e_key", "ka-id": "2026", **whole}.items()
    )
    assert taken["e2e-identity"] == issued["e2e-identity"] and other["e2e-identity"] == identity
    assert revoked.items() >= {"event": "key-revoked", "device": UE, "result": "done"}.items()
    for secret in (KEY, KA):
        assert secret.hex() not in audit.read_text().lower()
    assert os.stat(audit).st_nlink == 1
