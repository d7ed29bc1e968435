"""What is wrong with what a station told: a session in order misses nothing, and one flaw one requirement."""

from datetime import timedelta
from typing import Any

import pytest
from transaction_support import BEGIN, ERROR, STATION, Session, Session16, Session201, Story, event, meter_value, stamp

from conformance.oracles.transactions import JUDGED, Circumstances, Made, account, judge, ledger, unseen
from conformance.oracles.transactions.ledger import Outcome

SETTINGS = {"attempts": 3, "interval": 10.0, "message_timeout": 30.0}


def missed(session: Session, **circumstances: Any) -> set[str]:
    return session.missed(**circumstances)


def outage(session: Session, seconds: float = 60.0) -> None:
    """The connection goes, and the station knows at once."""
    session.close()
    session.after(seconds)
    session.connect()


# -- 2.0.1: sessions in order


def online(session: Session201) -> None:
    session.after(10)
    session.whole()
    session.whole(id="tx2", wh=2000)


def through_an_outage(session: Session201) -> None:
    """A transaction that is cut off in its course and ends offline."""
    session.after(10)
    session.event("Started", 0, wh=1000)
    session.after(10)
    session.event("Updated", 1, wh=1010, answer=None)
    cut = event("Updated", 1, session.time - 0.1, wh=1010)
    session.after(10)
    began = session.time
    outage(session)
    session.event("", 1, again={**cut, "offline": True})
    session.event("Updated", 2, at=began + 20, wh=1020, offline=True)
    session.event("Ended", 3, at=began + 40, wh=1030, offline=True)


def with_failures(session: Session201) -> None:
    session.after(10)
    started = event("Started", 0, session.time, wh=1000)
    session.event("", 0, again=started, answer=ERROR)
    session.after(10)
    session.event("", 0, again=started, answer=ERROR)
    session.after(20)
    session.event("", 0, again=started)
    session.after(1)
    update = event("Updated", 1, session.time, wh=1010)
    for pause in (10, 20, 1):
        session.event("", 1, again=update, answer=ERROR)
        session.after(pause)
    session.event("Ended", 2, wh=1020)


def counting_on(session: Session201) -> None:
    """Numbers may run on from one transaction to the next."""
    session.after(10)
    session.whole(numbers=(41, 42, 43))
    session.whole(numbers=(44, 45, 46), id="tx2", wh=1020)


def two_evses(session: Session201) -> None:
    """Transactions on two EVSEs run side by side."""
    session.after(10)
    for kind, number, wh in (("Started", 0, 1000), ("Updated", 1, 1010), ("Ended", 2, 1020)):
        for evse in (1, 2):
            session.event(kind, number, wh=wh, evse=evse, id=f"tx{evse}")
            session.after(1)


def place_told_once(session: Session201) -> None:
    """The EVSE need be told only in the first event after the EV was connected."""
    session.after(10)
    session.event("Started", 0)
    session.after(1)
    session.event("Updated", 1, evse=None)
    session.after(1)
    session.event("Ended", 2, evse=None)


def queue_after_reconnect(session: Session201) -> None:
    """What is made while older events are still being sent is queued, too, and may be marked."""
    session.after(10)
    session.event("Started", 0)
    session.after(10)
    began = session.time
    outage(session)
    session.event("Updated", 1, at=began + 20, offline=True)
    session.after(5)
    session.event("Updated", 2, at=began + 40, offline=True)
    session.event("Updated", 3, offline=True)


def black_hole(session: Session201) -> None:
    """In a black hole nobody knows who is online; what was sent into it comes again."""
    session.after(10)
    session.event("Started", 0)
    session.after(10)
    session.fault("stalled", "begin")
    session.after(30)
    made = session.time
    session.after(30)
    session.fault("stalled", "end")
    session.close("timeout")
    session.after(5)
    session.connect()
    session.event("Updated", 1, at=made)
    session.event("Ended", 2, at=made + 10, offline=True)


def before_the_session(session: Session201) -> None:
    """What began before the session can't be judged from its begin."""
    session.after(1)
    session.event("Updated", 7, at=-60)
    session.event("Ended", 8, at=-30, offline=True)


def clock_put_wrong(session: Session201) -> None:
    """A time that the harness put wrong is not the station's fault."""
    session.boot(tells=session.time + 3600)
    session.after(10)
    session.event("Started", 0, at=session.time + 3600)
    session.event("Ended", 1, at=session.time + 3600)
    session.boot()
    session.after(10)
    session.whole(id="tx2")


def clock_put_right_in_between(session: Session201) -> None:
    """What was made while the clock was wrong comes after it was put right."""
    session.after(10)
    session.boot(tells=session.time + 3600)
    session.after(10)
    started = session.event("Started", 0, at=session.time + 3600, answer=None)
    session.after(10)
    outage(session)
    session.boot()
    session.event("", 0, again=started | {"offline": True})
    session.after(10)
    session.event("Ended", 1)
    session.whole(id="tx2")


def same_second(session: Session201) -> None:
    """A periodic reading and that of the end may bear the same time, in whole seconds."""
    session.after(10)
    session.event("Started", 0, wh=1000, at=10)
    session.after(10)
    session.event("Updated", 1, wh=1050, at=20)
    session.event("Ended", 2, wh=1100, at=20)


def two_meters(session: Session201) -> None:
    """A meter at the inlet is another than that at the outlet."""
    session.after(10)
    for number, (kind, wh) in enumerate((("Started", 500), ("Ended", 600))):
        sample = {"value": wh + 9000, "location": "Inlet", "context": f"Transaction.{'End' if number else 'Begin'}"}
        value = meter_value(wh, session.time, sample["context"])
        session.event(kind, number, meterValue=[{**value, "sampledValue": [sample, *value["sampledValue"]]}])
        session.after(10)


IN_ORDER = [
    same_second,
    two_meters,
    clock_put_right_in_between,
    online,
    through_an_outage,
    with_failures,
    counting_on,
    two_evses,
    place_told_once,
    queue_after_reconnect,
    black_hole,
    before_the_session,
    clock_put_wrong,
]


@pytest.mark.parametrize("story", IN_ORDER)
def test_a_session_in_order_misses_nothing(story: Story) -> None:
    session = Session201()
    story(session)
    assert missed(session, **SETTINGS) == set()


# -- 2.0.1: one flaw, one requirement


def never_started(session: Session201) -> None:
    session.event("Updated", 1)
    session.after(1)
    session.event("Ended", 2)


def never_ended(session: Session201) -> None:
    session.event("Started", 0)
    session.after(10)
    session.whole(id="tx2")


def never_ended_and_known_to_be_over(session: Session201) -> None:
    session.event("Started", 0)
    session.after(10)
    session.ask("GetTransactionStatus", {"transactionId": "TX1"}, {"ongoingIndicator": False, "messagesInQueue": False})


def never_told(session: Session201) -> None:
    session.made.append(Made(evse=1, since=session.transcript.note("plugged in")))


def number_left_out(session: Session201) -> None:
    session.whole(numbers=(0, 1, 3))


def number_used_twice(session: Session201) -> None:
    session.whole(numbers=(0, 1, 1))


def offline_forgotten(session: Session201) -> None:
    session.event("Started", 0)
    session.after(10)
    outage(session)
    session.after(10)
    session.event("Ended", 5)


def cut_forgotten(session: Session201) -> None:
    session.event("Started", 0)
    session.after(10)
    session.event("Ended", 1, answer=None)
    outage(session)


def not_marked(session: Session201) -> None:
    session.event("Started", 0)
    session.after(10)
    outage(session)
    session.event("Ended", 1, at=session.time - 30)


def wrongly_thinned(session: Session201) -> None:
    session.event("Started", 0)
    session.after(10)
    began = session.time
    outage(session)
    for number, seconds in ((1, 5), (2, 10), (3, 15)):
        session.event("Updated", number, at=began + seconds, offline=True)
    session.event("Ended", 8, at=began + 50, offline=True)


def queued_not_marked(session: Session201) -> None:
    session.event("Started", 0)
    session.after(10)
    made = session.time
    session.after(10)
    outage(session)
    session.event("Ended", 1, at=made)


def under_way_not_marked(session: Session201) -> None:
    session.event("Started", 0)
    session.after(10)
    ended = session.event("Ended", 1, answer=None)
    session.after(10)
    outage(session)
    session.event("Ended", 1, again=ended)


def wrongly_marked(session: Session201) -> None:
    session.event("Started", 0)
    session.after(10)
    session.event("Ended", 1, offline=True)


def started_twice(session: Session201) -> None:
    session.event("Started", 0)
    session.after(1)
    session.event("Started", 1)
    session.after(1)
    session.event("Ended", 2)


def ended_twice(session: Session201) -> None:
    session.whole()
    session.event("Ended", 3)


def told_on(session: Session201) -> None:
    session.whole()
    session.event("Updated", 3)


def id_used_again(session: Session201) -> None:
    session.whole()
    session.whole(wh=1020)


def two_at_a_time(session: Session201) -> None:
    session.event("Started", 0)
    session.after(10)
    session.event("Started", 0, id="tx2")
    session.after(10)
    session.event("Ended", 1)
    session.after(10)
    session.event("Ended", 1, id="tx2")


def out_of_order(session: Session201) -> None:
    now = session.time
    session.event("Started", 0)
    session.event("Ended", 2, at=now + 0.2)
    session.event("Updated", 1, at=now + 0.1)


def stamped_late(session: Session201) -> None:
    since = session.transcript.note("plugged in")
    session.event("Started", 0)
    session.after(10)
    session.made.append(Made(evse=1, since=since, until=session.transcript.note("pulled out")))
    session.after(20)
    session.event("Ended", 1)


def from_the_future(session: Session201) -> None:
    session.event("Started", 0)
    session.event("Ended", 1, at=session.time + 60)


def reading_of_the_past(session: Session201) -> None:
    session.event("Started", 0)
    session.after(10)
    began = session.time
    outage(session)
    session.after(10)
    session.event("Updated", 1, meterValue=[meter_value(1000, began + 20, "Sample.Periodic")])


def back_in_time(session: Session201) -> None:
    session.event("Started", 0)
    session.after(20)
    session.event("Updated", 1)
    session.event("Ended", 2, at=session.time - 10)


def repeated_and_changed(session: Session201) -> None:
    session.event("Started", 0, answer=ERROR)
    session.after(10)
    session.event("Started", 0)
    session.event("Ended", 1)


def doubled(session: Session201) -> None:
    started = session.event("Started", 0)
    session.event("", 0, again=started)
    session.event("Ended", 1)


def given_up(session: Session201) -> None:
    session.event("Started", 0)
    session.event("Ended", 1, answer=ERROR)


def too_soon(session: Session201) -> None:
    started = session.event("Started", 0, answer=ERROR)
    session.after(3)
    session.event("", 0, again=started)
    session.event("Ended", 1)


def not_growing(session: Session201) -> None:
    started = session.event("Started", 0, answer=ERROR)
    for answer in (ERROR, ...):
        session.after(10)
        session.event("", 0, again=started, answer=answer)
    session.event("Ended", 1)


def too_late(session: Session201) -> None:
    started = session.event("Started", 0, answer=ERROR)
    session.after(25)
    session.event("", 0, again=started)
    session.event("Ended", 1)


def too_often(session: Session201) -> None:
    started = session.event("Started", 0, answer=ERROR)
    for pause, answer in ((10, ERROR), (20, ERROR), (30, ...)):
        session.after(pause)
        session.event("", 0, again=started, answer=answer)
    session.event("Ended", 1)


def no_token(session: Session201) -> None:
    session.event("Started", 0, idToken=None)
    session.after(1)
    session.event("Ended", 1)


def no_place(session: Session201) -> None:
    session.event("Started", 0, evse=None)
    session.after(1)
    session.event("Ended", 1)


def wrong_start(session: Session201) -> None:
    session.event("Started", 0, trigger="MeterValueClock")


def wrong_end(session: Session201) -> None:
    session.event("Started", 0)
    session.event("Ended", 1, trigger="CablePluggedIn")


def no_such_command(session: Session201) -> None:
    session.event("Started", 0, trigger="RemoteStart")


def state_untold(session: Session201) -> None:
    session.event("Started", 0)
    session.event("Updated", 1, trigger="ChargingStateChanged", state=None)


def idle_with_a_cable(session: Session201) -> None:
    session.event("Started", 0, trigger="CablePluggedIn", state="Idle")


def charging_without_an_ev(session: Session201) -> None:
    session.event("Started", 0)
    session.event("Updated", 1, trigger="EVCommunicationLost", state="Charging")


def same_state(session: Session201) -> None:
    session.event("Started", 0)
    session.event("Updated", 1, trigger="ChargingStateChanged")
    session.event("Updated", 2, trigger="ChargingStateChanged")


def ended_by(trigger: str, reason: str | None, *commands: str, status: str = "Accepted") -> Story:
    def story(session: Session201) -> None:
        session.event("Started", 0, answer={"idTokenInfo": {"status": status}})
        for command in commands:
            session.ask(command, {}, {"status": "Accepted"})
        session.after(1)
        session.event("Ended", 1, trigger=trigger, reason=reason, state="Idle")

    return story


def register_fell(session: Session201) -> None:
    session.event("Started", 0, wh=1000)
    session.after(1)
    session.event("Ended", 1, wh=900)


def register_began_anew(session: Session201) -> None:
    session.whole(wh=1000)
    session.whole(wh=0, id="tx2")


def bill_differs(session: Session201) -> None:
    began = session.time
    session.event("Started", 0, wh=1000)
    session.after(1)
    values = [meter_value(990, began, "Transaction.Begin"), meter_value(1010, session.time, "Transaction.End")]
    session.event("Ended", 1, meterValue=values)


def begin_of_another_context(session: Session201) -> None:
    session.event("Started", 0, wh=1000, context="Sample.Periodic")


def end_of_another_context(session: Session201) -> None:
    session.event("Started", 0, wh=1000)
    session.after(1)
    session.event("Ended", 1, wh=1000, context="Sample.Periodic")


def set_to_measure(session: Session201) -> None:
    component, variable = {"name": "SampledDataCtrlr"}, {"name": "TxStartedMeasurands"}
    item = {"component": component, "variable": variable}
    result = {**item, "attributeStatus": "Accepted", "attributeValue": "Voltage"}
    session.ask("GetVariables", {"getVariableData": [item]}, {"getVariableResult": [result]})
    session.event("Started", 0)


FLAWS: dict[str, tuple[str, Story, dict[str, Any]]] = {
    "never started": ("TX.WHOLE.01", never_started, {}),
    "never ended": ("TX.WHOLE.01", never_ended, {}),
    "over by status": ("TX.WHOLE.01", never_ended_and_known_to_be_over, {}),
    "over, by the case": ("TX.WHOLE.01", lambda session: session.event("Started", 0), {"over": True}),
    "never told": ("TX.WHOLE.01", never_told, {}),
    "number left out": ("E01.FR.07", number_left_out, {}),
    "number used twice": ("E01.FR.07", number_used_twice, {}),
    "offline forgotten": ("E04.FR.01", offline_forgotten, {}),
    "offline forgotten with room": ("E04.FR.01", offline_forgotten, {"room": 4}),
    "cut forgotten": ("E04.FR.02", cut_forgotten, {}),
    "not marked": ("E04.FR.03", not_marked, {}),
    "wrongly thinned": ("E04.FR.08", wrongly_thinned, {"room": 4}),
    "queued, not marked": ("E11.FR.07", queued_not_marked, {}),
    "under way, not marked": ("TX.OFFLINE.02", under_way_not_marked, {}),
    "wrongly marked": ("TX.OFFLINE.01", wrongly_marked, {}),
    "started twice": ("TX.START.01", started_twice, {}),
    "ended twice": ("TX.END.01", ended_twice, {}),
    "told on": ("TX.TYPE.01", told_on, {}),
    "id used again": ("E01.FR.08", id_used_again, {}),
    "two at a time": ("E01.FR.14", two_at_a_time, {}),
    "out of order": ("TX.ORDER.01", out_of_order, {}),
    "stamped late": ("TX.TIME.01", stamped_late, {}),
    "from the future": ("TX.TIME.01", from_the_future, {}),
    "reading of the past": ("TX.TIME.01", reading_of_the_past, {}),
    "back in time": ("TX.TIME.02", back_in_time, {}),
    "repeated and changed": ("TX.REPEAT.01", repeated_and_changed, SETTINGS),
    "doubled": ("TX.DOUBLE.01", doubled, SETTINGS),
    "given up": ("E13.FR.02", given_up, SETTINGS),
    "too soon": ("E13.FR.03", too_soon, SETTINGS),
    "not growing": ("E13.FR.03", not_growing, SETTINGS),
    "too late": ("E13.FR.03", too_late, SETTINGS),
    "too often": ("E13.FR.04", too_often, SETTINGS),
    "no token": ("E01.FR.10", no_token, {}),
    "no place": ("E01.FR.16", no_place, {}),
    "wrong start": ("E01.FR.15", wrong_start, {}),
    "wrong end": ("E01.FR.15", wrong_end, {}),
    "no such command": ("E01.FR.15", no_such_command, {}),
    "state untold": ("E01.FR.18", state_untold, {}),
    "idle with a cable": ("TX.STATE.01", idle_with_a_cable, {}),
    "charging without an EV": ("TX.STATE.01", charging_without_an_ev, {}),
    "same state": ("TX.TRIGGER.01", same_state, {}),
    "no time-out": ("E03.FR.05", ended_by("EVConnectTimeout", "Local"), {}),
    "not deauthorized": ("E05.FR.10", ended_by("Deauthorized", "Other", status="Invalid"), {}),
    "reset called local": ("E06.FR.08", ended_by("ResetCommand", None, "Reset"), {}),
    "gone, called local": ("E07.FR.06", ended_by("EVCommunicationLost", None), {}),
    "remote stop called local": ("F03.FR.03", ended_by("RemoteStop", "Local", "RequestStopTransaction"), {}),
    "register fell": ("J02.FR.16", register_fell, {}),
    "register began anew": ("J02.FR.17", register_began_anew, {}),
    "bill differs": ("TX.METER.01", bill_differs, {}),
    "begin unmeasured": ("E01.FR.09", lambda session: session.event("Started", 0), {"started_measured": True}),
    "begin unmeasured, as it was read": ("E01.FR.09", set_to_measure, {}),
    "begin of another context": ("E01.FR.09", begin_of_another_context, {}),
    "end unmeasured": ("E06.FR.11", Session201.whole, {"ended_measured": True}),
    "end of another context": ("E06.FR.11", end_of_another_context, {}),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_one_flaw_misses_one_requirement(flaw: str) -> None:
    requirement, story, circumstances = FLAWS[flaw]
    session = Session201()
    session.after(10)
    if flaw == "end unmeasured":
        session.event("Started", 0)
        session.event("Ended", 1)
    else:
        story(session)
    assert missed(session, **circumstances) == {requirement}


def test_every_requirement_has_its_flaw() -> None:
    assert {each for each, _, _ in FLAWS.values()} == set(JUDGED["2.0.1"])
    assert {each for each, _, _ in FLAWS_16.values()} == set(JUDGED["1.6"])


@pytest.mark.parametrize(
    "story",
    [
        ended_by("RemoteStop", "Remote", "RequestStopTransaction"),
        ended_by("ResetCommand", "ImmediateReset", "Reset"),
        ended_by("EVCommunicationLost", "EVDisconnected"),
        ended_by("EVConnectTimeout", "Timeout"),
        ended_by("Deauthorized", "DeAuthorized", status="Invalid"),
        ended_by("StopAuthorized", None),
    ],
)
def test_an_end_with_its_reason_misses_nothing(story: Story) -> None:
    session = Session201()
    session.after(10)
    story(session)
    assert missed(session) == set()


def test_what_memory_has_no_room_for_may_be_thinned_out() -> None:
    session = Session201()
    session.after(10)
    session.event("Started", 0)
    session.after(10)
    began = session.time
    outage(session)
    for number in (2, 4, 6):
        session.event("Updated", number, at=began + 5 * number, offline=True)
    session.event("Ended", 8, at=began + 50, offline=True)
    assert missed(session, room=4) == set()
    assert account(session.book(room=4)).lost == 4
    assert missed(session, room=40) == {"E04.FR.01"}


def test_nothing_is_held_against_a_station_that_may_still_send_it() -> None:
    session = Session201()
    session.after(10)
    session.event("Started", 0)
    session.after(10)
    session.event("Ended", 1, answer=None)
    outage(session)
    assert missed(session, idle=1.0) == set()
    assert missed(session, idle=60.0) == {"E04.FR.02"}


def test_settings_are_those_of_the_time() -> None:
    session = Session201()
    session.after(10)
    for value in ("10", "1"):
        where = {"component": {"name": "OCPPCommCtrlr"}}
        item = where | {"variable": {"name": "MessageAttemptInterval", "instance": "TransactionEvent"}}
        session.ask(
            "SetVariables",
            {"setVariableData": [item | {"attributeValue": value}]},
            {"setVariableResult": [item | {"attributeStatus": "Accepted"}]},
        )
        session.after(1)
    started = session.event("Started", 0, answer=ERROR)
    session.after(1)
    session.event("", 0, again=started)
    session.event("Ended", 1)
    assert missed(session, tolerance=0.5) == set()
    assert missed(session, interval=10.0, attempts=3) == {"E13.FR.03"}


def test_what_nothing_came_to_show_is_told() -> None:
    session = Session201()
    assert set(unseen(session.book())) == set(JUDGED["2.0.1"])
    assert set(unseen(Session16().book())) == set(JUDGED["1.6"])
    through_an_outage(session)
    with_failures(session)
    seen = set(JUDGED["2.0.1"]) - set(unseen(session.book(**SETTINGS)))
    assert {"TX.WHOLE.01", "E04.FR.01", "E04.FR.03", "TX.OFFLINE.02", "E13.FR.02", "E13.FR.03", "E13.FR.04"} <= seen
    assert not {"E04.FR.08", "E05.FR.10", "E03.FR.05", "F03.FR.03", "E11.FR.07"} & seen


def test_how_a_delivery_went() -> None:
    session = Session201()
    session.after(10)
    session.event("Started", 0)
    session.event("Updated", 1, answer=ERROR)
    session.event("Updated", 2, answer=None)
    session.after(40)
    session.event("Updated", 3)
    session.ping()
    session.event("Ended", 4, answer=None)
    session.close()
    outcomes = [each.first.outcome for each in session.book(message_timeout=30.0).events]
    assert outcomes == [
        Outcome.ACKNOWLEDGED,
        Outcome.REFUSED,
        Outcome.UNANSWERED,
        Outcome.ACKNOWLEDGED,
        Outcome.CUT,
    ]


def test_a_message_that_cannot_be_read_is_left_to_others() -> None:
    session = Session201()
    session.tell("TransactionEvent", {"eventType": "Started", "seqNo": "one"}, {})
    session.tell("TransactionEvent", {}, {})
    assert missed(session) == set()
    assert session.book().transactions == []


def test_only_the_version_that_was_spoken_is_read() -> None:
    session = Session201()
    session.event("Updated", 3)
    book = ledger(session.transcript, STATION, version="1.6", now=session.time + 60, circumstances=Circumstances())
    assert book.events == []
    assert not any(judge(book).values())


# -- what it comes to


def test_an_account_says_what_was_lost_and_doubled() -> None:
    session = Session201()
    session.after(10)
    since = session.transcript.note("plugged in")
    session.event("Started", 0, wh=1000)
    session.after(10)
    session.event("Updated", 2, wh=3000)
    session.after(10)
    until = session.transcript.note("pulled out")
    session.made.append(Made(evse=1, since=since, until=until, register=1000.0, register_until=4500.0))
    session.whole(id="tx2", wh=5000)
    session.event("Ended", 2, again=event("Ended", 2, session.time - 1, id="tx2", wh=5020))
    told = account(session.book())
    first, second = told.accounts
    assert (first.events, first.lost, first.used, first.billable, first.kwh_lost) == (2, 2, 3.5, 2.0, 1.5)
    assert first.words == (
        "Transaction tx1 on EVSE 1: the event with seqNo 1 and its end never came; 1.500 kWh can't be billed."
    )
    assert (second.lost, second.doubled) == (0, 0) or second.doubled == 1
    assert told.row()["kwh_lost"] == 1.5
    assert told.row()["lost"] == 2
    assert told.words[0].startswith("2 transactions: 2 messages lost")


def test_an_account_of_a_transaction_never_told() -> None:
    session = Session201()
    since = session.transcript.note("plugged in")
    session.after(10)
    until = session.transcript.note("pulled out")
    session.made.append(Made(evse=2, since=since, until=until, register=0.0, register_until=7000.0))
    told = account(session.book())
    assert told.words[1] == "A transaction on EVSE 2: nothing of it was ever told; 7.000 kWh can't be billed."
    assert told.row() == {
        "transactions": 1,
        "events": 0,
        "lost": 2,
        "doubled": 0,
        "given_up": 0,
        "kwh_used": 7.0,
        "kwh_lost": 7.0,
        "kwh_doubled": 0.0,
        "measured": True,
    }


def test_an_account_of_a_session_in_order() -> None:
    session = Session201()
    online(session)
    assert account(session.book()).words == ("2 transactions: nothing lost, nothing doubled.",)


# -- 1.6


def online_16(session: Session16) -> None:
    session.after(10)
    session.whole()
    session.after(10)
    session.whole(tx=8, wh=2000)


def through_an_outage_16(session: Session16) -> None:
    """One is cut off and stops offline, another starts offline and is told its id too late for its samples."""
    session.after(10)
    session.start()
    session.after(10)
    began = session.time
    outage(session)
    session.values(at=began + 10)
    session.stop(at=began + 20)
    session.start(at=began + 30, given=8, wh=1020)
    session.values(tx=8, at=began + 40, wh=1030)
    session.stop(tx=8, wh=1040)


def with_failures_16(session: Session16) -> None:
    session.after(10)
    now = session.time
    for pause in (10, 20, 1):
        session.start(at=now, given=ERROR)
        session.after(pause)
    session.values(tx=-1)
    session.stop(tx=-1)


def asked_twice_at_once_16(session: Session16) -> None:
    """Two readings of one moment are equal, and no repeat: they were asked for."""
    session.after(10)
    session.start()
    session.after(10)
    now = session.time
    for _ in range(2):
        session.ask("TriggerMessage", {"requestedMessage": "MeterValues"}, {"status": "Accepted"})
        session.values(at=now, context="Trigger")
    session.after(10)
    session.stop()


@pytest.mark.parametrize("story", [online_16, through_an_outage_16, with_failures_16, asked_twice_at_once_16])
def test_a_session_of_16_in_order_misses_nothing(story: Story) -> None:
    session = Session16()
    story(session)
    assert missed(session, **SETTINGS) == set()


def stop_alone(session: Session16) -> None:
    session.stop()


def never_stopped(session: Session16) -> None:
    session.start()
    session.after(10)
    session.whole(tx=8)


def freed_without_a_stop(session: Session16) -> None:
    session.start()
    session.after(10)
    session.tell("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}, {})
    session.ask("RemoteStopTransaction", {"transactionId": 7}, {"status": "Rejected"})


def stopped_twice(session: Session16) -> None:
    session.whole()
    session.stop(wh=1020)


def wrong_id(session: Session16) -> None:
    session.start()
    session.after(1)
    session.values()
    session.after(1)
    session.stop(tx=77)


def no_id_in_values(session: Session16) -> None:
    session.start()
    session.after(10)
    session.values(tx=None)
    session.after(10)
    session.stop()


def no_minus_one(session: Session16) -> None:
    session.start(given=ERROR)
    session.after(1)
    session.stop(tx=0)


def commanded(reason: str | None) -> Story:
    def story(session: Session16) -> None:
        session.start()
        session.after(1)
        session.ask("RemoteStopTransaction", {"transactionId": 7}, {"status": "Accepted"})
        session.after(1)
        session.stop(reason=reason)

    return story


def invalid_goes_on(session: Session16) -> None:
    session.start(status="Invalid")
    session.after(1)
    session.ping()


def invalid_stops_for_another_reason(session: Session16) -> None:
    session.start(status="Invalid")
    session.after(10)
    session.stop(reason="Other")


def invalid_goes_on_charging(session: Session16) -> None:
    session.start(status="Invalid")
    for wh in (1000, 1100):
        session.after(10)
        session.values(wh=wh)
    session.stop(wh=1100)


def samples_offline_forgotten(session: Session16) -> None:
    session.start()
    session.after(5)
    outage(session)
    session.stop()


def stop_cut_and_forgotten(session: Session16) -> None:
    session.start()
    session.after(5)
    session.stop(answer=None)
    outage(session)


def new_before_old(session: Session16) -> None:
    session.start()
    session.after(10)
    began = session.time
    outage(session)
    session.stop(at=began + 40)
    session.values(at=began + 20)


def new_before_a_repeat(session: Session16) -> None:
    now = session.time
    session.start(given=ERROR, at=now)
    session.after(5)
    session.values(tx=None)
    session.after(5)
    session.start(at=now)
    session.stop()


def samples_far_apart(session: Session16) -> None:
    session.start()
    session.after(40)
    session.stop()


def failed_16(*pauses: float) -> Story:
    def story(session: Session16) -> None:
        now = session.time
        for pause in pauses:
            session.start(at=now, given=ERROR)
            session.after(pause)
        session.start(at=now)
        session.stop()

    return story


def given_up_16(session: Session16) -> None:
    session.start()
    session.stop(answer=ERROR)


def passed_over_16(session: Session16) -> None:
    session.start(given=None)
    session.after(40)
    session.stop(tx=-1)


def register_fell_16(session: Session16) -> None:
    session.start(wh=1000)
    session.after(1)
    session.stop(wh=900)


def repeated_and_changed_16(session: Session16) -> None:
    session.start(given=ERROR)
    session.after(10)
    session.start()
    session.stop()


def doubled_16(session: Session16) -> None:
    session.whole()
    session.stop(at=session.time - 1.1)


def stamped_late_16(session: Session16) -> None:
    since = session.transcript.note("plugged in")
    session.start()
    session.after(10)
    session.made.append(Made(evse=1, since=since, until=session.transcript.note("pulled out")))
    session.after(20)
    session.stop()


def stops_before_it_starts(session: Session16) -> None:
    session.start()
    session.after(1)
    session.stop(at=session.time - 8, wh=1000)


def bill_differs_16(session: Session16) -> None:
    began = session.time
    session.start(wh=1000)
    session.after(1)
    sample = {"value": "990", "context": "Transaction.Begin", "unit": "Wh"}
    session.stop(transactionData=[{"timestamp": stamp(began), "sampledValue": [sample]}])


def values_of_another_connector(session: Session16) -> None:
    session.start()
    session.after(1)
    session.values(connector=2)
    session.stop()


FLAWS_16: dict[str, tuple[str, Story, dict[str, Any]]] = {
    "a stop alone": ("16.TX.04", stop_alone, {}),
    "never told": ("16.TX.04", never_told, {}),
    "never stopped": ("16.TX.08", never_stopped, {}),
    "never stopped, and over": ("16.TX.08", lambda session: session.start(), {"over": True}),
    "never stopped, and freed": ("16.TX.08", freed_without_a_stop, {}),
    "stopped twice": ("16.TX.08", stopped_twice, {}),
    "wrong id": ("16.TX.10", wrong_id, {}),
    "no id in values": ("16.TX.10", no_id_in_values, {}),
    "no -1": ("16.TX.40", no_minus_one, {"attempts": 1}),
    "no reason": ("16.TX.11", commanded(None), {}),
    "called local": ("16.TX.12", commanded("Local"), {}),
    "invalid goes on": ("16.TX.33", invalid_goes_on, {"stop_on_invalid": True}),
    "invalid, another reason": ("16.TX.33", invalid_stops_for_another_reason, {"stop_on_invalid": True}),
    "invalid goes on charging": ("16.TX.34", invalid_goes_on_charging, {"stop_on_invalid": False}),
    "samples offline forgotten": ("16.TX.35", samples_offline_forgotten, {"sample_interval": 10}),
    "stop cut and forgotten": ("16.TX.35", stop_cut_and_forgotten, {}),
    "new before old": ("16.TX.36", new_before_old, {}),
    "new before a repeat": ("16.TX.36", new_before_a_repeat, SETTINGS),
    "samples far apart": ("16.TX.43", samples_far_apart, {"sample_interval": 10}),
    "given up": ("16.TX.37", given_up_16, SETTINGS),
    "given up, and not told how often it tries": ("16.TX.37", passed_over_16, {}),
    "too soon": ("16.TX.38", failed_16(3), SETTINGS),
    "too often": ("16.TX.39", failed_16(10, 20, 30), SETTINGS),
    "register fell": ("16.TX.54", register_fell_16, {}),
    "repeated and changed": ("16.TX.REPEAT.01", repeated_and_changed_16, SETTINGS),
    "doubled": ("16.TX.DOUBLE.01", doubled_16, {}),
    "stamped late": ("16.TX.TIME.01", stamped_late_16, {}),
    "stops before it starts": ("16.TX.TIME.02", stops_before_it_starts, {}),
    "bill differs": ("16.TX.METER.01", bill_differs_16, {}),
    "values of another connector": ("16.TX.METER.02", values_of_another_connector, {}),
}


@pytest.mark.parametrize("flaw", FLAWS_16)
def test_one_flaw_of_16_misses_one_requirement(flaw: str) -> None:
    requirement, story, circumstances = FLAWS_16[flaw]
    session = Session16()
    session.after(10)
    story(session)
    expected = {requirement}
    if flaw == "stops before it starts":
        expected = {"16.TX.TIME.02", "16.TX.36"}  # the order of messages is that of their times, too
    assert missed(session, **circumstances) == expected


@pytest.mark.parametrize("told", ["Available", "Rejected"])
def test_an_available_connector_or_a_rejected_remote_stop_alone_ends_no_transaction(told: str) -> None:
    session = Session16()
    session.start()
    session.after(10)
    if told == "Available":
        session.tell("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}, {})
    else:
        session.ask("RemoteStopTransaction", {"transactionId": 7}, {"status": "Rejected"})
    assert missed(session) == set()


def test_what_may_still_come_again_is_not_judged_where_nobody_tells_how_often_it_is_tried() -> None:
    session = Session16()
    session.after(10)
    session.start()
    session.after(10)
    session.stop(answer=None)
    assert missed(session) == set()
    session.after(100)
    session.start(given=8)
    session.after(1)
    session.stop(tx=8)
    assert missed(session) == {"16.TX.37"}


def test_what_failed_repeatedly_may_be_given_up_where_nobody_tells_how_often_it_is_tried() -> None:
    session = Session16()
    session.after(10)
    session.start(given=ERROR, at=10)
    session.after(10)
    session.start(given=ERROR, at=10)
    session.after(10)
    session.stop(tx=-1)
    assert missed(session) == set()


def test_a_station_without_power_takes_no_samples() -> None:
    session = Session16()
    session.boot()
    session.start()
    session.after(5)
    session.close()
    session.after(60)
    session.connect()
    session.after(0.2)
    session.boot()
    session.stop(at=session.time - 0.3)
    assert missed(session, sample_interval=10) == set()


def test_a_boot_before_a_transaction_excuses_nothing() -> None:
    session = Session16()
    session.boot()
    session.start()
    session.after(60)
    session.stop()
    assert missed(session, sample_interval=10) == {"16.TX.43"}


def test_a_stop_with_its_reason_misses_nothing() -> None:
    session = Session16()
    session.after(10)
    commanded("Remote")(session)
    assert missed(session) == set()


def test_an_account_of_16_knows_the_energy_by_the_neighbours() -> None:
    session = Session16()
    session.after(10)
    session.start(wh=1000)
    session.after(10)
    session.values(wh=1500)
    session.after(10)
    session.whole(tx=8, wh=2500)
    first, second = account(session.book()).accounts
    assert (first.used, first.billable, first.kwh_lost, first.missing) == (1.5, 0.5, 1.0, ("its end",))
    assert second.words == ""


def test_a_stop_that_nobody_knows_is_an_account_of_its_own() -> None:
    session = Session16()
    session.after(10)
    session.stop(tx=99)
    (told,) = account(session.book()).accounts
    assert (told.id, told.lost, told.kwh_lost) == ("99", 1, None)
    assert told.words == (
        "Transaction 99 on an unknown connector: its begin never came; how much energy that is can't be told."
    )


def test_times_are_those_of_the_clock() -> None:
    session = Session201()
    session.after(10)
    session.event("Started", 0)
    (transaction,) = session.book().transactions
    assert transaction.began == BEGIN + timedelta(seconds=10)
