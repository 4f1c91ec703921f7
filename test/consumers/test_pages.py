"""docs/consumers.md and docs/developers.md keep their word: their boxes are run unchanged.

SPDX-License-Identifier: Apache-2.0
"""

import getpass
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

import reference
from consumer import KA, NAF_ID, SYSTEM, command
from devices_files import PLUGIN
from evp import BUILD
from flow import LONG, free_port
from openssl_cli import EXAMPLE
from project import blocks
from project import ROOT

PAGE = (ROOT / "docs/consumers.md").read_text()
PORTS = sorted(set(re.findall(r"\b(?:888\d|5684|5685|5686)\b", PAGE)))
PATH = os.pathsep.join([str(BUILD / "tool"), str(BUILD / "examples"), os.environ["PATH"]])
# Heading -> what its client says, or what comes out of it.
SAID = {
    "mosquitto with the plugin": r"received CONNACK \(0\)",
    "mosquitto with psk_file": r"received CONNACK \(0\)",
    "stunnel before a server": "hello",
    "openssl s_server and s_client": "Cipher is TLS_",
    "gnutls-serv and gnutls-cli": "hello",
    "HTTP Digest": "^hello$",
    "nghttpx before a server": "hello",
    "libcoap, the examples": "42",
    "coap-server and coap-client": r"\d\d:\d\d:\d\d",
}


def boxes(heading: str) -> list[str]:
    """The boxes of the shell under a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of the page."""
    folder = tmp_path_factory.mktemp("page")
    (box,) = boxes("The devices and their files")
    settings = SYSTEM | {"PATH": PATH, "OPENSSL_CONF": str(EXAMPLE)}
    result = command("sh", "-ec", f"cd '{folder}'\n{box}", environment=settings)
    assert result.returncode == 0, result.stderr
    return folder


def replaced(box: str, ports: dict[str, str]) -> str:
    """Our ports, plugin and user in place of the page's."""
    for port, ours in ports.items():
        box = re.sub(rf"\b{port}\b", ours, box)
    box = box.replace("/usr/lib/x86_64-linux-gnu/mosquitto_akma.so", str(PLUGIN))
    return box.replace("\nlistener ", f"\nuser {getpass.getuser()}\nlistener ")


def start(here: Path, box: str) -> subprocess.Popen[bytes]:
    """A server as its box says; it and what it started are one group, which ends together."""
    return subprocess.Popen(
        ["sh", "-ec", f"cd '{here}'\n{box}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=SYSTEM | {"PATH": PATH, "OPENSSL_CONF": str(EXAMPLE)},
    )


def until_said(here: Path, box: str, said: str) -> str:
    """Try a client until the server is there and it says what is expected; its last output."""
    end = time.monotonic() + LONG
    output = ""
    settings = SYSTEM | {"PATH": PATH, "OPENSSL_CONF": str(EXAMPLE)}
    while re.search(said, output) is None and time.monotonic() < end:
        result = command("sh", "-c", f"cd '{here}'\n{box}", environment=settings)
        output = result.stdout + result.stderr
    return output


@pytest.mark.parametrize("heading", SAID)
def test_boxes(here: Path, heading: str) -> None:
    """Guards against a box of docs/consumers.md that no longer works, unchanged, with the program that it is about."""
    ports = {port: str(free_port()) for port in PORTS}
    ports["5686"] = str(int(ports["5685"]) + 1)  # coap-server's DTLS is the port after it
    server_box, client_box = (replaced(box, ports) for box in boxes(heading))
    server = start(here, server_box)
    try:
        assert re.search(SAID[heading], until_said(here, client_box, SAID[heading]))
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(10)


def test_stunnel_before_a_client(here: Path) -> None:
    """Guards against a box of docs/consumers.md for stunnel's client side that does not reach its server side."""
    ports = {port: str(free_port()) for port in PORTS}
    server = start(here, replaced(boxes("stunnel before a server")[0], ports))
    client_box = replaced(boxes("stunnel before a client")[0], ports)
    client = start(here, client_box.replace("stunnel.conf", "client.conf"))
    try:
        plain = f"(echo hello; sleep 1) | nc -q 2 127.0.0.1 {ports['8886']}"
        assert "hello" in until_said(here, plain, "hello")
    finally:
        for process in (server, client):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)


def test_developers_page() -> None:
    """Guards against a program of docs/developers.md that fails, or derives another key than the reference."""
    program = "".join(blocks("docs/developers.md", "python"))
    program += "print(*(k.hex() for k in (k_akma, a_tid, k_af, key, ueransim_k_akma)))\n"
    settings = SYSTEM | {"PYTHONPATH": str(ROOT / "python")}
    result = command("/usr/bin/python3", "-c", program, environment=settings)
    k_ausf = bytes.fromhex("96cd25e8ea25aed38ba7b49aa3b2ce0e986821341b75975bc9468cd49ecbe5f4")
    supi = "234150999999999"
    k_akma = reference.k_akma(k_ausf, supi)
    k_af = reference.k_af(k_akma, NAF_ID)
    expected = [k_akma, reference.a_tid(k_ausf, supi), k_af]
    expected += [reference.e2e_key(k_af, KA, NAF_ID)]
    expected += [reference.kdf_3gpp(k_ausf, b"\x6a", [supi.encode()])]
    assert result.stdout.split() == [key.hex() for key in expected], result.stderr
