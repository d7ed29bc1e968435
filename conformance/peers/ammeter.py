"""How much an EV draws: by what the station tells of its own meter, and by one that is somebody else's."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime

from conformance.oracles.charging.drawn import MEASURANDS, OFFERED, Reading, Wiring, readings
from conformance.oracles.charging.outcome import Current
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NoAnswer, NotSeen, Received, Refused
from conformance.peers.scenes import Charging, configured
from conformance.sut.drivers import DriverFailed, Measured, StationDriver, Unsupported
from conformance.sut.profile import SutProfile
from conformance.sut.tables import Evse

SAMPLED, ALIGNED, INTERVAL = "MeterValuesSampledData", "MeterValuesAlignedData", "MeterValueSampleInterval"
MESSAGES = ("TransactionEvent", "MeterValues")
"""What carries meter values while a transaction runs."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the meters: when, what the station tells of its own, and what that of somebody else shows.

    `watts` is the power over all phases, as far as either says it, the more of both.
    """

    at: datetime
    told: Current | None = None
    shown: Current | None = None
    watts: float | None = None

    @property
    def currents(self) -> tuple[Current, ...]:
        """Whatever was seen."""
        return tuple(each for each in (self.told, self.shown) if each is not None)


class Ammeter:
    """The meters of one transaction. It learns from the first look how the station can be had to tell its values."""

    def __init__(self, station: StationDriver, csms: CsmsPeer, profile: SutProfile, session: Charging) -> None:
        self._station = station
        self._csms = csms
        self._profile = profile
        self.session = session
        self.evse = next(each for each in profile.evse if each.id == session.connector[0])
        self.wiring = wiring(self.evse, profile.parameters.nominal_voltage)
        self._speak = csms.speak
        triggers = [each for each in csms.speak.transaction_messages if each in MESSAGES]
        self._triggers: list[str] = list(dict.fromkeys([*triggers, "MeterValues"]))
        self._samples = True
        self._other = station.can("measure_load")
        self._power: float | None = None

    async def look(self, *, thorough: bool = True) -> Look | None:
        """Read the meters, that of somebody else only where `thorough` or where the station has none; None for none."""
        told = await self._told()
        shown = await self.shown() if thorough or told is None else None
        if told is None and shown is None:
            return None
        current, power = (None, None) if told is None else (told.current, told.watts)
        powers = [each for each in (power, self._power) if each is not None]
        return Look(self._csms.transcript.clock.utcnow(), current, shown, max(powers, default=None))

    async def shown(self) -> Current | None:
        """What somebody else's meter shows, None where there is none."""
        self._power = None
        if not self._other:
            return None
        try:
            measured = await self._station.measure_load(self.evse.id)
        except (Unsupported, DriverFailed):
            self._other = False
            return None
        self._power = sum(measured.amperes) * self.wiring.voltage if measured.watts is None else measured.watts
        self._learn(measured.watts or 0.0)
        return shown_by(measured, self.wiring)

    async def _told(self) -> Reading | None:
        """What the station tells when it is asked, or the next time that it does by itself."""
        if self._csms.link is None:
            return None
        for trigger in tuple(self._triggers):
            found = await self._triggered(trigger)
            if found is not None:
                self._triggers, self._samples = [trigger], False
                return found
            self._triggers.remove(trigger)
        return await self._next(self._csms.now, self._sampled_within) if self._samples else None

    @property
    def _sampled_within(self) -> float:
        return self._profile.parameters.meter_interval + self._profile.timing.answer

    async def _triggered(self, what: str) -> Reading | None:
        mark = self._csms.now
        try:
            answer = await self._speak.trigger(what, self.session.connector)
        except (Refused, NoAnswer):
            return None
        if answer.get("status") != "Accepted":
            return None
        return await self._next(mark, self._profile.timing.answer)

    async def _next(self, mark: int, within: float) -> Reading | None:
        """What the first message after a mark says that says something of the current."""
        try:
            await self._csms.until(lambda: bool(self.told(after=mark)), "a meter value of the current", within=within)
        except NotSeen:
            self._samples = False
            return None
        return self.told(after=mark)[-1]

    def told(self, *, after: int) -> list[Reading]:
        """What the station has told of the current of this transaction, in the order in which it was read."""
        found: list[Reading] = []
        for message in self._messages(after):
            for reading in readings(message, self.wiring):
                if reading.watts is not None:
                    self._learn(reading.watts)
            mine = readings(message, self.wiring)
            if mine:
                self._csms.touch(message)
            found += mine
        return sorted(found, key=lambda each: each.at)

    def _messages(self, after: int) -> Sequence[Received]:
        session, speak = self.session, self._speak
        return [
            each
            for each in self._csms.traffic(after=after)
            if (each.action == "TransactionEvent" and speak.of_transaction(each, session.transaction_id))
            or (each.action == "MeterValues" and speak.metered(each, session.connector))
        ]

    def _learn(self, watts: float) -> None:
        used = max(self.wiring.used, self.wiring.shown_by(watts))
        self.wiring = replace(self.wiring, used=used)


async def other_meter(station: StationDriver, profile: SutProfile, evse: int) -> Current | None:
    """What somebody else's meter shows at an EVSE, whatever goes on there; None where there is none."""
    if not station.can("measure_load"):
        return None
    try:
        measured = await station.measure_load(evse)
    except (Unsupported, DriverFailed):
        return None
    wired = wiring(next(each for each in profile.evse if each.id == evse), profile.parameters.nominal_voltage)
    return shown_by(measured, wired)


def shown_by(measured: Measured, wired: Wiring) -> Current:
    """What flows in each phase, by what was measured."""
    if measured.watts is None:
        return Current.exactly(max(measured.amperes))
    used = max(wired.used, wired.shown_by(measured.watts))
    return Current(*(measured.watts / (wired.voltage * each) for each in (wired.lines, used)))


def wiring(evse: Evse, voltage: float) -> Wiring:
    """How an EVSE of a profile is wired."""
    lines = max(evse.phases, 1)
    capacity = None if evse.max_power_w is None else evse.max_power_w / (voltage * lines)
    return Wiring(evse.phases, voltage, capacity)


@asynccontextmanager
async def measuring(csms: CsmsPeer, profile: SutProfile) -> AsyncIterator[None]:
    """Have the station measure current and power, and tell them often, as far as it lets us, for a block."""
    interval = f"{profile.parameters.meter_interval:g}"
    async with AsyncExitStack() as afterwards:
        for setting in (SAMPLED, ALIGNED):
            await _measure(csms, afterwards, setting)
        with suppress(AssertionError):
            await afterwards.enter_async_context(configured(csms, {INTERVAL: interval}))
        yield


async def _measure(csms: CsmsPeer, afterwards: AsyncExitStack, setting: str) -> None:
    """Add the measurands that tell of the current to those that are there; as many of them as are taken."""
    try:
        there = [each.strip() for each in (await csms.speak.read(setting)).split(",") if each.strip()]
    except AssertionError:
        return
    missing = [each for each in MEASURANDS if each not in there]
    choices = [missing, *([each] for each in missing), *([[OFFERED]] if len(missing) == len(MEASURANDS) else [])]
    for wanted in choices if missing else []:
        try:
            await afterwards.enter_async_context(configured(csms, {setting: ",".join([*there, *wanted])}))
        except AssertionError:
            continue
        return
