"""The one device of the tests over datagrams and TLS 1.2.

SPDX-License-Identifier: Apache-2.0
"""

import secrets
from pathlib import Path

import pytest

from flow import write_devices

IDENTITY = "bob@bsf.example.com"
PSK_IDENTITY = f"3GPP-bootstrapping.{IDENTITY}"
KS_NAF, KA = secrets.token_bytes(32), secrets.token_bytes(32)


@pytest.fixture(name="devices")
def make_devices(tmp_path: Path) -> Path:
    """The file of devices, for what imports this fixture."""
    return write_devices(tmp_path / "devices.csv", [[IDENTITY, KS_NAF.hex(), KA.hex(), "k1"]])
