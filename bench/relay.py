"""The flow's programs beside stunnel, on the same machine in the same run.

    relay.py [--report] [--section relay|applications|dtls] BUILD RESULTS

Prints tables, writes relay.json and a plot beside it, and puts the tables into performance.md where that is there. The
programs take turns; a ratio is the median of the rounds'. The exit status is 1 where a limit is missed, unless --report is
given. One section alone is printed and not kept.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import applications
import dtls
from plot import OTHERS, OURS, save, style
from programs import HOST, SECONDS, Bench, Program, Words, free_port
from report import table
from turns import compare, memory, rates

BEGIN, END = "<!-- relay: begin -->", "<!-- relay: end -->"
Section = tuple[
    Callable[[Bench], dict[str, Any]],
    Callable[[dict[str, Any]], str],
    Callable[[dict[str, Any]], bool],
]
HELD = int(os.environ.get("AKMA_BENCH_HELD", "8000"))


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

    listen = bench.listen(to_relay)
    client = bench.stunnel("client", stunnel.address, "yes")
    plain = {part: ["--way", "plain", "--connect", part.address] for part in (listen, client)}
    results["client connections"] = compare(
        lambda: rates(bench, listen, 1, *plain[listen]),
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
    ("client connections", "e2e-ue --listen, new connections/s", 1.3),
    ("client octets", "e2e-ue --listen, relayed MB/s each way", 1.0),
    ("store", "flows/s with Redis, against memory", 0.5),
    ("apart", "flows/s with a separate NAF, against all in one", 0.67),
]


NOTE = """
A ratio is the median of the rounds' ratios, each of two measurements that follow one another; it is not the quotient of the
two medians beside it.
"""


def tables(results: dict[str, Any]) -> str:
    """The relay's section in Markdown."""
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


def met(results: dict[str, Any]) -> bool:
    """Are the limits of the relay's section kept?"""
    most = list(results["held"].values())[-1]
    kept = all(results[name][0][2] >= limit for name, _, limit in ROWS)
    return kept and bool(most[0] <= 24 and most[1] <= 20)


# What is measured, its tables, whether its limits are met.
SECTIONS: dict[str, Section] = {
    "relay": (measure, tables, met),
    "applications": applications.SECTION,
    "dtls": dtls.SECTION,
}


def keep(results: dict[str, Any], text: str, folder: Path) -> None:
    """The figures, the plot, and the tables where there is a page for them."""
    (folder / "relay.json").write_text(json.dumps(results, indent=1) + "\n")
    draw(results["relay"], folder / "performance-relay.svg")
    page = folder / "performance.md"
    if page.exists():
        before, rest = page.read_text().split(BEGIN)
        page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.split(END)[1]}")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="the flow's programs beside others")
    parser.add_argument("--report", action="store_true", help="a missed limit is no failure")
    parser.add_argument("--section", choices=SECTIONS, help="this one alone; nothing is kept")
    parser.add_argument("build", type=Path)
    parser.add_argument("results", type=Path)
    return parser.parse_args()


def main() -> int:
    """Measure, print, keep."""
    given = arguments()
    names = [given.section] if given.section else list(SECTIONS)
    results, texts = {}, []
    for name in names:
        with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
            results[name] = SECTIONS[name][0](Bench(given.build.resolve(), Path(scratch), stack))
        texts.append(SECTIONS[name][1](results[name]))
        print(texts[-1], flush=True)
    if not given.section:
        keep(results, "\n".join(texts), given.results.resolve())
    missed = [name for name in names if not SECTIONS[name][2](results[name])]
    return 1 if missed and not given.report else 0


if __name__ == "__main__":
    sys.exit(main())
