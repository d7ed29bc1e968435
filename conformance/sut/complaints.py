"""Says in terms of TOML what msgspec found wrong with a file."""

import re
import types
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec

_WORDS = {
    "int": "an integer",
    "float": "a number",
    "str": "text in quotes",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
    "datetime": "a date and time",
    "date": "a date",
    "time": "a time",
}
_SIGNS = {">=": "≥", "<=": "≤"}
_GUIDE = "docs/writing-a-profile.md explains the keys"

Step: TypeAlias = str | int | None
"""A key, the index of a list, or None where msgspec does not say which."""


class Complaint(Exception):  # noqa: N818 -- reads as what it is; it never leaves the package
    """What is wrong, without the name of the file."""


def shown(value: object) -> str:
    """A value as it would stand in TOML, cut short."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            text = f'"{value}"' if value.isprintable() else repr(value)
        case dict():
            return "a table"
        case _:
            text = str(value)
    return text if len(text) <= 60 else f"{text[:60]} …"  # noqa: PLR2004 -- what fits a line


def complaint(message: str, raw: dict[str, Any], root: type[msgspec.Struct]) -> Complaint:
    """Turn the message of a msgspec.ValidationError about `raw` into one for people."""
    what, _, at = message.partition(" - at ")
    steps = _with_keys(list(_steps(at.strip("`").removeprefix("$"))), raw, root)
    found = re.search(r"`([^`]+)`$", what)
    if what.startswith("Object contains unknown field") and found:
        keys = _keys(steps, raw, root)
        near = get_close_matches(found[1], keys, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the keys here are {', '.join(keys)}"
        return Complaint(f"{_where([*steps, found[1]])}: unknown key; {hint}")
    if what.startswith("Object missing required field") and found:
        return Complaint(f"{_where([*steps, found[1]])}: expected a value, got none; add it ({_GUIDE})")
    if what.startswith("Invalid"):
        return _not_a_choice(what, steps, raw, root)
    return Complaint(f"{_where(steps)}: {_expectation(what, steps, raw)}; mend it ({_GUIDE})")


def _not_a_choice(what: str, steps: list[Step], raw: dict[str, Any], root: type[msgspec.Struct]) -> Complaint:
    got = what.partition(" value ")[2].strip("'\"") or str(_value(steps, raw))
    choices = _choices(steps, raw, root)
    near = get_close_matches(got, choices, n=1)
    hint = f"did you mean {near[0]}?" if near else "choose one of them"
    return Complaint(f"{_where(steps)}: expected {' or '.join(choices)}, got {shown(got)}; {hint}")


def _expectation(what: str, steps: list[Step], raw: dict[str, Any]) -> str:
    expected, _, got = what.removeprefix("Expected ").partition(", got ")
    kinds = re.match(r"`([^`]+)`", expected)
    named = [_WORDS.get(kind, kind) for kind in kinds[1].split(" | ") if kind != "null"] if kinds else [expected]
    words = " or ".join(named)
    limit = re.sub(r"[<>]=", lambda sign: _SIGNS[sign[0]], expected[kinds.end() :] if kinds else "")
    if got:
        kind = got.strip("`")
        value = _value(steps, raw)
        said = _WORDS.get(kind, kind) if value is None else shown(value)
    else:
        said = shown(_value(steps, raw))
    return f"expected {words}{limit}, got {said}"


# -- places -----------------------------------------------------------------------------------------------------------


def _steps(path: str) -> Iterator[Step]:
    for key, index in re.findall(r"\.([^.\[\]]+)|\[([^\]]*)\]", path):
        yield key or (int(index) if index.isdigit() else None)


def _with_keys(steps: list[Step], raw: dict[str, Any], root: type) -> list[Step]:
    """The steps, with the key of each mapping that msgspec does not tell: the first whose value is wrong."""
    found: list[Step] = []
    for step in steps:
        found.append(_wrong_key(found, raw, root) if step is None else step)
    return found


def _wrong_key(steps: list[Step], raw: dict[str, Any], root: type) -> str | None:
    value = _value(steps, raw)
    kinds = [get_args(kind)[1] for kind in _kinds(steps, raw, root) if get_origin(kind) is dict]
    for key, item in value.items() if isinstance(value, dict) and kinds else ():
        try:
            msgspec.convert(item, kinds[0])
        except msgspec.ValidationError:
            return str(key)
    return None


def _where(steps: list[Step]) -> str:
    """A place in terms of TOML: `[listen] port`, `[[evse.connector]] id (entry 1.2)`."""
    entries = [step for step in steps if not isinstance(step, str)]
    keys = [step for step in steps if isinstance(step, str)]
    if not keys:
        return "the file"
    in_list = len(steps) > 1 and isinstance(steps[-1], int)
    table = ".".join(keys[:-1])
    double = table and any(isinstance(step, int) for step in steps[:-1])
    place = f"[[{table}]] {keys[-1]}" if double else f"[{table}] {keys[-1]}" if table else keys[-1]
    if in_list and keys[-1] in ("evse", "connector"):
        place = f"[[{'.'.join(keys)}]]"
    numbers = ".".join(str(entry + 1) for entry in entries if entry is not None)
    return f"{place} (entry {numbers})" if numbers else place


def _value(steps: list[Step], raw: Any) -> Any:
    for step in steps:
        if step is None:
            return None
        raw = raw[step]
    return raw


def _kinds(steps: list[Step], raw: Any, root: type) -> list[Any]:
    """The types that may stand at a place."""
    hints: list[Any] = [root]
    for step in steps:
        tables = [hint for hint in hints if isinstance(hint, type) and issubclass(hint, msgspec.Struct)]
        if isinstance(step, str):
            tag = raw.get("kind") if isinstance(raw, dict) else None
            chosen = [table for table in tables if table.__struct_config__.tag in (None, tag)] or tables
            within = [get_args(hint)[1] for hint in hints if get_origin(hint) is dict]
            hints = [get_type_hints(table, include_extras=True).get(step) for table in chosen] + within
        hints = [kind for hint in hints for kind in _unpacked(hint, item=not isinstance(step, str))]
        raw = raw[step] if step is not None else None
    return hints


def _unpacked(hint: Any, *, item: bool) -> Iterator[Any]:
    """The alternatives of a type, without what annotates it; of a list, those of its items where asked for."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        yield from _unpacked(parts[0], item=item)
    elif origin in (Union, types.UnionType):
        for part in parts:
            yield from _unpacked(part, item=item)
    elif item and origin is tuple:
        yield from _unpacked(parts[0], item=False)
    else:
        yield hint


def _keys(steps: list[Step], raw: Any, root: type) -> list[str]:
    tables = [kind for kind in _kinds(steps, raw, root) if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
    kind = _value(steps, raw).get("kind")
    chosen = [table for table in tables if table.__struct_config__.tag in (None, kind)]
    tag = ["kind"] if any(table.__struct_config__.tag for table in chosen) else []
    return sorted({*tag, *(name for table in chosen for name in table.__struct_encode_fields__)})


def _choices(steps: list[Step], raw: Any, root: type) -> list[str]:
    """The words that a place takes: those of a Literal, or the tags of a union of tables."""
    kinds = _kinds(steps, raw, root)
    if steps and steps[-1] == "kind":
        return [str(table.__struct_config__.tag) for table in _kinds(steps[:-1], raw, root)]
    return [str(word) for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
