"""Judges an inventory: against the documents, against itself, and against what the profile claims.

Everything here yields `Fault`s. One that is not `certain` is for the buyer to know, and no violation: the documents
contradict each other there, or leave it open.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from conformance.cases.applicability import Claim, evaluate
from conformance.cases.spec import Spec
from conformance.cases.variables import Shown, StandardVariable, shown, standard_variables
from conformance.oracles.device_model import Characteristics, DeviceModel, Variable, split
from conformance.wire.schemas import parse_timestamp

Connector = tuple[int, int]
Place = tuple[int | None, int | None]

_TOLD = 12
_POWER_TOLERANCE = 0.01
_PASSWORD_LIMIT = (40, 64)
_IN_WATTS = {"": 1.0, "w": 1.0, "kw": 1000.0}
_INTEGER = re.compile(r"[+-]?\d+")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and the requirement that it goes against."""

    requirement: str
    text: str
    certain: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What a profile says of the station's shape: the type of each connector, and of each EVSE the power in watts."""

    claims: Mapping[str, Claim] = field(default_factory=dict)
    connectors: Mapping[Connector, str] = field(default_factory=dict)
    power: Mapping[int, float | None] = field(default_factory=dict)
    identity: str = ""


def note(spec: Spec, requirement: str, faults: Iterable[Fault], *, hint: str = "") -> None:
    """Judge one requirement by the faults found; those of other requirements are left alone.

    `hint` is put behind what is wrong, so that a fault that follows from another one is seen to do so.
    """
    mine = [each for each in faults if each.requirement == requirement]
    with spec(requirement):
        certain = [each.text for each in mine if each.certain]
        assert not certain, told(certain, hint=hint)
    doubtful = [each.text for each in mine if not each.certain]
    if doubtful:
        spec.warn(requirement, told(doubtful, hint=hint))


def told(texts: Sequence[str], *, hint: str = "") -> str:
    """Many things in one message: how many, and the first of them."""
    more = f"; and {len(texts) - _TOLD} more" if len(texts) > _TOLD else ""
    count = f"{len(texts)} faults: " if len(texts) > 1 else ""
    return f"{count}{'; '.join(texts[:_TOLD])}{more}{f' ({hint})' if hint else ''}"


def judge(model: DeviceModel, claimed: Claimed) -> list[Fault]:
    """Everything that is wrong with a full inventory."""
    return [fault for oracle in _ORACLES for fault in oracle(model, claimed)]


# -- against the documents --------------------------------------------------------------------------------------------

_REQUIRED = {"station": "DM.REQUIRED.01", "evse": "DM.REQUIRED.02", "connector": "DM.REQUIRED.03"}


def required(model: DeviceModel, claimed: Claimed) -> Iterator[Fault]:
    """What must be there by what is claimed, and is not (Part 2 ch. 2)."""
    for row in standard_variables():
        if not row.may_be_unreported and _is_required(row, model, claimed):
            for place in _places(row, model, claimed):
                if _found(model, row, place) is None:
                    yield Fault(_REQUIRED[row.level_of], f"{_called(row, place)} is missing", not row.unclear)


def required_in_configuration(configuration: DeviceModel, claimed: Claimed) -> Iterator[Fault]:
    """What must be writable by what is claimed, and is not in a configuration inventory (B07.FR.07)."""
    for row in standard_variables():
        missing = row.writable and _found(configuration, row, (None, None)) is None
        if missing and _is_required(row, configuration, claimed):
            yield Fault("B07.FR.07", f"{row} is missing", not row.unclear)


def as_defined(model: DeviceModel, claimed: Claimed) -> Iterator[Fault]:
    """Standard variables that are not as the documents define them."""
    for row in standard_variables():
        if not _applies(row, model, claimed):
            continue
        for place in _places(row, model, claimed):
            variable = _found(model, row, place)
            if variable is not None:
                yield from _attributes_as_defined(variable, row)
                if variable.characteristics is not None:
                    yield from _characteristics_as_defined(variable, variable.characteristics, row)


def _attributes_as_defined(variable: Variable, row: StandardVariable) -> Iterator[Fault]:
    actual = variable.actual
    if actual is None:
        yield Fault("DM.VALUE.02", f"{variable} has no attribute Actual")
        return
    if actual.mutability not in row.mutability:
        expected = " or ".join(row.mutability)
        unsaid = "" if actual.said else " by default"
        yield Fault("DM.MUTABILITY.01", f"{variable} is {actual.mutability}{unsaid}, and should be {expected}")
    if actual.value is None and actual.mutability != "WriteOnly" and not row.value_may_be_absent:
        yield Fault("DM.VALUE.02", f"{variable} has no value")
    if actual.writable and not actual.persistent and "ReadOnly" not in row.mutability:
        yield Fault("DM.PERSIST.01", f"{variable} can be written and is not marked persistent")


def _characteristics_as_defined(variable: Variable, has: Characteristics, row: StandardVariable) -> Iterator[Fault]:
    if has.type.casefold() not in {row.type.casefold(), *map(str.casefold, row.type_also)}:
        yield Fault("DM.TYPE.01", f"{variable} is of type {has.type} and should be {row.type}")
    unit = " or ".join(row.unit)
    if row.unit_required and not has.unit:
        yield Fault("DM.UNIT.01", f"{variable} has no unit, and should have {unit}")
    elif has.unit and row.unit and has.unit.casefold() not in map(str.casefold, row.unit):
        yield Fault("DM.UNIT.01", f"{variable} has the unit {has.unit}, and should have {unit}", row.unit_required)
    if has.maximum is None and row.max_required:
        yield Fault("DM.LIMIT.01", f"{variable} reports no maxLimit")
    if has.maximum is None and row.max_expected:
        yield Fault("DM.LIMIT.03", f"{variable} reports no maxLimit, so nobody knows how many fit")
    if variable.value:
        yield from _value_as_defined(variable, has, variable.value, row)


def _value_as_defined(variable: Variable, has: Characteristics, value: str, row: StandardVariable) -> Iterator[Fault]:
    if row.values:
        unknown = _outside(variable.entries if has.is_list else (value,), row.values)
        if unknown:
            text = f"{variable} is {', '.join(unknown)}, which is none of {', '.join(row.values)}"
            yield Fault("DM.VALUE.04", text)
    size = _size(has.type, value)
    if size is not None and not has.is_list and not _within(size, row.min, row.max):
        yield Fault("DM.VALUE.04", f"{variable} is {value}, and should be {_range(row.min, row.max)}")


def _applies(row: StandardVariable, model: DeviceModel, claimed: Claimed) -> bool:
    """Whether a row is about something that is claimed, and that the station does not say it lacks."""
    if row.when != "always" and not evaluate(row.when, claimed.claims, "station"):
        return False
    return not (row.unless_false and _says_false(model, row.unless_false))


def _is_required(row: StandardVariable, model: DeviceModel, claimed: Claimed) -> bool:
    if not _applies(row, model, claimed):
        return False
    return not row.security_profiles or _security_profile(model) in row.security_profiles


def _says_false(model: DeviceModel, address: str) -> bool:
    """Whether a variable, addressed as `Component.Variable[Instance]`, is reported as false."""
    component, _, rest = address.partition(".")
    name, _, instance = rest.rstrip("]").partition("[")
    variable = model.find(component, name, instance)
    return variable is not None and (variable.value or "").casefold() == "false"


def _security_profile(model: DeviceModel) -> int | None:
    variable = model.find("SecurityCtrlr", "SecurityProfile")
    value = variable.value if variable else None
    return int(value) if value and value.isdecimal() else None


def _places(row: StandardVariable, model: DeviceModel, claimed: Claimed) -> list[Place]:
    """Where a row should be found: on every EVSE and connector, claimed or there."""
    match row.level_of:
        case "station":
            return [(None, None)]
        case "evse":
            return [(evse, None) for evse in sorted({*claimed.power, *model.evses})]
        case "connector":
            return [*sorted({*claimed.connectors, *model.connectors})]


def _found(model: DeviceModel, row: StandardVariable, place: Place) -> Variable | None:
    evse, connector = place
    for name in (row.variable, *row.also_named):
        variable = model.find(row.component, name, row.instance, evse=evse, connector=connector)
        if variable is not None:
            return variable
    return None


def _called(row: StandardVariable, place: Place) -> str:
    ids = ",".join(str(each) for each in place if each is not None)
    return str(row).replace(".", f"({ids}).", 1) if ids else str(row)


# -- against itself ---------------------------------------------------------------------------------------------------


def described(model: DeviceModel) -> list[str]:
    """The entries of a report that do not say what they are: unreadable, or without characteristics."""
    return [
        *model.unreadable,
        *(f"{each} has no variableCharacteristics" for each in model if each.characteristics is None),
    ]


def consistent(model: DeviceModel, _: Claimed) -> Iterator[Fault]:
    """Variables that do not fit their own characteristics, or show what they should not."""
    for name in model.repeated:
        yield Fault("DM.DUPLICATE.01", f"{name} is there twice")
    for variable in model:
        yield from _attributes_consistent(variable)
        has = variable.characteristics
        if has is not None:
            yield from _characteristics_consistent(variable, has)
            for attribute in variable.attributes.values():
                if attribute.value and attribute.mutability != "WriteOnly":
                    yield from _value_consistent(f"{variable}", has, attribute.value)


def _attributes_consistent(variable: Variable) -> Iterator[Fault]:
    for attribute in variable.attributes.values():
        if attribute.mutability == "WriteOnly":
            if attribute.value is not None:
                text = f"{variable} is write-only, and its value is reported"
                yield Fault("DM.WRITEONLY.01", text, certain=bool(attribute.value))
        elif attribute.value is None and attribute.type.casefold() != "actual":
            yield Fault("DM.VALUE.05", f"{variable} has no value for {attribute.type}")


def _characteristics_consistent(variable: Variable, has: Characteristics) -> Iterator[Fault]:
    if has.is_list and not has.values:
        yield Fault("DM.VALUESLIST.01", f"{variable} is of type {has.type} and has no valuesList")
    if has.minimum is not None and has.maximum is not None and has.minimum > has.maximum:
        yield Fault("DM.LIMIT.02", f"{variable}: its minLimit {has.minimum:g} is above its maxLimit {has.maximum:g}")


def _value_consistent(name: str, has: Characteristics, value: str) -> Iterator[Fault]:
    if has.is_list:
        entries = (value.strip(),) if has.type.casefold() == "optionlist" else split(value)
        unknown = _outside(entries, has.values) if has.values else ()
        if unknown:
            text = f"{name} is {', '.join(unknown)}, which is not in its list {', '.join(has.values)}"
            yield Fault("DM.VALUE.01", text)
        size: float | None = len(value)
        low = None
    elif not _fits(has.type, value):
        spelling = value.casefold() in ("true", "false")
        yield Fault("DM.VALUE.01", f"{name} is {value[:60]!r}, which is no {has.type}", certain=not spelling)
        return
    else:
        size, low = _size(has.type, value), has.minimum
    if size is not None and not _within(size, low, has.maximum):
        what = "" if has.type.casefold() in ("integer", "decimal") else f"{size:g} characters long, "
        yield Fault("DM.VALUE.03", f"{name} is {value[:60]}, {what}outside of {_range(low, has.maximum)}")


def _fits(type_: str, value: str) -> bool:
    match type_.casefold():
        case "integer":
            return _INTEGER.fullmatch(value) is not None
        case "decimal":
            return _decimal(value) is not None
        case "boolean":
            return value in ("true", "false")
        case "datetime":
            return parse_timestamp(value) is not None
    return True


def _decimal(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _size(type_: str, value: str) -> float | None:
    """What limits apply to: a number itself, the length of a string; None where there is nothing to measure."""
    match type_.casefold():
        case "integer" | "decimal":
            return _decimal(value)
        case "string":
            return len(value)
    return None


def _within(size: float, low: float | None, high: float | None) -> bool:
    return (low is None or size >= low) and (high is None or size <= high)


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"


def _outside(entries: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    known = {each.casefold() for each in allowed}
    return tuple(each for each in entries if each.casefold() not in known)


# -- where things are -------------------------------------------------------------------------------------------------


def addressed(model: DeviceModel, _: Claimed) -> Iterator[Fault]:
    """EVSEs and connectors that are addressed or numbered otherwise than the documents have it (Part 1 ch. 7)."""
    for name, right, should in _TIERS:
        for place in sorted(model.instances(name), key=str):
            if not right(*place):
                text = f"{_word(name)} is addressed by {_address(*place)}, and should be by {should}"
                yield Fault("DM.TIER.01", text)
    if model.evses and model.evses != list(range(1, len(model.evses) + 1)):
        yield Fault("DM.EVSE.01", f"the EVSEs are numbered {_listed(model.evses)}")
    by_evse: dict[int, list[int]] = {}
    for evse, connector in model.connectors:
        by_evse.setdefault(evse, []).append(connector)
    for evse, connectors in by_evse.items():
        if connectors != list(range(1, len(connectors) + 1)):
            yield Fault("DM.CONNECTOR.01", f"the connectors of EVSE {evse} are numbered {_listed(connectors)}")


_TIERS: tuple[tuple[str, Callable[[int | None, int | None], bool], str], ...] = (
    ("chargingstation", lambda evse, connector: not evse and not connector, "no EVSE and no connector"),
    ("evse", lambda evse, connector: bool(evse) and connector is None, "an EVSE id"),
    ("connector", lambda evse, connector: bool(evse) and bool(connector), "an EVSE id and a connector id"),
)


def _word(name: str) -> str:
    return {"chargingstation": "ChargingStation", "evse": "EVSE", "connector": "Connector"}[name]


def _address(evse: int | None, connector: int | None) -> str:
    if evse is None:
        return "no EVSE id"
    return f"EVSE id {evse}" if connector is None else f"EVSE id {evse} and connector id {connector}"


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


# -- one variable against another -------------------------------------------------------------------------------------


def related(model: DeviceModel, claimed: Claimed) -> Iterator[Fault]:
    """Variables that do not fit what else is known of the station."""
    password = model.find("SecurityCtrlr", "BasicAuthPassword")
    limit = password.characteristics.maximum if password and password.characteristics else None
    if limit is not None and not _within(limit, *_PASSWORD_LIMIT):
        yield Fault("DM.PASSWORD.01", f"BasicAuthPassword may have {limit:g} characters, and should have 40 to 64")
    identity = model.find("SecurityCtrlr", "Identity")
    if identity and identity.value and identity.value != claimed.identity:
        text = f"SecurityCtrlr.Identity is {identity.value}, and the station connects as {claimed.identity}"
        yield Fault("DM.IDENTITY.01", text)
    priority = model.find("OCPPCommCtrlr", "NetworkConfigurationPriority")
    if priority is not None:
        yield from _network(model, priority)


def _network(model: DeviceModel, priority: Variable) -> Iterator[Fault]:
    has = priority.characteristics
    if has is not None and not has.values:
        # A list without values is at fault anyway; an appendix has it a string, which has none.
        yield Fault("DM.NETWORK.01", f"{priority} does not list the slots that there are", certain=has.is_list)
    active = model.find("OCPPCommCtrlr", "ActiveNetworkProfile")
    if active and active.value and priority.entries and active.value not in priority.entries:
        yield Fault("DM.NETWORK.02", f"{active} is {active.value}, which is not in {priority} = {priority.value}")


# -- against the claims -----------------------------------------------------------------------------------------------


def against_claims(model: DeviceModel, claimed: Claimed) -> Iterator[Fault]:
    """Where the station shows something else than its profile says."""
    yield from _evses(model, claimed)
    yield from _connectors(model, claimed)
    for evse, power in claimed.power.items():
        if power is not None:
            yield from _power(model, evse, power)
    for row in shown():
        yield from _feature(row, model, claimed.claims)


def _evses(model: DeviceModel, claimed: Claimed) -> Iterator[Fault]:
    there = model.instances("evse")
    for evse in claimed.power:
        if (evse, None) not in there:
            yield Fault("CLAIM.EVSE.01", f"EVSE {evse} is claimed, and there is no component EVSE with that id")
        elif len(there[evse, None]) > 1:
            yield Fault("CLAIM.EVSE.02", f"EVSE {evse} is there {len(there[evse, None])} times")
    for evse in model.evses:
        if evse not in claimed.power:
            yield Fault("CLAIM.EVSE.02", f"EVSE {evse} is there, and not claimed")


def _connectors(model: DeviceModel, claimed: Claimed) -> Iterator[Fault]:
    there = model.instances("connector")
    for (evse, connector), type_ in claimed.connectors.items():
        name = f"connector {connector} of EVSE {evse}"
        if (evse, connector) not in there:
            yield Fault("CLAIM.CONNECTOR.01", f"{name} is claimed, and there is no component Connector with those ids")
            continue
        if len(there[evse, connector]) > 1:
            yield Fault("CLAIM.CONNECTOR.02", f"{name} is there {len(there[evse, connector])} times")
        variable = model.find("Connector", "ConnectorType", evse=evse, connector=connector)
        shows = (variable.value or "nothing") if variable else None
        if shows is None:
            yield Fault("CLAIM.CONNECTORTYPE.01", f"{name} has no ConnectorType, and is claimed to be {type_}")
        elif shows.casefold() != type_.casefold():
            yield Fault("CLAIM.CONNECTORTYPE.01", f"{name} is {shows}, and claimed to be {type_}")
    for evse, connector in model.connectors:
        if (evse, connector) not in claimed.connectors and evse in claimed.power:
            yield Fault("CLAIM.CONNECTOR.02", f"connector {connector} of EVSE {evse} is there, and not claimed")


def _power(model: DeviceModel, evse: int, claimed: float) -> Iterator[Fault]:
    if (evse, None) not in model.instances("evse"):
        return  # an EVSE that is not there is a fault of its own
    variable = model.find("EVSE", "Power", evse=evse)
    has = variable.characteristics if variable else None
    if has is None or has.maximum is None:
        yield Fault("CLAIM.POWER.01", f"EVSE {evse} does not say its greatest power, and {claimed:g} W are claimed")
        return
    factor = _IN_WATTS.get(has.unit.casefold())
    if factor is None:
        yield Fault("CLAIM.POWER.01", f"the power of EVSE {evse} is told in {has.unit}", certain=False)
    elif not math.isclose(has.maximum * factor, claimed, rel_tol=_POWER_TOLERANCE):
        text = f"EVSE {evse} has {has.maximum * factor:g} W at most, and {claimed:g} W are claimed"
        yield Fault("CLAIM.POWER.01", text)


def _feature(row: Shown, model: DeviceModel, claims: Mapping[str, Claim]) -> Iterator[Fault]:
    claim = claims.get(row.feature, False)
    variables = model.named(row.component, row.variable or "Available")
    if not claim:
        if row.how == "available" and any(_is(each, "true") for each in variables):
            yield Fault("CLAIM.FEATURE.02", f"{variables[0]} is true, and {row.feature} is not claimed")
        return
    there = bool(variables) if row.variable else row.component.casefold() in model.components
    what = f"{row.component}.{row.variable}" if row.variable else row.component
    if not there:
        if row.absent != "fine":
            text = f"{row.feature} is claimed, and there is no {what}"
            yield Fault("CLAIM.FEATURE.01", text, row.absent == "wrong")
        return
    if row.how == "available" and variables and all(_is(each, "false") for each in variables):
        yield Fault("CLAIM.FEATURE.01", f"{row.feature} is claimed, and {variables[0]} is false")
    if row.how == "writable" and not any(each.writable for each in variables):
        yield Fault("CLAIM.FEATURE.01", f"{row.feature} is claimed, and {what} can't be written")
    if row.how in ("lists", "lists-claimed"):
        wanted = (row.value,) if row.how == "lists" else (claim if isinstance(claim, Sequence) else ())
        missing = [each for each in wanted if not any(_can_be(variable, each) for variable in variables)]
        if missing:
            yield Fault("CLAIM.FEATURE.01", f"{row.feature} is claimed, and {what} can't be {', '.join(missing)}")


def _is(variable: Variable, value: str) -> bool:
    return (variable.value or "").casefold() == value


def _can_be(variable: Variable, entry: str) -> bool:
    """Whether a list can hold an entry: what can be written by its possible values, what can't by what it is."""
    possible = variable.characteristics.values if variable.characteristics else ()
    entries = (possible or variable.entries) if variable.writable else (variable.entries or possible)
    wanted = entry.casefold()
    return any(each.casefold() == wanted or each.casefold().startswith(f"{wanted}.") for each in entries)


_ORACLES: tuple[Callable[[DeviceModel, Claimed], Iterator[Fault]], ...] = (
    required,
    as_defined,
    consistent,
    addressed,
    related,
    against_claims,
)


# -- two inventories, two ways of reading ------------------------------------------------------------------------------


def lacking(part: DeviceModel, whole: DeviceModel, what: str, *, which: Callable[[Variable], bool]) -> list[str]:
    """The variables of `part` that are not in `whole`, of those that `which` picks."""
    return [f"{each} is not in {what}" for each in part if which(each) and each.key not in whole.variables]


def explicitly_writable(variable: Variable) -> bool:
    """Whether a report says in so many words that a variable can be written: to say nothing means the same."""
    return any(each.mutability in ("ReadWrite", "WriteOnly") and each.said for each in variable.attributes.values())


def worth_reading(model: DeviceModel, limit: int) -> list[Variable]:
    """At most so many variables, spread evenly over the inventory, whose values should not move by themselves."""
    moving = {
        (row.component.casefold(), name.casefold())
        for row in standard_variables()
        if row.moves
        for name in (row.variable, *row.also_named)
    }
    still = [each for each in model if (each.key.component, each.key.variable) not in moving and _is_still(each)]
    if len(still) <= limit:
        return still
    return [still[number * len(still) // limit] for number in range(limit)]


def _is_still(variable: Variable) -> bool:
    has, actual = variable.characteristics, variable.actual
    is_time = has is not None and has.type.casefold() == "datetime"
    return not is_time and actual is not None and actual.mutability != "WriteOnly" and actual.value is not None


def gaps(numbers: Sequence[int]) -> str:
    """What is wrong with the numbering of the parts of a report, in words; empty where they are 0, 1, 2 and so on."""
    if list(numbers) == list(range(len(numbers))):
        return ""
    if numbers and numbers[0] != 0 and all(after == before + 1 for before, after in pairwise(numbers)):
        return f"the parts are numbered from {numbers[0]}, and not from 0"
    return f"the parts are numbered {_listed(numbers)}"
