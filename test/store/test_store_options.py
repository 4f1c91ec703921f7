"""What the options of store and endpoint refuse, with a sentence and before anything is opened.

SPDX-License-Identifier: Apache-2.0
"""

import subprocess
from pathlib import Path

import pytest

from evp import BUILD
from flow import FQDN, LOOPBACK, run_to_end, write_devices

ENDPOINT = ["--e2e-accept", f"{LOOPBACK}:0"]
REDIS = ["--store", f"redis://{LOOPBACK}:1"]
KEY = ["--store-key", "store.key"]


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """e2e-as, which is expected to refuse."""
    return run_to_end(BUILD / "e2e/e2e-as", *words, folder=folder)


@pytest.mark.parametrize(
    "words,sentence",
    [
        (ENDPOINT, "--store redis://HOST:PORT or rediss://HOST:PORT is missing"),
        (ENDPOINT + REDIS, "--store-key FILE is missing"),
        (ENDPOINT + ["--store", "memory"] + KEY, "are for a Redis"),
        (ENDPOINT + REDIS + KEY + ["--store-user", "x"], "--store-password-file FILE is missing"),
        (ENDPOINT + REDIS + KEY + ["--store-ca", "x"], "--store-ca goes with --store rediss://"),
        (ENDPOINT + REDIS + KEY + ["--proxy-protocol"], "--forward HOST:PORT or unix:PATH is"),
        (ENDPOINT + REDIS + KEY + ["--devices", "x"], "an endpoint alone does not use it"),
        (
            ["--naf-accept", "x:1", "--devices", "x", "--cert", "x", "--key", "x", "--ca", "x"]
            + ["--forward", "x:1"],
            "--forward is for an endpoint",
        ),
        (
            ["--accept", "x:1", "--third-party", "x:1", "--devices", "x", "--naf-fqdn", FQDN]
            + ["--cert", "x", "--key", "x", "--ca", "x", *REDIS, *KEY],
            "a separate NAF holds no e2e_key",
        ),
    ],
)
def test_useless_combinations(tmp_path: Path, words: list[str], sentence: str) -> None:
    """Guards against an option of store or endpoint that is accepted although another one leaves it without effect."""
    result = run(tmp_path, *words)
    assert result.returncode == 2 and sentence in result.stderr, result.stderr


@pytest.mark.parametrize(
    "url",
    [
        *["redis", f"http://{LOOPBACK}:1", f"redis://u:secret@{LOOPBACK}:1"],
        *[f"redis://{LOOPBACK}:1/0", "redis://", f"redis://{LOOPBACK}", "rediss://:6380"],
    ],
)
def test_what_is_no_store(tmp_path: Path, url: str) -> None:
    """Guards against a --store that is malformed and taken, or a password in it that the error repeats."""
    (tmp_path / "store.key").touch(0o600)
    (tmp_path / "store.key").write_text("1:" + "0f" * 32 + "\n")
    result = run(tmp_path, *ENDPOINT, "--store", url, *KEY)
    assert result.returncode == 2 and "or rediss://HOST:PORT; user" in result.stderr
    assert "secret" not in result.stderr


def test_a_store_key_that_others_can_read(tmp_path: Path) -> None:
    """Guards against a --store-key that others can read being taken by a server."""
    (tmp_path / "store.key").write_text("1:" + "0f" * 32 + "\n")
    (tmp_path / "store.key").chmod(0o644)
    result = run(tmp_path, *ENDPOINT, *REDIS, *KEY)
    assert result.returncode == 1 and "--store-key store.key" in result.stderr


def test_an_application_that_cannot_be(tmp_path: Path) -> None:
    """Guards against a --forward that names no address being found out only when a UE comes."""
    devices = write_devices(tmp_path / "d", [["ue", "00" * 32, "01" * 32]])
    words = ["--accept", f"{LOOPBACK}:0", "--devices", str(devices), "--naf-fqdn", FQDN]
    for target, said in (
        ("nonsense", "nonsense: must be HOST:PORT or unix:PATH"),
        ("unix:", "a path of 1 to 107 octets must"),
        ("unix:" + "x" * 108, "a path of 1 to 107 octets must"),
        ("::1:80", "must be HOST:PORT"),
        (f"{LOOPBACK}:65536", "the port must be a number from 1 to 65535"),
        (f"{LOOPBACK}:0", "the port must be a number from 1 to 65535"),
    ):
        result = run(tmp_path, *words, "--forward", target)
        assert result.returncode == 1 and said in result.stderr, target


@pytest.mark.parametrize(
    "text",
    ["secret\n", "", "\n", "x" * 513, None],
    ids=["others can read it", "empty", "blank", "long", "none"],
)
def test_a_password_file_of_no_use(tmp_path: Path, text: str | None) -> None:
    """Guards against a password file that is empty or public being found out only when the first UE comes."""
    (tmp_path / "store.key").touch(0o600)
    (tmp_path / "store.key").write_text("1:" + "0f" * 32 + "\n")
    if text is not None:
        (tmp_path / "password").touch(0o600)
        (tmp_path / "password").write_text(text)
        (tmp_path / "password").chmod(0o660 if text == "secret\n" else 0o600)
    result = run(tmp_path, *ENDPOINT, *REDIS, *KEY, "--store-password-file", "password")
    assert result.returncode == 1 and "--store-password-file password: " in result.stderr
    assert "secret" not in result.stderr
