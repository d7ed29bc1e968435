"""What has become of a station's configuration, against a baseline of it: missing, added, or otherwise than expected.

The baseline may be of another version of OCPP: then what both versions have is compared, by its value alone.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import msgspec

from conformance.cases.baseline import Baseline, Limits, Line, Mutability, Pair, fold, is_secret, moving, number, pairs
from conformance.cases.baseline import text as text_of
from conformance.cases.keys import standard_key
from conformance.oracles.configuration import Setting, Settings
from conformance.oracles.device_model import Attribute, DeviceModel, Variable, split
from conformance.wire.redaction import without_userinfo

Kind = Literal["missing", "added", "value", "mutability", "limits"]

KINDS: tuple[Kind, ...] = ("missing", "added", "value", "mutability", "limits")
_ALWAYS = ("missing", "value")
_SHOWN = 80
_MUTABILITIES: dict[str, Mutability] = {"readonly": "ReadOnly", "readwrite": "ReadWrite", "writeonly": "WriteOnly"}
_KEY_TYPES = {"CSL": "MemberList"}


@dataclass(frozen=True, slots=True)
class Item:
    """One variable or key as a station tells it; what it does not tell is None. A secret never has a value here."""

    name: str
    value: str | None = None
    mutability: Mutability | None = None
    limits: Limits | None = None
    type: str = ""
    secret: bool = False
    moves: bool = False


@dataclass
class Inventory:
    """Everything that a station tells of its configuration in one version, by folded name.

    `secrets` are texts that no value may hold, `hint` says why this may not be all.
    """

    version: str
    items: dict[str, Item] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    hint: str = ""

    def add(self, item: Item) -> None:
        """Add one, unless it is there, without the value of a secret."""
        self.items.setdefault(fold(item.name), _without_secrets(item, self.secrets))

    def has(self, name: str) -> bool:
        """Whether there is one of this name."""
        return fold(name) in self.items


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that is not as the baseline has it; `expected` and `found` are words for people."""

    kind: Kind
    name: str
    expected: str = ""
    found: str = ""

    def __str__(self) -> str:
        match self.kind:
            case "missing":
                return f"{self.name} is missing"
            case "added":
                return f"{self.name} is there, and the baseline has no such line"
            case "value":
                return f"{self.name} is {self.found}, and the baseline says {self.expected}"
            case "mutability":
                return f"{self.name} is {self.found}, and the baseline says {self.expected}"
            case "limits":
                return f"the limits of {self.name} are {self.found}, and the baseline says {self.expected}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of comparing: every drift, how many lines were compared, and which could not be, in this version.

    `kinds` are those that the baseline lets anybody look for.
    """

    drifts: tuple[Drift, ...]
    compared: int
    kinds: frozenset[str]
    incomparable: tuple[str, ...] = ()

    def of(self, kind: Kind) -> list[Drift]:
        """Those of one kind."""
        return [each for each in self.drifts if each.kind == kind]


# -- what a station tells ---------------------------------------------------------------------------------------------


def from_model(model: DeviceModel, *, secrets: Iterable[str] = (), hint: str = "") -> Inventory:
    """The inventory that a device model shows: an item for each attribute of each variable."""
    inventory = Inventory("2.0.1", secrets=tuple(secrets), hint=hint)
    for variable in model:
        for item in _of_variable(variable):
            inventory.add(item)
    return inventory


def from_settings(settings: Settings, *, secrets: Iterable[str] = ()) -> Inventory:
    """The inventory that the settings of a charge point of OCPP 1.6 show."""
    inventory = Inventory("1.6", secrets=tuple(secrets))
    for setting in settings:
        inventory.add(_of_setting(setting))
    return inventory


def _of_variable(variable: Variable) -> Iterator[Item]:
    has = variable.characteristics
    limits = Limits(has.type, has.unit, has.minimum, has.maximum, has.values) if has else None
    type_ = has.type if has else ""
    for attribute in variable.attributes.values():
        actual = attribute.type.casefold() == "actual"
        mutability = _MUTABILITIES.get(attribute.mutability.casefold())
        yield Item(
            name=variable.name if actual else f"{variable.name} ({attribute.type})",
            value=attribute.value,
            mutability=mutability,
            limits=limits if actual else None,
            type=type_,
            secret=mutability == "WriteOnly",
            moves=type_.casefold() == "datetime" or (actual and _moves(variable.key.variable, attribute)),
        )


def _moves(variable: str, attribute: Attribute) -> bool:
    """Whether the value moves by itself; a HeartbeatInterval does although it can be set: each boot sets it."""
    settable = attribute.writable and attribute.said
    return variable in moving() and (not settable or variable == "heartbeatinterval")


def _of_setting(setting: Setting) -> Item:
    row = standard_key(setting.key)
    marked: dict[bool | None, Mutability] = {True: "ReadOnly", False: "ReadWrite"}
    return Item(
        name=setting.key,
        value=setting.value,
        mutability=marked.get(setting.readonly),
        type=_KEY_TYPES.get(row.type, row.type) if row else "",
        secret=row is not None and not row.readable,
        moves=row is not None and row.moves,
    )


def _without_secrets(item: Item, secrets: Iterable[str]) -> Item:
    value = item.value
    if value is not None:
        value = without_userinfo(value.encode("utf-8", "replace").decode())
    secret = item.secret or is_secret(item.name) or any(each and each in (value or "") for each in secrets)
    return replace(item, value=None if secret else value, secret=secret)


# -- taking a baseline ------------------------------------------------------------------------------------------------


def taken(inventory: Inventory, again: Inventory | None = None) -> dict[str, Line]:
    """The lines that expect what a station tells.

    Any value will do of what moves by itself; what reads otherwise in `again` does so. What is in one of the two only
    need not be there.
    """
    second = again or inventory
    items = {**second.items, **inventory.items}
    return {item.name: _taken(item, inventory.items.get(name), second.items.get(name)) for name, item in items.items()}


def _taken(item: Item, first: Item | None, second: Item | None) -> Line:
    steady = first is not None and second is not None and first.value == second.value
    moves = item.moves or not steady
    return Line(
        value=None if moves else item.value,
        any=moves and not item.secret,
        mutability=item.mutability,
        limits=item.limits,
        optional=first is None or second is None,
        secret=item.secret,
    )


def refreshed(old: Mapping[str, Line], new: Mapping[str, Line], inventory: Inventory) -> dict[str, Line]:
    """New lines, but for those that were loosened by hand and still hold; what these do not state they never will."""
    found: dict[str, Line] = {}
    mine = {fold(name): (name, line) for name, line in old.items() if not line.exact}
    for name, line in new.items():
        own_name, own = mine.pop(fold(name), (name, None))
        item = inventory.items.get(fold(name))
        if own is None or item is None or (own.secret or line.secret) or not holds(own, item):
            found[name] = line
            continue
        found[own_name] = msgspec.structs.replace(
            own,
            mutability=line.mutability if own.mutability else None,
            limits=line.limits if own.limits is not None else None,
        )
    return found | {name: line for name, line in mine.values() if line.optional}


# -- comparing --------------------------------------------------------------------------------------------------------


def compare(baseline: Baseline, inventory: Inventory) -> Comparison:
    """What is not as the baseline says.

    By the lines of the inventory's version; where the baseline has none, by the values of those of the other version
    that it has too.
    """
    lines = baseline.lines(inventory.version)
    if not lines:
        return _across(baseline, inventory)
    drifts = [each for name, line in lines.items() for each in _against(name, line, inventory.items.get(fold(name)))]
    kinds = {*_ALWAYS, *baseline.stating(inventory.version)}
    if baseline.unlisted == "drift":
        kinds.add("added")
        listed = {fold(name) for name in lines}
        drifts += [Drift("added", item.name) for name, item in inventory.items.items() if name not in listed]
    return Comparison(_in_order(drifts), len(lines), frozenset(kinds))


def _across(baseline: Baseline, inventory: Inventory) -> Comparison:
    other = "2.0.1" if inventory.version == "1.6" else "1.6"
    counterparts = {fold(name): pair for pair in pairs() for name in pair.names(other)}
    drifts: list[Drift] = []
    lost: list[str] = []
    compared = 0
    for name, line in baseline.lines(other).items():
        pair = counterparts.get(fold(name))
        expected = _value_alone(line, limit=pair is not None and pair.of == "max" and other == "2.0.1")
        if pair is None or expected is None:
            lost.append(name)
            continue
        compared += 1
        here = pair.names(inventory.version)
        item = next((inventory.items[fold(each)] for each in here if inventory.has(each)), None)
        called = item.name if item else here[0]
        drifts += _against(f"{called} ({name})", expected, _as_there(item, pair, other))
    return Comparison(_in_order(drifts), compared, frozenset(_ALWAYS), tuple(lost))


def _value_alone(line: Line, *, limit: bool) -> Line | None:
    """What a line expects of the value alone; `limit`: the other version has its upper limit as the value."""
    if not limit:
        return msgspec.structs.replace(line, mutability=None, limits=None)
    if line.limits is None or line.limits.max is None:
        return None
    return Line(value=number(line.limits.max), optional=line.optional)


def _as_there(item: Item | None, pair: Pair, version: str) -> Item | None:
    """An item as the other version would tell it."""
    if item is None or item.secret:
        return item
    if pair.of == "max" and version == "1.6":
        most = item.limits.max if item.limits else None
        return replace(item, value=None if most is None else number(most), type="integer")
    words = pair.words if version == "2.0.1" else {there: here for here, there in pair.words.items()}
    if words and item.value is not None:
        return replace(item, value=",".join(words.get(each, each) for each in split(item.value)))
    return item


def _against(name: str, line: Line, item: Item | None) -> Iterator[Drift]:
    if item is None:
        if not line.optional:
            yield Drift("missing", name)
        return
    if not holds(line, item):
        yield Drift("value", name, str(line), "without a value" if item.value is None else _shown(item.value))
    if line.mutability and item.mutability and line.mutability != item.mutability:
        yield Drift("mutability", name, line.mutability, item.mutability)
    if line.limits is not None and item.limits is not None and not line.limits.same(item.limits):
        yield Drift("limits", name, str(line.limits), str(item.limits))


def holds(line: Line, item: Item) -> bool:
    """Whether the value of an item is as a line expects; a secret has none to be compared."""
    if line.secret or item.secret:
        return True
    value = item.value
    if line.value is not None:
        return value is not None and alike(item.type, text_of(line.value), value)
    if line.one_of is not None:
        return value is not None and any(alike(item.type, text_of(each), value) for each in line.one_of)
    if line.pattern is not None:
        return value is not None and re.fullmatch(line.pattern, value) is not None
    if line.ranged:
        found = _number(value)
        low = -math.inf if line.least is None else line.least
        high = math.inf if line.most is None else line.most
        return found is not None and low <= found <= high
    return True


def alike(type_: str, first: str, second: str) -> bool:
    """Whether two values of this data type mean the same, however they are written."""
    if first == second:
        return True
    match type_.casefold():
        case "boolean":
            return first.casefold() == second.casefold()
        case "integer" | "decimal":
            one, other = _number(first), _number(second)
            return one is not None and one == other
        case "memberlist":
            return sorted(split(first)) == sorted(split(second))
        case "sequencelist" | "optionlist":
            return split(first) == split(second)
    return False


def _number(value: str | None) -> float | None:
    try:
        found = float(value or "")
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _in_order(drifts: Iterable[Drift]) -> tuple[Drift, ...]:
    return tuple(sorted(drifts, key=lambda each: (KINDS.index(each.kind), fold(each.name))))


def _shown(value: str) -> str:
    return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…")
