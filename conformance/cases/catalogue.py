"""The requirements, each with its level, its clause and our own paraphrase."""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from conformance.files import data

EDITIONS = ("2.0.1", "1.6")
"""The versions of OCPP for which there are requirements."""


class Level(StrEnum):
    """How strongly the documents ask for something."""

    SHALL = "SHALL"
    SHOULD = "SHOULD"
    MAY = "MAY"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One rule.

    `unclear` says why a miss of a SHALL only warns: the documents contradict each other, or leave it open. `like` is
    the id of the same rule in OCPP 2.0.1, for a row of another version. `binds` is whom it is for, empty where that is
    not known.
    """

    id: str
    level: Level
    clause: str
    says: str
    edition: str
    unclear: str = ""
    like: str = ""
    binds: str = ""

    @property
    def binding(self) -> bool:
        """Whether a miss is a FAIL rather than a WARN."""
        return self.level is Level.SHALL and not self.unclear


class Catalogue:
    """Every requirement known for one edition of OCPP."""

    def __init__(self, edition: str, rows: dict[str, Requirement]) -> None:
        self.edition = edition
        self._rows = rows
        self._alike: dict[str, tuple[str, ...]] = {}
        for row in rows.values():
            if row.like:
                self._alike[row.like] = (*self._alike.get(row.like, ()), row.id)

    def __contains__(self, requirement: str) -> bool:
        return requirement in self._rows

    def __iter__(self) -> Iterator[Requirement]:
        return iter(self._rows.values())

    def __getitem__(self, requirement: str) -> Requirement:
        """The requirement; one that the catalogue does not know (a vendor's own) binds like a SHALL."""
        known = self._rows.get(requirement)
        return known or Requirement(requirement, Level.SHALL, "not in the catalogue", "", self.edition)

    def named(self, requirement: str) -> tuple[str, ...]:
        """The ids by which this edition knows a rule that is named by its id in any edition.

        Empty where it has no such rule; more than one where it splits what the other says in one. An id that no edition
        knows is a vendor's own, and the same everywhere.
        """
        if requirement in self._rows:
            return (requirement,)
        elsewhere = _elsewhere().get(requirement)
        if elsewhere is None:
            return (requirement,)
        common = elsewhere or requirement
        return (common,) if common in self._rows else self._alike.get(common, ())

    def judged(self, declared: Iterable[str], role: str = "") -> tuple[str, ...]:
        """The ids in this edition of what a case about this role declares, each once.

        Rules that this edition does not have are left out; of several that a name could mean, those for the other
        role. Raises ValueError where a name could mean several rules, and none of them is declared by its own id.
        """
        declared = tuple(declared)
        chosen: list[str] = []
        for name in declared:
            means = self.named(name)
            exact = [each for each in means if each in declared]
            if len(means) > 1 and role:
                means = tuple(each for each in means if self[each].binds in (role, "both", "")) or means
            if len(means) > 1 and not exact:
                raise ValueError(f"{name} may mean {' or '.join(means)} in OCPP {self.edition}: declare which")
            chosen += exact or means
        return tuple(dict.fromkeys(chosen))


def catalogue(edition: str) -> Catalogue:
    """The catalogue of one edition, `"2.0.1"` for instance; an empty one where nothing is known of it yet."""
    return _catalogues().get(edition) or Catalogue(edition, {})


@cache
def _catalogues() -> dict[str, Catalogue]:
    return {edition: Catalogue(edition, _rows(edition)) for edition in EDITIONS}


@cache
def _elsewhere() -> dict[str, str]:
    """Every id of every edition, with what it is like in OCPP 2.0.1, if anything."""
    rows = [row for each in _catalogues().values() for row in each]
    return {row.like: "" for row in rows} | {row.id: row.like for row in rows}


def _rows(edition: str) -> dict[str, Requirement]:
    """Those of `requirements-<edition>.toml`, and of the files of single blocks beside it."""
    main = data(f"catalogue/requirements-{edition}.toml")
    files = (main, *sorted(main.parent.glob(f"requirements-{edition}-*.toml")))
    rows = [row for file in files for row in tomllib.loads(file.read_text(encoding="utf-8"))["requirement"]]
    return {
        row["id"]: Requirement(
            id=row["id"],
            level=Level(row["level"]),
            clause=row["clause"],
            says=row["says"],
            edition=edition,
            unclear=row.get("unclear", ""),
            like=row.get("like", ""),
            binds=row.get("binds", ""),
        )
        for row in rows
    }
