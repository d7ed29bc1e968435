"""What a session gave no occasion to judge: a rule that nothing could break is not kept by that."""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise

from conformance.oracles.transactions import meter, reasons, rules_v16, rules_v201, v16, v201
from conformance.oracles.transactions.ledger import FAILURES, Event, Ledger, Outcome, Transaction

Test = Callable[[Ledger], bool]


def unseen(book: Ledger) -> Mapping[str, str]:
    """The requirements, of those that are judged in this version, that nothing came to show, and what did not come."""
    found = [(why, names) for why, (test, names) in _TESTS[book.version].items() if not test(book)]
    judged = _JUDGED[book.version]
    return {requirement: why for why, names in found for requirement in names if requirement in judged}


def _events(book: Ledger) -> Iterable[Event]:
    return [event for each in book.transactions for event in each.events]


def _some(book: Ledger) -> bool:
    return any(each.start is not None for each in book.transactions)


def _ended(book: Ledger) -> bool:
    return any(each.stop is not None for each in book.transactions)


def _course(book: Ledger) -> bool:
    """Whether something was told between begin and end."""
    return any(each not in (one.start, one.stop) for one in book.transactions for each in one.events)


def _two(book: Ledger) -> bool:
    return len(book.transactions) > 1


def _two_on_one(book: Ledger) -> bool:
    return any(len(book.on_evse(each.evse)) > 1 for each in book.transactions if each.evse is not None)


def _online(book: Ledger) -> bool:
    return any(event.time is not None and book.links.online(event.time) for event in _events(book))


def _offline(book: Ledger) -> bool:
    return any(event.time is not None and book.links.offline(event.time) for event in _events(book))


def _cut(book: Ledger) -> bool:
    return any(each.outcome is Outcome.CUT for event in _events(book) for each in event.deliveries)


def _waited(book: Ledger) -> bool:
    """Whether an event of a time online came for the first time on a later connection."""
    for event in _events(book):
        made_on = None if event.time is None else book.links.online(event.time)
        if made_on is not None and event.first.call.link != made_on.link:
            return True
    return False


def _repeated(book: Ledger) -> bool:
    return any(len(event.deliveries) > 1 for event in _events(book))


def _acknowledged(book: Ledger) -> bool:
    return any(event.acknowledged for event in _events(book))


def _refused(book: Ledger) -> bool:
    return any(
        each.outcome in FAILURES and book.setting("attempts", each.call.utc) is not None
        for event in _events(book)
        for each in event.deliveries
    )


def _paused(book: Ledger) -> bool:
    return any(
        one.outcome in FAILURES
        and one.call.link == other.call.link
        and book.setting("interval", one.call.utc, other.call.utc) is not None
        for event in _events(book)
        for one, other in pairwise(event.deliveries)
    )


def _used_up(book: Ledger) -> bool:
    for event in _events(book):
        attempts = book.setting("attempts", event.first.call.utc, event.last.call.utc)
        failures = sum(each.outcome in FAILURES for each in event.deliveries)
        if attempts is not None and failures >= attempts:
            return True
    return False


def _triggered(*triggers: str) -> Test:
    return lambda book: any(reasons.trigger_of(event) in triggers for event in _events(book))


def _ended_by(*triggers: str) -> Test:
    return lambda book: any(
        each.stop is not None and reasons.trigger_of(each.stop) in triggers for each in book.transactions
    )


def _charged(book: Ledger) -> bool:
    return any(
        reasons.trigger_of(each) == "Authorized" or reasons.state_of(each) == "Charging" for each in _events(book)
    )


def _measured(book: Ledger) -> bool:
    return any(len(meter.energy(r for event in each.events for r in event.readings)) > 1 for each in book.transactions)


def _begin_measured(book: Ledger) -> bool:
    return any(
        each.start is not None and _has(book, each, each.start, "started_measured") for each in book.transactions
    )


def _end_measured(book: Ledger) -> bool:
    return any(each.stop is not None and _has(book, each, each.stop, "ended_measured") for each in book.transactions)


def _has(book: Ledger, transaction: Transaction, event: Event, name: str) -> bool:
    began, ended = transaction.began, transaction.ended
    return bool(event.readings) or (began is not None and bool(book.set_between(name, began, ended)))


def _room(book: Ledger) -> bool:
    return book.circumstances.room is not None


_COMMON: Mapping[str, tuple[Test, tuple[str, ...]]] = {
    "no message about a transaction was sent twice": (_repeated, ("TX.REPEAT.01", "16.TX.REPEAT.01")),
    "no message about a transaction was acknowledged": (_acknowledged, ("TX.DOUBLE.01", "16.TX.DOUBLE.01")),
    "no message about a transaction failed, or how often it is to be sent is not known": (
        _refused,
        ("E13.FR.02", "16.TX.37"),
    ),
    "no message about a transaction was sent again after a failure, or the pause that is set is not known": (
        _paused,
        ("E13.FR.03", "16.TX.38"),
    ),
    "no message about a transaction failed as often as is set": (_used_up, ("E13.FR.04", "16.TX.39")),
    "no register was read twice in a transaction": (
        _measured,
        ("J02.FR.16", "TX.METER.01", "16.TX.54", "16.TX.METER.01"),
    ),
}

_V201: Mapping[str, tuple[Test, tuple[str, ...]]] = {
    "no transaction was told of": (_some, ("TX.WHOLE.01", "TX.START.01", "TX.TIME.01", "E01.FR.15")),
    "no transaction ended": (_ended, ("TX.END.01",)),
    "no transaction had a course": (_course, ("E01.FR.07", "TX.TYPE.01", "TX.ORDER.01", "TX.TIME.02")),
    "there were no two transactions": (_two, ("E01.FR.08",)),
    "there were no two transactions on one EVSE": (_two_on_one, ("E01.FR.14", "J02.FR.17")),
    "nothing happened in a transaction while the station was surely offline": (_offline, ("E04.FR.01", "E04.FR.03")),
    "nothing happened in a transaction while the station was surely online": (_online, ("TX.OFFLINE.01",)),
    "no event was under way when a connection was lost": (_cut, ("E04.FR.02", "TX.OFFLINE.02")),
    "no event waited to be sent when a connection was lost": (_waited, ("E11.FR.07",)),
    "how much the station can keep is not known": (_room, ("E04.FR.08",)),
    "nobody was authorized": (_charged, ("E01.FR.10",)),
    "no EV was connected": (_triggered("CablePluggedIn", "ChargingStateChanged"), ("E01.FR.16",)),
    "no cable was plugged in or pulled out": (_triggered("CablePluggedIn", "EVCommunicationLost"), ("TX.STATE.01",)),
    "no charging state was told to have changed": (
        _triggered("ChargingStateChanged"),
        ("E01.FR.18", "TX.TRIGGER.01"),
    ),
    "no transaction ended because nobody plugged in": (_ended_by("EVConnectTimeout"), ("E03.FR.05",)),
    "no transaction ended because its token was not accepted": (_ended_by("Deauthorized"), ("E05.FR.10",)),
    "no transaction ended by what no driver does": (
        _ended_by(*(reasons.NOT_LOCAL - {"Deauthorized"})),
        ("E06.FR.08",),
    ),
    "no transaction ended because the EV was gone": (_ended_by("EVCommunicationLost"), ("E07.FR.06",)),
    "no transaction ended by a command": (_ended_by("RemoteStop"), ("F03.FR.03",)),
    "no Started event was to hold meter values": (_begin_measured, ("E01.FR.09",)),
    "no Ended event was to hold meter values": (_end_measured, ("E06.FR.11",)),
}


def _known_id(book: Ledger) -> bool:
    return any(each.ids and each.of_kind(v16.VALUES, v16.STOP) for each in book.transactions)


def _no_id(book: Ledger) -> bool:
    return any(not each.ids and each.of_kind(v16.VALUES, v16.STOP) for each in book.transactions)


def _sampled(book: Ledger) -> bool:
    for each in book.transactions:
        start, stop = each.start, each.stop
        if start is not None and stop is not None and start.time is not None and stop.time is not None:
            interval = book.set_between("sample_interval", start.time, stop.time)
            if interval and (stop.time - start.time).total_seconds() > interval:
                return True
    return False


def _values(book: Ledger) -> bool:
    return any(each.of_kind(v16.VALUES) for each in book.transactions)


def _invalid(*, stops: bool) -> Test:
    def test(book: Ledger) -> bool:
        answers = [rules_v16.refusal(each) for each in book.transactions]
        return any(book.setting("stop_on_invalid", each.utc) == float(stops) for each in answers if each is not None)

    return test


def _commanded(book: Ledger) -> bool:
    """Whether a transaction stopped after a command to."""
    return any(each.stop is not None and any(rules_v16.commands(book, each)) for each in book.transactions)


_V16: Mapping[str, tuple[Test, tuple[str, ...]]] = {
    "no transaction was told of": (_some, ("16.TX.04", "16.TX.TIME.01", "16.TX.36")),
    "no transaction stopped": (_ended, ("16.TX.08", "16.TX.TIME.02")),
    "no transaction with an id had a course": (_known_id, ("16.TX.10",)),
    "no transaction without an id had a course": (_no_id, ("16.TX.40",)),
    "no transaction stopped after a command": (_commanded, ("16.TX.11", "16.TX.12")),
    "no token turned out invalid while that is set to stop the transaction": (_invalid(stops=True), ("16.TX.33",)),
    "no token turned out invalid while that is set to stop the energy only": (_invalid(stops=False), ("16.TX.34",)),
    "nothing happened in a transaction while the station was surely offline": (_offline, ("16.TX.35",)),
    "no transaction lasted longer than the interval between samples, as far as that is known": (
        _sampled,
        ("16.TX.43",),
    ),
    "no meter values came in a transaction": (_values, ("16.TX.METER.02",)),
}

_TESTS = {v201.VERSION: {**_V201, **_COMMON}, v16.VERSION: {**_V16, **_COMMON}}
_JUDGED = {v201.VERSION: rules_v201.REQUIREMENTS, v16.VERSION: rules_v16.REQUIREMENTS}
