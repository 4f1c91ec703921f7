"""A NAF as authentication proxy (TR 33.737): one address, two application servers behind it, each with a third party of its own.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from certificates import Authority
from consumer import Listening
from flow import LOOPBACK, StockClient, free_port, ue, write_devices
from link import Naf, Program
from operator_network import Subscriber
from operator_site import AKMA, OperatorSite

pytestmark = pytest.mark.node

NAMES = ("meters.example.com", "pumps.example.com")
UA = bytes.fromhex("0100000007")


class ApplicationServer:
    """The servers behind one name: its Ka's, third party and endpoint; and the NAF's process for it."""

    def __init__(self, folder: Path, authority: Authority, name: str, ka: bytes) -> None:
        self.folder, self.authority, self.name, self.ka = folder, authority, name, ka
        self.naf_files = authority.issue(name)

    def line(self, files: tuple[Path, Path]) -> list[str | Path]:
        """The options of one end of the link."""
        return ["--cert", files[0], "--key", files[1], "--ca", self.authority.file]

    def run_third_party(self, device: str) -> Program:
        """With the endpoint, in the enterprise."""
        file = write_devices(self.folder / f"{self.name}.csv", [[device, "", self.ka.hex()]])
        here = ["--naf-accept", f"{LOOPBACK}:0", "--e2e-accept", f"{LOOPBACK}:0"]
        files = self.authority.issue(f"third-party-{self.name}", LOOPBACK)
        return Program(*here, "--devices", file, *self.line(files))

    def run_naf(self, third_party: str, source: list[str]) -> Program:
        """At the proxy."""
        here = ["--accept", f"{LOOPBACK}:0", "--third-party", third_party, "--naf-fqdn", self.name]
        return Program(*here, *self.line(self.naf_files), *source, "--source-timeout", "10")


class Proxy:
    """The proxy and all that is behind it, for one subscriber."""

    def __init__(self, folder: Path, parts: contextlib.ExitStack) -> None:
        self.site = OperatorSite(folder)
        self.subscriber = Subscriber()
        self.servers = {
            name: ApplicationServer(folder, self.site.authority, name, bytes([number]) * 32)
            for number, name in enumerate(NAMES, 0xA0)
        }
        self.endpoints: dict[str, str] = {}
        self.third_parties: dict[str, str] = {}
        self.nafs: dict[str, str] = {}
        for name, server in self.servers.items():
            # an operator knows each name as an AF of its own
            operator = self.site.operator(
                self.subscriber, naf_id=name.encode() + UA, af_id=name, name="localhost"
            )
            parts.enter_context(operator)
            third_party = parts.enter_context(server.run_third_party(self.subscriber.gpsi or ""))
            self.third_parties[name] = third_party.addresses["naf-accept"]
            self.endpoints[name] = third_party.addresses["e2e-accept"]
            source = self.site.sources(f"nef:{operator.url}")
            naf = parts.enter_context(server.run_naf(self.third_parties[name], source))
            self.nafs[name] = naf.addresses["accept"]
        self.address = f"{LOOPBACK}:{free_port()}"
        parts.enter_context(self._route(folder))

    def _route(self, folder: Path) -> Listening:
        routes = "".join(f"{name} {address};" for name, address in self.nafs.items())
        config = folder / "nginx.conf"
        config.write_text(
            f"""
            load_module modules/ngx_stream_module.so;
            daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;
            events {{}}
            stream {{
                map $ssl_preread_server_name $naf {{ {routes} }}
                server {{ listen {self.address}; ssl_preread on; proxy_pass $naf; }}
            }}"""
        )
        return Listening(int(self.address.rpartition(":")[2]), "nginx", "-c", config)

    def device(self, name: str, ka: bytes) -> Path:
        """What a UE holds for an application server: K_AF of its name, and a Ka."""
        return self.site.device(self.subscriber.a_kid, self.subscriber.k_af(name.encode() + UA), ka)

    def flow(self, name: str, device: Path, endpoint: str) -> int:
        """The exit status of e2e-ue, which names the application server in its ClientHello."""
        # the last one given counts
        to = (self.subscriber.a_kid, self.address, endpoint, *AKMA, "--naf-fqdn", name)
        result = ue(device, *to)
        assert result.stdout == ("e2e: hello\n" if result.returncode == 0 else "")
        return result.returncode


@pytest.fixture(name="proxy")
def run_proxy(tmp_path: Path) -> Iterator[Proxy]:
    """All of it."""
    with contextlib.ExitStack() as parts:
        yield Proxy(tmp_path, parts)


def test_each_name_has_its_third_party(proxy: Proxy) -> None:
    """Guards against a name behind a proxy that opens another name's first connection, endpoint or Ka."""
    for name, other in (NAMES, NAMES[::-1]):
        own, foreign = proxy.servers[name].ka, proxy.servers[other].ka
        right = proxy.device(name, own)
        assert proxy.flow(name, right, proxy.endpoints[name]) == 0, name
        # the flag of one third party is nothing to the other's endpoint
        assert proxy.flow(name, right, proxy.endpoints[other]) == 4, name
        # the Ka of one is no Ka of the other
        assert proxy.flow(name, proxy.device(name, foreign), proxy.endpoints[name]) == 4, name
        # K_AF of one name opens no first connection of the other
        assert proxy.flow(other, proxy.device(name, own), proxy.endpoints[name]) == 4, name


def test_names_that_nobody_has(proxy: Proxy) -> None:
    """Guards against a client that names no application server, or an unknown one, and reaches one."""
    key = proxy.subscriber.k_af(NAMES[0].encode() + UA)
    identity = "3GPP-AKMA" + proxy.subscriber.a_kid
    for options in (("-noservername",), ("-servername", "other.example.com")):
        with StockClient(proxy.address, identity, key, *options) as nobody:
            assert nobody.read() == b""
    with StockClient(proxy.address, identity, key, "-servername", NAMES[0]) as first:
        assert first.flag()["e2e"] == 1


def test_one_naf_is_no_other(proxy: Proxy) -> None:
    """Guards against a third party that derives for a NAF under another's name."""
    one, other = NAMES
    request: dict[str, object] = {
        "id": 1,
        "identity": proxy.subscriber.a_kid,
        "device": proxy.subscriber.gpsi,
        "ks-naf": proxy.subscriber.k_af(other.encode() + UA).hex(),
        "naf-fqdn": other,
        "ua-protocol-id": UA.hex(),
        "nonce": "00" * 16,
    }
    files, ca = proxy.servers[one].naf_files, proxy.site.authority.file
    for third_party in proxy.third_parties.values():
        with Naf(third_party, ca, files) as naf:
            assert "naf-fqdn" in naf.ask(**request)["error"]
