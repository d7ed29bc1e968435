"""What NotifyMonitoringReport and NotifyEvent tell of monitors: pure, over payloads (N02, N07, N08)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Message = TypeVar("Message", bound=Mapping[str, Any])


@dataclass(frozen=True, slots=True)
class Told:
    """One monitor in a report."""

    component: Mapping[str, Any]
    variable: Mapping[str, Any]
    monitor: Mapping[str, Any]

    @property
    def id(self) -> int:
        """Its id."""
        number: int = self.monitor["id"]
        return number

    @property
    def kind(self) -> str:
        """Its type."""
        return str(self.monitor["type"])

    @property
    def severity(self) -> int:
        """How severe it is."""
        number: int = self.monitor["severity"]
        return number

    def is_on(self, where: Mapping[str, Any]) -> bool:
        """Whether it is on this component and variable; no EVSE is another place than an EVSE."""
        return place(self.component, self.variable) == place(where["component"], where["variable"])

    def is_like(self, other: "Told") -> bool:
        """Whether this is the same monitor, perhaps with another id: a variable has one of a kind and severity."""
        same = (self.kind, self.severity) == (other.kind, other.severity)
        return same and place(self.component, self.variable) == place(other.component, other.variable)


@dataclass(frozen=True, slots=True)
class Event(Generic[Message]):
    """One event, and the message that it came in."""

    message: Message
    data: Mapping[str, Any]

    @property
    def monitor(self) -> object:
        """The id of the monitor that it comes of, None where it says none."""
        return self.data.get("variableMonitoringId")

    @property
    def trigger(self) -> str:
        """What triggered it."""
        return str(self.data["trigger"])

    @property
    def value(self) -> str:
        """The value that is told."""
        return str(self.data["actualValue"])

    @property
    def cleared(self) -> bool:
        """Whether it says that a threshold is no longer exceeded."""
        return self.data.get("cleared") is True

    def is_on(self, where: Mapping[str, Any]) -> bool:
        """Whether it is about this component and variable."""
        return place(self.data["component"], self.data["variable"]) == place(where["component"], where["variable"])


def place(component: Mapping[str, Any], variable: Mapping[str, Any]) -> tuple[object, ...]:
    """A component and a variable as they are compared: names ignore case; EVSEs may have an instance name or not."""
    evse = component.get("evse") or {}
    name = str(variable["name"]).casefold()
    return (str(component["name"]).casefold(), evse.get("id"), evse.get("connectorId"), name, variable.get("instance"))


def monitors_in(parts: Iterable[Mapping[str, Any]]) -> list[Told]:
    """Every monitor in the parts of a report."""
    return [
        Told(entry["component"], entry["variable"], each)
        for part in parts
        for entry in part.get("monitor", ())
        for each in entry["variableMonitoring"]
    ]


def events_in(messages: Iterable[Message]) -> list[Event[Message]]:
    """Every event in NotifyEvents."""
    return [Event(message, data) for message in messages for data in message["eventData"]]


def out_of_order(parts: Iterable[Mapping[str, Any]]) -> str:
    """What is wrong with the numbers of the parts of a report, nothing where they run from 0."""
    numbers = [part["seqNo"] for part in parts]
    return "" if numbers == list(range(len(numbers))) else f"the parts are numbered {numbers}, expected from 0"
