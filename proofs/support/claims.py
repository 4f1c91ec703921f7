"""What is claimed: claims.toml of each folder, read.

SPDX-License-Identifier: Apache-2.0
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Change:
    """A text that occurs once in a file of the project, and its replacement."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Claim:
    """One row of the table. What a tool has to know beyond that is in `how`."""

    folder: str
    tool: str
    says: str
    files: list[str]
    bounds: str
    how: dict[str, Any]
    edits: list[
        Change
    ]  # what a tool is given in place of the project's own text, so that it can decide
    mutants: list[Change]

    @property
    def name(self) -> str:
        """Folder and last file: what the command line picks by."""
        return f"{self.folder}/{self.files[-1]}"

    def paths(self, tree: Path) -> list[Path]:
        """The claim's own files."""
        return [tree / "proofs" / self.folder / file for file in self.files]

    def lines(self) -> int:
        """How long the proof is."""
        return sum(len(path.read_text().splitlines()) for path in self.paths(ROOT))


def read_claims() -> list[Claim]:
    """Every claim of every folder."""
    claims = []
    for path in sorted((ROOT / "proofs").glob("*/claims.toml")):
        table = tomllib.loads(path.read_text())
        common = table.get("common", {})
        for row in table["claim"]:
            how = common | row
            known = {name: how.pop(name) for name in ("tool", "says", "files", "bounds")}
            for name in ("edits", "mutants"):
                known[name] = [Change(**change) for change in how.pop(name, [])]
            claims.append(Claim(folder=path.parent.name, how=how, **known))
    return claims


def check_changes(claims: list[Claim]) -> None:
    """A claim has a mutant, and the replaced text occurs once in its file."""
    for claim in claims:
        if not claim.mutants:
            raise SystemExit(f"{claim.name}: no mutant: {claim.says}")
        for change in claim.edits + claim.mutants:
            count = (ROOT / change.file).read_text().count(change.old)
            if count != 1:
                raise SystemExit(
                    f"{claim.name}: stands {count} times in {change.file}: {change.old!r}"
                )
