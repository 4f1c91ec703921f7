"""A real Redis that third parties and endpoints share.

SPDX-License-Identifier: Apache-2.0
"""

import concurrent.futures
import contextlib
import hashlib
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import records
from between import Breaker, Cutter, Gate, Holder
from consumer import FQDN, IDENTITY, KA, KS_NAF
from clock import Clock
from evp import BUILD
from flow import ENVIRONMENT, LOOPBACK, Relay, StockClient, free_port, wait_until, write_devices
from project import ROOT
from records import Record
from sanitizer import SANITIZED
from store_cluster import (
    OLD_WRAP,
    WRAP,
    Part,
    Redis,
    Site,
    Store,
    flag_of,
    key_of,
    private,
    reload,
    works,
)

pytestmark = [pytest.mark.redis, pytest.mark.slow]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Without TLS or users: what is tried does not depend on them."""
    made = Site(tmp_path, Redis(tmp_path))
    yield made
    made.stop()


@pytest.fixture(params=["redis", "rediss"])
def guarded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """With the example's users, without and with TLS."""
    made = Site(tmp_path, Redis(tmp_path, tls=request.param == "rediss", users=True))
    yield made
    made.stop()


def assert_refused(site: Site, naf: Part, endpoint: Part) -> None:
    """A flow fails with an exit status that says so; ue() does not wait for one that hangs."""
    result = site.ue(naf.address, endpoint.address)
    assert result.returncode in (4, 5) and not result.stdout


def serves(site: Site, naf: Part, endpoint: Part) -> bool:
    """Does a flow succeed?"""
    return site.ue(naf.address, endpoint.address).stdout == "e2e: hello\n"


def test_two_of_each(guarded: Site) -> None:
    """Guards against a flag of one third party that is not good at every endpoint, or good twice."""
    nafs = [guarded.naf(), guarded.naf()]
    endpoints = [guarded.endpoint(), guarded.endpoint()]
    for naf in nafs:
        for endpoint in endpoints:
            assert serves(guarded, naf, endpoint)
    flag = flag_of(nafs[0].address)
    assert works(endpoints[1].address, flag)
    assert not works(endpoints[0].address, flag)
    assert guarded.redis.ask("keys", "akma:*") == b"akma:nafs"


def test_users_can_do_what_they_need_and_no_more(tmp_path: Path) -> None:
    """Guards against the example's Redis users having a command or key that they do not use, or lacking one."""
    site = Site(tmp_path, Redis(tmp_path, users=True))
    try:
        naf, endpoint = site.naf("--refresh-lifetime", "300"), site.endpoint()
        site.redis.ask("config", "resetstat")
        assert serves(site, naf, endpoint)
        oldest = flag_of(naf.address)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(flag_of, [naf.address] * 256))
        assert not works(endpoint.address, oldest)
        site.devices.write_text("identity,ks-naf,ka,ka-id\n")
        naf.process.process.send_signal(signal.SIGHUP)
        wait_until(lambda: b"akma:key" not in site.redis.ask("keys", "akma:*"))
        assert site.redis.ask("acl", "whoami", user="akma-admin") == b"akma-admin"
        again = site.endpoint()
        wait_until(lambda: again.says("store-up"))
        used = set(re.findall(r"cmdstat_(\w+)", site.redis.ask("info", "commandstats").decode()))
    finally:
        site.stop()
    permitted = set(re.findall(r" \+(\w+)", (ROOT / "examples/redis/users.acl").read_text()))
    # GETDEL of the third party's: a Ka that goes between SET and flag.
    assert permitted <= used
    for line in (ROOT / "examples/redis/users.acl").read_text().splitlines()[1:]:
        admin = line.startswith("user akma-admin ")
        keys = [] if admin else ["~akma:*", "&akma:revoked"]
        assert re.findall(r" ([~%&@]\S*)", line) == keys and " -@all " in line


def test_one_flag_at_two_endpoints_at_once(site: Site) -> None:
    """Guards against two endpoints that both take one key at the same moment."""
    naf, endpoints = site.naf(), [site.endpoint(), site.endpoint()]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in range(8):
            flag = flag_of(naf.address)
            tries = [pool.submit(works, part.address, flag) for part in endpoints * 2]
            assert sum(attempt.result() for attempt in tries) == 1


def record_of(site: Site, flag: dict[str, Any]) -> tuple[str, bytes]:
    """Where Redis has it, and what it has."""
    name = f"akma:key:{flag['identity']}"
    return name, site.redis.ask("get", name)


def test_a_record_that_was_tampered_with(site: Site) -> None:
    """Guards against a record that is altered, swapped, replayed or too old and that an endpoint still takes."""
    naf, endpoint = site.naf(), site.endpoint()
    first, second = flag_of(naf.address), flag_of(naf.address)
    name, sealed = record_of(site, first)
    record = records.unseal(sealed, WRAP, first["identity"], site.redis.run_id)
    assert (record.device, record.ka_id, record.subject) == (IDENTITY, "2026", IDENTITY)

    def resealed(run_id: str = site.redis.run_id, number: int = 2, key: bytes = WRAP) -> bytes:
        return records.seal(record, key, first["identity"], run_id, number=number)

    expired = Record(*record.texts, int(time.time()) - 2, record.key)
    cases = {
        record_of(site, second)[1]: "altered, another identity's",
        sealed[:-1]: "cut or altered",
        b"x": "cut or altered",
        sealed[:-1] + bytes([sealed[-1] ^ 1]): "altered",
        resealed(run_id="0" * 40): "another run of Redis",
        resealed(number=3): "--store-key does not have",
        records.seal(expired, WRAP, first["identity"], site.redis.run_id, number=2): "too old",
    }
    for octets, reason in cases.items():
        before = endpoint.process.errors.count(reason)
        site.redis.ask("set", name, octets)

        def is_said() -> bool:  # some lines a second are
            assert not works(endpoint.address, first)
            return endpoint.process.errors.count(reason) > before

        wait_until(is_said)
    site.redis.ask("set", name, resealed(number=1, key=OLD_WRAP))
    assert works(endpoint.address, first)


@pytest.mark.skipif(SANITIZED, reason="another library is preloaded")
def test_clocks_that_differ(site: Site, tmp_path: Path) -> None:
    """Guards against a refusal by a clock that is wrong whose reason does not tell by how much."""
    clock = Clock(tmp_path)
    naf, endpoint = site.naf(), site.endpoint(environment=clock.environment)
    assert works(endpoint.address, flag_of(naf.address))
    flag = flag_of(naf.address)
    clock.step(3600)
    assert not works(endpoint.address, flag)
    wait_until(lambda: endpoint.says("seconds ago by this clock"))
    late = re.findall(r"it ended (\d+) seconds ago by this clock", endpoint.process.errors)[0]
    assert 3600 - 60 < int(late) <= 3600 + 60, "by an hour, but for the lifetime of a promise"


def test_redis_down_and_empty_again(site: Site) -> None:
    """Guards against a server that serves without its store, or never reconnects to it."""
    naf, endpoint = site.naf(), site.endpoint()
    flag = flag_of(naf.address)
    site.redis.stop()
    wait_until(lambda: naf.says("store-down") and endpoint.says("store-down"))
    assert_refused(site, naf, endpoint)
    assert naf.says("the store cannot be reached") and not works(endpoint.address, flag)
    site.redis.restart()
    wait_until(lambda: serves(site, naf, endpoint))
    assert not works(endpoint.address, flag)


def test_redis_started_from_a_saved_file(site: Site) -> None:
    """Guards against a record of an earlier run of Redis being taken, although it may have been used since that
    file was saved.
    """
    naf, endpoint = site.naf("--refresh-lifetime", "300"), site.endpoint()
    flags = [flag_of(naf.address) for _ in range(2)]
    assert works(endpoint.address, flags[0])
    site.redis.ask("save")
    site.redis.restart()
    assert site.redis.ask("exists", f"akma:key:{flags[1]['identity']}") == b"1"
    wait_until(lambda: serves(site, naf, endpoint))
    assert not works(endpoint.address, flags[1])
    assert endpoint.says("another run of Redis")


@pytest.mark.parametrize("part", ["redis", "naf", "endpoint"])
def test_a_part_that_hangs(site: Site, part: str) -> None:
    """Guards against a UE that waits for ever for a part which hangs, or a part that stays useless afterwards."""
    naf, endpoint = site.naf(), site.endpoint()
    pids = {"redis": site.redis.server.process.pid, "naf": naf.pid, "endpoint": endpoint.pid}
    assert serves(site, naf, endpoint)
    os.kill(pids[part], signal.SIGSTOP)
    try:
        assert_refused(site, naf, endpoint)
    finally:
        os.kill(pids[part], signal.SIGCONT)
    wait_until(lambda: serves(site, naf, endpoint))


@pytest.mark.parametrize("part", ["redis", "naf", "endpoint"])
def test_a_part_that_is_killed(site: Site, part: str) -> None:
    """Guards against a killed part after which a flow has half an answer, or the next run cannot serve."""
    naf, endpoint = site.naf(), site.endpoint()
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        flows = [pool.submit(site.ue, naf.address, endpoint.address) for _ in range(30)]
        wait_until(lambda: flows[5].done())
        victim = {"redis": site.redis.server, "naf": naf.process, "endpoint": endpoint.process}
        victim[part].process.kill()
        results = [flow.result() for flow in flows]
    assert any(result.returncode == 0 for result in results)
    for result in results:
        assert result.returncode in (0, 1, 4, 5), result.stderr
        assert result.stdout == ("e2e: hello\n" if result.returncode == 0 else "")
    if part == "redis":
        site.redis.restart()
    elif part == "naf":
        naf = site.naf(port=naf.port)
    else:
        endpoint = site.endpoint(port=endpoint.port)
    wait_until(lambda: serves(site, naf, endpoint))


def test_a_password_that_changes(tmp_path: Path) -> None:
    """Guards against a server that gives up after a refused password, or logs the password."""
    site = Site(tmp_path, Redis(tmp_path, users=True))
    try:
        naf, endpoint = site.naf(), site.endpoint()
        assert serves(site, naf, endpoint)
        site.redis.ask("acl", "setuser", "akma-endpoint", "resetpass", ">another-one")
        site.redis.ask("client", "kill", "user", "akma-endpoint")
        wait_until(lambda: endpoint.says("AUTH was refused: WRONGPASS"))
        assert_refused(site, naf, endpoint)
        private(site.folder / "akma-endpoint.password", "\n")
        wait_until(lambda: endpoint.says("--store-password-file: the first line has to be"))
        private(site.folder / "akma-endpoint.password", "another-one\n")
        wait_until(lambda: serves(site, naf, endpoint))
        assert "another-one" not in endpoint.process.errors and endpoint.only_events()
    finally:
        site.stop()


def test_a_password_that_changes_without_a_pause(tmp_path: Path) -> None:
    """Guards against a documented step of a password change that leaves a moment without a good password."""
    site = Site(tmp_path, Redis(tmp_path, users=True))
    old, new = (hashlib.sha256(text.encode()).hexdigest() for text in ("ep-secret", "another-one"))

    def change(rule: str) -> None:
        words = ("acl", "setuser", "akma-endpoint", rule)
        assert site.redis.ask(*words, user="akma-admin") == b"OK"
        assert site.redis.ask("acl", "save", user="akma-admin") == b"OK"

    try:
        naf, endpoint = site.naf(), site.endpoint()
        change(f"#{new}")
        site.redis.restart()
        wait_until(lambda: serves(site, naf, endpoint))
        private(site.folder / "akma-endpoint.password", "another-one\n")
        change(f"!{old}")
        site.redis.restart()
        wait_until(lambda: serves(site, naf, endpoint))
        assert "AUTH was refused" not in endpoint.process.errors
    finally:
        site.stop()


def test_a_certificate_of_nobody_known(tmp_path: Path) -> None:
    """Guards against a store being taken whose certificate is not of --store-ca."""
    (tmp_path / "other").mkdir()
    site = Site(tmp_path, Redis(tmp_path, tls=True))
    stranger = Redis(tmp_path / "other", tls=True)
    try:
        site.redis.authority = stranger.authority
        naf = site.naf()
        wait_until(lambda: naf.says("certificate verify failed"))
    finally:
        site.stop()
        stranger.stop()


def test_a_redis_with_tls_that_is_not_there(site: Site) -> None:
    """Guards against a log that hides why a store with TLS cannot be reached."""
    site.redis.url = f"rediss://{LOOPBACK}:{free_port()}"
    naf = site.naf()
    wait_until(lambda: naf.says('event=store-down reason="Connection refused"'))


@pytest.mark.parametrize("after", [False, True])
def test_a_connection_that_is_cut_at_the_taking(site: Site, after: bool) -> None:
    """Guards against a GETDEL that is sent again after a cut, when nobody knows whether Redis has carried it out."""
    naf = site.naf()
    cutter = Cutter(site.redis.port, b"GETDEL", after=after)
    direct = site.endpoint()
    port, site.redis.url = site.redis.url, cutter.url
    endpoint = site.endpoint()
    site.redis.url = port
    flag = flag_of(naf.address)
    assert not works(endpoint.address, flag)
    wait_until(lambda: endpoint.says("the store cannot be reached"))
    assert cutter.cuts == 1
    used = [works(direct.address, flag), works(endpoint.address, flag)]
    assert used == [not after, False]
    wait_until(lambda: serves(site, naf, endpoint))
    cutter.listener.close()


def behind(site: Site, url: str, *options: str) -> Part:
    """NAF and third party with a Redis at an address of the tests."""
    own, site.redis.url = site.redis.url, url
    try:
        return site.naf(*options or ("--refresh-lifetime", "300"))
    finally:
        site.redis.url = own


def one_loop(site: Site, url: str) -> Part:
    """The same with one connection to it."""
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})
    try:
        return behind(site, url)
    finally:
        os.sched_setaffinity(0, processors)


def echoes(client: StockClient) -> bool:
    """Has a line come back already?"""
    return not client.out.empty() and client.out.queue[0] == b"e2e: x\n"


def connected(address: str, flags: list[dict[str, Any]]) -> Iterator[StockClient]:
    """The connections that flags promise, with a line sent on each."""
    for flag in flags:
        client = StockClient(address, flag["identity"], key_of(flag))
        client.write(b"x\n")
        yield client


@pytest.mark.skipif(len(os.sched_getaffinity(0)) == 1, reason="one processor: there is one loop")
def test_a_key_that_is_taken_while_its_row_goes(site: Site) -> None:
    """Guards against a connection that lives on because another loop consumed its key before Redis heard of a removal."""
    holder = Holder(site.redis.port, b"SMEMBERS")
    both, rows = behind(site, holder.url), site.devices.read_text()
    taken: list[StockClient] = []

    def failures() -> int:
        return both.process.errors.count("event=revocation result=failed")

    def is_quiet() -> bool:
        return both.process.errors.count("event=revocation result=done") == failures()

    while not taken:  # those that the waiting loop accepts wait with it, and are given up
        site.devices.write_text(rows)
        reload(both)
        flags = [flag_of(both.address) for _ in range(8)]
        wait_until(is_quiet)
        before, held = failures(), holder.holding
        holder.open.clear()
        site.devices.write_text(rows.splitlines()[0] + "\n")
        reload(both)
        wait_until(lambda: holder.holding > held)
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(client) for client in connected(both.address, flags)]
            wait_until(lambda: failures() > before or any(map(echoes, clients)))
            if failures() == before:
                taken = [client for client in clients if echoes(client)]
            holder.open.set()
            for client in taken:
                assert [client.read(), client.read()] == [b"e2e: x", b""]


def test_a_key_that_is_taken_while_its_revocation_fails(site: Site) -> None:
    """Guards against a connection that lives on a removed row's key, which Redis gives but refuses to revoke."""
    both = behind(site, site.redis.url)
    flag = flag_of(both.address)
    site.redis.ask("acl", "setuser", "default", "-eval")
    site.devices.write_text(site.devices.read_text().splitlines()[0] + "\n")
    reload(both)
    both.process.wait_for_error("event=revocation result=failed")
    with StockClient(both.address, flag["identity"], key_of(flag)) as client:
        wait_until(lambda: site.redis.ask("exists", f"akma:key:{flag['identity']}") == b"0")
        assert client.read() == b""  # at the next attempt


def test_rows_that_go_while_the_store_is_away(site: Site) -> None:
    """Guards against a revocation that is forgotten, or logged again and again, while the store is away."""
    names = [IDENTITY, "second@bsf.example.com", "third@bsf.example.com"]
    write_devices(site.devices, [[name, KS_NAF.hex(), KA.hex(), "2026"] for name in names])
    breaker = Breaker(site.redis.port)
    both, endpoint = behind(site, breaker.url), site.endpoint()
    flags = [flag_of(both.address, name) for name in names]
    used = [flag_of(both.address, name) for name in names]
    header = site.devices.read_text().splitlines()[0] + "\n"
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(client) for client in connected(both.address, used)]
        assert [client.read() for client in running] == [b"e2e: x"] * 3
        breaker.broken = True
        site.devices.write_text(header)
        reload(both)
        assert [client.read() for client in running] == [b""] * 3
    wait_until(lambda: both.says("event=revocation result=failed"))
    cuts = breaker.cuts
    wait_until(lambda: breaker.cuts > cuts + 8)
    assert both.process.errors.count("event=revocation") == 1, "it is said once"
    breaker.broken = False
    wait_until(lambda: b"akma:key" not in site.redis.ask("keys", "akma:*"))
    assert not any(works(endpoint.address, flag) for flag in flags)
    assert both.only_events() and both.process.stop() == 0


def test_a_row_whose_keys_are_too_old_before_the_store_is_back(site: Site) -> None:
    """Guards against a revocation that is tried for ever although its keys have expired."""
    breaker = Breaker(site.redis.port)
    both = behind(site, breaker.url, "--refresh-lifetime", "2")
    breaker.broken = True
    site.devices.write_text(site.devices.read_text().splitlines()[0] + "\n")
    reload(both)
    wait_until(lambda: both.says("event=revocation result=expired"))
    assert both.process.errors.count("event=revocation result=failed") == 1


def test_the_end_while_a_row_waits_for_the_store(site: Site) -> None:
    """Guards against a shutdown that waits for a store's answer to a revocation."""
    names = [IDENTITY, "second@bsf.example.com"]
    write_devices(site.devices, [[name, KS_NAF.hex(), KA.hex(), "2026"] for name in names])
    holder = Holder(site.redis.port, b"SMEMBERS")
    both = behind(site, holder.url)
    flag_of(both.address)
    holder.open.clear()
    site.devices.write_text(site.devices.read_text().splitlines()[0] + "\n")
    reload(both)
    wait_until(lambda: holder.holding > 0)
    assert both.process.stop() == 0 and both.only_events()
    holder.open.set()


def test_the_end_while_revocations_are_asked_for(site: Site) -> None:
    """Guards against a store's last reply at shutdown that reaches a watch whose memory was released."""
    holder = Holder(site.redis.port, b"akma:revocations")
    site.redis.url = holder.url
    overwritten = {"GLIBC_TUNABLES": "glibc.malloc.perturb=165:glibc.malloc.tcache_count=0"}
    endpoint = site.endpoint(environment=ENVIRONMENT | overwritten)
    endpoint.process.wait_for_error("event=store-up")
    holder.open.clear()
    wait_until(lambda: holder.holding > 0)
    assert endpoint.process.stop() == 0 and endpoint.only_events()
    holder.open.set()


def test_a_promise_made_while_connecting_again(site: Site) -> None:
    """Guards against a record that is sealed for the run of a Redis that is gone."""
    gate = Gate(site.redis.port)
    naf, endpoint = one_loop(site, gate.url), site.endpoint()
    assert works(endpoint.address, flag_of(naf.address))
    flag = None
    while flag is None:  # on a machine that is busy the NAF may give a connection up meanwhile
        with StockClient(naf.address, f"3GPP-bootstrapping.{IDENTITY}", KS_NAF) as first:
            gate.open.clear()
            before = gate.waiting
            site.redis.restart()
            wait_until(lambda: gate.waiting > before)
            threading.Timer(0.3, gate.open.set).start()
            with contextlib.suppress(ValueError):
                flag = first.flag()
    wait_until(lambda: works(endpoint.address, flag_of(naf.address)))
    assert works(endpoint.address, flag)


def test_keys_of_the_store_change_without_a_pause(site: Site) -> None:
    """Guards against a key of the store that seals before the other side can open, or a bad file that costs the
    old keys.
    """
    naf, endpoint = site.naf(), site.endpoint()
    new = bytes(range(200, 232))

    def turn(part: Part, text: str) -> None:
        count = part.process.errors.count("event=reload")
        private(site.store_key, text)
        part.process.process.send_signal(signal.SIGHUP)
        wait_until(lambda: part.process.errors.count("event=reload") > count)

    before = flag_of(naf.address)
    turn(endpoint, f"2:{WRAP.hex()}\n3:{new.hex()}\n")
    turn(naf, f"3:{new.hex()}\n2:{WRAP.hex()}\n")
    between = flag_of(naf.address)
    assert record_of(site, between)[1][:5] == b"\x01\x00\x00\x00\x03"
    assert works(endpoint.address, before) and works(endpoint.address, between)
    last = flag_of(naf.address)
    turn(endpoint, f"3:{new.hex()}\n")
    assert works(endpoint.address, last)
    turn(endpoint, "nonsense\n")
    assert endpoint.says("result=refused reason=") and endpoint.says(": line 1: ")
    assert endpoint.only_events() and works(endpoint.address, flag_of(naf.address))


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_bounds_of_devices_and_nafs(site: Site, kind: str) -> None:
    """Guards against a device or a NAF whose keys fill the store, or push out another NAF's."""
    with Store(site, kind) as store:
        store.put(0, "d", "other.example")
        for number in range(1, 258):
            store.put(number, "d", "naf.example")
        assert [store.has(number) for number in (0, 1, 2, 257)] == [True, False, True, True]
        for number in range(258, 258 + 4096 - 256):
            store.put(number, f"d{number}", "naf.example")
        assert store.has(2)
        store.put(5000, "e", "naf.example")
        assert [store.has(number) for number in (0, 2, 3, 5000)] == [True, False, True, True]
        assert store.ask("consume e2e-05000").startswith("ok ")
        store.put(5001, "e", "naf.example")  # in the place of the one that was used
        assert store.has(3) and store.has(5001)


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_who_names_anothers_device_loses_its_own(site: Site, kind: str) -> None:
    """Guards against a subscriber that pushes out a device's keys by asking for flags in its name."""
    with Store(site, kind) as store:
        store.put(0, "d", "naf.example", subject="victim")
        for number in range(1, 300):
            store.put(number, "d", "naf.example", subject="greedy")
        assert [store.has(number) for number in (0, 44, 45, 299)] == [True, False, True, True]
        store.put(300, "d", "naf.example", subject="victim")
        assert [store.has(number) for number in (0, 45, 300)] == [False, True, True]
        store.put(301, "d", "naf.example", subject="third")
        assert [store.has(number) for number in (45, 46, 300, 301)] == [False, True, True, True]


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_scopes_of_revocation(site: Site, kind: str) -> None:
    """Guards against a revocation of one device, Ka or NAF that takes another's keys as well, or misses one."""
    with Store(site, kind) as store:
        scopes = {"d1 - - -": {3, 4}, "d1 - - n1": {4}, "- 2026 d2 -": {1, 2}, "d1 2025 - -": set()}
        for scope, gone in scopes.items():
            rows = enumerate([("d2", "n2"), ("d2", "n1"), ("d1", "n2"), ("d1", "n1")], 1)
            for number, (device, naf) in rows:
                store.put(number, device, naf)
            assert store.ask(f"revoke {scope}") == "ok"
            assert {number for number in range(1, 5) if not store.has(number)} == gone, scope
            for number in range(1, 5):
                store.ask(f"consume e2e-{number:05}")


def test_members_that_are_none(site: Site) -> None:
    """Guards against a malformed member of a sorted set that stops a revocation or a promise."""
    with Store(site, "redis") as store:
        store.put(1, "d", "n")
        soon = str(int(time.time() * 1000) + 30000)  # before the record's end
        site.redis.ask("zadd", "akma:naf:n", soon, "odd")
        site.redis.ask("zadd", "akma:naf:n", soon, b"e2e-00001\0d")
        assert store.ask("revoke other - - -") == "ok" and store.has(1)
        assert site.redis.ask("zcard", "akma:naf:n") == b"1"
        many = [word for number in range(4096) for word in (soon, f"odd{number}")]
        site.redis.ask("zadd", "akma:naf:n", *many)
        store.put(2, "d", "n")
        assert site.redis.ask("zcard", "akma:naf:n") == b"4096"
        assert store.ask("revoke d - - -") == "ok" and not store.has(1) and not store.has(2)


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_a_lifetime_ends(site: Site, kind: str) -> None:
    """Guards against a key that can be used after its lifetime, or stays in Redis."""
    with Store(site, kind) as store:
        store.put(1, "d", "n", lifetime=300)
        time.sleep(0.4)
        assert not store.has(1)
        assert site.redis.ask("keys", "akma:*") in (b"", b"akma:nafs")
        store.put(2, "d", "n", lifetime=60000)
        assert store.has(2)


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_what_is_too_old_counts_no_more(site: Site, kind: str) -> None:
    """Guards against an expired key that still counts in a device's bound and pushes out a good one."""
    with Store(site, kind) as store:
        for number in range(1, 256):
            store.put(number, "d", "n", subject="other", lifetime=1000)
        store.put(256, "d", "n", subject="own")
        wait_until(lambda: not any(store.has(number) for number in (1, 255)))
        store.put(257, "d", "n", subject="own")
        assert store.has(256) and store.has(257)


def test_an_identity_is_promised_once(site: Site) -> None:
    """Guards against a second record of an identity that replaces the first one's key."""
    with Store(site, "redis") as store:
        store.put(1, "d", "n")
        assert store.ask(f"put e2e-00001 {2:064x} d 2026 d n 60000").startswith("unavailable")
        assert store.has(1)


def test_a_redis_whose_memory_is_full(site: Site) -> None:
    """Guards against a full Redis that loses promised keys, or whose refusal the log does not tell."""
    naf, endpoint = site.naf("--refresh-lifetime", "300"), site.endpoint()
    flag = flag_of(naf.address)
    site.redis.ask("config", "set", "maxmemory", "1")
    assert_refused(site, naf, endpoint)
    wait_until(lambda: naf.says("the store refuses: OOM"))
    assert works(endpoint.address, flag)
    site.redis.ask("config", "set", "maxmemory", "0")
    assert serves(site, naf, endpoint)


def test_a_redis_that_says_nothing(site: Site) -> None:
    """Guards against a request that waits for ever for a connection which a silent server never completes."""
    with socket.create_server((LOOPBACK, 0)) as silent:
        site.redis.url = f"redis://{LOOPBACK}:{silent.getsockname()[1]}"
        naf = site.naf()
        assert_refused(site, naf, naf)
        wait_until(lambda: naf.says("the store cannot be reached: the server does not answer"))


@pytest.mark.skipif(SANITIZED, reason="another library is preloaded")
def test_a_first_address_that_hangs_up_on_the_greeting(site: Site) -> None:
    """Guards against a reply of the second address being taken for a request to the first."""
    with socket.create_server(("127.0.0.2", site.redis.port)) as first:

        def hang_up() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = first.accept()
                    with connection:
                        connection.recv(4096)

        threading.Thread(target=hang_up, daemon=True).start()
        site.redis.url = f"redis://two.example:{site.redis.port}"
        with Store(
            site, "redis", LD_PRELOAD=str(BUILD / "test/programs/libpreload_getaddrinfo.so")
        ) as store:
            store.put(1, "d", "n")
            assert store.has(1) and not store.has(2)
            assert store.ask("consume e2e-00001").startswith("ok ") and not store.has(1)
        first.shutdown(socket.SHUT_RDWR)


def test_an_application_server_in_one_with_a_redis(site: Site) -> None:
    """Guards against a process with all roles that keeps its keys in memory although it has a Redis."""
    both = site.naf()
    assert serves(site, both, both)
    assert site.redis.ask("scard", "akma:nafs") == b"1"


def test_application_servers_in_one_are_a_naf_each(site: Site) -> None:
    """Guards against two application servers in one Redis that share one NAF's bound."""
    one, other = (
        site.naf("--refresh-lifetime", "300", fqdn=fqdn) for fqdn in (FQDN, "other.example.com")
    )
    for naf in (one, one, other):
        flag_of(naf.address)
    names = site.redis.ask("smembers", "akma:nafs").decode().split()
    assert sorted(names) == [FQDN, "other.example.com"]
    counts = [site.redis.ask("zcard", f"akma:naf:{name}") for name in sorted(names)]
    assert counts == [b"2", b"1"]


def test_flows_do_not_pass_the_key(site: Site) -> None:
    """Guards against an e2e_key in clear on the way to or from Redis."""
    relay = Relay(f"{LOOPBACK}:{site.redis.port}")
    naf = one_loop(site, f"redis://{relay.address}")
    flag = flag_of(naf.address)
    key = records.unseal(record_of(site, flag)[1], WRAP, flag["identity"], site.redis.run_id).key
    assert flag["identity"].encode() in relay.seen
    assert key not in relay.seen and key.hex().encode() not in relay.seen.lower()
