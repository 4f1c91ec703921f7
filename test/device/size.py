#!/usr/bin/python3
"""What device/akma_device.c costs, by compiler: octets of code and constants, and of stack beside the HMAC.

    test/device/size.py [folder to compile in]

The stack is the deepest way from each derivation through the functions that it calls, as the compiler counts it;
what the functions of struct akma_hmac take comes on top. Prints a row for each compiler that is installed.

SPDX-License-Identifier: Apache-2.0
"""

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "device/akma_device.c"
DERIVATIONS = ("akma_e2e", "akma_ks_naf", "akma_k_af")
COMPILERS = {
    "Cortex-M3, -Os": "arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -Os",
    "Cortex-M3, -O2": "arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -O2",
    "Cortex-M0, -Os": "arm-none-eabi-gcc -mcpu=cortex-m0 -mthumb -Os",
    "x86-64, -Os": "gcc -Os",
}


@dataclass(frozen=True)
class Size:
    """Octets of code and constants; of stack for each derivation."""

    text: int
    stack: dict[str, int]


def deepest(graph: str, function: str) -> int:
    """The most stack that a function and all below it use, from gcc's graph of calls."""
    frames = {
        name.split(":")[-1]: int(octets)
        for name, octets in re.findall(r'node: { title: "([^"]+)" label: ".*?(\d+) bytes \(', graph)
    }
    calls = re.findall(r'edge: { sourcename: "([^"]+)" targetname: "([^"]+)"', graph)
    below: dict[str, set[str]] = {}
    for caller, callee in calls:
        below.setdefault(caller.split(":")[-1], set()).add(callee.split(":")[-1])

    def depth(name: str) -> int:
        return frames.get(name, 0) + max(
            (depth(callee) for callee in below.get(name, ())), default=0
        )

    assert function in frames, f"gcc's graph has no {function}"
    return depth(function)


def measure(compiler: str, folder: Path) -> Size:
    """Compile once, and read what the compiler wrote."""
    made = folder / "akma_device.o"
    command = [*compiler.split(), "-std=c99", "-fcallgraph-info=su", f"-I{SOURCE.parent}"]
    subprocess.run([*command, "-c", SOURCE, "-o", made], check=True, cwd=folder)
    size = compiler.split()[0].removesuffix("gcc") + "size"
    said = subprocess.run([size, made], check=True, capture_output=True, text=True).stdout
    text, data, bss, *_ = map(int, said.splitlines()[1].split()[:3])
    assert data == bss == 0, "no variable of its own"
    graph = made.with_suffix(".ci").read_text()
    return Size(text, {name: deepest(graph, name) for name in DERIVATIONS})


def sizes(folder: Path) -> dict[str, Size]:
    """By compiler, those that are installed."""
    return {
        name: measure(compiler, folder)
        for name, compiler in COMPILERS.items()
        if shutil.which(compiler.split()[0])
    }


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        found = sizes(Path(sys.argv[1] if len(sys.argv) > 1 else folder))
    print(f"{'compiler':24}{'text':>6}" + "".join(f"{name:>14}" for name in DERIVATIONS))
    for name, size in found.items():
        print(f"{name:24}{size.text:6}" + "".join(f"{size.stack[one]:14}" for one in DERIVATIONS))


if __name__ == "__main__":
    main()
