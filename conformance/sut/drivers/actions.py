"""What can be done to a station, as small protocols; a driver acts, and never reports what went over the wire."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from conformance.sut.secret import Secret

ACTIONS = (
    "power_off",
    "power_on",
    "plug_in",
    "unplug",
    "disconnect_ev",
    "present_id_token",
    "ev_ready",
    "ev_suspend",
    "ev_stop",
    "ev_arrive",
    "ev_depart",
    "set_load",
    "measure_load",
    "set_fault",
    "cut_network",
    "restore_network",
    "commission",
)
"""Every action that a driver may know. A power cycle is made of two of them."""


class Unsupported(Exception):  # noqa: N818 -- reads as what happened: says nothing about the station
    """An action that this driver, or whoever stands behind it, can't do."""

    def __init__(self, action: str, why: str) -> None:
        super().__init__(f"{action}: {why}")
        self.action = action
        self.why = why


class DriverFailed(Exception):  # noqa: N818 -- reads as what happened
    """An action that was tried and did not succeed, or a driver that broke."""

    def __init__(self, action: str, why: str) -> None:
        super().__init__(f"{action}: {why}")
        self.action = action
        self.why = why


@dataclass(frozen=True, slots=True)
class Measured:
    """What flows at an EVSE: the current of each phase in amperes, or where only that is known, the power in watts."""

    amperes: tuple[float, ...] = ()
    watts: float | None = None

    @classmethod
    def read(cls, told: object) -> "Measured":
        """From `{"amperes": [16.1, 16.0, 15.9]}`, `{"watts": 11040}` or a mere list; raises ValueError."""
        match told:
            case Measured():
                return told
            case {"amperes": list(amperes)} | list(amperes) if amperes and all(_is_number(each) for each in amperes):
                return cls(amperes=tuple(float(each) for each in amperes))
            case {"watts": watts} if _is_number(watts):
                return cls(watts=float(watts))
        raise ValueError(f'expected {{"amperes": [16.1, 16.0, 15.9]}} or {{"watts": 11040}}, got {str(told)[:80]}')

    @classmethod
    def typed(cls, text: str) -> "Measured":
        """From what a person types: `16.1 16.0 15.9` in amperes, `11040 W`, `11 kW`; raises ValueError."""
        words = re.findall(r"[\d.]+|[a-z]+", text.lower().replace(",", "." if "." not in text else " "))
        numbers = [float(word) for word in words if word[0].isdigit() and word.count(".") <= 1]
        match [word for word in words if not word[0].isdigit()]:
            case ["w" | "watt" | "watts"] if len(numbers) == 1:
                return cls(watts=numbers[0])
            case ["kw"] if len(numbers) == 1:
                return cls(watts=numbers[0] * 1000)
            case [] | ["a" | "amp" | "amps" | "ampere" | "amperes"] if numbers:
                return cls(amperes=tuple(numbers))
        raise ValueError(f"{text[:40]!r} is none of 16.1 16.0 15.9 (amperes of each phase), 11040 W or 11 kW")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class Note(Protocol):
    """Takes down what a driver does, for the transcript."""

    def __call__(self, text: str, **detail: object) -> None:
        """Note a text, with whatever belongs to it."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a driver is told at the start: where the station dials, who it is, and where its log goes."""

    csms_url: str
    identity: str
    folder: Path
    note: Note
    password: Secret | None = None
    security_profile: int = 1
    pki_folder: Path | None = None
    """Where the certificates of both ends lie, as `Pki.hand_out` lays them down; None where there are none."""
    operator: str = ""
    """Who operates the stations: the O of their certificates."""

    @property
    def url(self) -> str:
        """The address with the identity, percent-encoded."""
        return f"{self.csms_url.rstrip('/')}/{quote(self.identity, safe='')}"

    def placeholders(self) -> dict[str, str]:
        """What a command or a text may refer to."""
        return {"csms_url": self.csms_url, "identity": self.identity, "url": self.url, **self.station_files()}

    def station_files(self) -> dict[str, str]:
        """What has to be installed at a station: the root of the CSMS, and its own certificate and key; "" for none."""
        names = {"root_file": "root.pem", "certificate_file": "station.pem", "key_file": "station.key"}
        folder = self.pki_folder
        return {name: "" if folder is None else str(folder / file) for name, file in names.items()}


class Power(Protocol):
    """The mains."""

    async def power_off(self) -> None:
        """Mains off, at once: what a fuse does."""

    async def power_on(self) -> None:
        """Mains on: a cold boot."""


class Cable(Protocol):
    """The plug of an EV."""

    async def plug_in(self, evse: int = 1, connector: int = 1) -> None:
        """Put the plug into a connector."""

    async def unplug(self, evse: int = 1, connector: int = 1) -> None:
        """Pull it out."""

    async def disconnect_ev(self, evse: int = 1, connector: int = 1) -> None:
        """Pull the other end of the cable out of the EV; a cable of the EV's own stays in the socket."""


class Card(Protocol):
    """What a driver authorizes with."""

    async def present_id_token(self, evse: int, id_token: str, type: str = "ISO14443") -> None:  # noqa: A002
        """Hold a card to the reader of an EVSE."""


class Vehicle(Protocol):
    """An EV: one that is plugged in, and one that comes and goes."""

    async def ev_ready(self, evse: int = 1) -> None:
        """Let it ask for energy."""

    async def ev_suspend(self, evse: int = 1) -> None:
        """Let it stop asking, and stay plugged in."""

    async def ev_stop(self, evse: int = 1) -> None:
        """Let it end the charging itself, as it can by ISO 15118, and stay plugged in."""

    async def ev_arrive(self, evse: int = 1) -> None:
        """Drive it into the parking bay."""

    async def ev_depart(self, evse: int = 1) -> None:
        """Drive it out again."""


class Load(Protocol):
    """What the EV would draw."""

    async def set_load(self, evse: int, watts: float) -> None:
        """Set what it would draw if it were allowed to."""

    async def measure_load(self, evse: int) -> Any:
        """What it draws, by a meter that is not the station's own, in one of the ways that `Measured.read` takes."""


class Faults(Protocol):
    """What can be broken for a test."""

    async def set_fault(self, evse: int, connector: int, error: str) -> None:
        """Bring about what a connector reports by this ChargePointErrorCode of OCPP 1.6; NoError repairs it.

        ConnectorLockFailure is a lock that will fail when it is next used.
        """


class NetworkPlug(Protocol):
    """The station's own network."""

    async def cut_network(self) -> None:
        """Take it away."""

    async def restore_network(self) -> None:
        """Bring it back."""


class Installer(Protocol):
    """What an installer sets up at the station itself."""

    async def commission(
        self, security_profile: int, csms_url: str, root_file: str, certificate_file: str, key_file: str
    ) -> None:
        """Have it dial another address in another security profile, with these files in PEM, after a cold boot.

        What was stored over OCPP is gone: network profiles, certificates, and another password.
        """


class Operable(Power, Cable, Card, Vehicle, Load, NetworkPlug, Protocol):
    """A station that can be operated in every way."""


class Hands(Protocol):
    """One way of operating a station: what a kind of driver implements."""

    def can(self, action: str) -> bool:
        """Whether this action is known, as far as can be told without trying."""

    async def start(self, context: Context) -> None:
        """Get ready, and bring the station up where that is in this driver's power; raises DriverFailed."""

    async def stop(self) -> None:
        """Let go of everything, and leave nothing running."""

    async def act(self, action: str, **args: object) -> Any:
        """Carry out one of ACTIONS, and give what was measured; raises Unsupported and DriverFailed."""

    @property
    def trouble(self) -> str:
        """Why the driver is of no more use, in words; empty while it is."""
