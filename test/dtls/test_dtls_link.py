"""The flow over DTLS where NAF and third party are separate processes.

SPDX-License-Identifier: Apache-2.0
"""

from pathlib import Path

import pytest

from datagrams import OVER_TCP, OVER_UDP, SUITE
from flow import FQDN, run_to_end, ue_command, write_devices
from one_device import IDENTITY, KA, KS_NAF
from link import Program, Sides

CIPHERS = ("--dtls-ciphers", SUITE)
TLS12 = ("--tls-min", "1.2", "--ua-protocol-id", "suite")


@pytest.mark.parametrize(
    ("accept", "options", "e2e_accept"),
    [(OVER_UDP, (), OVER_UDP), (OVER_UDP, (), OVER_TCP), (OVER_TCP, TLS12, OVER_UDP)],
    ids=["udp-udp", "udp-tcp", "tls1.2-udp"],
)
def test_separate(tmp_path: Path, accept: str, options: tuple[str, ...], e2e_accept: str) -> None:
    """Guards against a separate NAF whose third party derives with another Ua security protocol identifier than the suite's."""
    both = write_devices(tmp_path / "ue.csv", [[IDENTITY, KS_NAF.hex(), KA.hex()]])
    at_naf = write_devices(tmp_path / "naf.csv", [[IDENTITY, KS_NAF.hex(), ""]])
    at_third_party = write_devices(tmp_path / "third_party.csv", [[IDENTITY, "", KA.hex()]])
    sides = Sides(tmp_path)
    endpoint = ("--e2e-accept", e2e_accept, *(CIPHERS if e2e_accept == OVER_UDP else ()))
    there: list[str | Path] = ["--devices", at_third_party, *sides.options(sides.third_party)]
    here: list[str | Path] = ["--devices", at_naf, *sides.options(sides.naf)]
    with (
        Program("--naf-accept", OVER_TCP, *endpoint, *there) as third_party,
        Program(
            *("--accept", accept, "--third-party", third_party.addresses["naf-accept"]),
            *("--naf-fqdn", FQDN, *CIPHERS, *options),
            *here,
        ) as naf,
    ):
        addresses = (naf.addresses["accept"], third_party.addresses["e2e-accept"])
        result = run_to_end(
            *ue_command(both, IDENTITY, *addresses, message="hello"), *CIPHERS, *options
        )
        assert (result.stdout, result.returncode) == ("e2e: hello\n", 0), result.stderr
