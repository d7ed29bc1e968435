"""A charging station without OCPP: EVSEs, plugs, meters, transactions, reservations and a clock."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Literal
from uuid import uuid4

from conformance.sut.tables import Evse as ClaimedEvse
from conformance.wire.schemas import parse_timestamp

ChargingState = Literal["Idle", "EVConnected", "Charging", "SuspendedEV", "SuspendedEVSE"]
ConnectorStatus = Literal["Available", "Occupied", "Reserved", "Unavailable"]

VOLTAGE = 230.0
"""Volts between a phase and neutral."""

PHASES = 3
MAX_POWER_W = PHASES * VOLTAGE * 32


def stamp(moment: datetime) -> str:
    """A time as RFC 3339 in UTC, in milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Clock:
    """The station's clock: that of the machine, off by what the CSMS told."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        """What it shows, in UTC."""
        return datetime.now(UTC) + self.offset

    def stamp(self) -> str:
        """What it shows, as it goes over the wire."""
        return stamp(self.now())

    def set(self, text: object) -> None:
        """Take over a time from the wire; what is none changes nothing."""
        told = parse_timestamp(text) if isinstance(text, str) else None
        if told is not None:
            self.offset = told - datetime.now(UTC)


class Meter:
    """An energy meter that never runs backwards: watt-hours, growing while power is drawn.

    A new one shows a little more than any has shown before, unless it is told what: stations come and go between
    cases, and to a CSMS they are one, of which no two transactions start with the same reading.
    """

    _most = 1000.0

    def __init__(self, register_wh: float | None = None) -> None:
        self._register = Meter._most + 1 if register_wh is None else register_wh
        self._since = time.monotonic()
        self._watts = 0.0
        self._read()

    @property
    def watts(self) -> float:
        """The power that is drawn."""
        return self._watts

    @watts.setter
    def watts(self, value: float) -> None:
        self._register, self._since, self._watts = self._read(), time.monotonic(), value

    @property
    def register_wh(self) -> float:
        """The reading, to one decimal."""
        return round(self._read(), 1)

    def _read(self) -> float:
        shown = self._register + self._watts * (time.monotonic() - self._since) / 3600
        Meter._most = max(Meter._most, shown)
        return shown


@dataclass(eq=False)
class Transaction:
    """One transaction; `number` is the transactionId that the CSMS gave (1.6), `id` the station's own (2.x)."""

    evse: "Evse"
    connector: int
    meter_start: float
    began: datetime
    id: str = field(default_factory=lambda: str(uuid4()))
    number: int | None = None
    id_token: Mapping[str, Any] | None = None
    authorized: bool = False
    charging_state: ChargingState = "Idle"
    remote_start_id: int | None = None
    reservation: int | None = None
    ended: bool = False
    _sequence: Iterator[int] = field(default_factory=count)

    def next_seq_no(self) -> int:
        """The next sequence number, from 0."""
        return next(self._sequence)


@dataclass(frozen=True, slots=True)
class Reservation:
    """Kept for a token until a time."""

    id: int
    id_token: Mapping[str, Any]
    expiry: datetime | None


@dataclass(eq=False)
class Connector:
    """One connector; `finished` while the plug of a transaction that is over is still in."""

    id: int
    type: str = "cType2"
    plugged: bool = False
    operative: bool = True
    finished: bool = False


@dataclass(eq=False)
class Evse:
    """One EVSE, with a meter."""

    id: int
    connectors: Sequence[Connector]
    max_power_w: float = MAX_POWER_W
    operative: bool = True
    transaction: Transaction | None = None
    reservation: Reservation | None = None
    meter: Meter = field(default_factory=Meter)

    def connector(self, number: int) -> Connector | None:
        """The connector of this number, if there is one."""
        return next((each for each in self.connectors if each.id == number), None)

    @property
    def plugged(self) -> Connector | None:
        """The connector that an EV is plugged into."""
        return next((each for each in self.connectors if each.plugged), None)


class Equipment:
    """Everything that the station is made of. Nothing in it speaks OCPP."""

    def __init__(self, evses: Iterable[Evse] | None = None) -> None:
        self.evses = list(evses) if evses is not None else [Evse(1, [Connector(1)]), Evse(2, [Connector(1)])]
        self.operative = True
        self.clock = Clock()
        self.waiting: list[tuple[Evse | None, Connector | None, bool]] = []
        """Changes of availability that wait for the end of a transaction."""

    @classmethod
    def claimed(cls, evses: Iterable[ClaimedEvse]) -> "Equipment":
        """As a profile describes it; two EVSEs of one connector each where it describes none."""
        made = [
            Evse(
                each.id,
                [Connector(connector.id, connector.type) for connector in each.connector],
                MAX_POWER_W if each.max_power_w is None else each.max_power_w,
            )
            for each in evses
        ]
        return cls(made or None)

    @property
    def connectors(self) -> list[tuple[Evse, Connector]]:
        """Every connector with its EVSE, in order; its place here, from 1, is its number in OCPP 1.6."""
        return [(evse, connector) for evse in self.evses for connector in evse.connectors]

    @property
    def transactions(self) -> list[Transaction]:
        """The transactions that run."""
        return [evse.transaction for evse in self.evses if evse.transaction is not None]

    def evse(self, number: object) -> Evse | None:
        """The EVSE of this id, if there is one."""
        return next((each for each in self.evses if each.id == number), None)

    def place(self, evse: int, connector: int) -> tuple[Evse, Connector]:
        """An EVSE and a connector that a case names; raises ValueError where there is none."""
        found = self.evse(evse)
        plug = found.connector(connector) if found is not None else None
        if found is None or plug is None:
            raise ValueError(f"the station of the harness has no connector {connector} on EVSE {evse}")
        return found, plug

    def available(self, evse: Evse, connector: Connector | None = None) -> bool:
        """Whether it may be used at all, free or not."""
        return self.operative and evse.operative and (connector is None or connector.operative)

    def status(self, evse: Evse, connector: Connector) -> ConnectorStatus:
        """The state of a connector in the words of 2.x."""
        if not self.available(evse, connector):
            return "Unavailable"
        if connector.plugged or (evse.transaction is not None and evse.transaction.connector == connector.id):
            return "Occupied"
        return "Reserved" if self.reservation(evse) is not None else "Available"

    def reservation(self, evse: Evse) -> Reservation | None:
        """The reservation of an EVSE; one that has run out is forgotten."""
        held = evse.reservation
        if held is not None and held.expiry is not None and held.expiry <= self.clock.now():
            evse.reservation = None
        return evse.reservation

    def free(self, id_token: Mapping[str, Any] | None = None) -> Evse | None:
        """An EVSE at which a transaction can start with this token, one that an EV waits at first."""
        able = [
            each for each in self.evses if self.available(each) and not _taken(each) and self._open_to(each, id_token)
        ]
        return next((each for each in able if each.plugged), next(iter(able), None))

    def _open_to(self, evse: Evse, id_token: Mapping[str, Any] | None) -> bool:
        held = self.reservation(evse)
        return held is None or (id_token is not None and held.id_token.get("idToken") == id_token.get("idToken"))

    def can_start(self, evse: Evse, id_token: Mapping[str, Any]) -> bool:
        """Whether a transaction can be authorized here with this token."""
        return self.available(evse) and not _taken(evse) and self._open_to(evse, id_token)

    def reserve(self, evse: Evse, number: int, id_token: Mapping[str, Any], expiry: str) -> str:
        """Keep an EVSE for a token, in place of a reservation of the same number. Gives the status."""
        if not self.available(evse):
            return "Unavailable"
        held = self.reservation(evse)
        if evse.plugged is not None or evse.transaction is not None or (held is not None and held.id != number):
            return "Occupied"
        self.cancel_reservation(number)
        evse.reservation = Reservation(number, id_token, parse_timestamp(expiry))
        return "Accepted"

    def cancel_reservation(self, number: int) -> bool:
        """Forget a reservation; whether there was one of this number."""
        found = [each for each in self.evses if each.reservation is not None and each.reservation.id == number]
        for each in found:
            each.reservation = None
        return bool(found)

    def transaction(self, identifier: object) -> Transaction | None:
        """The running transaction of this id, of either kind."""
        return next((each for each in self.transactions if identifier in (each.id, each.number)), None)

    def begin(self, evse: Evse, connector: Connector) -> Transaction:
        """A transaction begins."""
        made = Transaction(evse, connector.id, evse.meter.register_wh, self.clock.now())
        evse.transaction = made
        connector.finished = False
        return made

    def charge(self, transaction: Transaction) -> None:
        """Energy flows."""
        transaction.charging_state = "Charging"
        transaction.evse.meter.watts = transaction.evse.max_power_w

    def end(self, transaction: Transaction) -> None:
        """A transaction is over."""
        evse = transaction.evse
        evse.meter.watts = 0.0
        transaction.ended = True
        connector = evse.connector(transaction.connector)
        if connector is not None:
            connector.finished = connector.plugged
        transaction.charging_state = "EVConnected" if connector is not None and connector.plugged else "Idle"
        if evse.transaction is transaction:
            evse.transaction = None

    # -- availability -------------------------------------------------------------------------------------------------

    def set_availability(self, evse: Evse | None, connector: Connector | None, *, operative: bool) -> bool:
        """Change the availability of the station, an EVSE or a connector; False where a transaction is in the way."""
        self.waiting = [each for each in self.waiting if each[:2] != (evse, connector)]
        busy = [each for each in self.transactions if evse in (None, each.evse)]
        if connector is not None:
            busy = [each for each in busy if each.connector == connector.id]
        if busy and not operative:
            self.waiting.append((evse, connector, operative))
            return False
        self._apply(evse, connector, operative=operative)
        return True

    def apply_waiting(self) -> None:
        """Carry out the changes of availability that no transaction is in the way of any more."""
        for evse, connector, operative in tuple(self.waiting):
            self.set_availability(evse, connector, operative=operative)

    def _apply(self, evse: Evse | None, connector: Connector | None, *, operative: bool) -> None:
        if connector is not None:
            connector.operative = operative
        elif evse is not None:
            evse.operative = operative
        else:
            self.operative = operative


def _taken(evse: Evse) -> bool:
    """Whether somebody is charging there, or authorized to."""
    return evse.transaction is not None and evse.transaction.authorized
