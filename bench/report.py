"""The benchmark's figures as tables in Markdown, against the limits, and what a server needs.

    report.py performance.json

Prints the tables, and puts them into performance.md where that is beside the JSON file. The exit status is 1
where a limit is missed: where three rounds of four are above it, for a median just above it is a machine that had other
things to do.

SPDX-License-Identifier: Apache-2.0
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
DEVICES = 100_000_000

Entry = dict[str, Any]


def table(title: str, header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; every column but the first is aligned to the right."""
    header = list(header)
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join([f"### {title}", "", *("| " + " | ".join(line) + " |" for line in lines), ""])


def spread(quartiles: list[float], form: str) -> str:
    """The median, and the quartiles in brackets."""
    lower, median, upper = (form.format(value) for value in quartiles)
    return f"{median} ({lower} to {upper})"


def missed(entry: Entry) -> bool:
    """Is the lower quartile, and so more than noise, above the limit?"""
    return bool(entry["ratio"][0] > entry["limit"])


def verdict(entry: Entry) -> str:
    """How the median compares with the limit and the aim."""
    if "limit" not in entry:
        return ""
    if missed(entry):
        return "**missed**"
    if entry["ratio"][1] > entry["limit"]:
        return "not told from the limit"
    return "ok" if entry["ratio"][1] > entry.get("aim", 0) else "ok, aim reached"


def limited(entry: Entry) -> list[str]:
    """Limit, aim, measured, verdict."""
    limit, aim = (f"{entry[name]:g}" if name in entry else "" for name in ("limit", "aim"))
    return [limit, aim, spread(entry["ratio"], "{:.3f}"), verdict(entry)]


def limits(results: Entry) -> list[Entry]:
    """Everything that has a limit."""
    entries = results["comparisons"] + results["threads"]
    return [entry for entry in entries if "limit" in entry]


def comparisons(results: Entry) -> str:
    """Ratios of one call to another."""
    header = ["measured", "against", "limit", "aim", "ratio", ""]
    rows = [[c["variant"], c["reference"], *limited(c)] for c in results["comparisons"]]
    return table("Against OpenSSL's own", header, rows)


def variants(results: Entry) -> str:
    """Each call by itself."""
    header = ["call", "ns", "five compressions = 1"]
    rows = [
        [v["name"], spread(v["ns"], "{:.0f}"), spread(v["work"], "{:.2f}")]
        for v in results["variants"]
    ]
    return table("Each call", header, rows)


def threads(results: Entry) -> str:
    """Threads against processes."""
    header = ["call", "at once", "limit", "aim", "threads / processes", ""]
    rows = [[t["variant"], str(t["workers"]), *limited(t)] for t in results["threads"]]
    return table("Threads against processes", header, rows)


def growth(results: Entry, name: str) -> str:
    """Cost by the length of one input, or of the output."""
    header = [f"{name}, octets", "one shot, ns", "refresh, ns", "KBKDF one shot, ns"]
    rows = [
        [str(point["octets"]), *(f"{point[s][1]:.0f}" for s in ("one_shot", "refresh", "kbkdf"))]
        for point in results["growth"][name]
    ]
    return table(f"Growth with {name}", header, rows)


def contexts(results: Entry) -> str:
    """Memory and time of contexts that are kept."""
    header = ["live contexts", "octets each, set", "octets each, derived", "refresh of any, ns"]
    rows = [
        [
            f"{c['contexts']:,}",
            str(c["octets_set"]),
            str(c["octets_derived"]),
            spread(c["refresh"], "{:.0f}"),
        ]
        for c in results["contexts"]
    ]
    return table("Live contexts", header, rows)


def server(results: Entry) -> str:
    """What a server with many devices needs, from the medians of this run."""
    ns = {variant["name"]: variant["ns"][1] for variant in results["variants"]}
    most = results["contexts"][-1]
    kept = most["refresh"][1]
    calls = {"one shot": ns["AKMA-E2E one shot"], "refresh, context kept": kept}
    header = [f"{DEVICES // 10**6} million devices", *calls]

    def cores(seconds: int) -> list[str]:
        return [f"{DEVICES / seconds * cost * 1e-9:.3f}" for cost in calls.values()]

    rows = [
        ["keys a second and core", *(f"{1e9 / cost:,.0f}" for cost in calls.values())],
        ["all once, on one core", *(f"{DEVICES * cost * 1e-9:.0f} s" for cost in calls.values())],
        ["each once a day, cores", *cores(86400)],
        ["each once an hour, cores", *cores(3600)],
        ["each once a minute, cores", *cores(60)],
        ["memory of contexts", "none kept", f"{DEVICES * most['octets_derived'] / 1e9:.0f} GB"],
    ]
    return table("A large server", header, rows)


def report(results: Entry) -> str:
    """All tables."""
    return "\n".join(
        [
            f"{results['openssl']}, {results['processor']}, {results['processors']} processors.\n",
            comparisons(results),
            threads(results),
            variants(results),
            *(growth(results, name) for name in results["growth"]),
            contexts(results),
            server(results),
        ]
    )


def renew(document: Path, tables: str) -> None:
    """Put the tables between the two marks."""
    before, rest = document.read_text().split(BEGIN)
    after = rest.split(END)[1]
    document.write_text(f"{before}{BEGIN}\n\n{tables}\n{END}{after}")


def main() -> int:
    """Report; 1 where a limit is missed."""
    path = Path(sys.argv[1])
    results: Entry = json.loads(path.read_text())
    tables = report(results)
    print(tables)
    document = path.with_suffix(".md")
    if document.exists():
        renew(document, tables)
    failed = [entry for entry in limits(results) if missed(entry)]
    for entry in failed:
        against = entry.get("reference", "processes")
        print(
            f"missed: {entry['variant']} against {against}:"
            f" limit {entry['limit']:g}, measured {spread(entry['ratio'], '{:.3f}')}",
            file=sys.stderr,
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
