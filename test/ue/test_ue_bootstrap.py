"""e2e-ue with a USIM and a BSF: when it bootstraps, who waits for it, and the study's whole figure.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import reference
from auc import HAS_OSMO
from bsf import IMPI, Vector, in_seconds
from card import Card, Modem
from clock import Clock
from datagrams import SUITES
from evp import BUILD
from home import Home, Listening
from flow import FQDN, LOOPBACK, NAF_ID, Process, run_to_end, wait_until, write_devices
from operator_site import KA, OperatorSite
from process_memory import holds, is_gone


pytestmark = [
    pytest.mark.node,
    pytest.mark.slow,
    pytest.mark.skipif(not HAS_OSMO, reason="libosmocore-utils has osmo-auc-gen"),
]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """With a CA of its own."""
    site = OperatorSite(tmp_path)
    with site.operator() as operator:
        yield Home(tmp_path, site, operator)


def test_message(home: Home) -> None:
    """Guards against a second --message that bootstraps again although the first one left a valid key."""
    with home.bsf() as bsf, home.server() as server:
        for number in ("one", "two"):
            result = home.say(bsf, server, message=number)
            assert (result.stdout, result.returncode) == (f"e2e: {number}\n", 0), result.stderr
        assert len(bsf.issued) == 1
        home.state.unlink()
        assert home.say(bsf, server).stdout == "e2e: hello\n"
        assert len(bsf.issued) == 2
    assert home.operator.faults == []


def test_listen(home: Home) -> None:
    """Guards against local connections that fail before the first key, or that each start a bootstrapping."""
    with home.bsf(seconds=1) as bsf, home.server() as server:
        with home.listen(bsf, server) as ue:
            assert ue.say() == "e2e: hello" and ue.say("again") == "e2e: again"
            assert len(bsf.issued) == 1
            ue.wait_for_error("result=done")
    for secret in (home.auc.k, bsf.issued[0][1].ks, bsf.issued[0][1].res, KA):
        assert secret.hex() not in ue.errors + server.errors


def test_fleet_that_starts_at_one_moment(home: Home) -> None:
    """Guards against a first attempt at the very start, so that a power cut sends every device to the BSF at once."""
    delays: list[float] = []
    with home.bsf() as bsf, home.server() as server:
        while len(delays) < 20 and max(delays, default=0) < 1:
            home.state.unlink(missing_ok=True)
            asked = len(bsf.times)
            with home.listen(bsf, server):
                begun = time.monotonic()
                wait_until(lambda: len(bsf.times) > asked)
            delays.append(bsf.times[asked] - begun)
    assert max(delays) >= 1, delays


def test_key_that_ends_within_the_interval(home: Home) -> None:
    """Guards against a program whose restarts ask the BSF again within --bootstrap-interval when keys are
    short-lived.
    """
    clock, ends = Clock(home.folder), in_seconds(600)
    home.environment = clock.environment
    with home.bsf(lifetime=lambda: ends) as bsf, home.server() as server:
        assert home.say(bsf, server, "--bootstrap-interval", "3600").returncode == 0
        clock.pass_to(601)
        said = home.say(bsf, server, "--bootstrap-interval", "3600")
        assert said.returncode == 1 and "the last bootstrapping has ended" in said.stderr
        with home.listen(bsf, server, "--bootstrap-interval", "3600") as ue:
            assert "keys have ended" in ue.wait_for_error("result=anew")
            assert ue.say() == ""
            assert "keys have ended; bootstrapping again in" in ue.wait_for_error("event=refused")
        assert len(bsf.issued) == 1
        before = time.time() - 3601
        os.utime(home.state, (before, before))
        home.say(bsf, server, "--bootstrap-interval", "3600")
        assert len(bsf.issued) == 2


def test_renewal(home: Home) -> None:
    """Guards against a key that is renewed too early, or only when somebody asks after it has expired."""
    with home.bsf(lifetime=lambda: in_seconds(10)) as bsf, home.server() as server:
        with home.listen(bsf, server, "--bootstrap-interval", "1") as ue:
            assert ue.say() == "e2e: hello"
            wait_until(lambda: len(bsf.issued) == 2)
            assert bsf.times[2] - bsf.times[0] > 10 * 0.9 - 1.5  # lifetimes are whole seconds
            assert ue.say("again") == "e2e: again"
            wait_until(lambda: ue.errors.count("result=done") == 2)


def test_a_naf_that_refuses_the_identity(home: Home) -> None:
    """Guards against a local connection that is refused, although another bootstrapping would have served it."""

    def know_the_second(b_tid: str, vector: Vector) -> None:
        if len(bsf.issued) > 1:
            home.know(b_tid, vector)

    with home.bsf(issue=know_the_second) as bsf, home.server() as server:
        with home.listen(bsf, server, "--bootstrap-interval", "1") as ue:
            assert ue.say() == "e2e: hello"
            assert len(bsf.issued) == 2 and "event=refused" not in ue.errors


def test_a_naf_that_refuses_every_identity(home: Home) -> None:
    """Guards against a local program that sends the UE to its BSF as often as it connects."""
    with home.bsf(issue=None) as bsf, home.server() as server:
        with home.listen(bsf, server, "--bootstrap-interval", "1") as ue:
            while len(bsf.times) < 2 * 4:
                assert ue.say() == ""
            begun = bsf.times[::2]
            pauses = [later - before for before, later in zip(begun, begun[1:])]
            assert all(pause > least - 0.1 for pause, least in zip(pauses, (1, 1, 2))), pauses
            ue.wait_for_error("event=refused")


def test_no_bsf(home: Home) -> None:
    """Guards against local connections that hang, or a BSF that is asked without growing pauses, while it cannot be reached."""
    with home.bsf() as bsf, home.server() as server:
        words = home.words(bsf, server, "--listen", f"{LOOPBACK}:0", "--bootstrap-interval", "2")
    words[words.index("--bsf") + 1] = "http://127.0.0.1:9"
    with Listening(words) as ue:
        wait_until(lambda: ue.errors.count("result=failed") == 2)
        first, second = (int(pause) for pause in re.findall(r"again-in=(\d+)", ue.errors))
        assert 1 <= first <= 3 <= second <= 6
        assert ue.say() == ""
        assert 'reason="no key: the BSF 127.0.0.1: ' in ue.wait_for_error("event=refused")


def test_end_while_it_bootstraps(home: Home) -> None:
    """Guards against a SIGTERM that waits for a BSF or a modem which does not answer."""
    with home.bsf(seconds=600) as bsf, home.server() as server:
        with home.listen(bsf, server, "--bootstrap-timeout", "600") as ue:
            wait_until(lambda: bsf.seen)
            assert ue.stop() == 0 and "result=stuck" not in ue.errors
    with home.bsf() as bsf, home.server() as server, Modem(Card(), csim="silence") as modem:
        home.usim = f"at:{modem.path}"
        with home.listen(bsf, server) as ue:
            wait_until(lambda: modem.lines)
            assert ue.stop() == 0 and "result=stuck" not in ue.errors


def test_state_of_a_run_before(home: Home) -> None:
    """Guards against a restart that bootstraps although its keys are good, or takes another card's."""
    with home.bsf() as bsf, home.server() as server:
        for _ in range(2):
            with home.listen(bsf, server) as ue:
                assert ue.say() == "e2e: hello"
        assert len(bsf.issued) == 1
        ue.wait_for_error("result=resumed")
        home.write_card(imsi="001010000000002")
        with home.listen(bsf, server) as ue:
            wait_until(lambda: len(bsf.issued) == 2)
            assert "of another card" in ue.wait_for_error("result=anew")


def test_state_of_another_impi(home: Home) -> None:
    """Guards against keys of a run before that are taken for those of another --impi."""
    with home.bsf() as bsf, home.server() as server:
        assert home.say(bsf, server).returncode == 0
        other = "other@" + IMPI.partition("@")[2]
        with home.listen(bsf, server, "--impi", other) as ue:
            assert "of another IMPI" in ue.wait_for_error("result=anew")


def test_state_of_another_version(home: Home) -> None:
    """Guards against lines of a later version's state file that are read as this version's."""
    with home.bsf() as bsf, home.server() as server:
        assert home.say(bsf, server).returncode == 0
        later = home.state.read_text().replace("akma-bootstrap 1\n", "akma-bootstrap 10\n")
        home.state.write_text(later)
        with home.listen(bsf, server) as ue:
            said = ue.wait_for_error("result=anew")
            assert "it does not begin with" in said
            assert ue.say() == "e2e: hello"
        assert len(bsf.issued) == 2


def test_resumed_key_that_a_naf_refuses(home: Home) -> None:
    """Guards against a refused key of an earlier run that is never replaced, or replaced within the interval."""
    with home.bsf(issue=None) as bsf, home.server() as server:
        assert home.say(bsf, server).returncode == 4
        bsf.behaviour.issue = home.know
        result = home.say(bsf, server)
        assert result.returncode == 4 and len(bsf.issued) == 1
        before = time.time() - 61
        os.utime(home.state, (before, before))
        assert home.say(bsf, server).stdout == "e2e: hello\n"
        assert len(bsf.issued) == 2


def test_pin_is_tried_once(home: Home) -> None:
    """Guards against a wrong PIN that is tried again by the next bootstrapping, until the card is blocked."""
    card = Card(pin="1234")
    with home.bsf() as bsf, home.server() as server, Modem(card) as modem:
        home.usim = f"at:{modem.path}"
        pin = home.folder / "pin"
        pin.write_text("9999\n")
        pin.chmod(0o600)
        words = ["--usim-pin", f"file:{pin}", "--bootstrap-interval", "1"]
        with home.listen(bsf, server, *words) as ue:
            assert "2 tries are left" in ue.wait_for_error("result=failed")
            wait_until(lambda: "is not tried again" in ue.errors)
    assert card.tries == 2 and bsf.seen == [] and "9999" not in ue.errors


def test_kas_of_the_devices_file(home: Home) -> None:
    """Guards against Ka's that are not found by the device's name, or a change of their file that loses the key."""
    devices = home.folder / "ue.csv"
    write_devices(devices, [["other", "", "c0" * 32, "1"], [IMPI, "", KA.hex(), ""]])
    home.ka_words = ["--devices", str(devices), "--device", IMPI]
    with home.bsf() as bsf, home.server() as server:
        with home.listen(bsf, server, "--reload-interval", "1") as ue:
            assert ue.say() == "e2e: hello"
            write_devices(devices, [[IMPI, "", KA.hex(), ""]])
            ue.wait_for_error("event=reload result=applied")
            assert ue.say("again") == "e2e: again"
            write_devices(devices, [["other", "", "c0" * 32, "1"]])
            assert "no Ka of this device" in ue.wait_for_error("event=reload result=refused")
            assert ue.say("still") == "e2e: still"
        assert len(bsf.issued) == 1
    home.state.unlink()
    with home.bsf() as bsf, home.server() as server:
        result = home.say(bsf, server)
    assert result.returncode == 1 and "no Ka of this device" in result.stderr and bsf.seen == []


def test_remanence(home: Home) -> None:
    """Guards against a UE that keeps K, OPc, RES or Ks in memory once it has Ks_NAF."""
    with home.bsf() as bsf, home.server() as server:
        with home.listen(bsf, server) as ue:
            assert ue.say() == "e2e: hello"
            vector = bsf.issued[0][1]
            for secret in (home.auc.k, home.auc.opc, vector.res, vector.ks):
                assert is_gone(ue.process.pid, secret)
                assert is_gone(ue.process.pid, secret.hex().encode())
            ks_naf = reference.ks_naf(vector.ks, vector.rand, IMPI, NAF_ID)
            assert holds(ue.process.pid, ks_naf)  # the check itself: it is in use


def test_a_key_for_each_protocol(home: Home) -> None:
    """Guards against a Ks_NAF of one Ua protocol identifier that is used for another suite or version of TLS."""
    suites = {each: SUITES[each] for each in SUITES if each.startswith("ECDHE")}
    home.operator.other_naf_ids = {FQDN.encode() + bytes.fromhex(ua) for ua in suites.values()}
    words = ["--tls-min", "1.2"]
    with home.bsf() as bsf:
        for versions in (words, words[:0]):
            with home.server(*versions) as server:
                assert home.say(bsf, server, *words).stdout == "e2e: hello\n"
                server.wait_for_error("ua-protocol-id=0100000007")
        for suite, ua in suites.items():
            server_words = [*home.site.sources(f"bsf:{home.operator.url}"), "--dtls-ciphers", suite]
            with Process(
                *[str(BUILD / "e2e/e2e-as"), "--accept", f"udp:{LOOPBACK}:0", "--naf-fqdn", FQDN],
                *["--devices", str(home.site.write_names([IMPI])), "--drain-timeout", "0"],
                *server_words,
            ) as udp:
                address = udp.read().decode().split()[1]
                ue = [str(BUILD / "e2e/e2e-ue"), "--connect", address, "--naf-fqdn", FQDN, "--bsf"]
                ue += [bsf.url, "--usim", home.usim, "--state", str(home.state), *home.ka_words]
                result = run_to_end(*ue, "--message", "hello")
                assert result.stdout == "e2e: hello\n", result.stderr + udp.errors
                udp.wait_for_error(f"ua-protocol-id={ua}")
    assert len(bsf.issued) == 1
