"""An enterprise's server at an operator, with its files, and the operator's notifications.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import reference
from certificates import Authority
from flow import (
    ENVIRONMENT,
    FQDN,
    LOOPBACK,
    NAF_ID,
    SECONDS,
    Process,
    Server,
    StockClient,
    write_devices,
)
from key_source import identity_options
from link import Program, Sides
from operator_network import Operator, Subscriber
from store_cluster import Redis, private

KA = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf")
AKMA = ["--identity-prefix", "3GPP-AKMA"]


class OperatorSite:
    """An enterprise's server with its files, at an operator."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self.server_files = self.authority.issue("operator", "localhost")
        self.client_files = self.authority.issue("naf.example.com")
        self.devices = folder / "server.csv"

    def operator(self, *subscribers: Subscriber, **options: Any) -> Operator:
        """A stand-in, which knows these subscribers."""
        operator = Operator(self.server_files, self.authority.file, **options)
        operator.add(*subscribers)
        return operator

    def sources(self, *sources: str) -> list[str]:
        """The options of the sources of keys."""
        words = [word for source in sources for word in ("--key-source", source)]
        return [*words, *identity_options(self.client_files, self.authority.file)]

    def write_names(self, names: list[str]) -> Path:
        """The third party's file: Ka's under these names, and nothing else."""
        return write_devices(self.devices, [[name, "", KA.hex()] for name in names])

    def server(
        self,
        *sources: str,
        options: tuple[str, ...] = (),
        names: list[str],
        environment: dict[str, str] | None = None,
    ) -> Server:
        """e2e-as, all in one, for these devices."""
        words = (*self.sources(*sources), *options)
        if "--source-timeout" not in options:  # a machine that is busy is no slow operator
            words += ("--source-timeout", "10")
        return Server(self.write_names(names), *words, environment=environment)

    def device(self, identity: str, ks_naf: bytes, ka: bytes | None = KA) -> Path:
        """A UE's own file."""
        row = [identity, ks_naf.hex(), ka.hex() if ka else ""]
        return write_devices(self.folder / "device.csv", [row])


# Libraries that are bound late leave registers, and what is in them, on the stack (docs/security.md).
BIND_NOW = ENVIRONMENT | {"LD_BIND_NOW": "1"}
NOTIFY = (
    *("--notify-accept", f"{LOOPBACK}:0", "--notify-name", "nef.example.com"),
    *("--notify-uri", "https://naf.example.com/revoked"),
)


class Notified(OperatorSite):
    """A server that takes notifications; notify is where."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.nef_files = self.authority.issue("nef.example.com")

    def read_notify(self, server: Process) -> None:
        """Where a server takes notifications, from its next line."""
        name, _, self.notify = server.read().decode().partition(" ")
        assert name == "notify-accept"

    def notified(self, operator: Operator, *names: str, kind: str = "nef") -> Server:
        """All in one."""
        options = ("--e2e", "offered", *NOTIFY)
        server = self.server(f"{kind}:{operator.url}", options=options, names=list(names))
        self.read_notify(server)
        return server

    def post(
        self,
        body: bytes,
        path: str = "/revoked",
        content_type: str = "application/json",
        files: tuple[Path, Path] | None = None,
        is_certified: bool = True,
    ) -> int:
        """The status of a notification, with the NEF's certificate, another one or none."""
        context = ssl.create_default_context(cafile=str(self.authority.file))
        context.check_hostname = False
        if is_certified:
            context.load_cert_chain(*map(str, files or self.nef_files))
        request = urllib.request.Request(
            f"https://{self.notify}{path}", body, {"Content-Type": content_type}
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS, context=context) as answer:
                status: int = answer.status
                return status
        except urllib.error.HTTPError as error:
            return error.code


class Apart(Notified):
    """A NAF without any devices file, a third party, and an endpoint: in its process, or behind a Redis."""

    def __init__(self, folder: Path, redis: Redis | None) -> None:
        super().__init__(folder)
        self.redis = redis
        self.environment = BIND_NOW  # the NAF's
        (folder / "link").mkdir()
        self.sides = Sides(folder / "link")

    def _start_third_party(self, parts: contextlib.ExitStack) -> None:
        devices, here = self.write_names([self.subscriber.gpsi or ""]), f"{LOOPBACK}:0"
        if self.redis is None:
            third_party = parts.enter_context(self.sides.run_third_party(devices))
            self.third_party = self.endpoint = third_party
            return
        key = private(self.folder / "store.key", f"1:{bytes(range(32)).hex()}\n")
        store = ["--store", self.redis.url, "--store-key", str(key)]
        link = self.sides.options(self.sides.third_party)
        self.third_party = parts.enter_context(
            Program("--naf-accept", here, "--devices", devices, *link, *store)
        )
        self.endpoint = parts.enter_context(Program("--e2e-accept", here, *store))

    @contextlib.contextmanager
    def running(self, operator: Operator, *options: str) -> Iterator[None]:
        """All of it, for the operator's first subscriber; options are the NAF's."""
        self.subscriber = operator.subscribers[0]
        self.key = self.subscriber.k_af(operator.naf_id)
        link = self.sides.options(self.sides.naf)
        source = [*self.sources(f"nef:{operator.url}"), "--source-timeout", "10", *NOTIFY]
        with contextlib.ExitStack() as parts:
            self._start_third_party(parts)
            address = self.third_party.addresses["naf-accept"]
            accept = ["--accept", f"{LOOPBACK}:0", "--naf-fqdn", FQDN, "--third-party", address]
            words = (*accept, *link, *source, *options)
            self.naf = parts.enter_context(Program(*words, environment=self.environment))
            self.read_notify(self.naf)
            yield

    def revoke(self) -> int:
        """The NEF notifies."""
        return self.post(json.dumps({"aKId": self.subscriber.a_kid}).encode())

    def flag(self) -> dict[str, Any]:
        """A flag, by stock openssl."""
        identity = "3GPP-AKMA" + self.subscriber.a_kid
        with StockClient(self.naf.addresses["accept"], identity, self.key) as first:
            return first.flag()

    def second(self, flag: dict[str, Any]) -> StockClient:
        """What a flag promises, the key by the reference."""
        refresh, address = bytes.fromhex(flag["refresh"]), self.endpoint.addresses["e2e-accept"]
        of = (self.key, KA, NAF_ID)
        key = reference.e2e_key(*of, refresh=refresh, usage=flag["usage"])
        return StockClient(address, flag["identity"], key)

    def serves(self, flag: dict[str, Any]) -> bool:
        """Is a flag good for a connection?"""
        with self.second(flag) as second:
            second.write(b"one\n")
            return second.read() == b"e2e: one"
