"""Devices files for the mosquitto plugin.

SPDX-License-Identifier: Apache-2.0
"""

from pathlib import Path

from consumer import IDENTITY, KA, KS_NAF, SYSTEM, e2e_key
from evp import BUILD

PLUGIN = BUILD / "plugins/mosquitto/mosquitto_akma.so"
VALGRIND = ["valgrind", "-q", "--leak-check=full", "--error-exitcode=9"]
# Its key begins with an octet of zeros, which must not be lost on the way.
WITH_ZEROS = next(
    octets
    for octets in (number.to_bytes(2, "big") for number in range(65536))
    if e2e_key(refresh=octets)[0] == 0
)
HEADER = "identity,ks-naf,ka,refresh"


def row(identity: str = IDENTITY, ka: bytes = KA, refresh: bytes = b"") -> str:
    """A row of the devices file."""
    return f"{identity},{KS_NAF.hex()},{ka.hex()},{refresh.hex()}"


def write_rows(path: Path, *rows: str, mode: int = 0o600, end: str = "\n") -> None:
    """Write a devices file beside and rename it into place, as one should."""
    new = path.with_suffix(".new")
    new.write_text("\n".join([HEADER, *rows]) + end)
    new.chmod(mode)
    new.rename(path)


def settings(config: Path | None = None) -> dict[str, str]:
    """The environment, with a configuration of OpenSSL or the system's."""
    return SYSTEM | ({} if config is None else {"OPENSSL_CONF": str(config)})
