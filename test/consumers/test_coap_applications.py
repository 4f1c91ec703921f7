"""Servers of CoAP and of LwM2M behind an endpoint over DTLS: they know nothing of all this.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer import FOREIGN, IDENTITY, KA, KS_NAF, command
from datagrams import DtlsListener, DtlsServer, port_of
from flow import LOOPBACK, Process, write_devices

pytestmark = pytest.mark.node

LARGE = "0123456789abcdef" * 200  # in several blocks (RFC 7959)
COAP_SERVER = """
const coap = require("coap");
const server = coap.createServer((request, response) => {
    if (request.url === "/large") {
        response.end("0123456789abcdef".repeat(200));
    } else if (request.headers.Observe === 0) {
        let count = 0;
        const timer = setInterval(() => response.write(`observed ${++count}\\n`), 50);
        response.on("finish", () => clearInterval(timer));
    } else {
        response.code = request.method === "PUT" ? "2.04" : "2.05";
        response.end(`${request.method} ${request.url} ${request.payload}`);
    }
});
server.listen(0, "127.0.0.1", () => console.log(server._sock.address().port));
"""


@pytest.fixture(name="devices")
def make_devices(tmp_path: Path) -> Path:
    """One device."""
    return write_devices(tmp_path / "devices.csv", [[IDENTITY, KS_NAF.hex(), KA.hex(), "k1"]])


@pytest.fixture(name="npm_coap", scope="module")
def start_npm_coap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with npm's coap."""
    folder = tmp_path_factory.mktemp("coap")
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
    installed = command("npm", "install", "coap@1", *options, seconds=120)
    assert installed.returncode == 0, installed.stderr
    (folder / "server.js").write_text(COAP_SERVER)
    with Process("node", folder / "server.js", environment=FOREIGN) as server:
        yield f"udp:{LOOPBACK}:{int(server.read())}"


@contextlib.contextmanager
def through(devices: Path, application: str) -> Iterator[DtlsListener]:
    """A local address that leads to an application, over a session with e2e_key."""
    with (
        DtlsServer(devices, "--forward", application) as server,
        DtlsListener(devices, IDENTITY, server.address, server.e2e_address) as ue,
    ):
        yield ue
        assert server.count("e2e_connections_total") > 0


def coap_client(ue: DtlsListener, path: str, *options: str) -> str:
    """What libcoap's client prints."""
    done = command(
        "coap-client-notls",
        "-B",
        "20",
        *options,
        f"coap://{LOOPBACK}:{port_of(ue.address)}{path}",
        seconds=60,
    )
    return done.stdout


def test_npm_coap(devices: Path, npm_coap: str) -> None:
    """Guards against methods, blocks or notifications of another CoAP server that the relay cuts, joins or loses."""
    with through(devices, npm_coap) as ue:
        assert "GET /meter " in coap_client(ue, "/meter")
        assert "PUT /meter 42" in coap_client(ue, "/meter", "-m", "put", "-e", "42")
        assert coap_client(ue, "/large").strip() == LARGE
        observed = coap_client(ue, "/observed", "-s", "1", "-B", "2")
        assert "observed 1" in observed and "observed 3" in observed


# An exchange of LwM2M (OMA-TS-LightweightM2M_Transport 6.4), message by message: whether the device says it, and its octets
# (RFC 7252 3, 12.2: options are Uri-Path 11, Content-Format 12, Uri-Query 15, Location-Path 8, Observe 6).
PATH_RD = b"\xb2rd"
LINKS = b"</1/0>,</3/0>"
EXCHANGE = [
    # registration: POST /rd?ep=ue1&lt=300&lwm2m=1.1&b=U, content format 40
    (
        True,
        b"\x44\x02\x00\x01tokA"
        + PATH_RD
        + b"\x11\x28\x36ep=ue1\x06lt=300\x09lwm2m=1.1\x03b=U\xff"
        + LINKS,
    ),
    (False, b"\x64\x41\x00\x01tokA\x82rd\x045a3f"),  # 2.01, Location-Path rd/5a3f
    # read of the manufacturer: GET /3/0/0, answered with text
    (False, b"\x44\x01\x10\x01tokB\xb13\x010\x010"),
    (True, b"\x64\x45\x10\x01tokB\xc0\xffOpen Mobile Alliance"),
    # write of the resulting time zone: PUT /3/0/14
    (False, b"\x44\x03\x10\x02tokC\xb13\x010\x0214\x10\xff+01:00"),
    (True, b"\x64\x44\x10\x02tokC"),
    # observation of the battery level: GET /3/0/9 with Observe 0, answered, then a notification that is acknowledged
    (False, b"\x44\x01\x10\x03tokD\x60\x513\x010\x019"),
    (True, b"\x64\x45\x10\x03tokD\x61\x01\x60\xff100"),
    (True, b"\x44\x45\x00\x02tokD\x61\x02\x60\xff99"),
    (False, b"\x60\x00\x00\x02"),
    # update of the registration: POST /rd/5a3f?lt=600; end of it: DELETE /rd/5a3f
    (True, b"\x44\x02\x00\x03tokE" + PATH_RD + b"\x045a3f\x46lt=600"),
    (False, b"\x64\x44\x00\x03tokE"),
    (True, b"\x44\x04\x00\x04tokF" + PATH_RD + b"\x045a3f"),
    (False, b"\x64\x42\x00\x04tokF"),
]


def test_lwm2m(devices: Path) -> None:
    """Guards against a server's request that does not reach its device, or a device whose address changes with each message."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as application:
        application.bind((LOOPBACK, 0))
        application.settimeout(20)
        address = f"udp:{LOOPBACK}:{application.getsockname()[1]}"
        with through(devices, address) as ue, ue.connected() as device:
            known = None
            for is_devices, octets in EXCHANGE:
                if is_devices:
                    device.send(octets)
                    came, source = application.recvfrom(2000)
                    assert known in (None, source)
                    known = source
                else:
                    assert known is not None
                    application.sendto(octets, known)
                    came = device.recv(2000)
                assert came == octets


def test_lwm2m_is_coap() -> None:
    """Guards against an LwM2M exchange of these tests that is not what libcoap's client sends and takes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((LOOPBACK, 0))
        server.settimeout(20)
        port = server.getsockname()[1]
        url = f"coap://{LOOPBACK}:{port}/rd?ep=ue1&lt=300&lwm2m=1.1&b=U"
        words = ["coap-client-notls", "-B", "5", "-m", "post", "-t", "40", "-e", LINKS.decode()]
        with subprocess.Popen([*words, url], env=FOREIGN, stdout=subprocess.PIPE) as client:
            request, source = server.recvfrom(2000)
            length = request[0] & 15
            options = (
                b"\x72" + port.to_bytes(2) + b"\x42" + EXCHANGE[0][1][9:]
            )  # Uri-Port 7 is first
            assert request[1] == 2 and request[4 + length :] == options
            answer = bytes([0x60 | length]) + b"\x41" + request[2 : 4 + length]
            server.sendto(answer + EXCHANGE[1][1][8:], source)
            assert client.wait(20) == 0
