"""Values for a setting, made from what it says of itself: others that it should take, its edges, and wrong ones.

Nothing here is beyond what the harness or the profile calls safe, but for wrong values, which have to be refused.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from conformance.cases.safe import Safe
from conformance.oracles.device_model import Characteristics, split
from conformance.wire.schemas import parse_timestamp

Rule = Literal["format", "range", "member"]
"""Of a wrong format, out of range, or a list with an entry that there is not."""

NO_SUCH = "ConformanceNoSuchValue"
LONGEST = 1000
"""As long as a value may be on the wire (SetVariableDataType, 2.0.1); in 1.6 it is half of that."""
_MOST_OTHERS = 4
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_WORDS = {"integer": "seven", "decimal": "seven", "boolean": "maybe", "datetime": "yesterday"}


@dataclass(frozen=True, slots=True)
class Wrong:
    """A value that has to be refused: by which rule, and in words what is wrong with it."""

    value: str
    rule: Rule
    what: str


def fits(kind: Characteristics, value: str) -> bool:
    """Whether a setting can have a value, by what it says of itself; one that says too little can have any."""
    type_ = kind.type.casefold()
    match type_:
        case "integer" | "decimal":
            number = _number(type_, value)
            return number is not None and _within(number, kind)
        case "boolean":
            return value.casefold() in ("true", "false")
        case "datetime":
            return parse_timestamp(value) is not None
        case "optionlist":
            return _short(kind, value) and (not kind.values or _known(kind, [value]))
        case "memberlist" | "sequencelist":
            entries = split(value)
            alone = len({each.casefold() for each in entries}) == len(entries)
            return _short(kind, value) and alone and (not kind.values or _known(kind, entries))
    return _within(len(value), kind)


def same(kind: Characteristics, one: str, other: str) -> bool:
    """Whether two values mean the same: a number however written, members of a set in any order."""
    match kind.type.casefold():
        case "integer" | "decimal":
            numbers = _number("decimal", one), _number("decimal", other)
            return one == other or (None not in numbers and numbers[0] == numbers[1])
        case "boolean" | "optionlist":
            return one.strip().casefold() == other.strip().casefold()
        case "memberlist":
            return {each.casefold() for each in split(one)} == {each.casefold() for each in split(other)}
        case "sequencelist":
            return [each.casefold() for each in split(one)] == [each.casefold() for each in split(other)]
        case "datetime":
            moments = parse_timestamp(one), parse_timestamp(other)
            return one == other or (moments[0] is not None and moments[0] == moments[1])
    return one == other


def others(kind: Characteristics, now: str, safe: Safe) -> list[str]:
    """Values that a setting should take instead of the one that it has, the most ordinary first; few, maybe none.

    Who names values knows what a list may hold, even where the setting does not say it.
    """
    named = [each for each in safe.values if fits(replace(kind, values=()) if kind.is_list else kind, each)]
    made_up = [each for each in _others(kind, now, safe) if fits(kind, each)] if _may_invent(kind, safe) else []
    found: list[str] = []
    for value in (*named, *made_up):
        if _harmless(kind, value, safe) and not any(same(kind, value, each) for each in (now, *found)):
            found.append(value)
    return found[:_MOST_OTHERS]


def edges(kind: Characteristics, safe: Safe) -> list[str]:
    """The edges of what a setting says that it takes, where they do no harm: least and most, first, last and all."""
    match kind.type.casefold():
        case "integer" | "decimal":
            limits = [each for each in (kind.minimum, kind.maximum) if each is not None]
            found = [_written(kind, each) for each in limits if safe.allows(each)]
        case "optionlist":
            found = [kind.values[0], kind.values[-1]] if kind.values and not safe.values else []
        case "memberlist" | "sequencelist":
            found = [kind.values[0], ",".join(kind.values)] if kind.values and not safe.values else []
        case _:
            found = []
    return [each for each in dict.fromkeys(found) if fits(kind, each)]


def wrong(kind: Characteristics, now: str, *, longest: int = LONGEST) -> list[Wrong]:
    """Values that a setting has to refuse: of the wrong format, or out of the range that it tells."""
    return [each for each in _wrong(kind, now) if len(each.value) <= longest and not fits(kind, each.value)]


def _wrong(kind: Characteristics, now: str) -> Iterator[Wrong]:
    type_ = kind.type.casefold()
    if type_ in _WORDS:
        yield Wrong(_WORDS[type_], "format", "a word")
    if type_ in ("integer", "decimal", "boolean"):
        yield Wrong("", "format", "nothing")
    if type_ == "integer":
        yield Wrong("1.5", "format", "a fraction")
    if type_ in ("integer", "decimal"):
        if kind.minimum is not None:
            yield Wrong(_written(kind, kind.minimum - 1), "range", "below its range")
        if kind.maximum is not None:
            yield Wrong(_written(kind, kind.maximum + 1), "range", "above its range")
    elif type_ == "optionlist" and kind.values:
        yield Wrong(NO_SUCH, "format", "none of its values")
    elif type_ in ("memberlist", "sequencelist") and kind.values:
        yield Wrong(",".join([*split(now), NO_SUCH]), "member", "a list with an entry that there is not")
    elif type_ == "string" and kind.maximum is not None:
        yield Wrong("x" * (int(kind.maximum) + 1), "range", "too long")


def _may_invent(kind: Characteristics, safe: Safe) -> bool:
    """Whether values may be made up: of a text nobody knows what it does, and of a list only what is named may be."""
    type_ = kind.type.casefold()
    bounded = type_ in ("integer", "decimal") and safe.least is not None and safe.most is not None
    return bounded or type_ == "boolean" or (kind.is_list and not safe.values)


def _harmless(kind: Characteristics, value: str, safe: Safe) -> bool:
    number = _number("decimal", value) if kind.type.casefold() in ("integer", "decimal") else None
    return number is None or value in safe.values or safe.allows(number)


def _others(kind: Characteristics, now: str, safe: Safe) -> Iterator[str]:
    match kind.type.casefold():
        case "integer" | "decimal" as type_:
            at = _number(type_, now)
            for step in (60.0, 1.0, -1.0, 10.0):
                if at is not None:
                    yield _written(kind, at + step)
            low = max((each for each in (kind.minimum, safe.least) if each is not None), default=None)
            if low is not None:
                yield _written(kind, math.ceil(low))
        case "boolean":
            yield "false" if now.casefold() == "true" else "true"
        case "optionlist":
            yield from kind.values
        case _:
            yield from _other_lists(kind, split(now))


def _other_lists(kind: Characteristics, now: tuple[str, ...]) -> Iterator[str]:
    """One entry less, one more, each alone."""
    folded = {each.casefold() for each in now}
    if len(now) > 1:
        yield ",".join(now[:-1])
    missing = [each for each in kind.values if each.casefold() not in folded]
    if missing:
        yield ",".join([*now, missing[0]])
    yield from kind.values


def _written(kind: Characteristics, number: float) -> str:
    """A number as it is written: a whole one without a fraction, and never with an exponent."""
    if number == int(number):
        return str(int(number))
    return format(number, "f").rstrip("0") if kind.type.casefold() == "decimal" else str(math.ceil(number))


def _number(type_: str, value: str) -> float | None:
    pattern = _INTEGER if type_ == "integer" else _DECIMAL
    return float(value) if pattern.fullmatch(value) else None


def _within(size: float, kind: Characteristics) -> bool:
    return (kind.minimum is None or size >= kind.minimum) and (kind.maximum is None or size <= kind.maximum)


def _short(kind: Characteristics, value: str) -> bool:
    return kind.maximum is None or len(value) <= kind.maximum


def _known(kind: Characteristics, entries: Iterable[str]) -> bool:
    known = {each.casefold() for each in kind.values}
    return all(each.strip().casefold() in known for each in entries)
