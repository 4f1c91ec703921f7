"""device/ where it belongs: on a Cortex-M3 in qemu, with mbed TLS, against real servers.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import board
import device
import reference
from board import Bridge
from consumer import FQDN, IDENTITY, KA, KS_NAF
from flow import LOOPBACK, Process, free_port
from project import ROOT, run

sys.path.insert(0, str(ROOT / "test/device"))
import size  # noqa: E402

SOURCE = ROOT / "device/akma_device.c"
CASES = ROOT / "test/device/cases.c"
TEXT_MAX, STACK_MAX = 4096, 256  # octets of device/ alone; text is 2,235 today
HEAP_RESERVED = 1 << 20  # by mps2.ld
ROM_MAX, RAM_MAX = 96 * 1024, 24 * 1024  # of the figure, with mbed TLS, printf and semihosting
# What openssl s_server and libcoap's server have in common with mbed TLS.
SUITE, CIPHER = "c0a8", "PSK-AES128-CCM8"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not board.is_here(), reason="gcc-arm-none-eabi, qemu-system-arm"),
]


@dataclass(frozen=True)
class Kit:
    """mbed TLS for the board, and what to compile with."""

    library: Path
    flags: list[str]

    def build(self, program: Path, *sources: Path, flags: Sequence[str] = ()) -> Path:
        """A program for the board."""
        board.build(program, list(sources), self.library, [*self.flags, *flags])
        return program


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """Debian's source of mbed TLS, compiled for the board."""
    folder = tmp_path_factory.mktemp("board")
    source = Path(os.environ.get("AKMA_MBEDTLS", folder / "source"))
    run(ROOT / "test/device/mbedtls_source.sh", source)
    board.build_library(source / "mbedtls", folder / "libmbedtls.a")
    return Kit(folder / "libmbedtls.a", board.mbedtls_flags(source / "mbedtls"))


def check(answer: list[str]) -> None:
    """All vectors and refusals, in the order of device.py."""
    names, _, expected = zip(*device.vectors(), *device.refusals())
    found = [line.split(" ")[1] if line.startswith("refused") else line for line in answer]
    assert dict(zip(names, found)) == dict(zip(names, expected)) and len(answer) == len(names)


def all_cases() -> str:
    """The lines that go in."""
    return "".join(f"{case}\n" for _, case, _ in [*device.vectors(), *device.refusals()])


@pytest.mark.parametrize("adapter", ["MBEDTLS", "PSA"])
def test_adapters(adapter: str, tmp_path: Path) -> None:
    """Guards against an adapter to mbed TLS or PSA that forgets an octet or a failure."""
    program = tmp_path / "cases"
    folders = [f"-I{ROOT / folder}" for folder in ("device", "test/device")]
    run("gcc", f"-DAKMA_TEST_{adapter}", *folders, CASES, SOURCE, "-lmbedcrypto", "-o", program)
    done = subprocess.run([program], input=all_cases(), capture_output=True, text=True, timeout=60)
    check(done.stdout.splitlines())


def test_vectors_on_the_board(kit: Kit, tmp_path: Path) -> None:
    """Guards against a width of a type, or a missing library, that changes a key on a Cortex-M3."""
    program = kit.build(tmp_path / "cases.elf", CASES, SOURCE, flags=["-DAKMA_TEST_MBEDTLS"])
    command: list[str | Path] = [*board.QEMU, "-serial", "none", "-kernel", program]
    done = subprocess.run(command, input=all_cases(), capture_output=True, text=True, timeout=300)
    check(done.stdout.splitlines())


def test_size(tmp_path: Path) -> None:
    """Guards against code and stack that outgrow what docs/device.md promises."""
    found = size.sizes(tmp_path)
    boards = {name: one for name, one in found.items() if name.startswith("Cortex")}
    assert boards
    for name, one in boards.items():
        assert one.text <= TEXT_MAX and max(one.stack.values()) <= STACK_MAX, name


def test_sixteen_bit_int(tmp_path: Path) -> None:
    """Guards against a length that is computed in an int and overflows on a 16-bit machine."""
    warnings = "-std=c99 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -ffreestanding"
    run("avr-gcc", "-mmcu=avr6", *warnings.split(), "-c", SOURCE, "-o", tmp_path / "device.o")


def test_main_loop_compiles(kit: Kit, tmp_path: Path) -> None:
    """Guards against an example for devices that does not compile with the flags of its readers."""
    for name in ("main_loop", "flow", "flag"):
        source = ROOT / f"examples/device/{name}.c"
        flags = [*board.FLAGS, "-Werror", *kit.flags]
        run(board.COMPILER, *flags, "-c", source, "-o", tmp_path / f"{name}.o")


# The whole figure.


@dataclass
class Figure:
    """A board that runs test/device/board/figure.c, and what stands in for the NAF."""

    naf: subprocess.Popen[bytes]
    device: Process
    e2e_port: int

    def nonce(self) -> bytes:
        """What the board asks with, after its first handshake: a datagram, so without an end of line."""
        line = b""
        assert self.naf.stdout
        while b"}" not in line:
            octets = os.read(self.naf.stdout.fileno(), 4096)
            assert octets, "the server ended"
            line += octets
        return bytes.fromhex(json.loads(line[line.index(b"{") : line.index(b"}") + 1])["nonce"])

    def answer(self, flag: dict[str, object]) -> None:
        """The flag, as one datagram."""
        assert self.naf.stdin
        self.naf.stdin.write(json.dumps(flag).encode())
        self.naf.stdin.flush()


@pytest.fixture(scope="module")
def program(kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firmware."""
    sources = [board.BOARD / "figure.c", SOURCE]
    sources += [ROOT / f"examples/device/{name}.c" for name in ("flow", "flag")]
    return kit.build(tmp_path_factory.mktemp("figure") / "figure.elf", *sources)


@pytest.fixture
def figure(program: Path, tmp_path: Path) -> Iterator[Figure]:
    """Board, bridge and NAF, at the point where the first handshake begins."""
    ports = [free_port(), free_port()]
    server = f"openssl s_server -dtls1_2 -accept {LOOPBACK}:{ports[0]} -nocert -quiet".split()
    server += ["-psk", KS_NAF.hex(), "-cipher", f"{CIPHER}:@SECLEVEL=0"]
    uart = tmp_path / "uart"
    bridge = Bridge(uart, [(LOOPBACK, port) for port in ports])
    qemu = [*board.QEMU, "-chardev", f"socket,id=uart,path={uart}", "-serial", "chardev:uart"]
    pipe = subprocess.PIPE
    with subprocess.Popen(server, bufsize=0, stdin=pipe, stdout=pipe) as naf:
        try:
            with Process(*qemu, "-kernel", str(program)) as device_process:
                settings = [KS_NAF.hex(), KA.hex(), f"3GPP-bootstrapping.{IDENTITY}", FQDN, SUITE]
                device_process.write("".join(f"{line}\n" for line in settings).encode())
                yield Figure(naf, device_process, ports[1])
        finally:
            naf.kill()
            bridge.close()


def flag_and_key(nonce: bytes, **changes: object) -> tuple[dict[str, object], bytes]:
    """A third party's answer, and the key that follows from it: without 00, which coap-server cannot take."""
    while True:
        refresh = nonce + os.urandom(16)
        naf_id = FQDN.encode() + bytes.fromhex("010001" + SUITE)
        key = reference.e2e_key(KS_NAF, KA, naf_id, refresh=refresh, usage="tls-psk")
        if 0 not in key:
            break
    flag = {
        "e2e": 1,
        "mode": "3GPP",
        "digest": "SHA2-256",
        "refresh": refresh.hex(),
        "usage": "tls-psk",
        "identity": "e2e-1",
    }
    return flag | changes, key


def print_memory(program: Path, said: bytes) -> None:
    """ROM and RAM of the whole figure; RAM as the board counted it."""
    text, data, bss = map(int, run("arm-none-eabi-size", program).splitlines()[1].split()[:3])
    heap, stack = map(int, re.findall(rb"(\d+)", said))
    rom, ram = text + data, data + bss - HEAP_RESERVED + heap + stack
    print(f"ROM {rom} octets, RAM {ram} octets: heap {heap}, stack {stack}")
    assert rom <= ROM_MAX and ram <= RAM_MAX


def test_whole_figure(figure: Figure, program: Path) -> None:
    """Guards against an e2e_key of the device with which a real CoAP server refuses the handshake."""
    flag, key = flag_and_key(figure.nonce())
    coap: list[str | bytes] = ["coap-server-openssl", "-A", LOOPBACK]
    coap += ["-p", str(figure.e2e_port - 1), "-k", key]
    with subprocess.Popen(coap, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        figure.answer(flag)
        answer = figure.device.read()
        assert answer.startswith(b"coap 2.05 This is a test server made with libcoap"), answer
        server.terminate()
    assert figure.device.wait() == 0
    rest = [figure.device.read() for _ in range(4)]  # the server's text has lines of its own
    print_memory(program, next(line for line in rest if line.startswith(b"heap")))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"mode": "HKDF"}, "fault 4"),
        ({"digest": "SHA2-512"}, "fault 4"),
        ({"usage": "other"}, "fault 4"),
        ({"refresh": "00" * 32}, "fault 4"),
        ({"more": "x"}, "fault 4"),
        ({"identity": ""}, "fault 4"),
    ],
)
def test_flag_that_is_not_ours(figure: Figure, changes: dict[str, object], fault: str) -> None:
    """Guards against a device that follows a flag whose mode, digest, usage, refresh or identity the operator
    altered.
    """
    flag, _ = flag_and_key(figure.nonce(), **changes)
    figure.answer(flag)
    assert fault in figure.device.read().decode()
    assert figure.device.wait() == 1


def test_flag_withheld(figure: Figure) -> None:
    """Guards against a device that goes on in plain when the operator withholds the flag."""
    figure.nonce()
    figure.answer({"e2e": 0})
    assert "fault 3" in figure.device.read().decode()
    assert figure.device.wait() == 1
