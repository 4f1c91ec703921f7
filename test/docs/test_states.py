"""The states that docs/states.md draws, compared with the enumerations of the code.

SPDX-License-Identifier: Apache-2.0
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/states.md").read_text()
SOURCES = {
    path: re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
    for path in sorted((ROOT / "e2e").rglob("*.[ch]"))
}
TEXT = "\n".join(SOURCES.values())

DRAWN = re.compile(
    r"`enum (?P<enum>\w+)` \(\[(?P<path>[\w/.]+)\]\(\.\./(?P=path)\)\)\n\n"
    r"```mermaid\nstateDiagram-v2\n(?P<arrows>.*?)```",
    re.S,
)
ARROW = re.compile(r"    (\S+) --> (\S+): (\S.*)")
OUTSIDE = "[*]"


@dataclass
class Diagram:
    """One diagram of the page."""

    enum: str
    path: Path
    arrows: list[tuple[str, str, str]]

    @property
    def names(self) -> set[str]:
        """Every state that is drawn."""
        return {name for arrow in self.arrows for name in arrow[:2]} - {OUTSIDE}

    def targets(self, source: str | None = None) -> set[str]:
        """Where arrows lead to: all, or those that begin at a state."""
        return {to for at, to, _ in self.arrows if source in (None, at)} - {OUTSIDE}


def read_arrow(line: str) -> tuple[str, str, str]:
    """Source, target and event of an arrow."""
    arrow = ARROW.fullmatch(line)
    assert arrow, f"{line!r} is not '    STATE --> STATE: event'"
    return arrow[1], arrow[2], arrow[3]


DIAGRAMS = {
    found["enum"]: Diagram(
        found["enum"],
        ROOT / found["path"],
        [read_arrow(line) for line in found["arrows"].splitlines()],
    )
    for found in DRAWN.finditer(PAGE)
}
each_diagram = pytest.mark.parametrize("diagram", DIAGRAMS.values(), ids=DIAGRAMS)


def enumerators(enum: str, text: str) -> set[str]:
    """The names of an enumeration in a source."""
    (body,) = re.findall(rf"\benum {enum} {{(.*?)}}", text, re.S)
    return set(re.findall(r"\b[A-Z]\w+", body))


def test_every_state_machine_is_drawn() -> None:
    """Guards against a new enumeration of states that docs/states.md does not draw."""
    states = set(re.findall(r"\benum (\w*(?:state|step|phase)) {", TEXT))
    assert states <= set(DIAGRAMS)
    assert PAGE.count("```mermaid") == len(DIAGRAMS)


@each_diagram
def test_states_are_named_as_in_the_code(diagram: Diagram) -> None:
    """Guards against a drawn state that the code has under another name, or not at all."""
    assert diagram.names == enumerators(diagram.enum, SOURCES[diagram.path])


@each_diagram
def test_every_state_is_reached_and_left(diagram: Diagram) -> None:
    """Guards against a drawn state without an arrow to it or from it."""
    reached = diagram.targets(OUTSIDE)
    for _ in diagram.names:
        reached |= {to for name in reached for to in diagram.targets(name)}
    assert reached == diagram.names
    assert {at for at, _, _ in diagram.arrows} == diagram.names | {OUTSIDE}
    assert len(set(diagram.arrows)) == len(diagram.arrows)


@each_diagram
def test_arrows_lead_where_the_code_goes(diagram: Diagram) -> None:
    """Guards against an arrow to a state that no statement enters, or an entered state without one."""
    entered = {name for name in diagram.names if re.search(rf"\bstate = [^;]*\b{name}\b", TEXT)}
    if entered:
        assert entered <= diagram.targets()
        assert diagram.targets() - entered <= diagram.targets(OUTSIDE)
