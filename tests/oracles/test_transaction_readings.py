"""What judgement of transactions rests on: when there was a connection, how the station was set, what meters showed."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transaction_support import BEGIN, STATION, Session16, Session201

from conformance.oracles.transactions.links import Links, links
from conformance.oracles.transactions.meter import energy, readings
from conformance.oracles.transactions.settings import Settings, settings


def time(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


# -- connections


def cut_off(session: Session201, at: float, until: float, how: str = "close frame") -> Links:
    session.at(at)
    session.close(how)
    session.at(until)
    session.connect()
    session.at(until + 100)
    return links(session.transcript, STATION, tolerance=2.0)


def test_what_is_near_a_break_is_neither_online_nor_offline() -> None:
    found = cut_off(Session201(), 100, 200)
    assert [found.online(time(each)) is not None for each in (1, 50, 99, 150, 201, 250)] == [
        False,
        True,
        False,
        False,
        False,
        True,
    ]
    assert [found.offline(time(each)) for each in (-10, 1, 50, 101, 150, 199, 250)] == [
        False,
        False,
        False,
        False,
        True,
        False,
        False,
    ]
    assert found.broken(time(90), time(110))
    assert not found.broken(time(50), time(90))
    assert found.broken(time(50), time(250))
    assert not found.broken(None, time(250))


def test_in_a_black_hole_nothing_is_sure() -> None:
    session = Session201()
    session.at(50)
    session.fault("stalled", "begin")
    session.at(80)
    session.fault("stalled", "end")
    found = cut_off(session, 100, 200)
    assert found.online(time(60)) is None
    assert not found.offline(time(60))
    assert found.online(time(90)) is not None
    assert found.broken(time(40), time(90))
    assert found.stalled(70, 75)
    assert not found.stalled(85, 95)


def test_a_black_hole_that_never_ends_hides_everything_after_it() -> None:
    session = Session201()
    session.at(50)
    session.fault("stalled", "begin")
    assert links(session.transcript, STATION, tolerance=2.0).online(time(5000)) is None


def test_a_station_may_not_notice_that_it_was_given_up() -> None:
    found = cut_off(Session201(), 100, 200, how="timeout")
    assert not found.offline(time(150))
    session = Session201()
    session.at(50)
    session.transcript.note("driver: cut_network")
    found = cut_off(session, 100, 200)
    assert found.online(time(70)) is None
    assert found.offline(time(150))


def test_before_its_boot_is_accepted_a_station_has_nothing_to_say() -> None:
    session = Session201()
    session.boot("Pending")
    session.at(60)
    session.boot()
    session.at(120)
    found = links(session.transcript, STATION, tolerance=2.0)
    assert found.online(time(30)) is None
    assert found.online(time(90)) is not None
    rejected = Session201()
    rejected.boot("Rejected")
    assert not links(rejected.transcript, STATION, tolerance=2.0).had_time(0, 1000, 5)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20))), st.integers(1, 30))
def test_free_time_is_what_nothing_takes(spans: list[tuple[int, int]], seconds: int) -> None:
    found = links(Session201().transcript, STATION, tolerance=2.0)
    busy = [(float(begin), float(begin + length)) for begin, length in spans]
    taken = {second for begin, length in spans for second in range(begin, begin + length)}
    free = any(all(each not in taken for each in range(at, at + seconds)) for at in range(61 - seconds))
    assert found.had_time(0, 60, seconds, busy) is free


# -- settings


def asked_201(session: Session201, name: str, instance: str | None, *, value: str, status: str, write: bool) -> None:
    variable = {"name": name} | ({"instance": instance} if instance else {})
    item: dict[str, Any] = {"component": {"name": "ocppCommCtrlr"}, "variable": variable}
    if write:
        result = {**item, "attributeStatus": status}
        asked = {"setVariableData": [{**item, "attributeValue": value}]}
        session.ask("SetVariables", asked, {"setVariableResult": [result]})
    else:
        result = {**item, "attributeStatus": status, "attributeValue": value}
        session.ask("GetVariables", {"getVariableData": [item]}, {"getVariableResult": [result]})


def test_a_setting_is_what_was_read_or_accepted() -> None:
    session = Session201()
    for at, value, status, write in (
        (10, "3", "Accepted", False),
        (20, "5", "Rejected", True),
        (30, "7", "Accepted", True),
        (40, "9", "RebootRequired", True),
        (50, "9", "Accepted", False),
        (60, "many", "Accepted", False),
    ):
        session.at(at)
        asked_201(session, "MessageAttempts", "TransactionEvent", value=value, status=status, write=write)
    session.at(70)
    asked_201(session, "MessageAttempts", "Other", value="1", status="Accepted", write=False)
    found = settings(session.transcript, STATION)
    told = [found.through("attempts", time(each), time(each + 1)) for each in (5, 15, 25, 35, 45, 55, 65, 75)]
    assert told == [None, 3, 3, 7, None, 9, None, None]
    assert found.through("attempts", time(15), time(25)) == 3
    assert found.through("attempts", time(15), time(35)) is None
    assert found.through("interval", time(15), time(25)) is None


def test_a_setting_of_16_is_what_was_read_or_accepted() -> None:
    session = Session16()
    session.at(10)
    keys = [
        {"key": "TransactionMessageAttempts", "readonly": False, "value": "4"},
        {"key": "stoptransactiononinvalidid", "readonly": False, "value": "true"},
        {"key": "MessageTimeout", "readonly": False},
        {"key": "Another", "readonly": False, "value": "1"},
    ]
    session.ask("GetConfiguration", {}, {"configurationKey": keys})
    session.at(20)
    session.ask("ChangeConfiguration", {"key": "StopTransactionOnInvalidId", "value": "false"}, {"status": "Accepted"})
    session.at(30)
    session.ask("ChangeConfiguration", {"key": "TransactionMessageAttempts", "value": "1"}, {"status": "Rejected"})
    session.at(40)
    session.ask(
        "ChangeConfiguration", {"key": "TransactionMessageAttempts", "value": "1"}, {"status": "RebootRequired"}
    )
    found = settings(session.transcript, STATION)
    assert found.through("attempts", time(35), time(36)) == 4
    assert found.through("attempts", time(45), time(46)) is None
    assert found.through("stop_on_invalid", time(15), time(16)) == 1.0
    assert found.through("stop_on_invalid", time(25), time(26)) == 0.0
    assert found.through("message_timeout", time(25), time(26)) is None


def test_answers_that_cannot_be_read_set_nothing() -> None:
    session = Session201()
    session.ask("GetVariables", {}, {"getVariableResult": [{"component": "x", "variable": {}}, 5]})
    session.ask("GetVariables", {}, {"getVariableResult": None})
    item = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "MessageTimeout", "instance": "Default"}}
    result = {**item, "attributeType": "Target", "attributeStatus": "Accepted", "attributeValue": "5"}
    session.ask("GetVariables", {}, {"getVariableResult": [result]})
    assert settings(session.transcript, STATION) == Settings(())


# -- meters


@pytest.mark.parametrize(
    ("sample", "value"),
    [
        ({"value": 12.5}, 12.5),
        ({"value": "12.5", "unit": "kWh"}, 12_500),
        ({"value": 12.5, "unitOfMeasure": {"unit": "kWh"}}, 12_500),
        ({"value": 12.5, "unitOfMeasure": {"unit": "Wh", "multiplier": 2}}, 1_250),
        ({"value": 12.5, "unitOfMeasure": {"multiplier": 99}}, 12.5),
    ],
)
def test_a_reading_is_in_watt_hours(sample: dict[str, Any], value: float) -> None:
    (found,) = readings([{"timestamp": "2026-01-01T10:00:00Z", "sampledValue": [sample]}])
    assert (found.value, found.is_energy, found.context, found.time) == (value, True, "Sample.Periodic", BEGIN)


@pytest.mark.parametrize(
    "values",
    [
        None,
        "nothing",
        [5],
        [{"sampledValue": 7}],
        [{"sampledValue": [5]}],
        [{"sampledValue": [{"value": True}]}],
        [{"sampledValue": [{"value": "a lot"}]}],
        [{"sampledValue": [{"value": "inf"}]}],
        [{"sampledValue": [{"value": "AAAA", "format": "SignedData"}]}],
    ],
)
def test_what_is_no_number_is_no_reading(values: object) -> None:
    assert readings(values) == []


def test_a_bill_is_made_of_the_whole_energy_at_the_outlet() -> None:
    samples = [
        {"value": 1, "phase": "L1"},
        {"value": 2, "location": "Inlet"},
        {"value": 3, "measurand": "Energy.Reactive.Import.Register"},
        {"value": 4},
    ]
    assert [each.value for each in energy(readings([{"sampledValue": samples}]))] == [4]
