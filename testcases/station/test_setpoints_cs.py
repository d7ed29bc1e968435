"""Whether a charging limit is kept, refused or lowered predictably, and never silently ignored (K01 to K08; 1.6, 3.13).

Each case asks for several limits and looks at both: what the station reports, and what the EV really draws.
"""

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.charging.outcome import amps
from conformance.peers.csms import CsmsPeer
from conformance.peers.setpoints import ENFORCED, METER, REJECTED, TOLD, setpoints
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

BOTH = ["2.0.1", "1.6"]
NEEDS = "smart-charging"


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
        ride = await trial.charge()
        await trial.unlimited(ride)
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
        ride = await trial.charge()
        await trial.unlimited(ride)
        low, middle, high = (trial.amperes(part) for part in (0.2, 0.4, 0.6))
        await trial.ask(f"{amps(low)} by default", low, purpose="TxDefaultProfile")
        if trial.levels > 0:
            await trial.ask(
                f"{amps(middle)} by default, on a higher level", middle, purpose="TxDefaultProfile", level=1
            )
        await trial.ask(f"{amps(high)} for this transaction", high, rules=("K02.FR.04", ENFORCED))
        await trial.leave(ride)
        ride = await trial.charge()
        ride.load = trial.most
        default = middle if trial.levels > 0 else low
        await trial.still(f"{amps(default)} in the next transaction", rules=("K02.FR.05", ENFORCED))


@case(
    "SETPOINT_REJECTED_CS",
    "A limit that is rejected changes nothing",
    versions=BOTH,
    requirements=[REJECTED],
    severity=Severity.BLOCKER,
    needs=NEEDS,
)
async def test_rejected(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for a limit of a transaction that there is not, and of the whole station in the wrong place."""
    async with setpoints(station, csms, spec, profile) as trial:
        ride = await trial.charge()
        await trial.unlimited(ride)
        limit = trial.amperes(0.6)
        await trial.ask(f"{amps(limit)} for this transaction", limit)
