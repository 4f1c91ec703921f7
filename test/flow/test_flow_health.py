"""What e2e-as says of itself: /healthz, /readyz and the gauges, with each thing that it depends on away.

SPDX-License-Identifier: Apache-2.0
"""

import datetime
import os
import re
import signal
import socket
from pathlib import Path

import pytest
from cryptography import x509

from certificates import DAY, HOUR
from clock import Clock
from evp import BUILD
from flow import FQDN, LOOPBACK, Process, StockClient, free_port, ue, wait_until, write_devices
from health import METRICS, get, is_down, reasons, values
from link import Program, Sides

KS_NAF = bytes(range(1, 33))
KA = bytes(range(101, 133))
ID = "ue@bsf.example.com"
BOTH = ["--accept", f"{LOOPBACK}:0", "--e2e-accept", f"{LOOPBACK}:0", "--naf-fqdn", FQDN]
LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"  # proxy-protocol.txt 2.2: version 2, LOCAL, no addresses


@pytest.fixture(name="devices")
def make_devices(tmp_path: Path) -> Path:
    """One device; its file."""
    return write_devices(tmp_path / "devices.csv", [[ID, KS_NAF.hex(), KA.hex()]])


def flow(program: Program, devices: Path) -> int:
    """The exit status of e2e-ue."""
    at = program.addresses
    return ue(devices, ID, at["accept"], at["e2e-accept"]).returncode


@pytest.mark.parametrize("strict", [False, True])
def test_application(devices: Path, strict: bool) -> None:
    """Guards against an application's outage that only a UE finds, that is counted for another reason, or that never ends."""
    port = free_port()
    options = ["--forward", f"{LOOPBACK}:{port}", *(["--ready-strict"] if strict else [])]
    with Program(*BOTH, *METRICS, "--devices", devices, *options) as server:
        server.wait_for_error("event=start")
        wait_until(lambda: is_down(server, "application"))
        assert get(server, "healthz") == (200, "ok\n")
        status, text = get(server, "readyz")
        assert (status, text.splitlines()[0]) == ((503, "not ready") if strict else (200, "ready"))
        assert flow(server, devices) != 0
        assert reasons(server) == {"application"}
        with Process(BUILD / "bench/echo", f"{LOOPBACK}:{port}") as echo:
            echo.read()
            flow(server, devices)
            assert values(server)["e2e_application_up"] == 1
            assert get(server, "readyz") == (200, "ready\n")


def test_a_probe_is_nobodys_connection(devices: Path) -> None:
    """Guards against a probe under --proxy-protocol that the application takes for a device's connection."""
    with socket.create_server((LOOPBACK, 0)) as application:
        application.settimeout(20)
        address = f"{LOOPBACK}:{application.getsockname()[1]}"
        options: list[str | Path] = ["--devices", devices, "--forward", address, "--proxy-protocol"]
        with Program(*BOTH, *METRICS, *options) as server:
            probe, _ = application.accept()
            probe.settimeout(20)
            with probe, probe.makefile("rb") as octets:
                assert octets.read() == LOCAL
            wait_until(lambda: values(server).get("e2e_application_up") == 1)


def test_link(tmp_path: Path) -> None:
    """Guards against a NAF that is not ready while its third party is away, or whose page does not follow the link's state."""
    sides = Sides(tmp_path)
    ks_naf = write_devices(tmp_path / "naf.csv", [[ID, KS_NAF.hex(), ""]])
    ka = write_devices(tmp_path / "ka.csv", [[ID, "", KA.hex()]])
    port = free_port()
    with sides.run_naf(ks_naf, f"{LOOPBACK}:{port}", *METRICS) as naf:
        naf.wait_for_error("event=start")
        wait_until(lambda: is_down(naf, "link"))
        assert get(naf, "readyz")[0] == 200
        with sides.run_third_party(ka, port=port):
            wait_until(lambda: values(naf).get("e2e_link_up") == 1)
            assert get(naf, "readyz") == (200, "ready\n")
        wait_until(lambda: is_down(naf, "link"))


def test_certificates(tmp_path: Path) -> None:
    """Guards against a certificate's end that is shown wrong, or a process that is ready with one that has expired."""
    sides = Sides(tmp_path)
    devices = write_devices(tmp_path / "naf.csv", [[ID, KS_NAF.hex(), ""]])
    old = sides.authority.issue(FQDN, life=-HOUR)
    crl = sides.authority.revoke()
    with sides.run_naf(devices, f"{LOOPBACK}:1", *METRICS, "--crl", crl, pair=old) as naf:
        found = values(naf)
        for option, file in (("cert", old[0]), ("ca", sides.authority.file)):
            end = x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after
            name = "e2e_certificate_expiry_timestamp_seconds"
            shown = found[f'{name}{{option="{option}",file="{file}"}}']
            assert shown == end.replace(tzinfo=datetime.timezone.utc).timestamp()
        assert f'{name}{{option="crl",file="{crl}"}}' in found
        status, text = get(naf, "readyz")
        assert status == 503 and f"certificate: --cert {old[0]} has expired\n" in text
        sides.authority.issue(FQDN, life=DAY)
        os.kill(naf.process.pid, signal.SIGHUP)
        wait_until(lambda: get(naf, "readyz")[0] == 200)


def test_a_list_without_an_end(tmp_path: Path) -> None:
    """Guards against the end of an old CRL still being shown after its new version has no nextUpdate."""
    sides = Sides(tmp_path)
    devices = write_devices(tmp_path / "naf.csv", [[ID, KS_NAF.hex(), ""]])
    crl = sides.authority.revoke()
    with sides.run_naf(devices, f"{LOOPBACK}:1", *METRICS, "--crl", crl) as naf:
        name = f'e2e_certificate_expiry_timestamp_seconds{{option="crl",file="{crl}"}}'
        assert name in values(naf)
        sides.authority.revoke_for_ever()
        os.kill(naf.process.pid, signal.SIGHUP)
        naf.wait_for_error("event=reload result=applied")
        wait_until(lambda: name not in values(naf))


def test_a_naf_that_is_refused(tmp_path: Path) -> None:
    """Guards against a link that is reported as up, or as down once more, because the NAF's side of the TLS 1.3
    handshake completes before it is refused."""
    sides = Sides(tmp_path)
    (tmp_path / "other").mkdir()
    stranger = Sides(tmp_path / "other").naf
    ks_naf = write_devices(tmp_path / "naf.csv", [[ID, KS_NAF.hex(), ""]])
    ka = write_devices(tmp_path / "ka.csv", [[ID, "", KA.hex()]])
    with sides.run_third_party(ka) as third_party:
        address = third_party.addresses["naf-accept"]
        with sides.run_naf(ks_naf, address, *METRICS, pair=stranger) as naf:
            naf.wait_for_error("event=line-down")
            since = re.findall(r"^link: down since (\S+):", get(naf, "readyz")[1], re.M)
            wait_until(lambda: naf.errors.count("event=line-down") >= 6)
            assert since == re.findall(r"^link: down since (\S+):", get(naf, "readyz")[1], re.M)
            assert len(since) == 1


def test_store(tmp_path: Path, devices: Path) -> None:
    """Guards against a Redis that is away and is counted as a UE's fault, at the flag or at an e2e connection's handshake."""
    key = tmp_path / "store.key"
    key.touch(mode=0o600)
    key.write_text(f"1:{bytes(range(32)).hex()}\n")
    store: list[str | Path] = ["--store", f"redis://{LOOPBACK}:{free_port()}", "--store-key", key]
    with Program(*BOTH, *METRICS, "--devices", devices, *store) as server:
        server.wait_for_error("event=start")
        wait_until(lambda: is_down(server, "store"))
        assert get(server, "readyz")[0] == 200
        assert flow(server, devices) != 0
        assert reasons(server) == {"store"}
        with StockClient(server.addresses["e2e-accept"], f"e2e-{'0' * 32}", KA) as second:
            assert second.read() == b""
        wait_until(lambda: values(server)['e2e_refusals_total{reason="store"}'] == 2)
        assert reasons(server) == {"store"}
        assert values(server)["e2e_store_errors_total"] == 2


def test_source(tmp_path: Path) -> None:
    """Guards against an operator that cannot be reached and is logged as a UE's wrong key instead of an outage of the source."""
    sides = Sides(tmp_path)
    devices = write_devices(tmp_path / "ka.csv", [["device", "", KA.hex()]])
    source = ["--key-source", f"nef:https://{LOOPBACK}:{free_port()}"]
    for name, file in zip(("cert", "key", "ca"), (*sides.naf, sides.authority.file), strict=True):
        source += [f"--source-{name}", str(file)]
    with Program(*BOTH, *METRICS, "--devices", devices, *source) as server:
        assert "e2e_source_up" not in str(values(server)), "nobody has asked it"
        with StockClient(server.addresses["accept"], "3GPP-AKMAa@b.example", KS_NAF) as first:
            assert first.read() == b""
        server.wait_for_error("event=start")
        wait_until(lambda: is_down(server, "source"))
        wait_until(lambda: reasons(server) == {"source"})
        assert get(server, "readyz")[0] == 200


def test_source_with_ready_strict(tmp_path: Path) -> None:
    """Guards against a server with --ready-strict that stays not ready, since no UE is let in to try the operator again."""
    sides = Sides(tmp_path)
    devices = write_devices(tmp_path / "ka.csv", [["device", "", KA.hex()]])
    source = ["--key-source", f"nef:https://{LOOPBACK}:{free_port()}", "--ready-strict"]
    for name, file in zip(("cert", "key", "ca"), (*sides.naf, sides.authority.file), strict=True):
        source += [f"--source-{name}", str(file)]
    clock = Clock(tmp_path)
    words: list[str | Path] = [*BOTH, *METRICS, "--devices", devices, *source]
    with Program(*words, environment=clock.environment) as server:
        for passed in (0, 31):
            clock.pass_to(passed)
            wait_until(lambda: get(server, "readyz")[0] == 200)
            with StockClient(server.addresses["accept"], "3GPP-AKMAa@b.example", KS_NAF) as first:
                assert first.read() == b""
            wait_until(lambda: get(server, "readyz")[0] == 503)
        assert is_down(server, "source")


def test_reloads(devices: Path) -> None:
    """Guards against gauges of reloads, devices and Ka's that do not follow a reload, or follow a refused one."""
    with Program(*BOTH, *METRICS, "--devices", devices) as server:
        found = values(server)
        read = found["e2e_last_reload_success_timestamp_seconds"]
        assert read > 1.7e9 and found["e2e_last_reload_refused_timestamp_seconds"] == 0
        assert (found["e2e_devices"], found["e2e_kas"]) == (1, 1)
        rows = [[ID, KS_NAF.hex(), KA.hex(), "1"], [ID, KS_NAF.hex(), KA[1:].hex(), "2"]]
        rows += [["other@x.example", KS_NAF.hex(), KA.hex(), "1"]]
        write_devices(devices, rows)
        os.kill(server.process.pid, signal.SIGHUP)
        wait_until(lambda: values(server)["e2e_devices"] == 2)
        assert values(server)["e2e_kas"] == 3
        devices.write_text("nonsense\n")
        os.kill(server.process.pid, signal.SIGHUP)
        wait_until(lambda: values(server)['e2e_reloads_total{result="refused"}'] == 1)
        found = values(server)
        assert found["e2e_last_reload_refused_timestamp_seconds"] >= read
        assert found["e2e_devices"] == 2


def test_histograms(devices: Path) -> None:
    """Guards against a time of handshake, flag, store or loop lag that is not observed on one of its ways."""
    with Program(*BOTH, *METRICS, "--devices", devices) as server:
        assert flow(server, devices) == 0
        wait_until(lambda: values(server)["e2e_loop_lag_seconds_count"] > 0)
        found = values(server)
        for name, count in (("handshake", 2), ("flag", 1), ("source", 1), ("store", 3)):
            assert found[f"e2e_{name}_seconds_count"] == count, name
        assert found[next(name for name in found if name.startswith("e2e_build_info{"))] == 1


def test_ready_strict_needs_the_page(devices: Path) -> None:
    """Guards against --ready-strict being taken without --metrics, so that nobody could see its effect."""
    with pytest.raises(AssertionError, match="--ready-strict: --metrics HOST:PORT is missing"):
        Program(*BOTH, "--devices", devices, "--ready-strict")
