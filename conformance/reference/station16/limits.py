"""What the charging profiles of a 1.6 station come to, and how its connectors follow that (3.13)."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from conformance.reference.station.meter import NOMINAL_VOLTAGE
from conformance.reference.station16.availability import STATION
from conformance.reference.station16.profiles import (
    ALL_PHASES,
    ANYTHING,
    CHARGE_POINT_MAX,
    TX,
    TX_DEFAULT,
    Allowance,
    Profile,
)
from conformance.reference.station16.transactions import Transactions16

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector, Transaction
    from conformance.reference.station16.config import StationConfig16

LEAST_CURRENT = 6.0
LONGEST_WAIT = 60.0
A_MOMENT = 0.002


class Limits16(Transactions16):
    """Keeps charging profiles in flash memory, and draws no more than they allow."""

    def __init__(self, config: StationConfig16) -> None:
        """Start with what flash memory holds."""
        super().__init__(config)
        self._limits_changed = asyncio.Event()

    # -- what is installed

    @property
    def profiles(self) -> list[Profile]:
        """The profiles that are installed, oldest first."""
        return [Profile(**record) for record in self.storage.get("charging_profiles", [])]

    @profiles.setter
    def profiles(self, profiles: Iterable[Profile]) -> None:
        """Write them to flash memory (errata 3.37)."""
        self.storage["charging_profiles"] = [profile.record for profile in profiles]

    def install(self, profile: Profile) -> None:
        """Put a profile in, in the place of those that it replaces (5.16.3, 5.16.4)."""
        self.profiles = [*(each for each in self.profiles if not self.replaces(profile, each)), profile]

    def replaces(self, new: Profile, old: Profile) -> bool:
        """Tell whether a profile takes the place of another: the same id, or the same purpose and level there."""
        place = (new.connector, new.purpose, new.level) == (old.connector, old.purpose, old.level)
        return place or new.id == old.id

    def forget_transactions(self) -> None:
        """Drop the profiles of transactions that are over (3.13.1)."""
        running = {transaction.number for _, transaction in self.in_transaction()}
        self.profiles = [each for each in self.profiles if each.purpose != TX or each.transaction in running]

    def in_transaction(self) -> list[tuple[Connector, Transaction]]:
        """Return the connectors that have a transaction, and these, in the order in which they began."""
        found = [
            (connector, connector.session.transaction)
            for connector in self.connectors.values()
            if connector.session.transaction is not None
        ]
        return sorted(found, key=lambda pair: pair[1].number)

    # -- what they come to

    def changes(self, first: datetime, last: datetime) -> list[datetime]:
        """Return the moments in between at which any limit may change."""
        began = {first, *(self.began(connector, first) for connector, _ in self.in_transaction())}
        return sorted(
            {moment for profile in self.profiles for start in began for moment in profile.changes(first, last, start)}
        )

    def began(self, connector: Connector, otherwise: datetime) -> datetime:
        """Return when the transaction of a connector began."""
        transaction = connector.session.transaction
        if transaction is None:
            return otherwise
        return self.clock.now() - timedelta(seconds=time.monotonic() - transaction.began)

    def station_allowance(self, moment: datetime) -> Allowance:
        """Return what the station as a whole may draw."""
        return self.prevailing([each for each in self.profiles if each.purpose == CHARGE_POINT_MAX], moment, moment)

    def own_allowance(self, connector: Connector, moment: datetime, began: datetime) -> Allowance:
        """Return what a connector may draw by its hardware and its own profiles (3.13.1)."""
        return Allowance(watts=connector.max_power) & self.prevailing(self.profiles_of(connector), moment, began)

    def profiles_of(self, connector: Connector) -> list[Profile]:
        """Return the profiles that decide at a connector: of its transaction if it has any, else the default ones."""
        transaction = connector.session.transaction
        own = [each for each in self.profiles if each.purpose == TX and self.is_for(each, transaction)]
        return own or self.defaults_of(connector)

    def is_for(self, profile: Profile, transaction: Transaction | None) -> bool:
        """Tell whether a TxProfile is for a transaction."""
        return transaction is not None and profile.transaction == transaction.number

    def defaults_of(self, connector: Connector) -> list[Profile]:
        """Return the default profiles of a connector: those of the station too, but for levels of its own (3.13.1)."""
        defaults = [each for each in self.profiles if each.purpose == TX_DEFAULT]
        own = [each for each in defaults if each.connector == connector.number]
        levels = {each.level for each in own}
        return [*own, *(each for each in defaults if each.connector == STATION and each.level not in levels)]

    def prevailing(self, profiles: list[Profile], moment: datetime, began: datetime) -> Allowance:
        """Return what the highest of those profiles allows that say anything at a moment (3.13.2)."""
        for profile in sorted(profiles, key=lambda each: each.level, reverse=True):
            if (allowed := profile.allowance(moment, began)) is not None:
                return allowed
        return ANYTHING

    # -- following it

    def allowed_now(self, connector: Connector) -> Allowance:
        """Return what a connector may draw now, were it the only one."""
        now = self.clock.now()
        return self.own_allowance(connector, now, self.began(connector, now)) & self.station_allowance(now)

    def takes_energy(self, connector: Connector) -> bool:
        """Tell whether a connector has a transaction whose EV would charge if it may."""
        transaction = connector.session.transaction
        ready = connector.plugged and not connector.suspended_by_ev and connector.error == "NoError"
        return ready and transaction is not None and not transaction.withheld

    def shares(self) -> dict[int, float]:
        """Return the amperes per line of the connectors that charge; first come, first served where it is not enough.

        What the station may draw is divided evenly, but nobody gets more than the EV takes.
        """
        station = self.station_allowance(self.clock.now())
        caps: list[tuple[float, int, int]] = []
        for connector, _ in self.in_transaction():
            allowed, phases = self.allowed_now(connector), connector.config.phases
            lines = allowed.lines(phases)
            least = LEAST_CURRENT * (len(caps) + 1)
            enough = station.amperes >= least and station.watts >= least * NOMINAL_VOLTAGE * lines
            if self.takes_energy(connector) and enough and allowed.current(phases) >= LEAST_CURRENT:
                wanted = super().power_drawn(connector) / (NOMINAL_VOLTAGE * max(phases, 1))
                caps.append((min(wanted, allowed.current(phases)), lines, connector.number))
        amperes, watts = station.amperes, station.watts
        shares: dict[int, float] = {}
        for position, (cap, lines, number) in enumerate(sorted(caps)):
            rest = sorted(caps)[position:]
            share = min(cap, amperes / len(rest), watts / (NOMINAL_VOLTAGE * sum(each[1] for each in rest)))
            shares[number] = share
            amperes, watts = amperes - share, watts - share * NOMINAL_VOLTAGE * lines
        return shares

    def status_in_transaction(self, connector: Connector) -> str:
        """Return SuspendedEVSE where the limit is below what an EV charges with at least (4.9)."""
        status = super().status_in_transaction(connector)
        return "SuspendedEVSE" if connector.plugged and not self.offers_energy(connector) else status

    def offers_energy(self, connector: Connector) -> bool:
        """Tell whether the limits leave enough for an EV."""
        if self.takes_energy(connector):
            return connector.number in self.shares()
        return self.allowed_now(connector).current(connector.config.phases) >= LEAST_CURRENT

    def power_drawn(self, connector: Connector) -> float:
        """Return the watts that flow while charging."""
        return self.shares().get(connector.number, 0.0) * NOMINAL_VOLTAGE * self.lines_used(connector)

    def lines_used(self, connector: Connector) -> int:
        """Return the number of phases that energy may flow on."""
        return self.allowed_now(connector).lines(connector.config.phases)

    def rebalance(self) -> None:
        """Switch the power of every transaction to what it may be now."""
        for connector, _ in self.in_transaction():
            charging = self.connector_status(connector) == "Charging"
            connector.lines = self.lines_used(connector)
            connector.meter.power = self.power_drawn(connector) if charging else 0

    def currents_drawn(self, evse: int) -> tuple[float, float, float]:
        """Return the amperes that the EVs at an EVSE draw now, per phase; raise KeyError when there is no such EVSE."""
        drawn = [0.0] * ALL_PHASES
        for connector in self.connectors_of(evse):
            for phase in range(connector.lines):
                drawn[phase] += connector.meter.power / NOMINAL_VOLTAGE / connector.lines
        return drawn[0], drawn[1], drawn[2]

    async def measure_load(self, evse: int) -> Payload:
        """Return what a meter between the station and the EVs shows."""
        return {"amperes": list(self.currents_drawn(evse))}

    async def limits_loop(self) -> None:
        """Follow the schedules: whenever a limit changes, the power does."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.seconds_to_change()):
                    await self._limits_changed.wait()
            if self.in_transaction():
                self.rebalance()
                self.report_status_changes()

    def seconds_to_change(self) -> float:
        """Return how long it is to the next moment at which a limit may change, or to look again at the clock."""
        now = self.clock.now()
        moments = self.changes(now, now + timedelta(seconds=LONGEST_WAIT))
        return (moments[0] - now).total_seconds() + A_MOMENT if moments else LONGEST_WAIT

    async def follow_new_limits(self) -> None:
        """Draw what the profiles allow from now on."""
        self.rebalance()
        self.report_status_changes()
        self._limits_changed.set()
        self._limits_changed = asyncio.Event()

    # -- in the course of things

    def settle(self, connector: Connector) -> None:
        """Give every connector its share when one of them changes."""
        self.rebalance()
        super().settle(connector)

    async def set_load(self, evse: int, watts: float) -> None:
        """Set what an EV would draw, and give the others what that leaves."""
        await super().set_load(evse, watts)
        self.rebalance()

    def transaction_began(self, connector: Connector, transaction: Transaction) -> None:
        """Install the profile that a transaction was ordered with (5.16.2)."""
        super().transaction_began(connector, transaction)
        if (payload := connector.session.profile) is not None:
            self.install(Profile(connector.number, payload, transaction.number))

    def stop_transaction(self, connector: Connector, reason: str, id_tag: str | None = None) -> None:
        """Forget the profiles of a transaction that ends, and give the others what it leaves."""
        super().stop_transaction(connector, reason, id_tag)
        self.forget_transactions()
        self.rebalance()
