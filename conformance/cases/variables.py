"""The variables that the documents ask a station to have, and how a claim shows in the device model."""

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Literal

import msgspec

from conformance.files import data

Level = Literal["station", "evse", "connector"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardVariable:
    """One row of `catalogue/variables-….toml`; the head of that file explains each field."""

    component: str
    variable: str
    type: str
    mutability: tuple[str, ...]
    when: str
    level_of: Level
    clause: str
    instance: str = ""
    also_named: tuple[str, ...] = ()
    type_also: tuple[str, ...] = ()
    unless_false: str = ""
    security_profiles: tuple[int, ...] = ()
    unit: tuple[str, ...] = ()
    unit_required: bool = False
    min: float | None = None
    max: float | None = None
    max_required: bool = False
    max_expected: bool = False
    values: tuple[str, ...] = ()
    value_may_be_absent: bool = False
    may_be_unreported: bool = False
    moves: bool = False
    unclear: str = ""
    disagrees: str = ""

    @property
    def writable(self) -> bool:
        """Whether it has to be writable, not just may be."""
        return not {"ReadOnly"} & set(self.mutability)

    def __str__(self) -> str:
        return f"{self.component}.{self.variable}{f'[{self.instance}]' if self.instance else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How a feature shows in the device model: one row of `catalogue/shown-….toml`."""

    feature: str
    component: str
    how: Literal["present", "available", "writable", "lists", "lists-claimed"]
    variable: str = ""
    value: str = ""
    absent: Literal["wrong", "doubtful", "fine"] = "wrong"


@cache
def standard_variables(edition: str = "2.0.1") -> tuple[StandardVariable, ...]:
    """What a station of this edition must have, row by row."""
    return tuple(msgspec.convert(_table(f"catalogue/variables-{edition}.toml", "variable"), list[StandardVariable]))


@cache
def shown(edition: str = "2.0.1") -> tuple[Shown, ...]:
    """How the features of this edition show, row by row."""
    return tuple(msgspec.convert(_table(f"catalogue/shown-{edition}.toml", "shown"), list[Shown]))


def _table(path: str, name: str) -> object:
    return tomllib.loads(data(path).read_text(encoding="utf-8"))[name]
