"""What an event of OCPP 2.0.1 says of its cause: trigger, charging state, token, EVSE, and why a transaction ended."""

from collections.abc import Iterator
from itertools import pairwise

from conformance.oracles.transactions.delivering import Found
from conformance.oracles.transactions.ledger import Event, Ledger, Transaction
from conformance.oracles.wire import Miss
from conformance.wire.frames import CallResult

_STARTING = frozenset(
    {"Authorized", "CablePluggedIn", "ChargingStateChanged", "EVDetected", "RemoteStart", "SignedDataReceived"}
)
"""What reaching a start point can be told by (Part 2 2.6.6.1)."""

_NOT_ENDING = frozenset(
    {"Authorized", "CablePluggedIn", "EVDetected", "MeterValueClock", "MeterValuePeriodic", "RemoteStart", "Trigger"}
)
"""What ends nothing (Part 2 2.6.6.2)."""

_ASKED = {
    "RemoteStart": "RequestStartTransaction",
    "RemoteStop": "RequestStopTransaction",
    "ResetCommand": "Reset",
    "Trigger": "TriggerMessage",
    "UnlockCommand": "UnlockConnector",
}
"""The triggers that a command of the CSMS stands behind (Part 2 3.82)."""

_TO_AN_END = frozenset(
    {
        "AbnormalCondition",
        "Deauthorized",
        "EVCommunicationLost",
        "EVConnectTimeout",
        "EVDeparted",
        "EnergyLimitReached",
        "RemoteStop",
        "ResetCommand",
        "StopAuthorized",
        "TimeLimitReached",
        "UnlockCommand",
    }
)
"""What may begin the stopping of a transaction: the reason is that of the first."""

_NOT_LOCAL = frozenset({"AbnormalCondition", "Deauthorized", "EnergyLimitReached", "ResetCommand", "TimeLimitReached"})
"""What no driver does at the station."""

_CONNECTED = frozenset({"Charging", "EVConnected", "SuspendedEV", "SuspendedEVSE"})


def reasons(book: Ledger, transaction: Transaction) -> Found:
    """Why each event was sent, what it has to say then, and why the transaction ended."""
    for event in transaction.events:
        for requirement, wrong in (*_trigger(book, transaction, event), *_state(event)):
            yield requirement, Miss(f"{transaction.id}: {event} {wrong}", (event.first.call,))
    unbroken = list(_unbroken(transaction))
    for one, other in pairwise(unbroken):
        if trigger_of(other) == "ChargingStateChanged" and state_of(other) and state_of(other) == state_of(one):
            message = f"{transaction.id}: {other} tells that the state changed, and it was {state_of(one)} before"
            yield "TX.TRIGGER.01", Miss(message, (one.first.call, other.first.call))
    yield from _token(transaction, unbroken)
    yield from _place(transaction, unbroken)
    yield from _stopped(transaction)


def trigger_of(event: Event) -> str:
    """The triggerReason of an event."""
    return event.text("triggerReason")


def state_of(event: Event) -> str:
    """The chargingState of an event; empty where it tells none."""
    state = event.inner("transactionInfo").get("chargingState")
    return state if isinstance(state, str) else ""


def _unbroken(transaction: Transaction) -> Iterator[Event]:
    """The events from Started on, up to the first number that never came."""
    upto: int | None = None
    for event in transaction.events:
        if upto is None and event.kind != "Started":
            return
        if upto is not None and min(event.numbers) > upto + 1:
            return
        upto = max(event.numbers)
        yield event


def _trigger(book: Ledger, transaction: Transaction, event: Event) -> Iterator[tuple[str, str]]:
    """E01.FR.15: the reason is one that can start, or end, a transaction, and the CSMS did ask where it says so."""
    trigger = trigger_of(event)
    starts_wrong = event.kind == "Started" and trigger not in _STARTING
    if trigger and (starts_wrong or (event.kind == "Ended" and trigger in _NOT_ENDING)):
        yield "E01.FR.15", f"was triggered by {trigger}, which {'starts' if starts_wrong else 'ends'} nothing"
    action = _ASKED.get(trigger)
    if action is not None and not transaction.earlier:
        asked = book.transcript.exchanges(sender="harness", station=book.station, action=action)
        if not any(each.call.n < event.first.call.n for each in asked):
            yield "E01.FR.15", f"was triggered by {trigger}, and no {action} was sent"


def _state(event: Event) -> Iterator[tuple[str, str]]:
    """E01.FR.18 and TX.STATE.01: the state is told when it changed, and fits what happened."""
    trigger, state = trigger_of(event), state_of(event)
    if not state:
        if trigger == "ChargingStateChanged":
            yield "E01.FR.18", "tells that the charging state changed, and not to what"
    elif trigger == "CablePluggedIn" and state == "Idle":
        yield "TX.STATE.01", "tells that a cable was plugged in, and that there is no connection to an EV"
    elif trigger == "EVCommunicationLost" and state in _CONNECTED:
        yield "TX.STATE.01", f"tells that the EV is gone, and that its state is {state}"


def _token(transaction: Transaction, unbroken: list[Event]) -> Found:
    """E01.FR.10: the token comes with the authorization, or at the latest with energy (E02.FR.01, E03.FR.01, C02)."""
    for event in unbroken:
        if event.inner("idToken"):
            return
        due = trigger_of(event) == "Authorized" or state_of(event) == "Charging"
        if due:
            what = "Authorized" if trigger_of(event) == "Authorized" else "charging"
            message = f"{transaction.id}: {event} tells {what}, and no idToken has come"
            yield "E01.FR.10", Miss(message, (event.first.call,))
            return


def _place(transaction: Transaction, unbroken: list[Event]) -> Found:
    """E01.FR.16: with the EV connected, EVSE and connector are told."""
    for event in unbroken:
        place = event.inner("evse")
        if "id" in place and "connectorId" in place:
            return
        if state_of(event) in _CONNECTED or trigger_of(event) == "CablePluggedIn":
            message = f"{transaction.id}: {event} tells of a connected EV, and not where"
            yield "E01.FR.16", Miss(message, (event.first.call,))
            return


def _stopped(transaction: Transaction) -> Found:
    """E03.FR.05, E05.FR.10, E06.FR.08, E07.FR.06, F03.FR.03: why a transaction ended, where its last event shows it.

    Where an earlier event began the stopping, the reason is that one's, and not judged.
    """
    stop = transaction.stop
    if stop is None or any(trigger_of(each) in _TO_AN_END for each in transaction.events if each is not stop):
        return
    trigger, given = trigger_of(stop), stop.inner("transactionInfo").get("stoppedReason")
    told = given or "Local, since it tells none"
    wrong = ""
    if trigger == "RemoteStop" and given != "Remote":
        wrong = "F03.FR.03"
    elif trigger == "Deauthorized" and given != "DeAuthorized" and _refused(transaction):
        wrong = "E05.FR.10"
    elif trigger == "EVConnectTimeout" and given != "Timeout":
        wrong = "E03.FR.05"
    elif trigger in _NOT_LOCAL and given in (None, "Local"):
        wrong = "E06.FR.08"
    elif trigger == "EVCommunicationLost" and given in (None, "Local"):
        wrong = "E07.FR.06"
    if wrong:
        yield wrong, Miss(f"{transaction.id}: it ended by {trigger}, and the reason is {told}", (stop.first.call,))


def _refused(transaction: Transaction) -> bool:
    """Whether the CSMS did not accept the token of a transaction."""
    for event in transaction.events:
        for each in event.deliveries:
            frame = each.answer.frame if each.answer is not None else None
            info = frame.payload.get("idTokenInfo") if isinstance(frame, CallResult) else None
            if isinstance(info, dict) and info.get("status") != "Accepted":
                return True
    return False
