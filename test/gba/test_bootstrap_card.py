"""akma bootstrap with pcscd and a virtual reader, and Milenage beside osmo-auc-gen.

SPDX-License-Identifier: Apache-2.0
"""

import re
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import reference
from auc import HAS_OSMO, osmo
from bsf import IMPI, IMSI, SET_1, Behaviour, Bsf
from card import AUTHENTICATE_3G, KS_EXT_NAF, Card
from pcscd import HAS_PCSCD, Pcscd, running_pcscd
from tool import akma

pytestmark = pytest.mark.slow

FQDN, UA = "naf.example.com", "0100000007"
NAF_ID = FQDN.encode() + bytes.fromhex(UA)
needs_pcscd = pytest.mark.skipif(not HAS_PCSCD, reason="pcscd and vsmartcard-vpcd, as root")


@pytest.fixture
def pcscd(tmp_path: Path) -> Iterator[Pcscd]:
    """With one virtual reader."""
    with running_pcscd(tmp_path) as daemon:
        yield daemon


def run(
    pcscd: Pcscd, url: str, folder: Path, *more: str, usim: str = "pcsc:"
) -> subprocess.CompletedProcess[bytes]:
    """akma bootstrap with its reader."""
    words = ["--naf-fqdn", FQDN, "--ua-protocol-id", UA, "--out", str(folder / "ks-naf")]
    words += ["--state", str(folder / "state"), "--usim", usim, *more]
    return akma("bootstrap", "--bsf", url, *words, environment=pcscd.environment)


@pytest.mark.pcscd
@needs_pcscd
def test_card_in_a_reader(pcscd: Pcscd, tmp_path: Path) -> None:
    """Guards against an APDU to a reader's card that is malformed, or a GET RESPONSE that is not sent."""
    with pcscd.inserted(Card()), Bsf() as bsf:
        result = run(pcscd, bsf.url, tmp_path)
    assert result.returncode == 0, result.stderr
    expected = reference.ks_naf(SET_1.ks, SET_1.rand, IMPI, NAF_ID).hex()
    assert (tmp_path / "ks-naf").read_text().strip() == expected


@pytest.mark.pcscd
@needs_pcscd
def test_gba_u_in_a_reader(pcscd: Pcscd, tmp_path: Path) -> None:
    """Guards against a Ks_NAF made from CK and IK of a card that does GBA itself and gives Ks_ext_NAF."""
    with pcscd.inserted(Card(does_gba=True)), Bsf() as bsf:
        result = run(pcscd, bsf.url, tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "ks-naf").read_text().strip() == KS_EXT_NAF


@pytest.mark.pcscd
@needs_pcscd
@pytest.mark.parametrize("does_gba", [False, True])
def test_card_with_t1(pcscd: Pcscd, tmp_path: Path, does_gba: bool) -> None:
    """Guards against an AUTHENTICATE without Le, which a card that speaks T=1 answers without data."""
    (tmp_path / "pin").write_text("1234\n")
    (tmp_path / "pin").chmod(0o600)
    card = Card(is_t1=True, does_gba=does_gba, pin="1234")
    with pcscd.inserted(card), Bsf() as bsf:
        result = run(pcscd, bsf.url, tmp_path, "--usim-pin", f"file:{tmp_path / 'pin'}")
    assert result.returncode == 0, result.stderr
    expected = reference.ks_naf(SET_1.ks, SET_1.rand, IMPI, NAF_ID).hex()
    assert (tmp_path / "ks-naf").read_text().strip() == (KS_EXT_NAF if does_gba else expected)


@pytest.mark.pcscd
@needs_pcscd
def test_no_card(pcscd: Pcscd, tmp_path: Path) -> None:
    """Guards against an error about an empty reader that does not name the reader."""
    with Bsf() as bsf:
        result = run(pcscd, bsf.url, tmp_path)
    assert result.returncode == 1 and b"the card is not in the reader" in result.stderr


@pytest.mark.pcscd
@needs_pcscd
def test_card_that_is_pulled_out(pcscd: Pcscd, tmp_path: Path) -> None:
    """Guards against a card that is pulled out during AUTHENTICATE being reported as an unknown error."""
    with pcscd.inserted(Card(changes={AUTHENTICATE_3G[:8]: None})), Bsf() as bsf:
        result = run(pcscd, bsf.url, tmp_path)
    assert result.returncode == 1 and b"was it pulled out?" in result.stderr, result.stderr
    assert not (tmp_path / "state").exists()


@pytest.mark.pcscd
@needs_pcscd
def test_reader_by_name(pcscd: Pcscd, tmp_path: Path) -> None:
    """Guards against another reader being used when none has the name that was given."""
    with pcscd.inserted(Card()), Bsf() as bsf:
        result = run(pcscd, bsf.url, tmp_path, usim="pcsc:another")
    assert result.returncode == 1
    assert b"no reader has the name another; the first is Virtual" in result.stderr


def test_no_pcscd(tmp_path: Path) -> None:
    """Guards against an error without the daemon's name when pcscd is not running."""
    environment = {"PCSCLITE_CSOCK_NAME": str(tmp_path / "none")}
    words = ["bootstrap", "--bsf", "auto", "--usim", "pcsc:"]
    result = akma(*words, environment=environment)
    assert result.returncode == 1 and b"is pcscd running?" in result.stderr


@pytest.mark.skipif(not HAS_OSMO, reason="libosmocore-utils")
def test_milenage_beside_osmo(tmp_path: Path) -> None:
    """Guards against a Milenage function that is right for the published vector alone."""
    for _ in range(20):
        k, opc, rand = (secrets.token_bytes(16) for _ in range(3))
        sqn = 32 * secrets.randbelow(1 << 40)  # osmo-auc-gen keeps the lowest five bits for IND
        vector = osmo(k, opc, rand, sqn + 32)
        subscriber = tmp_path / "subscriber"
        lines = f"imsi {IMSI}\nk {k.hex()}\nopc {opc.hex()}\nsqn {sqn:012x}\n"
        subscriber.write_text(lines)
        subscriber.chmod(0o600)
        words = ["--naf-fqdn", FQDN, "--ua-protocol-id", UA, "--out", str(tmp_path / "ks-naf")]
        with Bsf(Behaviour(vectors=[vector])) as bsf:
            card, state = f"milenage:{subscriber}", tmp_path / "state"
            result = akma("bootstrap", "--bsf", bsf.url, "--usim", card, "--state", state, *words)
        assert result.returncode == 0, result.stderr
        expected = reference.ks_naf(vector.ks, rand, IMPI, NAF_ID).hex()
        assert (tmp_path / "ks-naf").read_text().strip() == expected


@pytest.mark.pcscd
@pytest.mark.skipif(not HAS_OSMO, reason="libosmocore-utils")
def test_auts_beside_osmo(tmp_path: Path) -> None:
    """Guards against an AUTS with a wrong MAC-S or AK*, in which the network finds another SQN."""
    k, opc, rand = (secrets.token_bytes(16) for _ in range(3))
    sqn = 32 * 5000
    subscriber = tmp_path / "subscriber"
    subscriber.write_text(f"imsi {IMSI}\nk {k.hex()}\nopc {opc.hex()}\nsqn {sqn:012x}\n")
    subscriber.chmod(0o600)
    with Bsf(Behaviour(vectors=[osmo(k, opc, rand, 32)])) as bsf:
        card, state = f"milenage:{subscriber}", tmp_path / "state"
        akma("bootstrap", "--bsf", bsf.url, "--usim", card, "--state", state)
    (auts,) = bsf.resynchronised
    words = ["osmo-auc-gen", "-3", "-a", "milenage", "-k", k.hex(), "-o", opc.hex()]
    words += ["-f", "8000", "-r", rand.hex(), "-A", auts.hex()]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    assert re.search(rf"SQN.*\b{sqn}\b", said), said
