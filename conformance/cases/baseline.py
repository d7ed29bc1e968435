"""A baseline: what the configuration of a station should be, in a TOML file that people edit, one line per variable.

docs/inventory.md explains the file. Whatever is wrong with one is a `BaselineError` with one message.
"""

import json
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from conformance.files import data

Mutability = Literal["ReadOnly", "ReadWrite", "WriteOnly"]
Scalar: TypeAlias = str | bool | int | float

TABLES = {"1.6": "keys", "2.0.1": "variables"}
"""The table of the file that has the lines of a version."""

_GUIDE = "docs/inventory.md explains the file"
_SECRET = re.compile(r"password|passwd|passphrase|secret|authorizationkey|simpin|vpnkey|privatekey|apikey|accesstoken")
_PLACE = re.compile(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
_INSTANCE = re.compile(r"^(evse|connector)\[[^\]]*\](?=[(.])")
_ADDRESS = re.compile(
    r"(?P<component>[^.\[(]+)(?:\[(?P<component_instance>[^\]]*)\])?(?:\((?P<evse>\d+)(?:,(?P<connector>\d+))?\))?"
    r"\.(?P<variable>[^\[(]+?)(?:\[(?P<instance>[^\]]*)\])?(?: \((?P<type>\w+)\))?"
)
_TAKES = {
    "value": "text, a number, true or false",
    "one_of": "a list of texts or numbers",
    "pattern": "a regular expression in quotes",
    "from": "a number",
    "to": "a number",
    "any": "true or false",
    "optional": "true or false",
    "secret": "true or false",
    "mutability": "ReadOnly, ReadWrite or WriteOnly",
    "limits": "a table such as { min = 1, max = 9 }",
    "limits.type": "text in quotes",
    "limits.unit": "text in quotes",
    "limits.min": "a number",
    "limits.max": "a number",
    "limits.values": "a list of texts",
}
_WAYS = ("value", "any", "one_of", "pattern", "from")


class BaselineError(ValueError):
    """A baseline that can't be used: the file, the place in it, what was expected, what came, and what to do."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a variable says of its values: data type, unit, bounds, and the members that a list may have."""

    type: str = ""
    unit: str = ""
    min: float | None = None
    max: float | None = None
    values: tuple[str, ...] = ()

    def same(self, other: "Limits") -> bool:
        """Whether they say the same; neither case nor the order of the members means anything."""
        words = [(each.type.casefold(), each.unit.casefold(), each.min, each.max) for each in (self, other)]
        return words[0] == words[1] and sorted(self.values) == sorted(other.values)

    def __str__(self) -> str:
        bounds = [f"from {number(self.min)}"] if self.min is not None else []
        bounds += [f"to {number(self.max)}"] if self.max is not None else []
        listed = f"of {','.join(self.values)}" if self.values else ""
        return " ".join(each for each in (self.type, self.unit, *bounds, listed) if each) or "none"


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"least": "from", "most": "to"}):
    """What is expected of one variable; what is left out is not compared.

    Of its value, one of: `value`, `any`, `one_of`, `pattern` (a regular expression for the whole of it), and `from`
    with or without `to`, or `to` alone, for numbers. `optional`: it need not be there. `secret`: nobody may know its
    value, so a baseline never has it.
    """

    value: Scalar | None = None
    any: bool = False
    one_of: tuple[Scalar, ...] | None = None
    pattern: str | None = None
    least: float | None = None
    most: float | None = None
    mutability: Mutability | None = None
    limits: Limits | None = None
    optional: bool = False
    secret: bool = False

    @property
    def exact(self) -> bool:
        """Whether the line is as one that was taken from a station, and not loosened by hand."""
        return not (self.any or self.one_of or self.ranged or self.optional) and self.pattern is None

    @property
    def ranged(self) -> bool:
        """Whether it expects a number within bounds."""
        return self.least is not None or self.most is not None

    def __str__(self) -> str:
        if self.value is not None:
            return repr(text(self.value))
        if self.one_of:
            return f"one of {', '.join(repr(text(each)) for each in self.one_of)}"
        if self.pattern is not None:
            return f"what matches {self.pattern}"
        bounds = [f"from {number(self.least)}"] if self.least is not None else []
        bounds += [f"to {number(self.most)}"] if self.most is not None else []
        return " ".join(bounds) or "any"


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file; the lines stand under the names by which people know the variables, in no order that matters.

    `unlisted` says what a variable is that no line names.
    """

    about: str = ""
    unlisted: Literal["drift", "ignored"] = "drift"
    variables: dict[str, Line] = {}
    keys: dict[str, Line] = {}

    def lines(self, version: str) -> dict[str, Line]:
        """The lines of one version."""
        return self.keys if version == "1.6" else self.variables

    def stating(self, version: str) -> frozenset[str]:
        """What the lines of a version say anything of: `mutability`, `limits`."""
        lines = self.lines(version).values()
        return frozenset(what for what in ("mutability", "limits") if any(getattr(each, what) for each in lines))


# -- names ------------------------------------------------------------------------------------------------------------


def fold(name: str) -> str:
    """The name by which two variables are the same: without regard to case, and to instances of EVSE and Connector."""
    folded = _PLACE.sub(lambda found: f"({found[1]},{found[2]})" if found[2] else f"({found[1]})", name.strip())
    return _INSTANCE.sub(r"\1", folded.casefold())


def is_secret(name: str) -> bool:
    """Whether a variable or key of this name holds what nobody should read."""
    plain = re.sub(r"\[[^\]]*\]|\([^)]*\)", "", name.casefold()).rpartition(".")[2]
    return _SECRET.search(re.sub(r"[^a-z]", "", plain)) is not None


def address(name: str) -> dict[str, Any] | None:
    """How to ask for the variable of this name with GetVariables, None where that can't be told from the name."""
    found = _ADDRESS.fullmatch(_PLACE.sub(lambda each: each[0].replace(" ", ""), name.strip()))
    if found is None:
        return None
    component: dict[str, Any] = {"name": found["component"].strip()}
    if found["component_instance"]:
        component["instance"] = found["component_instance"]
    if found["evse"]:
        component["evse"] = {"id": int(found["evse"])}
        if found["connector"]:
            component["evse"]["connectorId"] = int(found["connector"])
    variable = {"name": found["variable"].strip()}
    if found["instance"]:
        variable["instance"] = found["instance"]
    asked: dict[str, Any] = {"component": component, "variable": variable}
    return asked | ({"attributeType": found["type"]} if found["type"] else {})


def text(value: Scalar) -> str:
    """A value as OCPP writes it, whether the file has it in quotes or not."""
    if isinstance(value, bool):
        return str(value).lower()
    return number(value) if isinstance(value, float) else str(value)


def number(value: float) -> str:
    """A number without a fraction that says nothing."""
    return str(int(value)) if math.isfinite(value) and value == int(value) else str(value)


# -- one setting, two versions ----------------------------------------------------------------------------------------


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of `catalogue/keys-and-variables.toml`; the head of that file explains each field."""

    key: str
    component: str
    variable: str
    instance: str = ""
    also_named: tuple[str, ...] = ()
    of: Literal["value", "max"] = "value"
    words: dict[str, str] = {}

    def names(self, version: str) -> tuple[str, ...]:
        """What it is called in a version; the first of them is its proper name."""
        if version == "1.6":
            return (self.key,)
        instance = f"[{self.instance}]" if self.instance else ""
        return tuple(f"{self.component}.{each}{instance}" for each in (self.variable, *self.also_named))


@cache
def pairs() -> tuple[Pair, ...]:
    """The keys of OCPP 1.6 that are variables in OCPP 2.0.1."""
    return tuple(msgspec.convert(_shipped()["pair"], list[Pair]))


@cache
def moving() -> frozenset[str]:
    """The folded names of variables whose value moves by itself where it can't be set."""
    return frozenset(str(each).casefold() for each in _shipped()["moving"])


def _shipped() -> dict[str, Any]:
    return tomllib.loads(data("catalogue/keys-and-variables.toml").read_text(encoding="utf-8"))


# -- reading ----------------------------------------------------------------------------------------------------------


def load(path: str | Path) -> Baseline:
    """Read a baseline from a file; raises BaselineError."""
    try:
        content = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BaselineError(f"{path}: expected UTF-8, got another encoding; save the file as UTF-8") from None
    except OSError as error:
        why = error.strerror or error
        raise BaselineError(
            f"{path}: {why}; take a baseline first, with ocpp-conformance inventory --save, or name another"
        ) from None
    try:
        return loads(content)
    except BaselineError as error:
        raise BaselineError(f"{path}: {error}") from None


def loads(content: str) -> Baseline:
    """Read a baseline from text; raises BaselineError, which does not name the file."""
    try:
        raw = tomllib.loads(content)
    except RecursionError:
        raise BaselineError("not valid TOML: nested too deeply") from None
    except ValueError as error:
        raise BaselineError(f"not valid TOML: {str(error)[:200]}") from None
    _known(raw, ("about", "unlisted", *TABLES.values()), "the file")
    found: dict[str, Any] = {"about": raw.get("about", ""), "unlisted": raw.get("unlisted", "drift")}
    if not isinstance(found["about"], str):
        raise BaselineError("about: expected text in quotes; it is a remark for people")
    if found["unlisted"] not in ("drift", "ignored"):
        raise BaselineError(f"unlisted: expected drift or ignored, got {found['unlisted']!r}; choose one of them")
    for table in TABLES.values():
        lines = raw.get(table, {})
        if not isinstance(lines, dict):
            raise BaselineError(f"[{table}]: expected a table with a line for each of them ({_GUIDE})")
        found[table] = dict(_lines(table, lines))
    if not any(found[table] for table in TABLES.values()):
        raise BaselineError(f"expected lines under [variables] or [keys], got none ({_GUIDE})")
    return Baseline(**found)


def _lines(table: str, lines: Mapping[str, object]) -> Iterator[tuple[str, Line]]:
    seen: dict[str, str] = {}
    for name, raw in lines.items():
        where = f'[{table}] "{name}"'
        twin = seen.setdefault(fold(name), name)
        if twin != name:
            raise BaselineError(f'{where}: expected each once, and "{twin}" is the same; strike one out')
        yield name, _line(where, name, raw)


def _line(where: str, name: str, raw: object) -> Line:
    if isinstance(raw, Scalar):
        raw = {"value": raw}
    if not isinstance(raw, dict):
        raise BaselineError(f'{where}: expected text in quotes, or a table such as {{ value = "300" }} ({_GUIDE})')
    keys = msgspec.structs.fields(Line)
    _known(raw, [each.encode_name for each in keys], where)
    if isinstance(raw.get("limits"), dict):
        _known(raw["limits"], Limits.__struct_fields__, f"{where}: limits")
    try:
        line = msgspec.convert(raw, Line)
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at `$")
        place = re.sub(r"\[.*", "", at.strip("`").strip("."))
        got = " got " + what.rpartition(", got ")[2].strip("`") if ", got " in what else ""
        raise BaselineError(
            f"{where}: {place}: expected {_TAKES[place]},{got or ' got another one'}; mend it"
        ) from None
    _check(where, name, line)
    return line


def _check(where: str, name: str, line: Line) -> None:
    ways = [line.value is not None, line.any, line.one_of is not None, line.pattern is not None, line.ranged]
    chosen = [way for way, is_chosen in zip(_WAYS, ways, strict=True) if is_chosen]
    if len(chosen) > 1:
        raise BaselineError(f"{where}: expected one of {', '.join(_WAYS)}, got {' and '.join(chosen)}; keep one")
    if (line.secret or is_secret(name)) and chosen and not line.any:
        raise BaselineError(f"{where}: expected no secret in a baseline, got {chosen[0]}; write {{ secret = true }}")
    if line.one_of == ():
        raise BaselineError(f"{where}: one_of: expected at least one value, got none; write {{ any = true }} for any")
    if line.least is not None and line.most is not None and line.least > line.most:
        bounds = f"from {number(line.least)} to {number(line.most)}"
        raise BaselineError(f"{where}: expected from to be no more than to, got {bounds}; mend it")
    if line.pattern is not None:
        try:
            re.compile(line.pattern)
        except re.error as error:
            raise BaselineError(f"{where}: pattern: expected a regular expression, got one with {error}") from None


def _known(raw: Mapping[str, object], keys: Iterable[str], where: str) -> None:
    wanted = list(keys)
    for key in raw:
        if key not in wanted:
            near = get_close_matches(key, wanted, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the keys here are {', '.join(wanted)}"
            raise BaselineError(f"{where}: unknown key {key}; {hint}")


# -- writing ----------------------------------------------------------------------------------------------------------


def dumps(baseline: Baseline) -> str:
    """A baseline as text, one line per variable, in the order of their names."""
    parts = [
        "# What the configuration of a station should be; docs/inventory.md explains it. Edit it by hand: expect any",
        '# value with { any = true }, or { one_of = ["1", "2"] }, { from = 1, to = 9 } or { pattern = "[A-Z]+" }.',
        "",
        *([f"about = {quoted(baseline.about)}"] if baseline.about else []),
        f"unlisted = {quoted(baseline.unlisted)}",
    ]
    for table in TABLES.values():
        lines: dict[str, Line] = getattr(baseline, table)
        if lines:
            parts += ["", f"[{table}]"]
            parts += [f"{quoted(name)} = {_written(lines[name])}" for name in sorted(lines, key=_sorted_as)]
    return "\n".join(parts) + "\n"


def _sorted_as(name: str) -> tuple[str, str]:
    return (fold(name), name)


def _written(line: Line) -> str:
    stated: list[str] = []
    if line.value is not None:
        stated.append(f"value = {quoted(text(line.value))}")
    stated += [f"{flag} = true" for flag in ("any", "optional", "secret") if getattr(line, flag)]
    if line.one_of is not None:
        stated.append(f"one_of = [{', '.join(quoted(text(each)) for each in line.one_of)}]")
    if line.pattern is not None:
        stated.append(f"pattern = {quoted(line.pattern)}")
    stated += [
        f"{word} = {number(bound)}" for word, bound in (("from", line.least), ("to", line.most)) if bound is not None
    ]
    if line.mutability is not None:
        stated.append(f"mutability = {quoted(line.mutability)}")
    if line.limits is not None:
        stated.append(f"limits = {_limits(line.limits)}")
    return f"{{ {', '.join(stated)} }}" if stated else "{}"


def _limits(limits: Limits) -> str:
    stated = [f"{word} = {quoted(getattr(limits, word))}" for word in ("type", "unit") if getattr(limits, word)]
    stated += [
        f"{word} = {number(getattr(limits, word))}" for word in ("min", "max") if getattr(limits, word) is not None
    ]
    if limits.values:
        stated.append(f"values = [{', '.join(map(quoted, limits.values))}]")
    return f"{{ {', '.join(stated)} }}" if stated else "{}"


def quoted(value: str) -> str:
    """Text as a basic string of TOML."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
