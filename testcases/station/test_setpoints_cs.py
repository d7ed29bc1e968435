"""Whether a charging limit is kept, refused or lowered predictably, and never silently ignored (K01 to K08; 1.6, 3.13).

Each case asks for several limits and looks at both: what the station reports, and what the EV really draws.
"""

from datetime import UTC, datetime, timedelta
from math import ceil

from conformance.cases.case import case
from conformance.cases.setpoint import Outcome
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.charging.outcome import amps
from conformance.peers.csms import CsmsPeer
from conformance.peers.outages import passed, plug_and_present
from conformance.peers.scenes import configured, ready, reboot
from conformance.peers.setpoints import (
    COURSE,
    DOWNGRADED,
    ENFORCED,
    KEPT,
    METER,
    PHASES,
    REJECTED,
    TOLD,
    setpoints,
)
from conformance.peers.transaction_scenes import offline
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network

BOTH = ["2.0.1", "1.6"]
NEEDS = "smart-charging"
ANYBODY = {"LocalAuthorizeOffline": "true", "AllowOfflineTxForUnknownId": "true"}
NO_TRANSACTION = "987654321"
"""An id that no transaction has."""


@case(
    "SETPOINT_CHARGING_CS",
    "Limits that are set while an EV charges are kept, one after the other",
    versions=BOTH,
    requirements=[TOLD, ENFORCED, METER, "K03.FR.03"],
    severity=Severity.BLOCKER,
    needs=NEEDS,
)
async def test_while_charging(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Lower the limit, lower it more, raise it, and change it three times in quick succession."""
    async with setpoints(station, csms, spec, profile) as trial:
        await trial.charge_unlimited()
        await trial.ask(f"{amps(trial.amperes(0.5))} while it charges", trial.amperes(0.5))
        for part, how in ((0.2, "lowered to"), (0.7, "raised to")):
            limit = trial.amperes(part)
            await trial.ask(f"{how} {amps(limit)}", limit, rules=("K03.FR.03", ENFORCED))
        for part in (0.1, 0.6):
            await trial.send(trial.amperes(part))
        limit = trial.amperes(0.3)
        await trial.ask(f"{amps(limit)}, the last of three at once", limit, rules=("K03.FR.03", ENFORCED))


@case(
    "SETPOINT_PRECEDENCE_CS",
    "Of several limits the right one holds, and what was set for one transaction ends with it",
    versions=BOTH,
    requirements=[TOLD, ENFORCED, "K02.FR.04", "K02.FR.05"],
    severity=Severity.BLOCKER,
    needs=NEEDS,
)
async def test_precedence(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """A default, one above it, one for the transaction that allows more, and then the next transaction."""
    async with setpoints(station, csms, spec, profile) as trial:
        ride = await trial.charge_unlimited()
        low, middle, high = (trial.amperes(part) for part in (0.2, 0.4, 0.6))
        default = low
        await trial.ask(f"{amps(low)} by default", low, purpose="TxDefaultProfile")
        if trial.levels > 0:
            words = f"{amps(middle)} by default, on a higher level"
            judged = await trial.ask(words, middle, purpose="TxDefaultProfile", level=1)
            default = low if judged.outcome is Outcome.REJECTED else middle
        await trial.ask(f"{amps(high)} for this transaction", high, rules=("K02.FR.04", ENFORCED))
        await trial.leave(ride)
        await trial.charge()
        await trial.still(f"{amps(default)} in the next transaction", rules=("K02.FR.05", "K02.FR.05"))


@case(
    "SETPOINT_REJECTED_CS",
    "A limit that is rejected changes nothing",
    versions=BOTH,
    requirements=[TOLD, ENFORCED, REJECTED],
    severity=Severity.BLOCKER,
    needs=NEEDS,
)
async def test_rejected(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for a limit of a transaction that does not run, and for one of the whole station at an EVSE."""
    async with setpoints(station, csms, spec, profile) as trial:
        ride = await trial.charge_unlimited()
        kept, low = trial.amperes(0.6), trial.amperes(0.1)
        await trial.ask(f"{amps(kept)} for the transaction", kept)
        other = trial.draft(low, level=trial.levels and 1, transaction=NO_TRANSACTION)
        await trial.refused(f"{amps(low)} for another transaction", low, ride.evse, other)
        station_wide = {**trial.draft(low, purpose="ChargingStationMaxProfile")}
        await trial.refused(f"{amps(low)} for the station, at an EVSE", low, ride.evse, station_wide)


@case(
    "SETPOINT_AT_START_CS",
    "A default limit holds from when an EV begins to charge",
    versions=BOTH,
    requirements=[TOLD, ENFORCED],
    severity=Severity.CRITICAL,
    needs=NEEDS,
)
async def test_at_start(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """See what an EV draws without a limit, set one by default while nobody charges, and let the next EV come."""
    async with setpoints(station, csms, spec, profile) as trial:
        await trial.leave(await trial.charge_unlimited())
        limit = trial.amperes(0.3)
        await trial.ask(f"{amps(limit)} by default, before anybody charges", limit, purpose="TxDefaultProfile")
        await trial.charge()
        await trial.still(f"{amps(limit)} when an EV begins to charge")


@case(
    "SETPOINT_SUSPENDED_CS",
    "A limit that is set while an EV pauses holds when it goes on",
    versions=BOTH,
    requirements=[TOLD, ENFORCED],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_while_suspended(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Let the EV pause, set the limit, and let it go on."""
    async with setpoints(station, csms, spec, profile) as trial:
        ride = await trial.charge_unlimited()
        limit = trial.amperes(0.4)
        await station.ev_suspend(ride.evse)
        try:
            await trial.ask(f"{amps(limit)} while the EV pauses", limit, watch=False)
        finally:
            await station.ev_ready(ride.evse)
        await trial.flows(ride)
        await trial.still(f"{amps(limit)} when it goes on")


@case(
    "SETPOINT_EXTREMES_CS",
    "Limits of 0 A, below what any EV takes, with a decimal, and above what there is",
    versions=BOTH,
    requirements=[TOLD, ENFORCED, DOWNGRADED],
    severity=Severity.CRITICAL,
    needs=NEEDS,
)
async def test_extremes(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """One after the other; what the station makes of them has to be as strict, and the same each time."""
    async with setpoints(station, csms, spec, profile) as trial:
        await trial.charge_unlimited()
        decimal = trial.amperes(0.3) + 0.5
        await trial.ask(f"{amps(decimal)}, with a decimal", decimal)
        await trial.ask("0 A", 0)
        if trial.least > 2:
            await trial.ask(f"{amps(trial.least - 2)}, below what any EV takes", trial.least - 2)
        await trial.ask(f"{amps(trial.least)}, the least that an EV takes", trial.least)
        if trial.capacity is not None:
            more = float(int(trial.capacity)) + 8
            await trial.ask(f"{amps(more)}, more than there is", more)


@case(
    "SETPOINT_PHASES_CS",
    "A limit for one phase, and one in watts, are those of each phase",
    versions=BOTH,
    requirements=[TOLD, ENFORCED, PHASES],
    severity=Severity.CRITICAL,
    needs=NEEDS,
)
async def test_phases(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for one phase where there are three, and for a power where the station takes amperes and watts."""
    async with setpoints(station, csms, spec, profile) as trial:
        ride = await trial.charge_unlimited()
        limit = trial.amperes(0.4)
        if ride.meter.evse.phases > 1:
            judged = await trial.ask(f"{amps(limit)} on one phase", limit, phases=1)
            if judged.outcome is not Outcome.REJECTED:
                trial.one_phase(ride, limit)
        if {"A", "W"} <= trial.units:
            limit = trial.amperes(0.2)
            await trial.ask(f"{amps(limit)} on each phase, in watts", limit, unit="W", rules=(PHASES, PHASES))


@case(
    "SETPOINT_COURSE_CS",
    "A limit that drops and rises by its schedule is followed when the time comes",
    versions=BOTH,
    requirements=[COURSE],
    severity=Severity.CRITICAL,
    needs=NEEDS,
)
async def test_course(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """A schedule that changes twice while we look on, and later in the hour again."""
    async with setpoints(station, csms, spec, profile) as trial:
        await trial.charge_unlimited()
        high, low, middle = (trial.amperes(part) for part in (0.7, 0.2, 0.5))
        step = max(2, ceil(2 * profile.timing.ramp))
        now = datetime.now(UTC).replace(microsecond=0)
        later = [(600, low), (1500, high), (2400, middle)]
        steps = [(0, high), (step, low), (2 * step, middle), *later][: trial.periods]
        await trial.ask(f"{amps(high)} for a start", steps, start=now, rules=(COURSE, COURSE))
        await trial.follows(COURSE)
        for number, how in ((1, "drops to"), (2, "rises to")):
            if number < len(steps):
                await trial.until(now + timedelta(seconds=number * step + profile.timing.ramp))
                await trial.still(f"{how} {amps(steps[number][1])}", rules=(COURSE, COURSE))


@case(
    "SETPOINT_REBOOT_CS",
    "A default limit outlives a reboot",
    versions=BOTH,
    requirements=[TOLD, ENFORCED, KEPT],
    severity=Severity.CRITICAL,
    needs=NEEDS,
)
async def test_reboot(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set it while an EV charges, let the station start anew when that has left, and let another one charge."""
    async with setpoints(station, csms, spec, profile) as trial:
        ride = await trial.charge_unlimited()
        limit = trial.amperes(0.4)
        await trial.ask(f"{amps(limit)} by default", limit, purpose="TxDefaultProfile")
        await trial.leave(ride)
        await reboot(station, csms)
        await ready(station, csms, patience=profile.timing.boot, settle=profile.timing.settle)
        await trial.still(f"{amps(limit)} after the reboot", rules=(KEPT, KEPT))
        await trial.charge()
        await trial.still(f"{amps(limit)} when an EV charges after it", rules=(KEPT, KEPT))


@case(
    "SETPOINT_OFFLINE_CS",
    "A limit goes on to hold when the connection is lost",
    versions=BOTH,
    requirements=[TOLD, ENFORCED, "K06.FR.01"],
    severity=Severity.BLOCKER,
    needs=NEEDS,
)
async def test_offline(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Limit a transaction, cut the station off, and see what flows: then, or by what it tells when it is back."""
    async with setpoints(station, csms, spec, profile) as trial:
        ride = await trial.charge_unlimited()
        limit = trial.amperes(0.3)
        await trial.ask(f"{amps(limit)} before the connection is lost", limit)
        mark, since = csms.now, datetime.now(UTC)
        trial.mark("offline")
        async with offline(csms, network, profile):
            if not await trial.shown_offline(ride, ride.evse, "K06.FR.01"):
                await passed(csms, trial.sampled_within, "a sample to be taken")
        trial.mark("online")
        await trial.kept_offline(ride, "K06.FR.01", since=since, until=datetime.now(UTC), after=mark)
        await trial.still(f"{amps(limit)} when it is back", rules=("K06.FR.01", "K06.FR.01"))


@case(
    "SETPOINT_OFFLINE_START_CS",
    "A transaction that starts offline keeps to the limit that the station has",
    versions=BOTH,
    requirements=[TOLD, ENFORCED, "K07.FR.01"],
    severity=Severity.CRITICAL,
    needs=f"{NEEDS} and offline-unknown-ids",
)
async def test_offline_start(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Set a default limit, cut the station off, and let a driver charge whom it lets in by itself."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with setpoints(station, csms, spec, profile) as trial, configured(csms, ANYBODY):
        ride = await trial.charge_unlimited()
        limit = trial.amperes(0.5)
        await trial.ask(f"{amps(limit)} by default", limit, purpose="TxDefaultProfile")
        await trial.leave(ride)
        mark, since = csms.now, datetime.now(UTC)
        trial.mark("offline")
        async with offline(csms, network, profile):
            await plug_and_present(station, csms, spot, token, profile)
            if not await trial.shown_offline(None, spot[0], "K07.FR.01"):
                await passed(csms, trial.sampled_within, "a sample to be taken")
        trial.mark("online")
        back = datetime.now(UTC)
        ride = trial.ride(await csms.speak.began(spot, after=mark, number=0, plugged=True))
        ready = since + timedelta(seconds=profile.timing.ramp + 2 * profile.timing.settle)
        await trial.kept_offline(ride, "K07.FR.01", since=ready, until=back, after=mark)
        await trial.still(f"{amps(limit)} when it is back", rules=("K07.FR.01", "K07.FR.01"))


@case(
    "SETPOINT_DEPOT_CS",
    "Two EVs share what the station may take, and the larger part goes from one to the other",
    versions=BOTH,
    requirements=[TOLD, ENFORCED, "K04.FR.05"],
    severity=Severity.BLOCKER,
    needs=f"{NEEDS} and evses > 1",
)
async def test_depot(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Limit the station to what one EV would draw alone, and each EV to a part of it; then change the parts."""
    spots = [profile.connectors[0], next(each for each in profile.connectors if each[0] != profile.connectors[0][0])]
    async with setpoints(station, csms, spec, profile, place=0) as trial:
        one, other = [await trial.charge_unlimited(each) for each in spots]
        whole = trial.amperes(0.8)
        large, small = float(ceil(whole * 0.6)), float(int(whole * 0.4))
        share = (TOLD, "K04.FR.05")
        await trial.ask(f"{amps(whole)} for both together", whole, purpose="ChargingStationMaxProfile", rules=share)
        await trial.ask(f"{amps(large)} for the first EV", large, ride=one)
        await trial.ask(f"{amps(small)} for the other", small, ride=other)
        await trial.ask(f"{amps(small)} for the first EV", small, ride=one)
        await trial.ask(f"{amps(large)} for the other", large, ride=other)
        await trial.still(f"{amps(whole)} for both, in the end", place=0, rules=share)
