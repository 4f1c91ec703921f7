"""The mosquitto plugin, asked by a stand-in for the broker.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from configuration import write_config
from consumer import FQDN, IDENTITY, KA, KS_NAF, OTHER_KA, RIGHT, SYSTEM, UA, command, e2e_key
from devices_files import HEADER, PLUGIN, VALGRIND, WITH_ZEROS, row, settings, write_rows
from evp import BUILD
from processor import seconds_of_children

pytestmark = pytest.mark.slow

BROKER = BUILD / "test/programs/broker"


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """A devices file with one device."""
    path = tmp_path / "devices.csv"
    write_rows(path, row())
    return path


def ask(
    devices: Path,
    *identities: str,
    options: Sequence[str] = (f"naf_fqdn={FQDN}",),
    config: Path | None = None,
) -> list[str]:
    """What the plugin answers to identities, and its log behind that."""
    result = command(
        BROKER,
        PLUGIN,
        f"devices={devices}",
        *options,
        stdin="".join(f"{identity}\n" for identity in identities),
        environment=settings(config),
    )
    assert result.returncode == 0, result.stderr
    return [*result.stdout.splitlines(), result.stderr]


def test_refresh(devices: Path) -> None:
    """Guards against a refresh of the devices file, zeros in it, that the plugin leaves out."""
    write_rows(devices, row(refresh=WITH_ZEROS))
    assert ask(devices, IDENTITY)[0] == e2e_key(refresh=WITH_ZEROS).hex().upper()


def test_refusals(devices: Path) -> None:
    """Guards against an unknown identity that no other plugin is asked for, or a foreign text in the broker's log."""
    without_ka = f"ue2@bsf.example.com,{KS_NAF.hex()},,"
    write_rows(devices, row(), without_ka)
    answers = ask(devices, "nobody", "ue2@bsf.example.com", "\x1b[31m", IDENTITY)
    assert answers[:3] == ["refused 17", "refused 11", "refused 17"]
    assert answers[3] == RIGHT.key.hex().upper()
    assert 'identity "nobody" refused: not in the devices file' in answers[4]
    assert "it has no Ka" in answers[4]
    assert "\x1b" not in answers[4]


def test_the_last_ka_holds(devices: Path) -> None:
    """Guards against a Ka that was replaced by a later row still being used."""
    write_rows(devices, row(), row(ka=OTHER_KA))
    assert ask(devices, IDENTITY)[0] == e2e_key(OTHER_KA).hex().upper()


def test_options_reach_the_key(devices: Path) -> None:
    """Guards against an option of the plugin that does not reach the derivation."""
    options = [f"naf_fqdn={FQDN}", "ua_protocol_id=0100010092", "usage=mqtt"]
    (answer, _) = ask(devices, IDENTITY, options=options)
    assert answer != e2e_key(usage="mqtt").hex().upper()
    (answer, _) = ask(devices, IDENTITY, options=[options[0], f"ua_protocol_id={UA}", options[2]])
    assert answer == e2e_key(usage="mqtt").hex().upper()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "naf_fqdn: plugin_opt_ of this name is missing"),
        ([f"naf_fqdn={FQDN}", f"naf_fqdn={FQDN}"], "naf_fqdn: given twice"),
        ([f"naf_fqdn={FQDN}", "naf=x"], "naf: no such plugin_opt"),
        ([f"naf_fqdn={FQDN}", "ua_protocol_id=01000000"], "must be 10 hex digits"),
        ([f"naf_fqdn={FQDN}", "ua_protocol_id=010000000g"], "must be 10 hex digits"),
        ([f"naf_fqdn={FQDN}", "ua_protocol_id=010000000700"], "must be 10 hex digits"),
        (["naf_fqdn=a_b.example.com"], "naf-fqdn"),
        ([f"naf_fqdn={FQDN}", "overlap=-1"], "overlap: must be a number of seconds"),
        ([f"naf_fqdn={FQDN}", "overlap=1h"], "overlap: must be a number of seconds"),
        ([f"naf_fqdn={FQDN}", "overlap=31536001"], "overlap: must be a number of seconds"),
    ],
)
def test_options_that_are_wrong(devices: Path, options: list[str], said: str) -> None:
    """Guards against a broker that starts with options of the plugin which are wrong."""
    result = command(BROKER, PLUGIN, f"devices={devices}", *options)
    assert result.returncode == 3
    assert said in result.stderr


def test_without_rows_it_does_not_start(devices: Path) -> None:
    """Guards against a broker that starts without a devices file it can read, or does not say why it ends."""
    devices.write_text("identity,ks-naf\n")
    wrong = command(BROKER, PLUGIN, f"devices={devices}", f"naf_fqdn={FQDN}")
    assert wrong.returncode == 3 and "header is wrong" in wrong.stderr
    devices.unlink()
    missing = command(BROKER, PLUGIN, f"devices={devices}", f"naf_fqdn={FQDN}")
    assert missing.returncode == 3 and "No such file" in missing.stderr


def test_a_missing_configuration_is_none(devices: Path, tmp_path: Path) -> None:
    """Guards against a plugin that fails where OPENSSL_CONF names no file, although it needs none."""
    assert ask(devices, IDENTITY, config=tmp_path / "nothing")[0] == RIGHT.key.hex().upper()


def test_a_missing_module_is_said(devices: Path, tmp_path: Path) -> None:
    """Guards against a broker that starts without the module, or does not say that it is missing."""
    options = [f"devices={devices}", f"naf_fqdn={FQDN}"]
    nowhere = SYSTEM | {"OPENSSL_MODULES": str(tmp_path)}
    result = command(BROKER, PLUGIN, *options, environment=nowhere)
    assert result.returncode == 3
    assert "akma.so cannot be loaded (OPENSSL_MODULES)" in result.stderr


def test_a_configuration_that_cannot_be_read(devices: Path, tmp_path: Path) -> None:
    """Guards against a broker that starts without the policy of a configuration which cannot be read."""
    (tmp_path / "openssl.cnf").write_text("[broken\n")
    options = [f"devices={devices}", f"naf_fqdn={FQDN}"]
    broken = settings(tmp_path / "openssl.cnf")
    result = command(BROKER, PLUGIN, *options, environment=broken)
    assert result.returncode == 3
    assert "OpenSSL's configuration (OPENSSL_CONF) cannot be read" in result.stderr


def test_the_policy_holds(devices: Path, tmp_path: Path) -> None:
    """Guards against a policy that holds for openssl kdf, but not in the plugin."""
    config = write_config(tmp_path / "openssl.cnf", {"akma": {"min-ka-length": "33"}})
    long = bytes(range(33))
    write_rows(devices, row(), row("ue2@bsf.example.com", long))
    answers = ask(devices, IDENTITY, "ue2@bsf.example.com", config=config)
    assert answers[:2] == ["refused 11", e2e_key(long).hex().upper()]
    assert "min-ka-length" in answers[2]


class StandIn:
    """The broker's stand-in, asked line by line."""

    def __init__(self, devices: Path, *before: str) -> None:
        self.process = subprocess.Popen(
            [*before, BROKER, PLUGIN, f"devices={devices}", f"naf_fqdn={FQDN}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=SYSTEM,
        )

    def ask(self, identity: str = IDENTITY) -> str:
        """One answer."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(identity + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip().lower()

    def end(self) -> str:
        """Its log, once it has ended well."""
        _, log = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, log
        return log


BROKEN: dict[str, Callable[[Path], object]] = {
    "line 2: ks-naf": lambda path: write_rows(path, f"{IDENTITY},,{KA.hex()},"),
    "line 2: ka": lambda path: write_rows(path, f"{IDENTITY},{KS_NAF.hex()},{'0' * 30},"),
    "header is wrong": lambda path: path.write_text("identity\n"),
    "chmod 600": lambda path: write_rows(path, row(ka=OTHER_KA), mode=0o644),
    "No such file": lambda path: path.unlink(),
    "line 3": lambda path: write_rows(path, row(ka=OTHER_KA), row("ue2")[:-9], end=""),
}


def test_file_that_changes(devices: Path) -> None:
    """Guards against a changed devices file that is not read, and a broken one that costs the rows from before."""
    right, other = RIGHT.key.hex(), e2e_key(OTHER_KA).hex()
    broker = StandIn(devices, *VALGRIND)
    assert broker.ask() == right
    write_rows(devices, row(ka=OTHER_KA))
    assert broker.ask() == other
    devices.write_text(f"{HEADER}\n{row()}\n")
    assert broker.ask() == right
    write_rows(devices, row("ue2@bsf.example.com"))
    assert broker.ask() == "refused 17"
    write_rows(devices, row())
    assert broker.ask() == right
    for change in BROKEN.values():
        change(devices)
        assert (broker.ask(), broker.ask()) == (right, right)
    write_rows(devices, row(ka=OTHER_KA))
    assert broker.ask() == other
    log = broker.end()
    assert log.count("the rows from before hold") == len(BROKEN)
    assert log.count("rows read") == 6
    assert all(said in log for said in BROKEN), log


def test_what_counts_as_a_change(devices: Path) -> None:
    """Guards against a changed devices file that is not noticed: another inode, mode, or nanosecond alone."""
    right, other = RIGHT.key.hex(), e2e_key(OTHER_KA).hex()
    old = devices.stat()
    broker = StandIn(devices)
    assert broker.ask() == right
    kept = devices.rename(devices.with_suffix(".kept"))  # or the new file may get its inode
    write_rows(devices, row(ka=OTHER_KA))
    os.utime(devices, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert devices.stat().st_size == kept.stat().st_size
    assert broker.ask() == other
    devices.chmod(0o644)
    assert broker.ask() == other
    devices.write_text(kept.read_text())
    os.utime(devices, ns=(old.st_atime_ns, old.st_mtime_ns))
    devices.chmod(0o600)
    assert broker.ask() == right
    devices.write_text(devices.read_text().replace(KA.hex(), OTHER_KA.hex()))
    os.utime(devices, ns=(old.st_atime_ns, old.st_mtime_ns ^ 1))
    assert broker.ask() == other
    assert "chmod 600" in broker.end()


def test_what_it_adds_to_a_connection(devices: Path) -> None:
    """Guards against a look-up that reads or searches the whole devices file for each connection."""
    write_rows(devices, row(), *(row(f"ue{i}@bsf.example.com") for i in range(10000)))
    count = 5000
    seconds = []
    for times in (1, count):
        before = seconds_of_children()
        ask(devices, *[IDENTITY] * times)
        seconds.append(seconds_of_children() - before)
    microseconds = (seconds[1] - seconds[0]) / (count - 1) * 1e6
    print(f"{microseconds:.0f} us for each of {count} connections with 10,001 devices")
    assert microseconds < 1000


def test_exports_only_what_the_broker_looks_for() -> None:
    """Guards against a symbol of the plugin that collides with one of the broker's."""
    names = re.findall(r" T (\S+)", command("nm", "-D", "--defined-only", PLUGIN).stdout)
    assert sorted(names) == [
        "mosquitto_plugin_cleanup",
        "mosquitto_plugin_init",
        "mosquitto_plugin_version",
    ]
