"""What may be changed on a system in the field, and what may not: data of the harness, and what a profile says."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache

import msgspec

from conformance.files import data


@dataclass(frozen=True, slots=True, kw_only=True)
class Safe:
    """A setting that may be changed; the head of `catalogue/safe-2.0.1.toml` explains each field."""

    name: str
    least: float | None = None
    most: float | None = None
    values: tuple[str, ...] = ()
    by_boot: bool = False

    def allows(self, number: float) -> bool:
        """Whether a number does no harm: of those without bounds only the ones that are named do none."""
        return self.least is not None and self.most is not None and self.least <= number <= self.most


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsafe:
    """Settings that are never changed, by a pattern, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """Settings that may be set to the value that they have, by a pattern."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """What may be set: `safe` by folded name; what is `unsafe` is not, whatever else is said of it."""

    safe: dict[str, Safe] = field(default_factory=dict)
    unsafe: tuple[Unsafe, ...] = ()
    fixed: tuple[Fixed, ...] = ()
    hands_off: tuple[str, ...] = ()

    def of(self, name: str) -> Safe | str:
        """How a setting may be changed, or why it is left alone."""
        if self.forbids(name):
            return "the profile says hands off"
        for each in self.unsafe:
            if _matches(each.name, name):
                return each.why
        return self.safe.get(name.casefold(), "nobody says that it can be changed without harm")

    def may_probe(self, name: str) -> bool:
        """Whether a read-only setting may be set to the value that it has."""
        return not self.forbids(name) and any(_matches(each.name, name) for each in self.fixed)

    def forbids(self, name: str) -> bool:
        """Whether the profile says hands off."""
        return any(_matches(each, name) for each in self.hands_off)

    def with_profile(self, more: Iterable[tuple[str, tuple[str, ...]]], hands_off: Iterable[str]) -> "Safety":
        """The same with what a profile says: settings with values that do no harm, and patterns of what is left alone.

        What the harness calls unsafe stays so: a profile knows its station, but not what a case would do to itself.
        """
        said = dict(self.safe)
        for name, values in more:
            known = said.get(name.casefold(), Safe(name=name))
            said[name.casefold()] = replace(known, values=(*values, *known.values))
        return replace(self, safe=said, hands_off=tuple(hands_off))


@cache
def safety(edition: str) -> Safety:
    """What the harness says for one edition."""
    table = tomllib.loads(data(f"catalogue/safe-{edition}.toml").read_text(encoding="utf-8"))
    rows = msgspec.convert(table, _Table)
    return Safety(safe={each.name.casefold(): each for each in rows.safe}, unsafe=rows.unsafe, fixed=rows.fixed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    safe: tuple[Safe, ...]
    unsafe: tuple[Unsafe, ...]
    fixed: tuple[Fixed, ...]


def _matches(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern in which * stands for anything; case means nothing."""
    parts = map(re.escape, pattern.casefold().split("*"))
    return re.fullmatch(".*".join(parts), name.casefold()) is not None
