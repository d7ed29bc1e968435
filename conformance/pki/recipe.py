"""The recipe of the certificates that are not good: `certs/recipe.toml`."""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from conformance.files import data

End = Literal["server", "station"]
Refuses = Literal["must", "should", "may"]
KeyKind = Literal["RSA", "ECDSA"]
SignedBy = Literal["issuing", "other", "next", "itself", "station", "expired"]

KINDS: tuple[KeyKind, ...] = ("RSA", "ECDSA")


@dataclass(frozen=True, slots=True)
class Leaf:
    """How a certificate of an end is made; `names` are subject alternative names, `days` count from now.

    `number` is its serial number, any where it is 0.
    """

    cn: str
    o: str
    names: tuple[str, ...] = ()
    days: tuple[float, float] = (-30, 365)
    signed_by: SignedBy = "issuing"
    shows: Literal["whole", "leaf"] = "whole"
    bits: int = 2048
    digest: Literal["SHA256", "SHA1"] = "SHA256"
    usage: Literal["server", "client", "any"] = "any"
    number: int = 0


@dataclass(frozen=True, slots=True)
class Member:
    """A certificate that is not good: what is `wrong` with it in words for people, and what the documents ask for.

    Who is shown it must or should refuse it, or may; `clause` is the rule of OCPP 2.0.1 that says so. `changes` are
    what differs from the good `Leaf`.
    """

    name: str
    end: End
    wrong: str
    refuses: Refuses
    clause: str
    keys: tuple[KeyKind, ...] = KINDS
    changes: Mapping[str, Any] = field(default_factory=dict)


@functools.cache
def recipe(end: End) -> Mapping[str, Member]:
    """The members of the zoo that a CSMS (`server`) or a station shows, by name."""
    written = tomllib.loads(data("certs/recipe.toml").read_text(encoding="utf-8"))
    return {name: _member(name, end, dict(row)) for name, row in written[end].items()}


def _member(name: str, end: End, row: dict[str, Any]) -> Member:
    words = {each: row.pop(each) for each in ("wrong", "refuses", "clause")}
    keys = tuple(row.pop("keys", KINDS))
    changes = {each: tuple(value) if isinstance(value, list) else value for each, value in row.items()}
    return Member(name, end, **words, keys=keys, changes=changes)
