"""The device model of a station, as its reports show it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

LISTS = frozenset({"optionlist", "memberlist", "sequencelist"})
_WITHOUT_INSTANCE = frozenset({"evse", "connector"})


class Key(NamedTuple):
    """What tells one variable from another; names and instances are folded, for case means nothing in them."""

    component: str
    component_instance: str
    evse: int | None
    connector: int | None
    variable: str
    instance: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a variable; what the report left out has its default, but for the value, which is then None."""

    type: str
    value: str | None
    mutability: str
    persistent: bool
    said: bool = True
    """Whether the report says its mutability."""

    @property
    def writable(self) -> bool:
        """Whether it can be set."""
        return self.mutability != "ReadOnly"


@dataclass(frozen=True, slots=True)
class Characteristics:
    """What a variable says of its values."""

    type: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()

    @property
    def is_list(self) -> bool:
        """Whether it takes its values from a list."""
        return self.type.casefold() in LISTS


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of one component; `payload` is how to ask for it, as the station wrote it."""

    key: Key
    name: str
    payload: Mapping[str, object]
    attributes: Mapping[str, Attribute]
    characteristics: Characteristics | None

    @property
    def actual(self) -> Attribute | None:
        """Its Actual attribute."""
        return self.attributes.get("actual")

    @property
    def value(self) -> str | None:
        """Its actual value, None where none is reported."""
        return self.actual.value if self.actual else None

    @property
    def writable(self) -> bool:
        """Whether any of its attributes can be set."""
        return any(each.writable for each in self.attributes.values())

    @property
    def entries(self) -> tuple[str, ...]:
        """The entries of its actual value, where that is a list."""
        return split(self.value or "")

    def __str__(self) -> str:
        return self.name


@dataclass
class DeviceModel:
    """All variables of one or more reports.

    `unreadable` says what was no entry of a report, `repeated` names attributes that came more than once.
    """

    variables: dict[Key, Variable] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    _loose: dict[Key, Variable] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Variable]:
        return iter(self.variables.values())

    def __len__(self) -> int:
        return len(self.variables)

    def find(
        self,
        component: str,
        variable: str,
        instance: str = "",
        *,
        evse: int | None = None,
        connector: int | None = None,
    ) -> Variable | None:
        """The variable at this place; an EVSE or a connector is found whatever instance name it bears."""
        return self._loose.get(Key(component.casefold(), "", evse, connector, variable.casefold(), instance.casefold()))

    def named(self, component: str, variable: str) -> list[Variable]:
        """The variables of this name, wherever the component is and whatever their instances."""
        wanted = (component.casefold(), variable.casefold())
        return [each for key, each in self.variables.items() if (key.component, key.variable) == wanted]

    @property
    def components(self) -> frozenset[str]:
        """The folded names of all components, wherever they are."""
        return frozenset(each.component for each in self.variables)

    @property
    def evses(self) -> list[int]:
        """The ids of every EVSE at which there is anything."""
        return sorted({each.evse for each in self.variables if each.evse})

    @property
    def connectors(self) -> list[tuple[int, int]]:
        """EVSE id and connector id of every connector at which there is anything."""
        return sorted({(each.evse, each.connector) for each in self.variables if each.evse and each.connector})

    def instances(self, component: str) -> dict[tuple[int | None, int | None], set[str]]:
        """By EVSE and connector, the instance names under which a component is there."""
        found: dict[tuple[int | None, int | None], set[str]] = {}
        for each in self.variables:
            if each.component == component:
                found.setdefault((each.evse, each.connector), set()).add(each.component_instance)
        return found

    def add(self, variable: Variable) -> None:
        """Add one variable; more attributes of a known one are added to it."""
        known = self.variables.get(variable.key)
        if known is not None:
            twice = known.attributes.keys() & variable.attributes.keys()
            self.repeated += [f"{variable} ({variable.attributes[each].type})" for each in sorted(twice)]
            merged = {**variable.attributes, **known.attributes}
            characteristics = known.characteristics or variable.characteristics
            variable = Variable(known.key, known.name, known.payload, merged, characteristics)
        self.variables[variable.key] = variable
        self._loose[_loosened(variable.key)] = variable


def _loosened(key: Key) -> Key:
    """The key by which a variable is found: EVSE 0 is the station, and EVSEs and connectors need no instance name."""
    instance = "" if key.component in _WITHOUT_INSTANCE else key.component_instance
    return key._replace(component_instance=instance, evse=key.evse or None, connector=key.connector or None)


def read(items: Iterable[object]) -> DeviceModel:
    """Build the device model from the `reportData` of the parts of a report."""
    model = DeviceModel()
    for number, item in enumerate(items, start=1):
        variable = _variable(model, item)
        if variable is None:
            model.unreadable.append(f"entry {number}: {str(item)[:120]}")
        else:
            model.add(variable)
    return model


def key_of(component: Mapping[str, object], variable: Mapping[str, object]) -> Key:
    """The key of a ComponentType and a VariableType."""
    evse = component.get("evse")
    place = evse if isinstance(evse, Mapping) else {}
    return Key(
        _folded(component.get("name")),
        _folded(component.get("instance")),
        _whole(place.get("id")),
        _whole(place.get("connectorId")),
        _folded(variable.get("name")),
        _folded(variable.get("instance")),
    )


def split(text: str) -> tuple[str, ...]:
    """The entries of a list as OCPP writes it, with commas."""
    return tuple(entry.strip() for entry in text.split(",") if entry.strip())


def _variable(model: DeviceModel, item: object) -> Variable | None:
    match item:
        case {
            "component": {"name": str()} as component,
            "variable": {"name": str()} as variable,
            "variableAttribute": list(attributes),
        }:
            pass
        case _:
            return None
    name = _name(component, variable)
    found: dict[str, Attribute] = {}
    for attribute in attributes:
        if isinstance(attribute, dict):
            each = _attribute(attribute)
            if each.type.casefold() in found:
                model.repeated.append(f"{name} ({each.type})")
            found.setdefault(each.type.casefold(), each)
    characteristics = item.get("variableCharacteristics") if isinstance(item, Mapping) else None
    return Variable(
        key_of(component, variable),
        name,
        {"component": component, "variable": variable},
        found,
        _characteristics(characteristics) if isinstance(characteristics, dict) else None,
    )


def _attribute(payload: Mapping[str, object]) -> Attribute:
    value = payload.get("value")
    return Attribute(
        type=_text(payload.get("type")) or "Actual",
        value=value if isinstance(value, str) or value is None else str(value),
        mutability=_text(payload.get("mutability")) or "ReadWrite",
        persistent=payload.get("persistent") is True,
        said="mutability" in payload,
    )


def _characteristics(payload: Mapping[str, object]) -> Characteristics:
    return Characteristics(
        type=_text(payload.get("dataType")),
        unit=_text(payload.get("unit")),
        minimum=_number(payload.get("minLimit")),
        maximum=_number(payload.get("maxLimit")),
        values=split(_text(payload.get("valuesList"))),
    )


def _name(component: Mapping[str, object], variable: Mapping[str, object]) -> str:
    """Name a variable in words: `EVSE(2).Power`, `Connector(1,2).ConnectorType`, `TariffCostCtrlr.Available[Cost]`."""
    evse = component.get("evse")
    place = ""
    if isinstance(evse, Mapping):
        place = f"({','.join(str(evse[each]) for each in ('id', 'connectorId') if each in evse)})"
    return f"{component['name']}{_instance(component)}{place}.{variable['name']}{_instance(variable)}"


def _instance(payload: Mapping[str, object]) -> str:
    return f"[{payload['instance']}]" if payload.get("instance") else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _folded(value: object) -> str:
    return _text(value).casefold()


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
