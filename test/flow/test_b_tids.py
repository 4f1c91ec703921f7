"""B-TIDs as real BSFs make them, base64 with + / and =, through every program, log, file and store.

SPDX-License-Identifier: Apache-2.0
"""

import json
import re
from pathlib import Path

import pytest

import reference
from devices_files import PLUGIN, settings
from evp import BUILD
from flow import FQDN, NAF_ID, Server, run_to_end, ue, write_devices
from store_cluster import Redis, private
from tool import akma

pytestmark = pytest.mark.slow

KS_NAF, KA = bytes(range(1, 33)), bytes(range(100, 132))
B_TIDS = {
    "RAND": "++//vpY3qJ0hiuZNrke/NQ==@bsf.mnc001.mcc001.pub.3gppnetwork.org",
    "a hash": "q83vEjRWeJA/+Kk1z0pJ/WXh5dG3yq1b9f+1qzN2c9E=@bsf.ims.mnc045.mcc123.pub.3gppnetwork.org",
}
NAF = ["--naf-fqdn", FQDN, "--ua-protocol-id", "0100000007"]
each = pytest.mark.parametrize("b_tid", B_TIDS.values(), ids=list(B_TIDS))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the files are."""
    return tmp_path


def devices(folder: Path, b_tid: str) -> Path:
    """A file with one such row."""
    return write_devices(folder / "devices.csv", [[b_tid, KS_NAF.hex(), KA.hex()]])


@each
def test_flow_and_log(folder: Path, b_tid: str) -> None:
    """Guards against a B-TID with +, / or = that is not served, or that the log quotes or changes."""
    path = devices(folder, b_tid)
    with Server(path) as server:
        result = ue(path, b_tid, server.address, server.e2e_address)
        assert (result.stdout, result.returncode) == ("e2e: hello\n", 0), result.stderr
        assert f" identity={b_tid} " in server.wait_for_error("event=flag") + " "
        result = ue(path, b_tid, server.address, server.e2e_address, "--device", b_tid)
        assert result.stdout == "e2e: hello\n"


@pytest.mark.redis
@each
def test_store(folder: Path, b_tid: str) -> None:
    """Guards against a B-TID with odd characters whose key is not found again in a Redis."""
    path, key = devices(folder, b_tid), folder / "store.key"
    redis = Redis(folder)
    try:
        private(key, f"1:{bytes(range(32)).hex()}\n")
        options = ("--store", redis.url, "--store-key", str(key))
        with Server(path, *options) as server:
            result = ue(path, b_tid, server.address, server.e2e_address)
            assert (result.stdout, result.returncode) == ("e2e: hello\n", 0), result.stderr
    finally:
        redis.stop()


@each
@pytest.mark.parametrize(
    "format_", ["mosquitto", "stunnel", "libcoap", "openssl", "gnutls", "htdigest", "json"]
)
def test_psk_files(folder: Path, b_tid: str, format_: str) -> None:
    """Guards against an export that cuts or encodes a B-TID with odd characters, or gives it another key."""
    out = folder / "out"
    words: list[str | Path] = [
        "psk",
        "--in",
        devices(folder, b_tid),
        "--out",
        out,
        "--format",
        format_,
        *NAF,
    ]
    result = akma(*words)
    assert result.returncode == 0, result.stderr
    text = out.read_text()
    if format_ == "json":
        assert [row["identity"] for row in json.loads(text)] == [b_tid]
    else:
        assert b_tid in text
    key = reference.e2e_key(KS_NAF, KA, NAF_ID)
    assert format_ == "htdigest" or key.hex() in text.lower()


@each
def test_rows(folder: Path, b_tid: str) -> None:
    """Guards against akma ka add, merge or remove not finding the row of a B-TID with odd characters."""
    path, ka = devices(folder, b_tid), folder / "ka"
    private(ka, "b0" * 32 + "\n")
    words: list[str | Path] = ["--devices", path, "--identity", b_tid]
    assert akma("ka", "add", *words, "--ka", f"file:{ka}", "--ka-id", "2027").returncode == 0
    assert f"{b_tid},{KS_NAF.hex()},{'b0' * 32},2027" in path.read_text()
    merged = folder / "merged.csv"
    result = akma("ka", "merge", "--ks-naf", path, "--ka", path, "--out", merged)
    assert result.returncode == 0 and b_tid in merged.read_text()
    assert akma("ka", "remove", *words).returncode == 0
    assert b_tid not in path.read_text()


def test_identity() -> None:
    """Guards against akma identity making a B-TID in another alphabet than base64, or refusing one with odd characters."""
    rand, bsf = "fbefffbe9637a89d218ae64dae47bf35", "bsf.mnc001.mcc001.pub.3gppnetwork.org"
    said = akma("identity", "--rand", rand, "--bsf", bsf).stdout.decode()
    assert re.search(rf"\+\+//vpY3qJ0hiuZNrke/NQ==@{re.escape(bsf)}", said), said
    for b_tid in B_TIDS.values():
        result = akma("identity", "--b-tid", b_tid)
        assert result.returncode == 0 and f"3GPP-bootstrapping.{b_tid}" in result.stdout.decode()


@each
@pytest.mark.skipif(not PLUGIN.exists(), reason="mosquitto-dev and libmosquitto-dev")
def test_plugin(folder: Path, b_tid: str) -> None:
    """Guards against a B-TID with odd characters that the broker's plugin does not find."""
    file = devices(folder, b_tid)
    result = run_to_end(
        BUILD / "test/programs/broker",
        PLUGIN,
        f"devices={file}",
        f"naf_fqdn={FQDN}",
        environment=settings(),
        given=f"{b_tid}\n",
    )
    key = reference.e2e_key(KS_NAF, KA, NAF_ID)
    assert result.stdout.splitlines()[0] == key.hex().upper(), result.stderr
