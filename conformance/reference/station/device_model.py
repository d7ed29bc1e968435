"""The device model: components, variables, their characteristics, and the rules for reading and writing them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.reference.station.clock import parse_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, MutableMapping

READ_ONLY, READ_WRITE, WRITE_ONLY = "ReadOnly", "ReadWrite", "WriteOnly"
LISTS = ("OptionList", "SequenceList", "MemberList")
ACTUAL = "Actual"

_INTEGER = re.compile(r"[+-]?\d+")
_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?")


@dataclass(frozen=True)
class Component:
    """Where a variable lives: a name, perhaps an instance, perhaps at an EVSE or connector."""

    name: str
    instance: str | None = None
    evse: int | None = None
    connector: int | None = None

    def payload(self) -> dict[str, Any]:
        """Return the ComponentType."""
        payload: dict[str, Any] = {"name": self.name}
        if self.instance is not None:
            payload["instance"] = self.instance
        if self.evse is not None:
            payload["evse"] = {"id": self.evse}
            if self.connector is not None:
                payload["evse"]["connectorId"] = self.connector
        return payload

    def folded(self) -> Component:
        """Return the component as it is compared: names ignore case, an empty instance is none."""
        instance = self.instance.casefold() if self.instance else None
        return Component(self.name.casefold(), instance, self.evse, self.connector)

    @classmethod
    def read(cls, payload: dict[str, Any]) -> Component:
        """Read a ComponentType."""
        evse = payload.get("evse", {})
        return cls(payload["name"], payload.get("instance"), evse.get("id"), evse.get("connectorId"))


@dataclass
class Variable:
    """One variable of one component, with its Actual attribute.

    `minimum` and `maximum` bound a number, or the length of a string. `live` computes the value on reading.
    `slots` are further attribute types with their values (None: supported but unset).
    """

    component: Component
    name: str
    type: str
    mutability: str
    value: str | None = ""
    instance: str | None = None
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    persistent: bool = True
    constant: bool = False
    needs_reboot: bool = False
    live: Callable[[], str] | None = None
    slots: dict[str, str | None] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Name the variable in one line, as flash memory and `StationConfig.variables` key it."""
        place = self.component.name
        if self.component.evse is not None:
            place += f"@{self.component.evse}"
        if self.component.connector is not None:
            place += f".{self.component.connector}"
        return f"{place}.{self.name}" + (f"[{self.instance}]" if self.instance else "")

    def attribute_types(self) -> tuple[str, ...]:
        """Return the supported attribute types."""
        return (ACTUAL, *self.slots)

    def get(self, attribute_type: str = ACTUAL) -> str | None:
        """Return a value, None when it is unset."""
        if attribute_type != ACTUAL:
            return self.slots[attribute_type]
        return self.live() if self.live else self.value

    def variable_payload(self) -> dict[str, Any]:
        """Return the VariableType."""
        return {"name": self.name, **({"instance": self.instance} if self.instance else {})}

    def characteristics(self) -> dict[str, Any]:
        """Return the VariableCharacteristicsType."""
        payload: dict[str, Any] = {"dataType": self.type, "supportsMonitoring": self.mutability != WRITE_ONLY}
        if self.unit:
            payload["unit"] = self.unit
        if self.minimum is not None:
            payload["minLimit"] = self.minimum
        if self.maximum is not None:
            payload["maxLimit"] = self.maximum
        if self.values:
            payload["valuesList"] = ",".join(self.values)
        return payload

    def fault_in(self, value: str) -> str | None:
        """Return what is wrong with a new value: its format or its range; None when it fits (B05.FR.07/08)."""
        if self.type in LISTS:
            return self._fault_in_list(value)
        if self.type == "boolean":
            return None if value in ("true", "false") else "expected true or false"
        if self.type == "dateTime":
            return None if parse_moment(value) else "expected an RFC 3339 date-time"
        if self.type == "string":
            return self._fault_in_size(len(value), "length")
        if not (_INTEGER if self.type == "integer" else _DECIMAL).fullmatch(value):
            return f"expected {self.type}"
        return self._fault_in_size(float(value), "value")

    def _fault_in_list(self, value: str) -> str | None:
        """Check a choice, or a comma separated list of choices without repeats."""
        entries = [value] if self.type == "OptionList" else [entry.strip() for entry in value.split(",")]
        if value == "" and self.type == "MemberList":
            return None
        if len(set(entries)) != len(entries):
            return "an entry is repeated"
        unknown = [entry for entry in entries if entry not in self.values]
        return f"not in the values list: {', '.join(unknown)}" if unknown else None

    def _fault_in_size(self, size: float, what: str) -> str | None:
        """Check a number, or the length of a string, against the limits."""
        if self.minimum is not None and size < self.minimum:
            return f"{what} below {self.minimum:g}"
        if self.maximum is not None and size > self.maximum:
            return f"{what} above {self.maximum:g}"
        return None


class UnknownComponentError(LookupError):
    """No such component."""


class UnknownVariableError(LookupError):
    """The component has no such variable."""


class DeviceModel:
    """All variables of a station; values of persistent ones are kept in flash memory."""

    def __init__(self, variables: Iterable[Variable], flash: MutableMapping[str, str]) -> None:
        """Load stored values over the initial ones."""
        self._variables: dict[tuple[Component, str, str | None], Variable] = {}
        self._components: set[Component] = set()
        self._flash = flash
        for variable in variables:
            self.add(variable)

    def add(self, variable: Variable) -> None:
        """Add one variable."""
        component = variable.component.folded()
        instance = variable.instance.casefold() if variable.instance else None
        self._components.add(component)
        self._variables[component, variable.name.casefold(), instance] = variable
        if variable.persistent and variable.path in self._flash:
            variable.value = self._flash[variable.path]

    def __iter__(self) -> Iterator[Variable]:
        """Go through the variables in the order in which they were added."""
        return iter(self._variables.values())

    def find(self, component: Component, name: str, instance: str | None = None) -> Variable:
        """Return a variable; raise UnknownComponentError or UnknownVariableError."""
        place = component.folded()
        if place not in self._components:
            raise UnknownComponentError(component.name)
        folded_instance = instance.casefold() if instance else None
        try:
            return self._variables[place, name.casefold(), folded_instance]
        except KeyError:
            raise UnknownVariableError(name) from None

    def text(self, component: str, name: str, instance: str | None = None) -> str:
        """Return the Actual value of a variable of a controller, empty when unset."""
        return self.find(Component(component), name, instance).get() or ""

    def number(self, component: str, name: str, instance: str | None = None) -> float:
        """Return the Actual value of a numeric variable of a controller, 0 when unset."""
        return float(self.text(component, name, instance) or 0)

    def flag(self, component: str, name: str) -> bool:
        """Return the Actual value of a boolean variable of a controller."""
        return self.text(component, name) == "true"

    def members(self, component: str, name: str) -> tuple[str, ...]:
        """Return the entries of a list variable of a controller."""
        return tuple(entry.strip() for entry in self.text(component, name).split(",") if entry.strip())

    def store(self, variable: Variable, value: str) -> None:
        """Set an Actual value, and keep it in flash memory when the variable is persistent."""
        variable.value = value
        if variable.persistent:
            self._flash[variable.path] = value
