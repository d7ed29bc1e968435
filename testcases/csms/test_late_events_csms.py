"""Transactions by way of a bad network: events that come late, again, in bulk and out of order lose and double nothing.

What a station has kept while it was offline, it sends once it is back; what was not answered, it sends again. So a
CSMS has to take all that, whatever it knows already.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms_boot import listed
from conformance.peers.csms_scenes import judged, valid_token
from conformance.peers.received import NoAnswer, NotSeen, Refused
from conformance.peers.station import StationPeer
from conformance.peers.tellings import (
    Recorded,
    Told,
    recorded,
    refusals,
    strange_times,
    tell,
    token_status,
    told_all,
)
from conformance.sut.drivers import CsmsDriver
from conformance.sut.profile import SutProfile

BULK = 200
"""The messages of one transaction that an outage has kept back."""

LONG_AGO = timedelta(hours=5)
NOT_KNOWN = 2_147_483_001
"""A transaction id of 1.6 that no CSMS has given yet."""


# -- offline ----------------------------------------------------------------------------------------------------------


@case(
    "OFFLINE_START_CSMS",
    "A transaction started while the station was offline: the CSMS takes it hours later, and accepts the token",
    requirements=["CSMS.START.01", "E01.FR.12"],
    severity=Severity.BLOCKER,
)
@case(
    "TC_037_1_CSMS",
    "A transaction started while the charge point was offline: the central system takes it later, and the token",
    versions=["1.6"],
    requirements=["16.TX.05", "16.TX.06"],
    severity=Severity.BLOCKER,
)
async def test_offline_start(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """It goes on after that."""
    token = await valid_token(csms, profile)
    record = await kept_offline(station, token)
    async with judged(station, spec, profile):
        await tell(station, record, record.start())
    await station.report_all_connectors()
    for told in (record.update(), record.end()):
        await tell(station, record, told)


@case(
    "OFFLINE_UNKNOWN_TOKEN_CSMS",
    "A token that the CSMS does not know has charged while the station was offline: it says so, and takes the end",
    requirements=["E01.FR.12", "CSMS.STOP.01"],
    severity=Severity.CRITICAL,
)
@case(
    "TC_037_3_CSMS",
    "A token that is not valid has charged while the charge point was offline: the central system says so",
    versions=["1.6"],
    requirements=["16.TX.06", "16.TX.09"],
    severity=Severity.CRITICAL,
)
async def test_offline_unknown_token(station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """The station ends the transaction as soon as it is told."""
    token = profile.parameters.invalid_id_token
    record = await kept_offline(station, token.payload)
    async with judged(station, spec, profile, expected={token.id_token: refusals(station)["unknown"]}):
        await tell(station, record, record.start())
        await station.report_all_connectors()
        await tell(station, record, record.end("DeAuthorized"))


@case(
    "OFFLINE_TRANSACTION_CSMS",
    "A transaction began and ended while the station was offline: the CSMS takes all of it",
    requirements=["CSMS.START.01", "CSMS.STOP.01", "E01.FR.12"],
    severity=Severity.BLOCKER,
)
@case(
    "TC_039_CSMS",
    "A transaction began and ended while the charge point was offline: the central system takes all of it",
    versions=["1.6"],
    requirements=["16.TX.05", "16.TX.06", "16.TX.09"],
    severity=Severity.BLOCKER,
)
async def test_offline_transaction(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Nobody is charging any more when the CSMS hears of it."""
    token = await valid_token(csms, profile)
    record = await kept_offline(station, token)
    async with judged(station, spec, profile):
        await tell(station, record, record.start())
        await tell(station, record, record.end())


@case(
    "OFFLINE_BULK_CSMS",
    "A long transaction was told to nobody: the CSMS takes its two hundred messages in a row",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.TX.02"],
    severity=Severity.CRITICAL,
)
async def test_bulk(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """As fast as it answers."""
    token = await valid_token(csms, profile)
    record = await kept_offline(station, token)
    await tell(station, record, record.start())
    messages = [*(record.update() for _ in range(BULK - 2)), record.end()]
    with spec("CSMS.TX.02"):
        wrong = await told_all(station, record, messages)
        assert not wrong, f"of {BULK} messages of one transaction {len(wrong)} were not taken: {listed(wrong)}"


# -- again ------------------------------------------------------------------------------------------------------------


@case(
    "EVENTS_AGAIN_CSMS",
    "Every message of a transaction comes again, as if its answer had been lost: the CSMS answers it as before",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.TX.01", "CSMS.TX.06"],
    severity=Severity.BLOCKER,
)
async def test_again(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Each three times: the second time with an id of its own, the third time with that of the first."""
    token = await valid_token(csms, profile)
    record = recorded(station, station.equipment.evses[0], token)
    refused: list[str] = []
    otherwise: list[str] = []
    numbers: set[object] = set()
    for number, make in enumerate((record.start, record.update, record.end)):
        told = make()
        first_id = f"{record.running.id[:30]}-{number}"
        first = await tell(station, record, told, message_id=first_id)
        for message_id in (None, first_id):
            try:
                again = await tell(station, record, told, message_id=message_id, number=False)
            except (Refused, NoAnswer, NotSeen) as missed:
                refused.append(f"{told}, with {'the same' if message_id else 'another'} message id: {missed}")
                continue
            numbers.add(again.get("transactionId"))
            if gist(again) != gist(first):
                otherwise.append(f"{told}: first {gist(first)}, then {gist(again)}")
    with spec("CSMS.TX.01"):
        assert not refused, f"what came again was not taken: {listed(refused)}"
    if refused and not otherwise:
        spec.unproven("CSMS.TX.06", "not everything that came again was answered")
    else:
        with spec("CSMS.TX.06"):
            assert not otherwise, f"what came again was answered otherwise: {listed(otherwise)}"
    await end_all(station, record, told, numbers)


# -- out of order -----------------------------------------------------------------------------------------------------


@case(
    "EVENTS_LATE_CSMS",
    "Meter values come after the end of their transaction: the CSMS takes them",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.TX.02"],
    severity=Severity.CRITICAL,
)
async def test_late(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The numbers and times in them tell where they belong."""
    token = await valid_token(csms, profile)
    record = recorded(station, station.equipment.evses[0], token)
    await tell(station, record, record.start())
    late, end = [record.update(), record.update()], record.end()
    await tell(station, record, end)
    with spec("CSMS.TX.02"):
        wrong = await told_all(station, record, late)
        assert not wrong, f"what came after the end was not taken: {listed(wrong)}"
    await end_all(station, record, end, {record.running.number})


@case(
    "START_LATE_CSMS",
    "The start of a transaction comes after its end: the CSMS takes all of it",
    requirements=["CSMS.TX.02"],
    severity=Severity.CRITICAL,
)
async def test_start_late(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """As it may come by two ways at once."""
    token = await valid_token(csms, profile)
    record = recorded(station, station.equipment.evses[0], token, offline=True)
    start, update, end = record.start(), record.update(), record.end()
    with spec("CSMS.TX.02"):
        wrong = await told_all(station, record, (update, end, start))
        assert not wrong, f"a transaction that was told with its start last was not taken: {listed(wrong)}"
    await end_all(station, record, end, {None})


@case(
    "OVER_IS_OVER_CSMS",
    "A transaction that is over stays so, whatever comes late or again: its token can start the next one",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.TX.03"],
    severity=Severity.CRITICAL,
)
async def test_over_is_over(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Whether what comes again is answered well is not the question here."""
    token = await valid_token(csms, profile)
    record = recorded(station, station.equipment.evses[0], token)
    start, late = record.start(), record.update()
    first = await tell(station, record, start)
    numbers = await numbers_again(station, record, start)
    end = record.end()
    await tell(station, record, end)
    with suppress(Refused):
        await tell(station, record, late)
    following = recorded(station, station.equipment.evses[0], token)
    with spec("CSMS.TX.03"):
        status = token_status(await tell(station, following, following.start()))
        assert status == "Accepted", f"the token of a transaction that is over was answered {status} in the next one"
    await tell(station, following, following.end())
    await end_all(station, record, end, {first.get("transactionId"), *numbers})


# -- over connections -------------------------------------------------------------------------------------------------


@case(
    "RECONNECT_IN_TRANSACTION_CSMS",
    "The connection is lost during a transaction: on the next one the CSMS takes what follows",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.TX.05"],
    severity=Severity.BLOCKER,
)
async def test_reconnect(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Twice, and without a boot, as the station was never away."""
    token = await valid_token(csms, profile)
    record = recorded(station, station.equipment.evses[0], token)
    await tell(station, record, record.start())
    for make in (record.update, record.end):
        await station.disconnect("reset")
        await station.come_back()
        with spec.must("CSMS.TX.05"):
            await tell(station, record, make())


# -- in doubt ---------------------------------------------------------------------------------------------------------


@case(
    "UNKNOWN_TRANSACTION_CSMS",
    "What belongs to a transaction that the CSMS has never heard of is answered",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.TX.04"],
    severity=Severity.CRITICAL,
)
async def test_unknown_transaction(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Its start is lost for good: a value, and the end."""
    record = recorded(station, station.equipment.evses[0], await valid_token(csms, profile))
    record.start()
    record.running.number = NOT_KNOWN
    with spec("CSMS.TX.04"):
        wrong = await told_all(station, record, [record.update(), record.end()])
        assert not wrong, f"what belongs to an unknown transaction was not answered: {listed(wrong)}"


@case(
    "NO_TRANSACTION_ID_CSMS",
    "What belongs to a transaction that never got an id is answered as if it had one",
    versions=["1.6"],
    requirements=["16.TX.41"],
    severity=Severity.CRITICAL,
)
async def test_no_id(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Two of them, with the id -1: a value, and the end."""
    for _ in range(2):
        record = recorded(station, station.equipment.evses[0], await valid_token(csms, profile))
        record.start()
        with spec("16.TX.41"):
            wrong = await told_all(station, record, [record.update(), record.end()])
            assert not wrong, f"what has the transaction id -1 was not answered: {listed(wrong)}"


@case(
    "STRANGE_TIMES_TOLD_CSMS",
    "Transactions are answered even if their times can't be right",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.TX.04"],
    severity=Severity.NORMAL,
)
async def test_strange_times(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """One for each, and one that ends before it began."""
    token = await valid_token(csms, profile)
    wrong: list[str] = []
    for words, began in strange_times(station).items():
        record = recorded(station, station.equipment.evses[0], token, began=began)
        wrong += await in_doubt(station, words, record, {})
    record = recorded(station, station.equipment.evses[0], token)
    before = (station.equipment.clock.now() - LONG_AGO).isoformat(timespec="seconds")
    wrong += await in_doubt(station, "an end before the start", record, {"timestamp": before})
    with spec("CSMS.TX.04"):
        assert not wrong, listed(wrong)


@case(
    "STRANGE_READINGS_CSMS",
    "Transactions are answered even if their readings, numbers or places can't be right",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.TX.04"],
    severity=Severity.NORMAL,
)
async def test_strange_readings(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """A transaction with all of these in between, and then one for each odd end."""
    token = await valid_token(csms, profile)
    record = recorded(station, station.equipment.evses[0], token)
    await tell(station, record, record.start())
    odd = [*record.odd_updates(), record.end()]
    wrong = await told_all(station, record, odd)
    for fields in record.odd_ends():
        record = recorded(station, station.equipment.evses[0], token)
        wrong += await in_doubt(station, "odd at the end", record, fields)
    with spec("CSMS.TX.04"):
        assert not wrong, listed(wrong)


# -- steps ------------------------------------------------------------------------------------------------------------


async def kept_offline(station: StationPeer, token: Mapping[str, str]) -> Recorded:
    """Lose the connection and come back with a transaction that began hours ago and of which nothing has been told."""
    await station.disconnect("reset")
    began = station.equipment.clock.now() - LONG_AGO
    record = recorded(station, station.equipment.evses[0], token, began=began, offline=True)
    await station.come_back()
    return record


async def in_doubt(station: StationPeer, words: str, record: Recorded, fields: Mapping[str, Any]) -> list[str]:
    """Tell of a transaction from its start to an end with these fields; what was not taken, in words."""
    messages: list[Told] = [record.start()]
    wrong = await told_all(station, record, messages)
    wrong += await told_all(station, record, [record.update(), record.end(**fields)])
    return [f"{words}: {each}" for each in wrong]


async def numbers_again(station: StationPeer, record: Recorded, start: Told) -> set[object]:
    """Tell of a start that was told before; the transaction id of 1.6 that it gets, if that is told."""
    with suppress(Refused):
        return {(await tell(station, record, start, number=False)).get("transactionId")}
    return set()


async def end_all(station: StationPeer, record: Recorded, end: Told, numbers: set[object]) -> None:
    """Tell the end of a transaction to a CSMS that may take it for several, or for one that goes on: nothing is left.

    `numbers` are the transaction ids of 1.6 under which it may be known.
    """
    for number in numbers:
        if isinstance(number, int):
            record.running.number = number
        with suppress(Refused, NoAnswer, NotSeen):
            await tell(station, record, end)


def gist(answer: Mapping[str, object]) -> Mapping[str, object]:
    """What matters of an answer: the status of the token, and in 1.6 the transaction id."""
    told = {"status": token_status(answer), "transactionId": answer.get("transactionId")}
    return {name: value for name, value in told.items() if value is not None}
