"""Draw the benchmark's figures beside the JSON file, as SVG that follows a reader's light or dark theme.

    plot.py performance.json     makes performance-cost.svg and performance-growth.svg

SPDX-License-Identifier: Apache-2.0
"""

import io
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402  the backend comes first
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

Entry = dict[str, Any]

OURS, OTHERS, WORK = "#3b82c4", "#8b949e", "#d98c21"
INK, PAPER = "#1f2328", "#ffffff"  # as drawn; in the file they are variables
THEME = """<style>
  :root { --ink: #1f2328; --paper: #ffffff }
  @media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117 } }
</style>"""
COST = [
    "AKMA-E2E one shot",
    "AKMA-E2E new keys",
    "AKMA-E2E refresh",
    "AKMA-E2E HKDF one shot",
    "3GPP-KDF",
    "GBA-KS-NAF",
    "AKMA-K-AKMA",
    "AKMA-K-AF",
    "KBKDF one shot",
    "KBKDF kept",
    "HKDF one shot",
    "SSKDF one shot",
    "TLS13-KDF one shot",
    "EVP_MAC new context",
    "EVP_MAC re-keyed",
    "EVP_MAC same key",
    "five compressions",
]
LINES = [
    ("one_shot", "AKMA-E2E one shot", OURS, "-"),
    ("refresh", "AKMA-E2E refresh", OURS, "--"),
    ("kbkdf", "KBKDF one shot, as much data", OTHERS, "-"),
]


def colour(name: str) -> str:
    """Ours, what the work itself costs, or OpenSSL's own."""
    if name.startswith(("AKMA", "3GPP", "GBA")):
        return OURS
    return WORK if name == "five compressions" else OTHERS


def draw_cost(results: Entry) -> Figure:
    """What a key costs, by the compressions that it cannot do without."""
    work = {variant["name"]: variant["work"] for variant in results["variants"]}
    figure, axes = plt.subplots(figsize=(9, 6), layout="constrained")
    names = COST[::-1]
    medians = [work[name][1] for name in names]
    errors = [
        [work[name][1] - work[name][0] for name in names],
        [work[name][2] - work[name][1] for name in names],
    ]
    axes.barh(
        *(names, medians),
        xerr=errors,
        color=[colour(name) for name in names],
        ecolor=INK,
        capsize=2,
    )
    for row, (name, median) in enumerate(zip(names, medians, strict=True)):
        end = (work[name][2], row)  # behind the upper quartile, so that its line strikes nothing
        axes.annotate(f"{median:.1f}", end, (6, 0), textcoords="offset points", va="center")
    axes.margins(x=0.08)
    axes.set_xlabel("time of one key of 32 octets; the five SHA-256 compressions in it = 1")
    axes.set_title("Cost of a key: median and quartiles")
    return figure


def draw_lengths(axes: Axes, name: str, points: list[Entry]) -> None:
    """Time by the length of an input or of the output."""
    lengths = [point["octets"] for point in points]
    for key, label, line_colour, style in LINES:
        times = [point[key][1] / 1000 for point in points]
        axes.plot(lengths, times, style, color=line_colour, marker=".", label=label)
    axes.set_xlabel(f"{name}, octets")
    axes.set_ylabel("microseconds")
    if lengths[-1] > 100 * lengths[0]:
        axes.set_xscale("log")
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)


def draw_contexts(axes: Axes, points: list[Entry]) -> None:
    """Memory of a live context, and time of a refresh among many."""
    counts = [point["contexts"] for point in points]
    octets = [point["octets_derived"] for point in points]
    axes.plot(counts, octets, "-", color=WORK, marker=".", label="octets per context")
    refresh = [point["refresh"][1] for point in points]
    axes.plot(counts, refresh, "--", color=OURS, marker=".", label="refresh of any, ns")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("live contexts")
    axes.legend()


def draw_growth(results: Entry) -> Figure:
    """How cost grows: with inputs, output, and live contexts."""
    figure, grid = plt.subplots(2, 2, figsize=(9, 7), layout="constrained")
    panels = grid.flat
    for axes, (name, points) in zip(panels, results["growth"].items(), strict=False):
        draw_lengths(axes, name, points)
    grid[0][0].legend()
    draw_contexts(grid[1][1], results["contexts"])
    figure.suptitle("How the cost grows")
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write an SVG whose ink and paper are variables of its style sheet."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue().replace(INK, "var(--ink)").replace(PAPER, "var(--paper)")
    path.write_text(svg.replace("<defs>", f"{THEME}\n <defs>", 1))


def style() -> None:
    """What every plot has in common."""
    plt.rcParams |= {"svg.hashsalt": "akma", "svg.fonttype": "none", "font.family": "sans-serif"}
    plt.rcParams |= {name: INK for name in ("text.color", "axes.labelcolor", "axes.edgecolor")}
    plt.rcParams |= {"xtick.color": INK, "ytick.color": INK}
    plt.rcParams |= {"figure.facecolor": PAPER, "axes.facecolor": PAPER, "legend.facecolor": PAPER}


def main() -> None:
    """Both plots."""
    path = Path(sys.argv[1])
    results: Entry = json.loads(path.read_text())
    style()
    for name, figure in {"cost": draw_cost(results), "growth": draw_growth(results)}.items():
        save(figure, path.with_name(f"{path.stem}-{name}.svg"))


if __name__ == "__main__":
    main()
