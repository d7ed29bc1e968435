"""Scenes around charging profiles that a CSMS sets: whether they are taken, and what can be seen of them."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from conformance.cases.spec import Spec
from conformance.oracles.charging import reported
from conformance.oracles.charging.course import shown
from conformance.oracles.kept_profiles import Installed
from conformance.peers.csms import CsmsPeer
from conformance.peers.kept_profiles import ROUNDING, Rates, still_there
from conformance.peers.received import Message, NoAnswer, Received, Refused, status_told

ACCEPTS = "PROFILE.SET.01"
LOWEST = ((0, 0),)
"""One period, with the least that an EV charges with: less than any EVSE does by itself."""
NEAR = timedelta(seconds=5)
"""What lies so near to a moment is not looked at: clocks differ, and schedules are told in whole seconds."""


async def taken(csms: CsmsPeer, spec: Spec, evse: int, draft: Mapping[str, Any]) -> Installed:
    """Set a profile that nothing speaks against, and judge whether it is accepted."""
    mine = Installed(evse, draft)
    with spec.must(ACCEPTS):
        check_status(await csms.speak.set_charging_profile(evse, draft), mine, "Accepted")
    return mine


async def refused(csms: CsmsPeer, spec: Spec, requirement: str, evse: int, draft: Mapping[str, Any]) -> None:
    """Set a profile that has to be rejected, and judge whether it is, and is not kept either."""
    bad = Installed(evse, draft)
    with spec.must(requirement):
        check_status(await csms.speak.set_charging_profile(evse, draft), bad, "Rejected")
    kept: set[int] = set()
    with suppress(NoAnswer, Refused):
        kept = await still_there(csms, bad)
    with spec(requirement):
        assert not kept, f"{bad} was rejected, and is reported among those that the station has"


def check_status(answer: Message, profile: Installed, expected: str) -> None:
    """Raise AssertionError where a profile is answered with another status."""
    assert answer["status"] == expected, f"expected {expected} for {profile}, got {status_told(answer)}"


async def composite(csms: CsmsPeer, evse: int, rate: Rates, seconds: int = 600, *, least: int = 600) -> Received:
    """What lies ahead for so many seconds, at `least`; raises AssertionError where the station does not tell it."""
    answer = await csms.speak.composite_schedule(evse, seconds, rate.unit)
    assert answer["status"] == "Accepted", f"GetCompositeSchedule of EVSE {evse} was answered {status_told(answer)}"
    assert "schedule" in answer, f"GetCompositeSchedule of EVSE {evse} was Accepted, and no schedule came"
    told = answer["schedule"]["duration"]
    assert told >= least, f"the composite schedule of EVSE {evse} was asked for {seconds} s, and is told for {told} s"
    return answer


def check_above(
    answer: Message, evse: int, limit: float, *, since: datetime | None = None, until: datetime | None = None
) -> None:
    """Raise AssertionError where a composite schedule has this limit, or less, in a time in which it does not hold."""
    course = reported(answer, evse)
    first = course.first if since is None else since + NEAR
    last = course.last if until is None else until - NEAR
    for moment in (first, *(each for each in course.edges if first < each < last)):
        told = course.at(moment)
        assert told is None or told > limit + ROUNDING, (
            f"the limit of {limit:g} {course.unit} does not hold for EVSE {evse} in second "
            f"{(moment - course.first).total_seconds():g}, and the composite schedule has {shown(told)} {course.unit}"
        )
