"""Use case K01: charging profiles that ask for what a station does not have, or that no CSMS may send."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.kept_profiles import Installed
from conformance.peers.csms import CsmsPeer
from conformance.peers.kept_profiles import Rates, drafted, rates, whole_seconds
from conformance.peers.limits_told import limits_told
from conformance.peers.received import Refused
from conformance.peers.scenes import read_variable
from conformance.peers.set_profiles import LOWEST, check_status
from conformance.peers.standing_profiles import set_aside
from conformance.sut.profile import SutProfile

MAX, DEFAULT = "ChargingStationMaxProfile", "TxDefaultProfile"
EXTERNAL = "ChargingStationExternalConstraints"
STATION = 0
_PHASES = (1, 2, 3)


@case(
    "PROFILE_PHASE_TO_USE_CS",
    "A profile that chooses a phase is refused by an EVSE that can't switch to it",
    requirements=["K01.FR.48"],
    severity=Severity.NORMAL,
    needs="smart-charging and ac",
)
async def test_phase_to_use(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a default profile for each phase in turn: an EVSE that can't switch may use one of them at the most."""
    place = profile.evse[0]
    if not place.phases:
        spec.excuse("K01.FR.48", f"EVSE {place.id} gives direct current")
        return
    if await _switches_phases(csms, place.id):
        spec.excuse("K01.FR.48", "the station says that it can switch phases")
        return
    async with set_aside(csms):
        rate = await rates(csms, profile, place.id)
        draft = drafted(csms, rate, DEFAULT)
        accepted = []
        with spec.must("K01.FR.48"):
            for phase in _PHASES:
                draft["chargingSchedule"][0]["chargingSchedulePeriod"] = [
                    {"startPeriod": 0, "limit": _of_one_phase(rate), "numberPhases": 1, "phaseToUse": phase}
                ]
                answer = await csms.speak.set_charging_profile(place.id, draft)
                if answer["status"] == "Accepted":
                    accepted.append(f"L{phase}")
            assert len(accepted) <= 1, f"the EVSE can't switch phases, and takes profiles for {' and '.join(accepted)}"


def _of_one_phase(rate: Rates) -> float:
    return rate.least if rate.unit == "A" else rate.least * rate.volts


async def _switches_phases(csms: CsmsPeer, evse: int) -> bool:
    for place in (evse, None):
        with suppress(AssertionError):
            value = await read_variable(csms, "SmartChargingCtrlr", "ACPhaseSwitchingSupported", evse=place)
            if value.lower() == "true":
                return True
    return False


@case(
    "PROFILES_NOT_ALLOWED_CS",
    "A profile that no CSMS may send is refused, not taken for something else",
    requirements=["PROFILE.ODD.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_not_allowed(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set one after the other: without the start that its kind needs, with one that it can't have, and so on."""
    evse = profile.evse[0].id
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)

        def draft(purpose: str = DEFAULT, **fields: Any) -> dict[str, Any]:
            return drafted(csms, rate, purpose, steps=LOWEST, **fields)

        await _turned_down(csms, spec, "PROFILE.ODD.01", STATION, draft(EXTERNAL), "external constraints")
        await _turned_down(csms, spec, "PROFILE.ODD.01", evse, draft(MAX), "a maximum of the station for one EVSE")
        relative = draft(MAX, kind="Relative")
        await _turned_down(csms, spec, "PROFILE.ODD.01", STATION, relative, "a relative maximum of the station")
        started = draft(kind="Relative", start=whole_seconds())
        await _turned_down(csms, spec, "PROFILE.ODD.01", evse, started, "a relative schedule with a start")
        endless = draft(start=None)
        await _turned_down(csms, spec, "PROFILE.ODD.01", evse, endless, "an absolute schedule without a start")


@case(
    "PROFILES_BEYOND_LIMITS_CS",
    "A profile beyond what the station says of itself is refused",
    requirements=["PROFILE.ODD.02"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_beyond_limits(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set one above the highest stack level, and one with more periods than there may be."""
    evse = profile.evse[0].id
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        if not (await limits_told(csms, profile)).bounds:
            spec.unproven("PROFILE.ODD.02", "the station does not tell its highest stack level and its most periods")
            return
        high = drafted(csms, rate, DEFAULT, level=rate.top_level + 1, steps=LOWEST)
        why = f"stack level {rate.top_level + 1}, with {rate.top_level} being the highest"
        await _turned_down(csms, spec, "PROFILE.ODD.02", evse, high, why)
        count = rate.periods + 1
        long = drafted(csms, rate, DEFAULT, steps=[(60 * number, number % 2) for number in range(count)])
        await _turned_down(csms, spec, "PROFILE.ODD.02", evse, long, f"{count} periods, of {rate.periods} at most")


async def _turned_down(  # noqa: PLR0913 -- one row of a table
    csms: CsmsPeer, spec: Spec, requirement: str, evse: int, draft: Mapping[str, Any], what: str
) -> None:
    """Set a profile, and judge whether it is refused, by its status or by a CALLERROR."""
    bad = Installed(evse, draft)
    with spec(requirement):
        try:
            check_status(await csms.speak.set_charging_profile(evse, draft), bad, "Rejected")
        except Refused:
            return
        except AssertionError as miss:
            raise AssertionError(f"{what}: {miss}") from None
