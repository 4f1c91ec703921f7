"""The flow's programs beside stunnel, on the same machine in the same run.

    relay.py BUILD RESULTS

Prints tables, writes relay.json and a plot beside it, and puts the tables into performance.md where that is there. The
programs take turns; a ratio is the median of the rounds'. The exit status is 1 where a limit is missed.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from plot import OTHERS, OURS, save, style
from report import table

BEGIN, END = "<!-- relay: begin -->", "<!-- relay: end -->"
HOST, FQDN, CIPHER = "127.0.0.1", "naf.example.com", "TLS_AES_128_GCM_SHA256"
DEVICES, ROUNDS = 200, 3
SECONDS = int(os.environ.get("AKMA_BENCH_SECONDS", "3"))
HELD = int(os.environ.get("AKMA_BENCH_HELD", "8000"))
NO_LIMITS = (
    "--connections-max 30000 --connections-per-device 30000 --handshakes-per-source 30000 "
    "--idle-timeout 3600"
).split()
LONG_LIVED = ["--refresh-lifetime", "300"]
TICKS = os.sysconf("SC_CLK_TCK")

Load = dict[str, float]
Words = list[str | Path]


def free_port() -> int:
    """A port that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class Bench:
    """What is measured with: programs, keys, and the application behind every relay."""

    def __init__(self, build: Path, folder: Path, stack: contextlib.ExitStack) -> None:
        self.build, self.folder, self.stack = build, folder, stack
        rows = [(f"ue{n}", secrets.token_hex(32), secrets.token_hex(32)) for n in range(DEVICES)]
        self.devices = self.table("devices", rows)
        self.ks_nafs = self.table("ks-nafs", [(name, ks_naf, "") for name, ks_naf, _ in rows])
        self.kas = self.table("kas", [(name, "", ka) for name, _, ka in rows])
        self.secrets = self.file(
            "secrets", "".join(f"3GPP-bootstrapping.{row[0]}:{row[1]}\n" for row in rows)
        )
        self.wrap = self.file("wrap", f"1:{secrets.token_hex(32)}\n")
        self.application = self.start(free_port(), build / "bench/echo", f"{HOST}:{{port}}").address

    def file(self, name: str, text: str) -> Path:
        """A file of mode 0600."""
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def table(self, name: str, rows: list[tuple[str, str, str]]) -> Path:
        """A devices file."""
        lines = [",".join(row) for row in [("identity", "ks-naf", "ka"), *rows]]
        return self.file(name, "\n".join(lines) + "\n")

    def start(self, port: int, *words: str | Path) -> "Program":
        """A server, until the end."""
        text = [str(word).replace("{port}", str(port)) for word in words]
        return self.stack.enter_context(Program(port, text))

    def server(self, *options: str | Path) -> tuple["Program", list[str]]:
        """e2e-as in one process, and what a load needs to reach it."""
        naf, as_program = f"{HOST}:{free_port()}", self.build / "e2e/e2e-as"
        words: Words = [as_program, "--accept", naf, "--e2e-accept", f"{HOST}:{{port}}"]
        words += ["--naf-fqdn", FQDN, "--devices", self.devices, *NO_LIMITS, *LONG_LIVED, *options]
        program = self.start(free_port(), *words)
        return program, self.flow(naf, program.address)

    def apart(self) -> list[str]:
        """NAF and third party in a process each, and what a load needs to reach them."""
        naf, line = f"{HOST}:{free_port()}", f"{HOST}:{free_port()}"
        as_program = self.build / "e2e/e2e-as"
        words: Words = [as_program, "--naf-accept", line, "--e2e-accept", f"{HOST}:{{port}}"]
        words += ["--devices", self.kas, *self.certificate(f"IP:{HOST}"), *NO_LIMITS, *LONG_LIVED]
        third_party = self.start(free_port(), *words)
        words = [as_program, "--accept", naf, "--third-party", line, "--naf-fqdn", FQDN]
        words += ["--devices", self.ks_nafs, *self.certificate(f"DNS:{FQDN}"), *NO_LIMITS]
        self.start(int(naf.split(":")[1]), *words)
        return self.flow(naf, third_party.address)

    def flow(self, naf: str, endpoint: str) -> list[str]:
        """What a load needs to make flows."""
        to = ["--way", "flow", "--connect", naf, "--e2e-connect", endpoint]
        return [*to, "--devices", str(self.devices)]

    def certificate(self, name: str) -> Words:
        """A certificate for the line between NAF and third party, as options; the first call makes the CA."""
        ca, ca_key = self.folder / "ca.pem", self.folder / "ca.key"
        new = "openssl req -config /etc/ssl/openssl.cnf -x509 -newkey ec -nodes".split()
        new += ["-pkeyopt", "ec_paramgen_curve:P-256"]
        if not ca.exists():
            quietly(*new, "-subj", "/CN=CA", "-keyout", ca_key, "-out", ca)
        certificate, key = (self.folder / f"{name.split(':')[0]}.{end}" for end in ("pem", "key"))
        uses = [f"subjectAltName={name}", "extendedKeyUsage=clientAuth,serverAuth"]
        uses += ["basicConstraints=critical,CA:FALSE"]
        extensions = [word for use in uses for word in ("-addext", use)]
        issuer: Words = ["-CA", ca, "-CAkey", ca_key, "-subj", "/CN=line"]
        quietly(*new, *issuer, *extensions, "-keyout", key, "-out", certificate)
        return ["--cert", certificate, "--key", key, "--ca", ca]

    def stunnel(self, name: str, target: str, client: str = "no") -> "Program":
        """stunnel with the same PSKs and cipher."""
        identity = "PSKidentity = 3GPP-bootstrapping.ue0\n" if client == "yes" else ""
        port = free_port()
        config = self.file(
            f"stunnel-{name}",
            f"foreground = yes\npid =\ndebug = 3\n[relay]\nclient = {client}\naccept = {HOST}:{port}\n"
            f"connect = {target}\nsslVersionMin = TLSv1.3\nciphersuites = {CIPHER}\nciphers = PSK\n"
            f"PSKsecrets = {self.secrets}\n{identity}",
        )
        return self.start(port, "stunnel4", config)

    def load(self, *words: str) -> Load:
        """One measurement."""
        result = subprocess.run(
            [self.build / "bench/load", "--seconds", str(SECONDS), *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=SECONDS + 60,
        )
        figures: Load = json.loads(result.stdout)
        if figures["failed"] > 0.01 * figures["visits"]:
            raise RuntimeError(result.stderr)
        return figures


def quietly(*words: str | Path) -> None:
    """A command that has to work."""
    subprocess.run(words, check=True, capture_output=True)


class Program:
    """A server under way."""

    def __init__(self, port: int, words: list[str]) -> None:
        self.address = f"{HOST}:{port}"
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
                return
            time.sleep(0.02)
        raise RuntimeError(f"{words} does not listen on {port}")

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    @property
    def resident(self) -> int:
        """Octets."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


def rates(bench: Bench, program: Program, per_visit: int, *words: str) -> tuple[float, float]:
    """Handshakes a second, and a second of the program's processor time."""
    before = program.cpu
    figures = bench.load(*words)
    handshakes = figures["visits"] * per_visit
    return handshakes / figures["seconds"], handshakes / (program.cpu - before)


def compare(
    ours: Callable[[], tuple[float, ...]], theirs: Callable[[], tuple[float, ...]]
) -> list[Any]:
    """By turns: the medians of each, and the median ratios."""
    rounds = [(ours(), theirs()) for _ in range(ROUNDS)]
    columns = []
    for place in range(len(rounds[0][0])):
        pairs = [(a[place], b[place]) for a, b in rounds]
        middle = [statistics.median(pair[side] for pair in pairs) for side in (0, 1)]
        columns.append([*middle, statistics.median(a / b for a, b in pairs)])
    return columns


@contextlib.contextmanager
def held(bench: Bench, count: int, *words: str) -> Iterator[None]:
    """So many connections stay meanwhile."""
    command: Words = [bench.build / "bench/load", "--task", "hold", "--clients", str(count), *words]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdin
        figures = json.loads(process.stdout.readline())
        if figures["failed"] or figures["visits"] < count:
            raise RuntimeError(f"{figures} of {count}")
        yield
        process.stdin.close()


def memory(bench: Bench, make: Callable[[], tuple[Program, list[str]]], count: int) -> float:
    """KiB of a held connection: of a program that has served before, against it with none."""
    program, words = make()
    bench.load(*words, "--clients", "16")
    time.sleep(0.5)
    before = program.resident
    with held(bench, count, *words):
        time.sleep(0.5)
        used = program.resident - before
    program.process.kill()
    return used / count / 1024


def tls(bench: Bench, address: str) -> list[str]:
    """One handshake with a server of stunnel's."""
    return ["--way", "tls", "--connect", address, "--devices", str(bench.devices)]


def measure(bench: Bench) -> dict[str, Any]:
    """Everything."""
    forward: Words = ["--forward", bench.application]
    relay, to_relay = bench.server(*forward)
    stunnel = bench.stunnel("server", bench.application)
    to_stunnel = tls(bench, stunnel.address)
    results: dict[str, Any] = {}
    results["handshakes"] = compare(
        lambda: rates(bench, relay, 2, *to_relay), lambda: rates(bench, stunnel, 1, *to_stunnel)
    )
    bulk = ["--task", "bulk", "--clients", "4"]

    def octets(*words: str) -> tuple[float]:
        return (bench.load(*words, *bulk)["octets"] / SECONDS / 1e6,)

    results["octets"] = compare(lambda: octets(*to_relay), lambda: octets(*to_stunnel))

    words: Words = [bench.build / "e2e/e2e-ue", "--listen", f"{HOST}:{{port}}", *to_relay[2:]]
    listen = bench.start(free_port(), *words, "--identity", "ue0", "--naf-fqdn", FQDN)
    client = bench.stunnel("client", stunnel.address, "yes")
    plain = {part: ["--way", "plain", "--connect", part.address] for part in (listen, client)}
    results["client handshakes"] = compare(
        lambda: rates(bench, listen, 2, *plain[listen]),
        lambda: rates(bench, client, 1, *plain[client]),
    )
    results["client octets"] = compare(
        lambda: octets(*plain[listen]), lambda: octets(*plain[client])
    )

    redis = bench.start(
        free_port(), "redis-server", "--port", "{port}", "--bind", HOST, "--save", ""
    )
    store: Words = ["--store", f"redis://{redis.address}", "--store-key", bench.wrap]
    in_memory, shared = bench.server(), bench.server(*store)
    results["store"] = compare(
        lambda: rates(bench, shared[0], 1, *shared[1]),
        lambda: rates(bench, in_memory[0], 1, *in_memory[1]),
    )
    apart = bench.apart()

    def flows(words: list[str]) -> tuple[float]:
        return (bench.load(*words)["visits"] / SECONDS,)

    results["apart"] = compare(lambda: flows(apart), lambda: flows(in_memory[1]))

    results["clients"] = {}
    for clients in 2, 16, 100:
        figures = bench.load(*in_memory[1], "--clients", str(clients))
        results["clients"][clients] = [
            figures["visits"] / figures["seconds"],
            figures["median"],
            figures["p99"],
        ]
    results["held"] = {}
    for count in sorted({min(1000, HELD), HELD}):
        results["held"][count] = [
            memory(bench, lambda: bench.server(*forward), count),
            memory(bench, bench.server, count),
            memory(bench, lambda: with_words(bench), count),
        ]
    return results


def with_words(bench: Bench) -> tuple[Program, list[str]]:
    """Another stunnel, and how to reach it."""
    program = bench.stunnel("held", bench.application)
    return program, tls(bench, program.address)


# What is compared, the names of its columns, the limit of the first ratio.
ROWS = [
    ("handshakes", "e2e-as --forward, handshakes/s", 1.3),
    ("octets", "e2e-as --forward, relayed MB/s each way", 1.0),
    ("client handshakes", "e2e-ue --listen, handshakes/s", 1.3),
    ("client octets", "e2e-ue --listen, relayed MB/s each way", 1.0),
    ("store", "flows/s with Redis, against memory", 0.5),
    ("apart", "flows/s with the NAF apart, against all in one", 0.67),
]


NOTE = """
A ratio is the median of the rounds' ratios, each of two measurements that follow one another; it is not the quotient of the
two medians beside it.
"""


def tables(results: dict[str, Any]) -> str:
    """All of it in Markdown."""
    compared = []
    for name, title, limit in ROWS:
        ours, theirs, ratio = results[name][0]
        cpu = f"{results[name][1][2]:.2f}" if len(results[name]) > 1 else ""
        verdict = "ok" if ratio >= limit else "**missed**"
        compared.append(
            [title, f"{ours:.0f}", f"{theirs:.0f}", f"{ratio:.2f}", cpu, f"{limit:g}", verdict]
        )
    header = [
        "measured",
        "here",
        "beside it",
        "ratio",
        "ratio per processor second",
        "limit",
        "",
    ]
    clients = [
        [str(count), f"{rate:.0f}", f"{2 * rate:.0f}", f"{median:.1f}", f"{p99:.1f}"]
        for count, (rate, median, p99) in results["clients"].items()
    ]
    kept = [[f"{count}", *(f"{kib:.1f}" for kib in row)] for count, row in results["held"].items()]
    return "\n".join(
        [
            table("Beside stunnel", header, compared) + NOTE,
            table(
                "Clients at once",
                ["clients", "flows/s", "handshakes/s", "median, ms", "99th percentile, ms"],
                clients,
            ),
            table(
                "KiB of a held connection",
                ["connections", "--forward (limit 24)", "echo (limit 20)", "stunnel"],
                kept,
            ),
        ]
    )


def draw(results: dict[str, Any], path: Path) -> None:
    """The ratios as bars, stunnel being 1."""
    from matplotlib import pyplot as plt

    style()
    names = [title for _, title, _ in ROWS] + ["memory of a held connection, --forward"]
    most = list(results["held"].values())[-1]
    ratios = [results[name][0][2] for name, _, _ in ROWS] + [most[0] / most[2]]
    figure, axes = plt.subplots(figsize=(8, 3.2))
    axes.barh(names[::-1], ratios[::-1], color=OURS)
    axes.axvline(1, color=OTHERS, linestyle="--")
    axes.set_xlabel("stunnel (the store in memory, all in one) = 1")
    figure.tight_layout()
    save(figure, path)


def main() -> int:
    """Measure, print, keep."""
    build, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        results = measure(Bench(build, Path(scratch), stack))
    text = tables(results)
    print(text)
    (folder / "relay.json").write_text(json.dumps(results, indent=1) + "\n")
    draw(results, folder / "performance-relay.svg")
    page = folder / "performance.md"
    if page.exists():
        before, rest = page.read_text().split(BEGIN)
        page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.split(END)[1]}")
    most = list(results["held"].values())[-1]
    missed = any(results[name][0][2] < limit for name, _, limit in ROWS)
    return 1 if missed or most[0] > 24 or most[1] > 20 else 0


if __name__ == "__main__":
    sys.exit(main())
