"""All settings of a station as one book, whatever version it speaks: what there is, what it holds, and writing it.

In 2.0.1 a setting is the Actual attribute of a variable, in 1.6 a configuration key.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from conformance.cases.keys import StandardKey, standard_key, standard_keys
from conformance.cases.safe import Safety, safety
from conformance.cases.variables import standard_variables
from conformance.oracles.configuration import Setting as Listed
from conformance.oracles.configuration import Settings
from conformance.oracles.device_model import Characteristics, DeviceModel, Variable, key_of
from conformance.oracles.setting_values import LONGEST
from conformance.peers.csms import CsmsPeer
from conformance.peers.inventories import fetch, items_per_message, read_all
from conformance.peers.received import Refused
from conformance.peers.settings import keys_at_once, list_all, read_each
from conformance.peers.v16 import change_configuration
from conformance.peers.v201 import set_variables
from conformance.sut.profile import SutProfile
from conformance.sut.tables import WritableKey, WritableVariable

Access = Literal["ReadOnly", "ReadWrite", "WriteOnly"]

SET = frozenset({"Accepted", "RebootRequired"})
"""What a change that was made is answered with."""
_COUNTED = frozenset({"seconds", "times", "Wh", "%"})
"""Units of OCPP 1.6 of which there is nothing below zero."""
_LONGEST_16 = 500
_ENERGY = "Energy.Active.Import.Register"


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting: `value` is None where none is told, `lasting` says whether it has to outlast a restart.

    `moves` are those that change by themselves.
    """

    name: str
    value: str | None
    access: Access
    kind: Characteristics
    lasting: bool = True
    moves: bool = False

    @property
    def id(self) -> str:
        """By what it is found: names mean the same in either case."""
        return self.name.casefold()

    def __str__(self) -> str:
        return self.name


class Ledger(Protocol):
    """The settings of one station."""

    @property
    def longest(self) -> int:
        """How long a value may be on the wire."""

    @property
    def refusals(self) -> frozenset[str]:
        """What a value that can't be had is answered with."""

    async def entries(self) -> list[Entry]:
        """Everything that there is, by what the station lists; raises AssertionError where it lists nothing."""

    async def shown(self) -> dict[str, str]:
        """The values that the station lists of what can be changed, by id."""

    async def read(self, entries: Iterable[Entry]) -> dict[str, str]:
        """The values of some, asked for by name, by id; what can't be read is left out."""

    async def write(self, changes: Mapping[Entry, str]) -> dict[str, str]:
        """Set some, and say by id what each was answered: a status, or the code of a CALLERROR."""


def ledger(csms: CsmsPeer, profile: SutProfile) -> Ledger:
    """The settings of the station under test."""
    return Ledger16(csms) if profile.version == "1.6" else Ledger201(csms, pause=profile.timing.settle)


def safety_of(profile: SutProfile) -> Safety:
    """What may be changed: by the harness, and by what the profile says."""
    given = profile.parameters
    if profile.version == "1.6":
        named: list[_Named] = [given.writable_key, given.reboot_key, *given.safe_keys]
    else:
        named = [given.writable_variable, given.reboot_variable, *given.safe_variables]
    more = [(_name(each), each.values) for each in named if each is not None]
    return safety(profile.version).with_profile(more, given.hands_off)


def late_settings(profile: SutProfile) -> list[str]:
    """The names of the settings that take effect at a restart, by what the profile says."""
    given = profile.parameters
    named = given.reboot_key if profile.version == "1.6" else given.reboot_variable
    return [] if named is None else [_name(named)]


_Named: TypeAlias = WritableKey | WritableVariable | None


def _name(named: WritableKey | WritableVariable) -> str:
    if isinstance(named, WritableKey):
        return named.key
    return f"{named.component}.{named.variable}{f'[{named.instance}]' if named.instance else ''}"


# -- 2.0.1 ------------------------------------------------------------------------------------------------------------


@dataclass
class Ledger201:
    """Variables, read and written as many at once as the station says that it takes."""

    csms: CsmsPeer
    pause: float
    _model: DeviceModel = field(default_factory=DeviceModel)
    _variables: dict[str, Variable] = field(default_factory=dict)

    refusals = frozenset({"Rejected"})

    @property
    def longest(self) -> int:
        """ConfigurationValueSize, or what the schema allows."""
        return min(LONGEST, _whole(self._model, "ConfigurationValueSize") or LONGEST)

    async def entries(self) -> list[Entry]:
        """The full inventory."""
        self._model = (await fetch(self.csms, "FullInventory", pause=self.pause)).model
        self._variables = {str(each).casefold(): each for each in self._model}
        return [_entry(each) for each in self._variables.values() if each.actual is not None]

    async def shown(self) -> dict[str, str]:
        """The configuration inventory; a value that is cut off is left out."""
        model = (await fetch(self.csms, "ConfigurationInventory", pause=self.pause)).model
        most = _whole(self._model, "ReportingValueSize")
        return {
            str(each).casefold(): each.value
            for each in model
            if each.value is not None and (most is None or len(each.value) < most)
        }

    async def read(self, entries: Iterable[Entry]) -> dict[str, str]:
        """GetVariables."""
        wanted = [each for each in entries if each.id in self._variables]
        at_once = items_per_message(self._model, "GetVariables")
        found = await read_all(self.csms, [self._variables[each.id] for each in wanted], at_once=at_once)
        return {
            wanted[place].id: result["attributeValue"]
            for place, result in found.items()
            if result.get("attributeStatus") == "Accepted" and isinstance(result.get("attributeValue"), str)
        }

    async def write(self, changes: Mapping[Entry, str]) -> dict[str, str]:
        """SetVariables; what is refused with a CALLERROR is sent again one by one."""
        items = {
            each.id: dict(self._variables[each.id].payload) | {"attributeValue": value}
            for each, value in changes.items()
        }
        found: dict[str, str] = {}
        for batch in self._batches(items):
            try:
                found |= await self._set({each: items[each] for each in batch})
            except Refused as refused:
                if len(batch) == 1:
                    found[batch[0]] = refused.code
                    continue
                for each in batch:
                    found |= await self._set_one(each, items[each])
        return found

    async def _set_one(self, id_: str, item: dict[str, Any]) -> dict[str, str]:
        try:
            return await self._set({id_: item})
        except Refused as refused:
            return {id_: refused.code}

    async def _set(self, items: Mapping[str, dict[str, Any]]) -> dict[str, str]:
        ids = {key_of(item["component"], item["variable"]): id_ for id_, item in items.items()}
        answer = await self.csms.call("SetVariables", set_variables(*items.values()))
        found = dict.fromkeys(items, "without a result")
        for result in answer["setVariableResult"]:
            id_ = ids.get(key_of(result["component"], result["variable"]))
            if id_ is not None:
                found[id_] = str(result["attributeStatus"])
        return found

    def _batches(self, items: Mapping[str, dict[str, Any]]) -> Iterator[list[str]]:
        """As many items, and as many bytes, as the station says that a SetVariables may have."""
        most = items_per_message(self._model, "SetVariables")
        room = (_whole(self._model, "BytesPerMessage", "SetVariables") or _ROOM) - _AROUND
        batch: list[str] = []
        size = 0
        for id_, item in items.items():
            more = len(json.dumps(item).encode()) + 1
            if batch and (len(batch) >= most or size + more > room):
                yield batch
                batch, size = [], 0
            batch.append(id_)
            size += more
        if batch:
            yield batch


_ROOM = 8_000
_AROUND = 120
"""What a message has around its items, in bytes."""


def _whole(model: DeviceModel, name: str, instance: str = "") -> int | None:
    variable = model.find("DeviceDataCtrlr", name, instance)
    value = (variable.value or "") if variable else ""
    return int(value) if value.isdecimal() else None


def _entry(variable: Variable) -> Entry:
    actual = variable.actual
    assert actual is not None
    rows = [
        row
        for row in standard_variables()
        if (row.component.casefold(), row.variable.casefold()) == (variable.key.component, variable.key.variable)
    ]
    access: Access = (
        "ReadOnly" if not actual.writable else "WriteOnly" if actual.mutability == "WriteOnly" else "ReadWrite"
    )
    kind = variable.characteristics or Characteristics("")
    return Entry(
        str(variable), actual.value, access, kind, actual.persistent or bool(rows), any(row.moves for row in rows)
    )


# -- 1.6 --------------------------------------------------------------------------------------------------------------


@dataclass
class Ledger16:
    """Configuration keys, changed one after the other."""

    csms: CsmsPeer
    _listed: Settings = field(default_factory=Settings)

    longest = _LONGEST_16
    refusals = frozenset({"Rejected", "PropertyConstraintViolation"})

    async def entries(self) -> list[Entry]:
        """GetConfiguration without keys."""
        self._listed = await list_all(self.csms)
        measured = tuple(dict.fromkeys([_ENERGY, *self._measurands()]))
        return [
            Entry(each.key, each.value, _access(each), _kind(each.key, measured), moves=_moves(each.key))
            for each in self._listed
        ]

    def _measurands(self) -> Iterator[str]:
        """What the charge point is seen to be able to measure."""
        for row in standard_keys():
            setting = self._listed.find(row.key) if row.items == "measurand" else None
            yield from setting.items if setting is not None else ()

    async def shown(self) -> dict[str, str]:
        """GetConfiguration without keys, once more."""
        return {each.key.casefold(): each.value for each in await list_all(self.csms) if each.value is not None}

    async def read(self, entries: Iterable[Entry]) -> dict[str, str]:
        """GetConfiguration of these keys."""
        found = await read_each(self.csms, [each.name for each in entries], at_once=keys_at_once(self._listed))
        return {each.key.casefold(): each.value for each in found if each.value is not None}

    async def write(self, changes: Mapping[Entry, str]) -> dict[str, str]:
        """ChangeConfiguration of each."""
        return {entry.id: await self._set(entry.name, value) for entry, value in changes.items()}

    async def _set(self, key: str, value: str) -> str:
        try:
            return str((await self.csms.call("ChangeConfiguration", change_configuration(key, value)))["status"])
        except Refused as refused:
            return refused.code


def _access(setting: Listed) -> Access:
    if setting.readonly:
        return "ReadOnly"
    return "WriteOnly" if setting.value is None else "ReadWrite"


def _moves(key: str) -> bool:
    row = standard_key(key)
    return row is not None and row.moves


def _kind(key: str, measured: tuple[str, ...]) -> Characteristics:
    """What the documents say of the values of a key; of one that they do not know, that it is a text."""
    row = standard_key(key)
    if row is None:
        return Characteristics("string", maximum=_LONGEST_16)
    if row.type == "integer":
        return Characteristics("integer", row.unit, _least(row), row.max)
    if row.type == "CSL":
        return Characteristics("MemberList", values=measured if row.items == "measurand" else row.values)
    return Characteristics(row.type)


def _least(row: StandardKey) -> float | None:
    return row.min if row.min is not None else 0 if row.unit in _COUNTED else None
