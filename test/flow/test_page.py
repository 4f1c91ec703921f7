"""The page at `/` in a real Chromium: both schemes, wide and narrow, every state once, without JavaScript.

The screenshots stay in <build>/page, for people to look at.

SPDX-License-Identifier: Apache-2.0
"""

import html
import json
import os
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from certificates import DAY, HOUR, Authority
from consumer import IDENTITY, KA, KS_NAF
from evp import BUILD
from flow import (
    FQDN,
    LOOPBACK,
    Process,
    StockClient,
    free_port,
    run_to_end,
    ue,
    wait_until,
    write_devices,
)
from link import Program
from needs import needs
from store_cluster import private

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent / "page"
BOTH = ["--accept", f"{LOOPBACK}:0", "--e2e-accept", f"{LOOPBACK}:0", "--naf-fqdn", FQDN]
METRICS = ["--metrics", f"{LOOPBACK}:0"]
NASTY = "<script>alert(1)</script>&\"'"


@pytest.fixture(scope="module", name="modules")
def install() -> Path:
    """The folder of playwright-core."""
    needs("browser")
    if shutil.which("chromium") is None:
        pytest.skip("no chromium: scripts/install-packages.sh @page")
    folder = BUILD / "page"
    folder.mkdir(exist_ok=True)
    shutil.copy(HERE / "package.json", folder)
    command = ["npm", "install", "--prefix", str(folder), "--no-package-lock", "--no-audit"]
    subprocess.run([*command, "--no-fund", "--ignore-scripts"], check=True, timeout=300)
    return folder / "node_modules"


def look(modules: Path, server: Program, name: str, path: str = "") -> list[dict[str, Any]]:
    """What Chromium finds: light and dark, each at 1280 and at 400 pixels."""
    folder = BUILD / "page" / name
    folder.mkdir(exist_ok=True)
    result = run_to_end(
        "node",
        HERE / "look.js",
        f"http://{server.addresses['metrics']}/{path}",
        folder,
        environment=os.environ | {"NODE_PATH": str(modules)},
        seconds=300,
    )
    assert result.returncode == 0, result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def source(server: Program, path: str = "") -> str:
    """The page's text, as it is sent."""
    with urllib.request.urlopen(f"http://{server.addresses['metrics']}/{path}", timeout=20) as got:
        text: str = got.read().decode()
    return text


@dataclass
class Site:
    """A server that has something of everything, and what it was made of."""

    server: Program
    devices: Path
    authority: Authority


@pytest.fixture(scope="module", name="site")
def run_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Its store is down, its application up, its source not known; certificates that are good, end soon, have ended."""
    folder = tmp_path_factory.mktemp("site")
    devices = write_devices(folder / "devices.csv", [[IDENTITY, KS_NAF.hex(), KA.hex()]])
    authority, other = Authority(folder), Authority(folder, "store-ca")
    pair = authority.issue("naf", life=5 * DAY)
    old = other.issue("old", life=-HOUR)[0]
    key = private(folder / "store.key", f"1:{bytes(range(32)).hex()}\n")
    with Process(BUILD / "bench/echo", f"{LOOPBACK}:0") as echo:
        options: list[str | Path] = ["--forward", echo.read().decode().split()[1]]
        options += ["--key-source", f"nef:https://{LOOPBACK}:{free_port()}"]
        options += ["--source-cert", pair[0], "--source-key", pair[1]]
        options += ["--source-ca", authority.file, "--store-key", key, "--store-ca", old]
        options += ["--store", f"rediss://{LOOPBACK}:{free_port()}", "--devices", devices]
        with Program(*BOTH, *METRICS, *options) as server:
            wait_until(lambda: "e2e_application_up 1" in source(server, "metrics"))
            wait_until(lambda: "store: down" in refused(server))
            at = server.addresses
            for name in (IDENTITY, NASTY):
                ue(devices, name, at["accept"], at["e2e-accept"])
            with StockClient(at["accept"], f"3GPP-bootstrapping{NASTY}@x.example", KA) as client:
                assert client.read() == b""
            yield Site(server, devices, authority)


def refused(server: Program) -> str:
    """The text of a page that answers 503."""
    try:
        return source(server, "readyz")
    except urllib.error.HTTPError as error:
        return error.read().decode()


@pytest.mark.browser
@pytest.mark.node
def test_every_state(modules: Path, site: Site) -> None:
    """Guards against a state that the page shows in colour alone, too faint to read, or wider than a phone."""
    found = look(modules, site.server, "states")
    assert [(one["scheme"], one["width"]) for one in found] == [
        (scheme, width) for scheme in ("light", "dark") for width in (1280, 400)
    ]
    for one in found:
        assert one["status"] == 200 and one["title"] == "e2e-as: not ready"
        assert one["contrast"][0] >= 4.5, one["contrast"]
        assert one["colours"] >= 5, "good, bad, warning, soft, text"
        assert one["wide"] == [] and one["scroll"] <= one["width"]
        assert len(one["requests"]) == 1 and one["messages"] == []
        for text in (
            "✓ up",
            "✗ down",
            "? not known yet",
            "✗ expired",
            "days left",
            "What is wrong",
        ):
            assert text in one["aria"], text
        for role in ("banner", "main", "contentinfo", "rowheader", "columnheader", 'img "Flags: '):
            assert role in one["aria"], role
        (link, style), (second, _) = one["focused"][:2]
        assert (link, second) == ("Do not refresh", "Metrics") and style == "solid"
    backs = {one["scheme"]: one["back"] for one in found}
    assert backs["light"] != backs["dark"]


def test_what_others_say_is_text(site: Site) -> None:
    """Guards against a claimed identity or a file's name that acts as HTML on the page, and against a key on it."""
    text = source(site.server)
    assert "<script" not in text and html.escape("<script>alert(1)</script>&") in text
    assert "default-src 'none'" in text
    for secret in (KS_NAF, KA, bytes(range(32))):
        assert secret.hex() not in text.lower()
    assert not re.search(r"\b(?:src|href)=\"(?!/still\"|/metrics\"|/\")", text)


def test_who_reads_may_take_time(site: Site) -> None:
    """Guards against a status page that does not refresh itself, or that cannot be kept from it while somebody reads."""
    assert '<meta http-equiv="refresh" content="10">' in source(site.server)
    assert 'http-equiv="refresh"' not in source(site.server, "still")
    assert '<a href="/">' in source(site.server, "still")


def test_hashed(tmp_path: Path) -> None:
    """Guards against a page that names an identity although --log-identities is hash."""
    devices = write_devices(tmp_path / "devices.csv", [[IDENTITY, KS_NAF.hex(), KA.hex()]])
    hashed: list[str | Path] = ["--log-identities", "hash", "--devices", devices]
    with Program(*BOTH, *METRICS, *hashed) as server:
        at = server.addresses
        assert ue(devices, IDENTITY, at["accept"], at["e2e-accept"]).returncode == 0
        wait_until(lambda: "event=e2e" in source(server))
        assert IDENTITY not in source(server) and IDENTITY.split("@", maxsplit=1)[0] not in source(
            server
        )


@pytest.mark.browser
@pytest.mark.node
def test_traffic_and_drain(modules: Path, tmp_path: Path) -> None:
    """Guards against a flow that the page's plot leaves out, or does not say in words, or a drain that it does not show."""
    devices = write_devices(tmp_path / "devices.csv", [[IDENTITY, KS_NAF.hex(), KA.hex()]])
    with Program(*BOTH, *METRICS, "--devices", devices, "--drain-timeout", "60") as server:
        at = server.addresses
        assert ue(devices, IDENTITY, at["accept"], at["e2e-accept"]).returncode == 0
        wait_until(lambda: "Flags: 1 in the last 10 minutes" in source(server))
        assert re.search(r'Flags: 1 in.*?<path d="M118 30v-29\.00h1\.6V30z"/>', source(server))
        assert "e2e-as: ready" in source(server) and "Nothing outside this process" in source(
            server
        )
        with StockClient(at["accept"], f"3GPP-bootstrapping.{IDENTITY}", KS_NAF):
            wait_until(lambda: "e2e_handshakes_total 3" in source(server, "metrics"))
            os.kill(server.process.pid, signal.SIGTERM)
            server.wait_for_error("event=drain")
            found = look(modules, server, "draining")
            assert len(found) == 4
            assert all("draining: it accepts no more" in one["aria"] for one in found)
            assert all(one["contrast"][0] >= 4.5 for one in found)
