"""Use cases K05 and K10, and their like in 1.6: limits that come with a remote start or go, as an EV really draws."""

import time
from contextlib import suppress

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.charging.outcome import amps
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NotSeen
from conformance.peers.setpoints import Purpose, Ride, Trial, setpoints
from conformance.peers.transaction_scenes import remote_number, somebody_plugs_in
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

_LOOKS = 5
"""How often the meters are looked at in the time that a station has to follow a limit."""


@case(
    "CLEARED_LIMIT_LIFTED_CS",
    "An EV draws more again once the profile is cleared that kept it from that",
    versions=["2.0.1", "1.6"],
    requirements=["K10.FR.05", "16.CP.29"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_lifted(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Limit an EV by default, limit it more, and clear first the one, then the other."""
    async with setpoints(station, csms, spec, profile) as trial:
        ride = await trial.charge_unlimited()
        default, own = trial.amperes(0.6), trial.amperes(0.2)
        limits: tuple[tuple[float, Purpose], ...] = ((default, "TxDefaultProfile"), (own, "TxProfile"))
        for limit, purpose in limits:
            judged = await trial.ask(f"{amps(limit)} as {purpose}", limit, purpose=purpose)
            assert judged.kept is not False, f"a limit of {amps(limit)} is not kept: nobody could see it lifted"
        await trial.clear(purpose="TxProfile")
        await trial.still(f"{amps(default)} by default is left", rules=("K10.FR.05", "K10.FR.05"))
        await _rises(trial, ride, own, "K10.FR.05")
        await trial.clear(purpose="TxDefaultProfile")
        await _rises(trial, ride, default, "K10.FR.05", "16.CP.29")


@case(
    "REMOTE_START_LIMIT_HELD_CS",
    "The limit that comes with a remote start holds for its transaction, and for no other",
    versions=["2.0.1", "1.6"],
    requirements=["F01.FR.10", "K05.FR.03"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_remote_start(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """See what an EV draws, start remotely with a limit and see again, and once more in the next transaction."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    somebody_plugs_in(station)
    async with setpoints(station, csms, spec, profile) as trial:
        await trial.leave(await trial.charge_unlimited())
        limit = trial.amperes(0.3)
        draft = trial.draft(limit)
        number, mark = remote_number(), csms.now
        await trial.hungry(spot[0])
        locked = profile.claims_map().get("cable-lock-before-authorization", False)
        if not locked:
            await station.plug_in(*spot)
        answer = await csms.speak.remote_start(token, spot, number, charging_profile=draft)
        assert answer["status"] == "Accepted", f"the remote start was answered {answer['status']}"
        if locked:
            await station.plug_in(*spot)
        session = await csms.speak.began(spot, after=mark, number=number, plugged=True)
        await csms.speak.energy(session, after=mark)
        ride = trial.ride(session, draft)
        await trial.still(f"{amps(limit)} with a remote start", rules=("K05.FR.03", "F01.FR.10"))
        await trial.leave(ride)
        trial.mark("the next transaction")
        await _rises(trial, await trial.charge(), limit, "F01.FR.10")


async def _rises(trial: Trial, ride: Ride, limit: float, *rules: str) -> None:
    """Note whether an EV comes to draw more than a limit that holds no longer.

    An EV need not take what it is offered: where nobody can tell it to, that it does not is only noted as unseen.
    """
    most = trial.allowance.above(limit)
    deadline = time.monotonic() + trial.profile.timing.ramp
    while True:
        look = await ride.meter.look()
        drawn = None if look is None else max(each.most for each in look.currents)
        if drawn is None or drawn > most or time.monotonic() >= deadline:
            break
        with suppress(NotSeen):
            within = trial.profile.timing.ramp / _LOOKS
            await trial.csms.until(lambda: False, "the station to lift its limit", within=within)
    if drawn is None:
        words, holds = "what the EV draws could not be measured", None
    else:
        words = f"{amps(limit)} is no longer the limit, and the EV draws {amps(drawn)}"
        holds = True if drawn > most else False if trial.station.can("set_load") else None
    for rule in rules:
        trial.note(rule, words, holds=holds)
