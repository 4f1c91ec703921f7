"""The study's whole figure: a card, the BSF, NAF and third party in two processes, and an echoed line.

K and OPc of one subscriber, and Ka, are all that both sides begin with.

SPDX-License-Identifier: Apache-2.0
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import reference
from auc import HAS_OSMO, Auc, mac_star
from bsf import IMPI, IMSI, Behaviour, Bsf, Vector
from evp import BUILD
from flow import ENVIRONMENT, FQDN, LOOPBACK, NAF_ID
from link import Program, Sides
from milenage_card import MilenageCard
from operator_network import Operator, Subscriber
from operator_site import KA, OperatorSite
from pcscd import HAS_PCSCD, Pcscd, running_pcscd
from process_memory import holds
from home import Listening

pytestmark = [
    pytest.mark.pcscd,
    pytest.mark.node,
    pytest.mark.slow,
    pytest.mark.skipif(not HAS_OSMO, reason="libosmocore-utils has osmo-auc-gen"),
    pytest.mark.skipif(not HAS_PCSCD, reason="pcscd and vsmartcard-vpcd, as root"),
]


@pytest.fixture
def pcscd(tmp_path: Path) -> Iterator[Pcscd]:
    """With one virtual reader."""
    with running_pcscd(tmp_path) as daemon:
        yield daemon


class Figure:
    """The operator with its BSF (Ub and Zn), and an enterprise with a NAF and a third party of its own."""

    def __init__(self, folder: Path, does_gba: bool) -> None:
        self.folder, self.does_gba = folder, does_gba
        self.site, self.auc = OperatorSite(folder), Auc()
        (folder / "link").mkdir()
        self.sides = Sides(folder / "link")

    def vector(self) -> Vector:
        """For a card that does GBA the network alters MAC (TS 33.220 5.3.2)."""
        vector = self.auc.vector()
        return mac_star(vector) if self.does_gba else vector

    def bsf(self, operator: Operator) -> Bsf:
        """What it gives a UE by Ub, NAFs get by Zn."""

        def know(b_tid: str, vector: Vector) -> None:
            operator.known[b_tid] = Subscriber(supi=IMSI, ks=vector.ks, rand=vector.rand)

        return Bsf(Behaviour(fresh=self.vector, issue=know))

    def naf(self, operator: Operator, third_party: str) -> Program:
        """It holds no Ka."""
        accept = ["--accept", f"{LOOPBACK}:0", "--naf-fqdn", FQDN, "--third-party", third_party]
        link = self.sides.options(self.sides.naf)
        return Program(*accept, *link, *self.site.sources(f"bsf:{operator.url}"))

    def ue(self, bsf: Bsf, connect: str, endpoint: str, pcscd: Pcscd) -> Listening:
        """It holds Ka, and has a card."""
        ka = self.folder / "ka"
        ka.write_text(KA.hex() + "\n")
        ka.chmod(0o600)
        words = [str(BUILD / "e2e/e2e-ue"), "--listen", f"{LOOPBACK}:0", "--connect", connect]
        words += ["--e2e-connect", endpoint, "--naf-fqdn", FQDN, "--ka", f"file:{ka}"]
        words += ["--bsf", bsf.url, "--usim", "pcsc:", "--state", str(self.folder / "state")]
        return Listening(words, ENVIRONMENT | pcscd.environment)


@pytest.mark.parametrize("does_gba", [False, True], ids=["gba-me", "gba-u"])
def test_from_the_card_to_an_echoed_line(pcscd: Pcscd, tmp_path: Path, does_gba: bool) -> None:
    """Guards against a step of Ub, Zn, flag and e2e_key that does not fit the next, or shows a role's secret."""
    figure = Figure(tmp_path, does_gba)
    devices = figure.site.write_names([IMPI])
    with (
        figure.site.operator() as operator,
        figure.bsf(operator) as bsf,
        figure.sides.run_third_party(devices) as third_party,
        figure.naf(operator, third_party.addresses["naf-accept"]) as naf,
        pcscd.inserted(MilenageCard(does_gba=does_gba)),
        figure.ue(bsf, naf.addresses["accept"], third_party.addresses["e2e-accept"], pcscd) as ue,
    ):
        assert ue.say() == "e2e: hello", ue.errors + naf.errors + third_party.errors
        ((b_tid, vector),) = bsf.issued
        ks_naf = reference.ks_naf(vector.ks, vector.rand, IMPI, NAF_ID)
        assert holds(ue.process.pid, ks_naf) and not holds(ue.process.pid, vector.ks)
        assert not holds(naf.process.pid, KA) and not holds(third_party.process.pid, vector.ks)
        assert f"identity={b_tid}" in third_party.errors + naf.errors
    assert operator.faults == []
    for secret in (figure.auc.k, figure.auc.opc, vector.ks, vector.res, ks_naf, KA):
        assert secret.hex() not in (ue.errors + naf.errors + third_party.errors).lower()
    state = (tmp_path / "state").read_text()
    assert ("ks card\n" in state) == does_gba


def test_card_of_another_network(pcscd: Pcscd, tmp_path: Path) -> None:
    """Guards against a card or UE that accepts a challenge from a network which does not know K."""
    figure = Figure(tmp_path, False)
    figure.auc = replace(figure.auc, k=bytes(16))
    devices = figure.site.write_names([IMPI])
    with (
        figure.site.operator() as operator,
        figure.bsf(operator) as bsf,
        figure.site.server(f"bsf:{operator.url}", names=[IMPI]) as server,
        pcscd.inserted(MilenageCard()),
        figure.ue(bsf, server.address, server.e2e_address, pcscd) as ue,
    ):
        assert "it is not genuine" in ue.wait_for_error("result=failed")
        assert ue.say() == "" and bsf.issued == [] and devices.exists()
