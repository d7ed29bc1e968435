"""Charging profiles read, kept, and what they come to, one rule at a time."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from conformance.oracles.charging import (
    Book,
    ChargingProfile,
    Course,
    EvseLimits,
    Running,
    Site,
    Step,
    differences,
    expected,
    misordered,
    reported,
)

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SITE = Site({1: EvseLimits(3, 22000), 2: EvseLimits(3, 22000)})


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def iso(seconds: float) -> str:
    return at(seconds).isoformat()


def profile(number: int = 1, *limits: float, **changes: Any) -> dict[str, Any]:
    """A TxDefaultProfile of 2.0.1 in amperes from a minute before noon on, a new limit every minute."""
    schedule = {
        "id": number,
        "chargingRateUnit": "A",
        "startSchedule": iso(-60),
        "chargingSchedulePeriod": [
            {"startPeriod": 60 * place, "limit": limit} for place, limit in enumerate(limits or (10,))
        ],
    }
    inner = {"chargingRateUnit", "startSchedule", "duration", "minChargingRate", "chargingSchedulePeriod"}
    schedule |= {name: value for name, value in changes.items() if name in inner}
    outer = {
        "id": number,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
    }
    outer |= {name: value for name, value in changes.items() if name not in inner}
    return outer | {"chargingSchedule": [{name: value for name, value in schedule.items() if value is not None}]}


def profile_16(number: int = 1, *limits: float, **changes: Any) -> dict[str, Any]:
    payload = profile(number, *limits, **changes)
    return payload | {"chargingProfileId": payload.pop("id"), "chargingSchedule": payload["chargingSchedule"][0]}


def limits(book: Book, evse: int = 1, *moments: float, unit: Any = "A", running: Any = (), site: Site = SITE) -> Any:
    """The limit at some seconds after noon, that at noon if none is named."""
    course = expected(book, site, evse, NOON, at(86400 * 8), unit, running)
    found = [course.at(at(each)) for each in moments or (0,)]
    return found if moments else found[0]


def holding(*profiles: tuple[int, dict[str, Any]], version: str = "2.0.1") -> Book:
    book = Book(version)
    for evse, payload in profiles:
        book.set(evse, payload)
    return book


# -- reading ------------------------------------------------------------------------------------------------------


def test_reads_both_versions_alike() -> None:
    changes = {"validFrom": iso(0), "transactionId": 7, "duration": 100, "minChargingRate": 6.1}
    one, other = ChargingProfile.read(profile(3, 8.1, **changes)), ChargingProfile.read(profile_16(3, 8.1, **changes))
    assert one == other
    assert (one.id, one.periods[0].limit, one.least_rate) == (3, Fraction(81, 10), Fraction(61, 10))


def test_the_maximum_of_both_versions_is_the_same_purpose() -> None:
    read = ChargingProfile.read(profile_16(chargingProfilePurpose="ChargePointMaxProfile"))
    assert read.purpose == "ChargingStationMaxProfile"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"chargingProfileKind": "Dynamic"}, "chargingProfileKind"),
        ({"chargingProfilePurpose": "LocalGeneration"}, "chargingProfilePurpose"),
        ({"chargingProfileKind": "Recurring"}, "recurrencyKind"),
        ({"chargingProfileKind": "Recurring", "recurrencyKind": "Daily", "startSchedule": None}, "startSchedule"),
        ({"chargingRateUnit": "kW"}, "chargingRateUnit"),
        ({"chargingSchedulePeriod": []}, "at least one period"),
        ({"chargingSchedulePeriod": [{"startPeriod": 1, "limit": 6}]}, "start at 0"),
        ({"chargingSchedulePeriod": [{"startPeriod": each, "limit": 6} for each in (0, 60, 60)]}, "in the order"),
        ({"chargingSchedulePeriod": [{"startPeriod": 0, "limit": True}]}, "a number"),
        ({"chargingSchedulePeriod": [{"startPeriod": 0, "limit": float("inf")}]}, "inf"),
        ({"chargingSchedulePeriod": [{"startPeriod": 0}]}, "limit"),
        ({"stackLevel": 0.5}, "whole number"),
        ({"validTo": "2026-05-04T12:00:00"}, "validTo"),
        ({"validFrom": 1}, "validFrom"),
    ],
)
def test_says_what_can_not_be_read(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        ChargingProfile.read(profile(**changes))


def test_a_payload_that_is_none_is_not_read() -> None:
    with pytest.raises(ValueError, match="not a charging profile"):
        ChargingProfile.read({"chargingSchedule": []})


# -- what is kept -------------------------------------------------------------------------------------------------


def test_an_id_that_is_known_replaces_wherever_it_was() -> None:
    book = holding((1, profile(1, 10)), (2, profile(1, 12)))
    assert [(each.evse, each.profile.id) for each in book.entries] == [(2, 1)]


def test_external_constraints_are_not_replaced_by_others() -> None:
    book = holding((0, profile(1, 10, chargingProfilePurpose="ChargingStationExternalConstraints")), (0, profile(1)))
    assert len(book.entries) == 2
    assert [each.profile.purpose for each in book.clear()] == ["TxDefaultProfile"]


@pytest.mark.parametrize(("version", "kept"), [("2.0.1", 2), ("1.6", 1)])
def test_a_place_is_taken_in_1_6_only(version: str, kept: int) -> None:
    assert len(holding((1, profile(1)), (1, profile(2)), version=version).entries) == kept


def test_clears_by_id_alone_or_by_all_that_is_said() -> None:
    book = holding((0, profile(1, stackLevel=0)), (1, profile(2, stackLevel=1)), (1, profile(3, stackLevel=2)))
    assert not book.clear(evse=0, stack_level=1)
    assert [each.profile.id for each in book.clear(id=2, evse=0)] == [2]
    assert [each.profile.id for each in book.clear(evse=1)] == [3]
    assert [each.profile.id for each in book.clear(purpose="TxDefaultProfile")] == [1]


def test_a_transaction_takes_its_profiles_with_it() -> None:
    book = holding((1, profile(1)))
    book.set(1, profile(2, chargingProfilePurpose="TxProfile"), transaction="T")
    assert not book.transaction_over("another")
    assert [each.profile.id for each in book.transaction_over("T")] == [2]


# -- when a profile speaks ----------------------------------------------------------------------------------------


def test_an_edge_belongs_to_what_comes_after_it() -> None:
    book = holding((1, profile(1, 10, 12, duration=120)))
    assert limits(book, 1, 0, 59.9, 60) == [12, 12, None]


def test_validity_includes_its_begin_and_excludes_its_end() -> None:
    book = holding((1, profile(1, 10, validFrom=iso(30), validTo=iso(90))))
    assert limits(book, 1, 29, 30, 89, 90) == [None, 10, 10, None]


def test_periods_past_the_duration_never_come() -> None:
    assert limits(holding((1, profile(1, 10, 12, duration=60))), 1, 0) == [None]


def test_a_future_schedule_lets_the_lower_level_speak_until_then() -> None:
    book = holding((1, profile(1, 10)), (1, profile(2, 16, stackLevel=1, startSchedule=iso(100), duration=50)))
    assert limits(book, 1, 99, 100, 149, 150) == [10, 16, 16, 10]


@pytest.mark.parametrize(("recurrency", "cycle"), [("Daily", 86400), ("Weekly", 7 * 86400)])
def test_recurs_at_the_same_time_and_falls_back_in_between(recurrency: str, cycle: int) -> None:
    start = iso(30 - 5 * cycle)
    again = profile(1, 10, startSchedule=start, duration=60, chargingProfileKind="Recurring", recurrencyKind=recurrency)
    book = holding((1, again), (1, profile(2, 16, chargingProfilePurpose="ChargingStationMaxProfile")))
    assert limits(book, 1, 29, 30, 89, 90, 30 + cycle, 90 + cycle) == [None, 10, 10, None, 10, None]


def test_what_is_longer_than_its_cycle_is_cut() -> None:
    periods = [{"startPeriod": 0, "limit": 10}, {"startPeriod": 86400, "limit": 20}]
    kind = {"chargingProfileKind": "Recurring", "recurrencyKind": "Daily"}
    book = holding((1, profile(1, chargingSchedulePeriod=periods, duration=90000, **kind)))
    assert limits(book, 1, 0, 86400, 2 * 86400) == [10, 10, 10]


def test_recurring_knows_no_change_of_the_clocks() -> None:
    start = "2026-03-01T02:30:00+01:00"  # as Amsterdam has it in winter
    kind = {"chargingProfileKind": "Recurring", "recurrencyKind": "Daily"}
    book = holding((1, profile(1, 10, startSchedule=start, duration=60, **kind)))
    summer = datetime(2026, 7, 1, tzinfo=UTC)
    course = expected(book, SITE, 1, summer, summer + timedelta(days=1), "A")
    assert [each.start for each in course.steps if each.limit == 10] == [datetime(2026, 7, 1, 1, 30, tzinfo=UTC)]


def test_a_relative_schedule_runs_from_when_its_transaction_began() -> None:
    book = holding((1, profile(1, 10, 12, chargingProfileKind="Relative", startSchedule=None)))
    assert limits(book, 1, 0, 60, running=[Running(1, "T", at(-30))]) == [10, 12]
    assert limits(book, 1, 29, 30, running=[Running(1, "T", at(-30))]) == [10, 12]
    assert limits(book, 1, 59, 60) == [10, 12]


# -- merging ------------------------------------------------------------------------------------------------------


def test_the_lowest_of_the_purposes_holds_and_a_tx_profile_overrules_the_default() -> None:
    book = holding(
        (0, profile(1, 25, chargingProfilePurpose="ChargingStationMaxProfile")),
        (1, profile(2, 10)),
        (1, profile(3, 16, chargingProfilePurpose="TxProfile", transactionId="T", duration=120)),
    )
    assert limits(book) == 10
    assert limits(book, running=[Running(1, "another", NOON)]) == 10
    assert limits(book, 1, 0, 60, running=[Running(1, "T", NOON)]) == [16, 10]
    assert limits(book, 2) == 25


def test_in_1_6_it_is_open_what_comes_after_a_tx_profile() -> None:
    transaction = profile(3, 16, chargingProfilePurpose="TxProfile", transactionId="T", duration=120)
    most = profile(1, 25, chargingProfilePurpose="ChargingStationMaxProfile")
    book, running = holding((1, profile(2, 10)), (1, transaction), version="1.6"), [Running(1, "T", NOON)]
    assert limits(book, 1, 0, 60, running=running) == [16, None]
    assert limits(book, 0, 60, running=running) == [None]
    assert limits(holding((0, profile(2, 10)), version="1.6"), 0) is None
    assert (
        limits(holding((0, profile(2, 10)), version="1.6"), 0, running=[Running(1, 1, NOON), Running(2, 2, NOON)]) == 20
    )
    book.set(0, most)
    course = expected(book, SITE, 1, NOON, at(100), "A", running)
    assert (course.at(at(60)), course.least(at(60))) == (25, 10)


@pytest.mark.parametrize(("version", "later"), [("2.0.1", 8), ("1.6", None)])
def test_in_1_6_the_default_of_a_connector_replaces_that_of_all_for_good(version: str, later: int | None) -> None:
    book = holding((0, profile(1, 8)), (1, profile(2, 10, duration=100)), version=version)
    assert limits(book, 1, 39, 40) == [10, later]
    assert limits(book, 2) == 8


def test_external_constraints_bind_the_station_and_the_evse() -> None:
    external = {"chargingProfilePurpose": "ChargingStationExternalConstraints"}
    book = holding((0, profile(1, 20, **external)), (1, profile(2, 9, **external)))
    assert (limits(book, 1), limits(book, 2)) == (9, 20)


def test_watts_become_amperes_by_phases_and_voltage_and_back() -> None:
    watts = profile(1, 6900, chargingRateUnit="W")
    assert limits(holding((1, watts))) == 10
    assert limits(holding((1, profile(1, 10))), unit="W") == 6900
    watts["chargingSchedule"][0]["chargingSchedulePeriod"][0]["numberPhases"] = 1
    assert limits(holding((1, watts))) == 30


@pytest.mark.parametrize(("version", "amperes"), [("2.0.1", 10), ("1.6", 30)])
def test_phases_that_an_evse_does_not_have(version: str, amperes: int) -> None:
    book, one = holding((1, profile(1, 6900, chargingRateUnit="W")), version=version), Site({1: EvseLimits(1)})
    course = expected(book, one, 1, NOON, at(1), "A")
    assert (course.at(NOON), course.least(NOON)) == (amperes, 10)


def test_direct_current_has_no_phases() -> None:
    site = Site({1: EvseLimits(0)}, voltage=400)
    assert limits(holding((1, profile(1, 50_000, chargingRateUnit="W"))), site=site) == 125


def test_the_station_is_all_its_evses_up_to_its_own_maximum() -> None:
    book = holding((0, profile(1, 16)))
    assert limits(book, 0) == 32
    book.set(0, profile(2, 25, chargingProfilePurpose="ChargingStationMaxProfile"))
    assert (limits(book, 0), limits(book, 1)) == (25, 16)


def test_a_station_where_an_evse_has_no_limit_has_none() -> None:
    assert limits(holding((1, profile(1, 16))), 0) is None


def test_what_a_station_may_say_instead() -> None:
    def least(book: Book, running: Any = (), site: Site = SITE) -> Any:
        return expected(book, site, 1, NOON, at(1), "A", running).least(NOON)

    assert least(holding((0, profile(1, 20, chargingProfilePurpose="ChargingStationMaxProfile")))) == 10
    assert least(holding((1, profile(1, 40)))) == Fraction(22000, 690)
    assert least(holding((1, profile(1, 5)))) == 0
    assert least(holding((1, profile(1, 10, minChargingRate=11)))) == 0
    assert least(holding((1, profile(1, 5))), site=Site({1: EvseLimits()}, least_amperes=0)) == 5


def test_no_profile_no_limit() -> None:
    assert limits(Book("2.0.1")) is None
    assert limits(Book("1.6"), 0) is None


def test_an_evse_that_is_not_there() -> None:
    with pytest.raises(ValueError, match=r"EVSEs \[1, 2\], got 3"):
        expected(Book("2.0.1"), SITE, 3, NOON, at(1), "A")


# -- what a station says ------------------------------------------------------------------------------------------


def composite(*periods: tuple[int, float], **changes: Any) -> dict[str, Any]:
    schedule = {
        "evseId": 1,
        "duration": 300,
        "scheduleStart": iso(0),
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": start, "limit": limit} for start, limit in periods],
    }
    return {"status": "Accepted", "schedule": schedule | changes}


def test_reads_an_answer_of_each_version() -> None:
    new = composite((0, 16), (60, 8.5))
    schedule = {name: new["schedule"][name] for name in ("duration", "chargingRateUnit", "chargingSchedulePeriod")}
    old = {"status": "Accepted", "connectorId": 1, "scheduleStart": iso(0), "chargingSchedule": schedule}
    assert reported(new, 1) == reported(old, 1)
    assert [reported(new).at(at(each)) for each in (-1, 0, 60, 299, 300)] == [None, 16, 8.5, 8.5, None]
    del old["scheduleStart"], schedule["duration"]
    assert reported(old, asked=NOON, seconds=300) == reported(new)


def test_the_order_of_periods_is_judged_apart() -> None:
    wrong = composite((60, 8), (0, 16))
    assert reported(wrong) == reported(composite((0, 16), (60, 8)))
    assert len(misordered(wrong)) == 2
    assert not misordered(composite((0, 16), (60, 8)))


def test_a_schedule_without_an_end_in_sight_can_be_read() -> None:
    answer = composite((0, 16), (60, 8), duration=8_638_204_710_954)
    course = reported(answer)
    assert course.between(course.first, course.first + timedelta(seconds=300)) == reported(composite((0, 16), (60, 8)))


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ({"status": "Accepted"}, "no schedule came"),
        ({"schedule": []}, "a schedule"),
        (composite((0, 16), evseId=2), "a schedule of 1, got one of 2"),
        (composite((0, 16), scheduleStart="noon"), "start of the schedule with an offset"),
        (composite((0, 16), scheduleStart=None), "start of the schedule, got none"),
        (composite((0, 16), duration=None), "duration"),
        (composite(), "at least one period"),
        (composite((0, 16), (10**15, 8)), "no composite schedule to be read"),
        (composite((0, 16), chargingRateUnit="V"), "A or W"),
    ],
)
def test_says_what_an_answer_lacks(answer: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        reported(answer, 1)


# -- comparing ----------------------------------------------------------------------------------------------------


def compare(*periods: tuple[int, float], **options: Any) -> list[str]:
    """What an answer is found to differ in from 10 A for the first minute, and 16 A for four minutes more."""
    book = holding((1, profile(1, 10, 10, 16, duration=360)))
    return differences(reported(composite(*periods)), expected(book, SITE, 1, NOON, at(300), "A"), **options)


def test_equal_neighbours_may_be_told_apart() -> None:
    assert not compare((0, 10), (20, 10), (60, 16), (100, 16))


def test_seconds_around_an_edge_are_left_out() -> None:
    assert not compare((0, 10), (61, 16))
    assert compare((0, 10), (65, 16)) == ["from second 61 on, for 4 s: expected 16 A, got 10 A"]
    assert not compare((0, 10), (65, 16), edge=5)


def test_a_decimal_more_or_less_is_a_matter_of_rounding() -> None:
    assert not compare((0, 9.9), (60, 16.1))
    assert len(compare((0, 9.8), (60, 16.2))) == 2
    assert not compare((0, 9.8), (60, 16.2), tolerance=0.25)


def test_what_is_not_told_is_a_difference() -> None:
    assert compare((30, 10), (60, 16)) == ["from second 1 on, for 29 s: expected 10 A, got nothing"]


def test_a_range_that_may_be_said() -> None:
    course = Course(NOON, at(9), "A", (Step(NOON, Fraction(20), Fraction(10)),))
    said = Course(NOON, at(9), "A", (Step(NOON, Fraction(9), Fraction(9)),))
    assert differences(said, course) == ["from second 1 on, for 7 s: expected 10 to 20 A, got 9 A"]
    assert not differences(Course(NOON, at(9), "A", (Step(NOON, Fraction(15), Fraction(15)),)), course)


def test_nothing_is_expected_where_nobody_set_a_limit() -> None:
    nobody = Course(NOON, at(300), "A", (Step(NOON, None, None),))
    assert not differences(reported(composite((0, 999))), nobody)


def test_other_units_are_not_compared() -> None:
    book = holding((1, profile()))
    assert differences(reported(composite((0, 1))), expected(book, SITE, 1, NOON, at(300), "W")) == [
        "the limits are in A, expected in W"
    ]


def test_many_differences_are_not_all_told() -> None:
    assert compare(*((20 * place, place + 20) for place in range(12)))[-1] == "and 7 more"
