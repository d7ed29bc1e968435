"""Smart charging at work: what the profiles allow is what flows, from moment to moment."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from conformance.reference.station.charging_limits import ChargingLimits, Rate
from conformance.reference.station.charging_profiles import CONTROLLER
from conformance.reference.station.device_model import Component
from conformance.reference.station.meter import NOMINAL_VOLTAGE

if TYPE_CHECKING:
    from conformance.reference.station.base import Evse
    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.device_model import DeviceModel, Variable
    from conformance.reference.station.rpc import Payload

LONGEST_LOOK_AHEAD = timedelta(hours=1)
JUST_AFTER = 0.001
PERCENT = 100


class SmartCharging(ChargingLimits):
    """Holds every EV to its limit, whenever one changes."""

    def __init__(self, config: StationConfig) -> None:
        """Start without a limit."""
        super().__init__(config)
        self._limits_changed = asyncio.Event()
        self._applying = False
        self._applied: dict[int, Rate] = {}

    def build_model(self) -> DeviceModel:
        """Count the profiles that are installed."""
        model = super().build_model()
        entries = model.find(Component(CONTROLLER), "Entries", "ChargingProfiles")
        entries.live, entries.maximum = self.number_of_charging_profiles, self.config.charging_profiles
        return model

    def number_of_charging_profiles(self) -> str:
        """Return how many profiles are installed."""
        return str(len(self.charging_profiles()))

    # -- what one EV gets

    def currents(self, evse: int) -> tuple[float, ...]:
        """Return the amperes that flow on each phase of an EVSE, on the one line of direct current."""
        place = self.evses[evse]
        used, lines = max(self.phases_in_use(place), 1), max(place.phases, 1)
        each = place.meter.power / NOMINAL_VOLTAGE / used
        return (each,) * used + (0.0,) * (lines - used)

    async def measure_load(self, evse: int) -> Payload:
        """Return what a meter between the station and the EV shows."""
        return {"amperes": list(self.currents(evse))}

    def phases_in_use(self, place: Evse) -> int:
        """Return over how many phases an EV charges: at most as many as its limit is meant for."""
        return min(place.phases, self.allowed_rate(place).phases)

    def charging_state(self, place: Evse) -> str:
        """Return SuspendedEVSE where an EV is allowed less than it can charge with."""
        state = super().charging_state(place)
        return "SuspendedEVSE" if state == "Charging" and not self.can_charge_with(self.allowed_rate(place)) else state

    def can_charge_with(self, rate: Rate) -> bool:
        """Tell whether an EV charges at all with a limit (IEC 61851: not below 6 A)."""
        return rate.amperes >= self.config.least_current if rate.phases else rate.amperes > 0

    def power_drawn(self, place: Evse) -> float:
        """Return the watts that flow while charging: what the EV takes on each phase, held to its limit."""
        rate = self.allowed_rate(place)
        used = max(rate.phases, 1) / max(place.phases, 1)
        return round(min(place.load * used, rate.watts), 6)

    def allowed_rate(self, place: Evse) -> Rate:
        """Return what an EVSE may deliver now."""
        now = self.clock.now()
        rate = self.evse_rate(place, now, self.ready_since(place, now))
        whole = self.station_rate(now)
        return rate if whole is None else self.share_of(place, rate.lower(whole), whole)

    def share_of(self, place: Evse, rate: Rate, whole: Rate) -> Rate:
        """Return what an EVSE may deliver of what the station may take from the grid (K04.FR.05)."""
        wanting = sorted(
            (each for each in self.evses.values() if each is place or self.wants_energy(each)), key=self.rank
        )
        enough = int(whole.amperes // self.config.least_current) if whole.phases else len(wanting)
        served = wanting[: max(enough, 0)]
        if place not in served:
            return Rate(0.0, rate.phases)
        return rate.lower(Rate(whole.amperes / len(served), whole.phases))

    def rank(self, place: Evse) -> tuple[bool, str, int]:
        """Return the order in which EVSEs are served: the oldest transaction first."""
        transaction = place.session.transaction
        return transaction is None, "" if transaction is None else transaction.id, place.number

    def wants_energy(self, place: Evse) -> bool:
        """Tell whether an EV would charge here if the whole station had no limit."""
        if place.session.transaction is None or super().charging_state(place) != "Charging":
            return False
        now = self.clock.now()
        return self.can_charge_with(self.evse_rate(place, now, self.ready_since(place, now)))

    # -- from moment to moment

    def watch_the_clock(self) -> None:
        """Begin to follow the schedules."""
        super().watch_the_clock()
        self.tasks.start(self.follow_limits())

    async def follow_limits(self) -> None:
        """Apply the limits whenever one changes, by the clock or because something happened."""
        while True:
            self._limits_changed.clear()
            self.apply_limits()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.seconds_to_next_limit()):
                    await self._limits_changed.wait()

    def seconds_to_next_limit(self) -> float:
        """Return how long no schedule will change anything."""
        now = self.clock.now()
        edges = self.rate_edges(now, now + LONGEST_LOOK_AHEAD)
        return ((edges[0] - now) if edges else LONGEST_LOOK_AHEAD).total_seconds() + JUST_AFTER

    def apply_limits(self) -> None:
        """Hold every EV to its limit, and tell where that makes a difference."""
        self._applying = True
        try:
            for place in self.evses.values():
                if place.session.transaction is not None:
                    self.apply_limit(place)
        finally:
            self._applying = False

    def apply_limit(self, place: Evse) -> None:
        """Hold one EV to its limit, where that is another than before."""
        if self.allowed_rate(place) == self._applied.get(place.number):
            return
        before = place.meter.power
        self.settle_charging_state(place)
        after = place.meter.power
        if before and after and abs(after - before) / before * PERCENT > self.least_change_told():
            self.send_event(place, "Updated", "ChargingRateChanged")

    def least_change_told(self) -> float:
        """Return by how many percent the power must change for the CSMS to be told."""
        return self.model.number(CONTROLLER, "LimitChangeSignificance")

    def limits_changed(self) -> None:
        """Have the limits applied anew, soon."""
        if not self._applying:
            self._limits_changed.set()

    def charging_profiles_changed(self) -> None:
        """Follow the new collection."""
        super().charging_profiles_changed()
        self._limits_changed.set()

    def settle_charging_state(self, place: Evse) -> None:
        """Note when an EV could charge for the first time in its transaction, and what that leaves for others."""
        transaction = place.session.transaction
        if transaction is not None and transaction.ready is None and self.is_ready(place):
            transaction.ready = self.clock.now()
        self._applied[place.number] = self.allowed_rate(place)
        super().settle_charging_state(place)
        self.limits_changed()

    @staticmethod
    def is_ready(place: Evse) -> bool:
        """Tell whether there is an EV and a driver who may charge it (K01.FR.42)."""
        return place.plugged is not None and place.session.authorized

    def send_event(  # noqa: PLR0913 -- as it is below
        self,
        place: Evse,
        event_type: str,
        trigger: str,
        *,
        token: Payload | None = None,
        connector: int | None = None,
        asked: bool = False,
    ) -> None:
        """Look at the limits again whenever something happens in a transaction."""
        super().send_event(place, event_type, trigger, token=token, connector=connector, asked=asked)
        self.limits_changed()

    def clock_was_set(self) -> None:
        """Look anew for what holds now."""
        super().clock_was_set()
        self._limits_changed.set()

    def variable_changed(self, variable: Variable) -> None:
        """Begin or end to manage charging when that is switched."""
        super().variable_changed(variable)
        if variable.component.name == CONTROLLER:
            self._limits_changed.set()
