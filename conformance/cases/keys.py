"""The configuration keys of OCPP 1.6, as the documents define them."""

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import msgspec

from conformance.files import data

Access = Literal["R", "RW", "W"]
Type = Literal["boolean", "integer", "string", "CSL"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedCable:
    """What holds instead where every cable is fixed."""

    accessibility: tuple[Access, ...]
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardKey:
    """One key of `catalogue/keys-1.6.toml`; the head of that file explains each field."""

    key: str
    required: bool
    accessibility: tuple[Access, ...]
    type: Type
    profile: str
    clause: str
    required_with: tuple[int, ...] = ()
    unit: str = ""
    values: tuple[str, ...] = ()
    items: Literal["", "measurand", "phase-rotation"] = ""
    min: int | None = None
    max: int | None = None
    limits: str = ""
    switches: str = ""
    fixed_cable: FixedCable | None = None
    moves: bool = False
    unclear: str = ""
    disagrees: str = ""

    @property
    def readable(self) -> bool:
        """Whether its value may be told at all."""
        return self.accessibility != ("W",)

    def may_be(self, *, readonly: bool) -> bool:
        """Whether it may be marked so."""
        return any((access == "R") is readonly for access in self.accessibility)

    def __str__(self) -> str:
        return self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the items of lists are made of."""

    measurands: tuple[str, ...]
    phases: tuple[str, ...]
    rotations: tuple[str, ...]


@cache
def standard_keys() -> tuple[StandardKey, ...]:
    """Every key that the documents define, in their order."""
    return tuple(msgspec.convert(_table()["key"], list[StandardKey]))


@cache
def words() -> Words:
    """What the items of lists are made of."""
    return msgspec.convert(_table()["words"], Words)


@cache
def standard_key(name: str) -> StandardKey | None:
    """The key of this name, compared without regard to case."""
    folded = name.casefold()
    return next((each for each in standard_keys() if each.key.casefold() == folded), None)


def _table() -> dict[str, Any]:
    return tomllib.loads(data("catalogue/keys-1.6.toml").read_text(encoding="utf-8"))
