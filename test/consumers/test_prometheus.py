"""The metrics of e2e-as, as Prometheus itself reads them; the alerts and the dashboard of examples/monitoring.

SPDX-License-Identifier: Apache-2.0
"""

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from certificates import Authority
from consumer import IDENTITY, KA, KS_NAF, Listening
from flow import FQDN, LOOPBACK, free_port, ue, wait_until, write_devices
from link import Program
from project import ROOT

MONITORING = ROOT / "examples/monitoring"
BOTH = ["--accept", f"{LOOPBACK}:0", "--e2e-accept", f"{LOOPBACK}:0", "--naf-fqdn", FQDN]
METRICS = ["--metrics", f"{LOOPBACK}:0"]


@pytest.fixture(name="server")
def run_server(tmp_path: Path) -> Iterator[Program]:
    """All in one, with a store, a source and an application that are away; one flow that failed of it, one that did not."""
    devices = write_devices(tmp_path / "devices.csv", [[IDENTITY, KS_NAF.hex(), KA.hex()]])
    authority = Authority(tmp_path, 'odd"name\\')
    pair = authority.issue("naf")
    source = ["--key-source", f"nef:https://{LOOPBACK}:{free_port()}"]
    for name, file in zip(("cert", "key", "ca"), (*pair, authority.file), strict=True):
        source += [f"--source-{name}", str(file)]
    options = [*source, "--forward", f"{LOOPBACK}:{free_port()}"]
    with Program(*BOTH, *METRICS, "--devices", devices, *options) as program:
        at = program.addresses
        assert ue(devices, IDENTITY, at["accept"], at["e2e-accept"]).returncode != 0
        yield program


def metrics(server: Program) -> str:
    """The text of /metrics."""
    url = f"http://{server.addresses['metrics']}/metrics"
    with urllib.request.urlopen(url, timeout=20) as answer:
        text: str = answer.read().decode()
    return text


def promtool(*words: str, stdin: str = "") -> None:
    """Run it; it has no remark, or says SUCCESS."""
    result = subprocess.run(
        ["promtool", *words],
        cwd=MONITORING,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert (result.stdout + result.stderr == "") == bool(stdin)


def test_promtool(server: Program) -> None:
    """Guards against metrics that promtool complains about, such as for an odd name of a certificate's file."""
    wait_until(lambda: "e2e_application_up 0" in metrics(server))
    promtool("check", "metrics", stdin=metrics(server))
    assert 'ca",file="' in metrics(server)


def test_alerts() -> None:
    """Guards against an alert that Prometheus rejects, that does not fire for its server, or that fires for another."""
    promtool("test", "rules", "alerts_test.yml")
    promtool("check", "config", "prometheus.yml")
    alerts = re.findall(r"alert: (\w+)", (MONITORING / "alerts.yml").read_text())
    tested = re.findall(r"alertname: (\w+)", (MONITORING / "alerts_test.yml").read_text())
    assert set(alerts) == set(tested) and len(alerts) == len(set(alerts))


def queries() -> list[str]:
    """Those of the dashboard and of the alerts, with an interval in the place of Grafana's variable."""
    board = json.loads((MONITORING / "dashboard.json").read_text())
    found = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    alerts = (MONITORING / "alerts.yml").read_text()
    found += re.findall(r"expr: ([^|].*)", alerts)
    found += re.findall(r"expr: \|\n((?: {10}.*\n)+)", alerts)
    return [query.replace("$__rate_interval", "10s") for query in found]


def test_what_is_asked_for_is_there(server: Program) -> None:
    """Guards against a query of the dashboard or an alert for a metric that is not there."""
    shown = set(re.findall(r"^# TYPE (\S+)", metrics(server), re.M))
    asked = {name for query in queries() for name in re.findall(r"\be2e_\w+", query)}
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked} <= shown
    assert len(queries()) > 30


class Prometheus(Listening):
    """A Prometheus that looks at a server each second."""

    def __init__(self, folder: Path, server: Program) -> None:
        for name in ("alerts.yml", "prometheus.yml"):
            shutil.copy(MONITORING / name, folder)
        text = (folder / "prometheus.yml").read_text().replace("15s", "1s")
        (folder / "prometheus.yml").write_text(
            text.replace("127.0.0.1:9433", server.addresses["metrics"])
        )
        port = free_port()
        self.at = f"http://{LOOPBACK}:{port}"
        super().__init__(
            port,
            *["prometheus", f"--config.file={folder}/prometheus.yml"],
            *[f"--storage.tsdb.path={folder}/data", f"--web.listen-address={LOOPBACK}:{port}"],
        )

    def is_ready(self) -> bool:
        """Does it answer queries?"""
        try:
            with urllib.request.urlopen(f"{self.at}/-/ready", timeout=20) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError:
            return False

    def ask(self, query: str) -> list[Any]:
        """The result of a query that is understood."""
        url = f"{self.at}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            found: list[Any] = json.load(answer)["data"]["result"]
        return found


def test_a_real_prometheus(tmp_path: Path, server: Program) -> None:
    """Guards against metrics that Prometheus cannot scrape, and queries that it rejects or that never have an answer."""
    prometheus = Prometheus(tmp_path, server)
    try:
        wait_until(prometheus.is_ready, 60)
        wait_until(lambda: prometheus.ask("e2e_application_up == 0"), 60)
        for query in queries():
            prometheus.ask(query)
        (certificate,) = prometheus.ask(
            'e2e_certificate_expiry_timestamp_seconds{option="source-ca"}'
        )
        assert certificate["metric"]["file"].endswith("odd\\x22name\\x5C.pem")
    finally:
        prometheus.stop()
