"""What is claimed: claims.toml of each folder, read.

SPDX-License-Identifier: Apache-2.0
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mutant:
    """A text that stands once in a file of the project, what is put in its place, and why that is wrong."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Claim:
    """One row of the table. What a tool wants to know of it beyond that stands in `how`."""

    folder: str
    tool: str
    says: str
    files: list[str]
    bounds: str
    how: dict[str, Any]
    mutants: list[Mutant]

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
            mutants = [Mutant(**mutant) for mutant in how.pop("mutants", [])]
            known = {name: how.pop(name) for name in ("tool", "says", "files", "bounds")}
            claims.append(Claim(folder=path.parent.name, how=how, mutants=mutants, **known))
    return claims


def check_mutants(claims: list[Claim]) -> None:
    """The text that a mutant replaces has to stand once in its file."""
    for claim in claims:
        for mutant in claim.mutants:
            count = (ROOT / mutant.file).read_text().count(mutant.old)
            if count != 1:
                raise SystemExit(
                    f"{claim.name}: stands {count} times in {mutant.file}: {mutant.old!r}"
                )
