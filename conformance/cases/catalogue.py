"""The requirements, each with its level, its clause and our own paraphrase."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from conformance.files import data


class Level(StrEnum):
    """How strongly the documents ask for something."""

    SHALL = "SHALL"
    SHOULD = "SHOULD"
    MAY = "MAY"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One rule.

    `unclear` says why a miss of a SHALL only warns: the documents contradict each other, or leave it open.
    """

    id: str
    level: Level
    clause: str
    says: str
    edition: str
    unclear: str = ""

    @property
    def binding(self) -> bool:
        """Whether a miss is a FAIL rather than a WARN."""
        return self.level is Level.SHALL and not self.unclear


class Catalogue:
    """Every requirement known for one edition of OCPP."""

    def __init__(self, edition: str, rows: dict[str, Requirement]) -> None:
        self.edition = edition
        self._rows = rows

    def __contains__(self, requirement: str) -> bool:
        return requirement in self._rows

    def __iter__(self) -> Iterator[Requirement]:
        return iter(self._rows.values())

    def __getitem__(self, requirement: str) -> Requirement:
        """The requirement; one that the catalogue does not know (a vendor's own) binds like a SHALL."""
        known = self._rows.get(requirement)
        return known or Requirement(requirement, Level.SHALL, "not in the catalogue", "", self.edition)


@cache
def catalogue(edition: str) -> Catalogue:
    """The catalogue of one edition, `"2.0.1"` for instance."""
    path = data(f"catalogue/requirements-{edition}.toml")
    rows = {}
    for row in tomllib.loads(path.read_text(encoding="utf-8"))["requirement"]:
        rows[row["id"]] = Requirement(
            id=row["id"],
            level=Level(row["level"]),
            clause=row["clause"],
            says=row["says"],
            edition=edition,
            unclear=row.get("unclear", ""),
        )
    return Catalogue(edition, rows)
