"""Reading what a station answers to GetCompositeSchedule, in either version."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from conformance.oracles.charging.course import Course, Step
from conformance.oracles.charging.profile import periods, unit
from conformance.oracles.charging.site import exact
from conformance.wire.schemas import parse_timestamp

_LONGEST = 10 * 366 * 86_400
"""Seconds to which a duration is cut down: nobody asks for as much, and a calendar has an end."""


def reported(
    answer: Mapping[str, Any], evse: int | None = None, *, asked: datetime | None = None, seconds: int | None = None
) -> Course:
    """The course that an accepted answer tells; periods are taken in the order of their starts, whatever the list's.

    `asked` stands in for a start and `seconds` for a duration that is missing, as 1.6 allows. Raises ValueError where
    it can't be read, and where it is about another EVSE (connector) than `evse`.
    """
    try:
        return _reported(answer, evse, asked, seconds)
    except OverflowError as error:
        raise ValueError(f"no composite schedule to be read, {error}: {answer!r}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no composite schedule to be read, for want of {error}: {answer!r}") from None


def misordered(answer: Mapping[str, Any]) -> list[str]:
    """What is wrong with the order of the periods of an accepted answer (K01.FR.31, 35); empty if nothing is."""
    starts = [each["startPeriod"] for each in _schedule(answer)["chargingSchedulePeriod"]]
    wrong = [f"expected the first period to start at 0, got {starts[0]}"] if starts and starts[0] != 0 else []
    if any(one >= other for one, other in pairwise(starts)):
        wrong.append(f"expected periods in the order of their starts, got {starts}")
    return wrong


def _reported(answer: Mapping[str, Any], evse: int | None, asked: datetime | None, seconds: int | None) -> Course:
    schedule = _schedule(answer)
    told = schedule["evseId"] if "evseId" in schedule else answer.get("connectorId", evse)
    if evse is not None and told != evse:
        raise ValueError(f"expected a schedule of {evse}, got one of {told}")
    first = _start(answer, schedule, asked)
    duration = schedule.get("duration", seconds)
    if duration is None:
        raise ValueError("expected a duration of the schedule, got none")
    last = first + timedelta(seconds=min(float(exact(duration)), _LONGEST))
    listed = sorted(periods(schedule["chargingSchedulePeriod"]), key=lambda each: each.start)
    steps = [Step(first + timedelta(seconds=each.start), each.limit, each.limit) for each in listed]
    if steps[0].start > first:
        steps.insert(0, Step(first, None, None))
    inside = [each for each in steps if first <= each.start < last]
    return Course.of(first, last, unit(schedule), inside)


def _schedule(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    schedule = answer.get("schedule", answer.get("chargingSchedule"))
    if schedule is None:
        raise ValueError("no schedule came with the answer")
    if not isinstance(schedule, Mapping):
        raise TypeError("a schedule")
    return schedule


def _start(answer: Mapping[str, Any], schedule: Mapping[str, Any], asked: datetime | None) -> datetime:
    for told in (schedule.get("scheduleStart"), answer.get("scheduleStart"), schedule.get("startSchedule")):
        if told is not None:
            moment = parse_timestamp(told) if isinstance(told, str) else None
            if moment is None:
                raise ValueError(f"expected a start of the schedule with an offset, got {told!r}")
            return moment
    if asked is None:
        raise ValueError("expected a start of the schedule, got none")
    return asked
