"""Keys from an operator's network for devices over DTLS: a look-up that takes its time.

SPDX-License-Identifier: Apache-2.0
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from datagrams import SUITE, SUITES, DtlsServer, RoughPath, pair_of
from flow import FQDN, run_to_end, ue_command, wait_until, write_devices
from operator_network import Reply, Request, Subscriber
from operator_site import KA, OperatorSite

NAF_ID = FQDN.encode() + bytes.fromhex(SUITES[SUITE])
AKMA = ("--identity-prefix", "3GPP-AKMA", "--dtls-ciphers", SUITE)


@pytest.fixture
def operator_site(tmp_path: Path) -> OperatorSite:
    """With a CA of its own."""
    return OperatorSite(tmp_path)


def run(first: str, second: str, folder: Path, subscriber: Subscriber) -> str:
    """What a device's e2e-ue prints."""
    identity = subscriber.a_kid
    row = [identity, subscriber.k_af(NAF_ID).hex(), KA.hex()]
    device = write_devices(folder / f"{subscriber.supi}.csv", [row])
    command = ue_command(device, identity, first, second, message="hello")
    done = run_to_end(*command, *AKMA)
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.node
def test_slow_source(operator_site: OperatorSite, tmp_path: Path) -> None:
    """Guards against one device's slow look-up that delays others' DTLS handshakes, or is repeated for a repeated flight."""
    slow, *others = (
        Subscriber(supi=f"00101000000000{number}", gpsi=f"extid-device-{number}@example.com")
        for number in range(1, 7)
    )
    held: list[tuple[Request, Reply]] = []

    def hold(request: Request, true: Reply) -> Reply | None:
        if slow.a_kid not in request["body"]:
            return true
        held.append((request, true))
        return None

    names = [each.gpsi or "" for each in (slow, *others)]
    with operator_site.operator(slow, *others, naf_id=NAF_ID) as operator:
        operator.answer = hold
        options = (*operator_site.sources(f"nef:{operator.url}"), "--source-timeout", "60")
        times = ("--handshake-timeout", "60", "--refresh-lifetime", "60")
        with (
            DtlsServer(operator_site.write_names(names), *options, *times) as server,
            RoughPath(pair_of(server.address)) as path,
        ):
            with ThreadPoolExecutor(1 + len(others)) as pool:
                first = pool.submit(run, path.address, server.e2e_address, tmp_path, slow)
                wait_until(lambda: held)
                to = (server.address, server.e2e_address, tmp_path)
                done = [pool.submit(run, *to, each) for each in others]
                assert [each.result(60) for each in done] == ["e2e: hello\n"] * len(others)
                assert not first.done() and server.count("handshakes_unfinished") == 1
                before = len(path.to_server)
                wait_until(lambda: len(path.to_server) > before)  # the device repeats its flight
                operator.server.reply(*held[0])
                assert first.result(60) == "e2e: hello\n"
        assert len(held) == 1 and operator.faults == []
