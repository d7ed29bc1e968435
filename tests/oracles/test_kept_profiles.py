"""Reports of charging profiles, judged without a wire."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.oracles.kept_profiles import (
    Installed,
    Told,
    Wanted,
    differences,
    ending,
    faults,
    misattributed,
    repeated,
    told,
)

START = "2026-03-01T10:00:00.000Z"


def profile(number: int, *, level: int = 0, purpose: str = "TxDefaultProfile") -> dict[str, Any]:
    """A profile with two periods."""
    return {
        "id": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "validFrom": START,
        "chargingSchedule": [
            {
                "id": number,
                "chargingRateUnit": "A",
                "startSchedule": START,
                "duration": 600,
                "chargingSchedulePeriod": [
                    {"startPeriod": 0, "limit": 10.0, "numberPhases": 1},
                    {"startPeriod": 60, "limit": 6.5},
                ],
            }
        ],
    }


def part(evse: int, *profiles: dict[str, Any], tbc: bool = False, source: str = "CSO") -> dict[str, Any]:
    """One message of a report."""
    return {
        "requestId": 1,
        "evseId": evse,
        "tbc": tbc,
        "chargingLimitSource": source,
        "chargingProfile": list(profiles),
    }


@st.composite
def collections(draw: st.DrawFn) -> list[Installed]:
    """What a station may have: profiles with ids of their own, anywhere."""
    ids = draw(st.lists(st.integers(1, 50), min_size=1, max_size=6, unique=True))
    return [
        Installed(draw(st.integers(0, 2)), profile(each, level=draw(st.integers(0, 2)))) for each in ids
    ]  # whether they could all be installed is no matter here


@st.composite
def reports(draw: st.DrawFn, installed: list[Installed]) -> list[dict[str, Any]]:
    """A complete report of these, in any order, in parts of one EVSE each."""
    order = draw(st.permutations(installed))
    parts: list[dict[str, Any]] = []
    for each in order:
        if parts and parts[-1]["evseId"] == each.evse and draw(st.booleans()):
            parts[-1]["chargingProfile"].append(deepcopy(each.profile))
        else:
            parts.append(part(each.evse, deepcopy(dict(each.profile)), tbc=True))
    parts[-1]["tbc"] = False
    return parts


@given(st.data())
def test_complete_report(data: st.DataObject) -> None:
    """However it is split, a report of all that there is has no fault."""
    installed = data.draw(collections())
    parts = data.draw(reports(installed))
    assert not faults(parts, Wanted(), installed)
    assert not repeated(parts)
    assert not misattributed(parts, installed)
    assert not ending(parts)


@given(st.data())
def test_lacking_report(data: st.DataObject) -> None:
    """One profile less is one fault, and it is named."""
    installed = data.draw(collections())
    gone = data.draw(st.sampled_from(installed))
    parts = data.draw(reports(installed))
    for each in parts:
        each["chargingProfile"] = [one for one in each["chargingProfile"] if one["id"] != gone.id]
    assert faults(parts, Wanted(), installed) == [f"{gone} is not reported"]


@given(st.data())
def test_what_fits(data: st.DataObject) -> None:
    """What is objected to is what a plain filter would have left out."""
    installed = data.draw(collections())
    wanted = Wanted(
        evse=data.draw(st.none() | st.integers(0, 2)),
        stack_level=data.draw(st.none() | st.integers(0, 2)),
        ids=tuple(data.draw(st.lists(st.integers(1, 50), max_size=3))),
    )
    parts = data.draw(reports(installed))
    for each in told(parts):
        fits = (
            (wanted.evse is None or each.evse == wanted.evse)
            and (wanted.stack_level is None or each.profile["stackLevel"] == wanted.stack_level)
            and (not wanted.ids or each.id in wanted.ids)
        )
        assert bool(wanted.objection(each)) != fits


def test_another_source() -> None:
    """Sources are filtered too, and what the CSMS has set has one of them."""
    entry = Told(1, "EMS", 1, profile(7))
    assert "the source asked for is CSO" in Wanted(sources=("CSO",)).objection(entry)
    assert not Wanted(sources=("CSO", "EMS")).objection(entry)
    wrong = misattributed(
        [part(1, profile(7), source="EMS"), part(1, profile(8), source="SO")], [Installed(1, profile(7))]
    )
    assert len(wrong) == 1
    assert "reported with the source EMS" in wrong[0]


def test_other_place() -> None:
    """A profile that is reported for another EVSE is not where it was set."""
    assert faults([part(0, profile(7))], Wanted(), [Installed(2, profile(7))]) == [
        "profile 7 (TxDefaultProfile at level 0 of EVSE 2) is reported for the station"
    ]


def test_twice() -> None:
    """A profile that is in two parts is told twice."""
    assert repeated([part(1, profile(7), tbc=True), part(2, profile(7))]) == ["profile 7 is reported 2 times"]


def test_endings() -> None:
    """Each part but the last says that more follows."""
    assert "part 1 of 2" in ending([part(1, profile(7)), part(2, profile(8))])
    assert "the last of 1 parts" in ending([part(1, profile(7), tbc=True)])
    assert not ending([part(1, profile(7))])
    assert not ending([])


def test_request() -> None:
    """Only what is asked for is in a request; EVSE 0 and level 0 are."""
    assert Wanted(evse=0, stack_level=0).request(5) == {
        "requestId": 5,
        "evseId": 0,
        "chargingProfile": {"stackLevel": 0},
    }
    assert Wanted(ids=(1, 2), purpose="TxProfile", sources=("CSO",)).request(6) == {
        "requestId": 6,
        "chargingProfile": {
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileId": [1, 2],
            "chargingLimitSource": ["CSO"],
        },
    }


@pytest.mark.parametrize(
    ("where", "key", "value", "said"),
    [
        ((), "stackLevel", 3, "stackLevel is 3, not 0"),
        ((), "validFrom", "2026-03-01T11:00:00Z", "validFrom is 2026-03-01T11:00:00Z"),
        ((), "validFrom", "soon", "validFrom is soon"),
        ((), "validFrom", None, "validFrom is None"),
        ((), "chargingSchedule", [], "another number of schedules"),
        (("chargingSchedule", 0), "duration", 60, "duration is 60, not 600"),
        (("chargingSchedule", 0), "chargingRateUnit", "W", "chargingRateUnit is W, not A"),
        (("chargingSchedule", 0), "startSchedule", None, "startSchedule is None"),
        (("chargingSchedule", 0), "chargingSchedulePeriod", None, "another number of periods"),
        (("chargingSchedule", 0, "chargingSchedulePeriod", 1), "startPeriod", 61, "a period begins at 61, not 60"),
        (("chargingSchedule", 0, "chargingSchedulePeriod", 1), "limit", 7, "the limit from 60 s on is 7, not 6.5"),
        (("chargingSchedule", 0, "chargingSchedulePeriod", 1), "limit", None, "the limit from 60 s on is None"),
        (("chargingSchedule", 0, "chargingSchedulePeriod", 0), "numberPhases", 3, "numberPhases from 0 s on is 3"),
    ],
)
def test_differences(where: tuple[str | int, ...], key: str, value: object, said: str) -> None:
    """Whatever was set and is told otherwise is named."""
    other = profile(7)
    place: Any = other
    for step in where:
        place = place[step]
    place[key] = value
    (found,) = differences(other, profile(7))
    assert said in found


def test_may_be_filled_in() -> None:
    """A station may say more than was set, and keep whole seconds and tenths of a limit."""
    other = profile(7)
    schedule = other["chargingSchedule"][0]
    other |= {"validFrom": "2026-03-01T11:00:00+01:00", "validTo": "2027-03-01T11:00:00Z"}
    schedule |= {"startSchedule": "2026-03-01T10:00:00Z", "minChargingRate": 6.0}
    schedule["chargingSchedulePeriod"][1] |= {"limit": 6.45, "numberPhases": 3}
    assert not differences(other, profile(7))
