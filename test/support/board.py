"""A board in qemu: programs built for it, and the bridge between its UART and UDP.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import selectors
import shutil
import socket
import subprocess
import threading
from pathlib import Path

from project import ROOT

BOARD = ROOT / "test/device/board"
COMPILER = "arm-none-eabi-gcc"
FLAGS = (
    "-std=c11 -mcpu=cortex-m3 -mthumb -Os -ffunction-sections -fdata-sections "
    "-Wall -Wextra -Wpedantic -Wshadow -Wconversion"
).split()
QEMU = (
    "qemu-system-arm -M mps2-an385 -display none -monitor none "
    "-semihosting-config enable=on,target=native"
).split()


def is_here() -> bool:
    """Whether the compiler and the emulator are installed."""
    return all(shutil.which(program) for program in (COMPILER, QEMU[0]))


def mbedtls_flags(mbedtls: Path) -> list[str]:
    """Where the headers are, for our code and for mbed TLS'."""
    folders = [ROOT / "device", ROOT / "examples/device", ROOT / "test/device", BOARD]
    ours = [f"-I{folder}" for folder in folders]
    return [
        *ours,
        "-isystem",
        str(mbedtls / "include"),
        "-DMBEDTLS_CONFIG_FILE=<mbedtls_config.h>",
    ]


def build_library(mbedtls: Path, library: Path) -> None:
    """Compile mbed TLS for the board, one file after the other."""
    folder = library.parent / "objects"
    folder.mkdir(parents=True, exist_ok=True)
    flags = [flag for flag in FLAGS if not flag.startswith("-W")] + mbedtls_flags(mbedtls)
    sources = sorted(str(file) for file in (mbedtls / "library").glob("*.c"))
    subprocess.run([COMPILER, *flags, "-c", *sources], cwd=folder, check=True)
    objects = sorted(str(file) for file in folder.glob("*.o"))
    subprocess.run(["arm-none-eabi-ar", "rcs", str(library), *objects], check=True)


def build(program: Path, sources: list[Path], library: Path, flags: list[str]) -> None:
    """Link a program for the board."""
    names = [str(source) for source in [*sources, BOARD / "start.c"]]
    subprocess.run(
        [
            COMPILER,
            *FLAGS,
            *flags,
            "--specs=rdimon.specs",
            "-T",
            str(BOARD / "mps2.ld"),
            "-Wl,--gc-sections",
            *names,
            str(library),
            "-o",
            str(program),
        ],
        check=True,
    )


class Bridge:
    """Carries the board's datagrams: (connection, length in two octets, octets) on its UART, UDP outside."""

    def __init__(self, path: Path, places: list[tuple[str, int]]) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(1)
        self.places = places
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def close(self) -> None:
        """End it; its thread ends when the board's side of the UART does."""
        self.listener.close()
        self.thread.join(5)

    def _run(self) -> None:
        uart, _ = self.listener.accept()
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in self.places]
        pending = b""
        with selectors.DefaultSelector() as selector, uart:
            selector.register(uart, selectors.EVENT_READ)
            for number, (udp, place) in enumerate(zip(sockets, self.places)):
                udp.connect(place)
                selector.register(udp, selectors.EVENT_READ, number)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is uart:
                        octets = self._read(uart)
                        if not octets:
                            return
                        pending = self._send(pending + octets, sockets)
                    else:
                        self._receive(uart, key.data, sockets[key.data])

    @staticmethod
    def _read(uart: socket.socket) -> bytes:
        try:
            return uart.recv(4096)
        except ConnectionResetError:
            return b""  # the board was switched off

    @staticmethod
    def _send(pending: bytes, sockets: list[socket.socket]) -> bytes:
        while len(pending) >= 3 and len(pending) >= 3 + int.from_bytes(pending[1:3], "big"):
            length = 3 + int.from_bytes(pending[1:3], "big")
            try:
                sockets[pending[0]].send(pending[3:length])
            except ConnectionRefusedError:
                pass  # as a network: the datagram is lost
            pending = pending[length:]
        return pending

    @staticmethod
    def _receive(uart: socket.socket, number: int, udp: socket.socket) -> None:
        try:
            datagram = udp.recv(4096)
        except ConnectionRefusedError:
            return
        with contextlib.suppress(BrokenPipeError):
            uart.sendall(bytes([number]) + len(datagram).to_bytes(2, "big") + datagram)
