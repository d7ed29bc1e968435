"""OCPP 1.6, chapters 3.5 and 3.7: drivers charge while the station is offline, and it tells everything afterwards."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import Charging, Connector
from conformance.peers.received import NotSeen, Received
from conformance.peers.replies import Error
from conformance.peers.scenes import charging, configured, pull_plug, vacated
from conformance.peers.scenes_v16 import (
    clear_cache,
    coarse,
    debounced,
    let_in_offline,
    listed,
    moment,
    nothing_starts,
    number,
    off,
    present,
    set_where_possible,
    shows,
    started,
    stopped,
)
from conformance.peers.v16 import now
from conformance.peers.v16 import started as start_answered
from conformance.sut.drivers import StationDriver, Unsupported
from conformance.sut.profile import SutProfile
from conformance.sut.tables import OperatorDriver
from conformance.wire.faults import Network

OFFLINE = "offline-authorization"
SAMPLES = 2
ENERGY = ("Charging", "SuspendedEV", "SuspendedEVSE")
OWN_STOP = (None, "Local")
PER_SESSION = 2
"""Messages of a transaction that starts and ends."""
BRISK = 20
"""By how much the pause between two steps of a person is shortened where a program does them."""


# -- a transaction that goes on ---------------------------------------------------------------------------------------


@case(
    "TC_036_CS",
    "Offline in a transaction, the meter values are kept, and come in their order afterwards",
    versions=["1.6"],
    requirements=["16.TX.35", "16.TX.36"],
    severity=Severity.BLOCKER,
)
async def test_meter_values(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Charge, turn the station away until it has taken some samples, and see that none is missing."""
    interval, spot = profile.parameters.meter_interval, profile.connectors[0]
    settings = {"MeterValueSampleInterval": str(interval), "ClockAlignedDataInterval": "0"}
    async with vacated(station, csms), configured(csms, settings):
        session = await charging(station, csms, spot, profile.parameters.valid_id_token.payload)
        async with off(csms, profile, network.turned_away()):
            await _wait(csms, SAMPLES * interval + profile.timing.tolerance)
        mark = csms.now

        def gaps() -> list[tuple[datetime, float]]:
            """Where nothing was told of for too long, as far as is known by now."""
            begun = moment(csms.seen("StartTransaction")[-1])
            times = [begun, *sorted({at for at, _ in _samples(csms, spot, session.event.n)})]
            apart = [(one, (two - one).total_seconds()) for one, two in pairwise(times)]
            longest = interval + profile.timing.tolerance + coarse(times)
            return [each for each in apart if each[1] > longest]

        with spec.must("16.TX.35"):
            patience = csms.patience.for_action("MeterValues") + interval
            await csms.until(lambda: len(_samples(csms, spot, mark)) > SAMPLES, "the samples kept", within=patience)
            with suppress(NotSeen):
                await csms.until(lambda: not gaps(), "the rest of them", within=patience)
            for at, gap in gaps():
                raise AssertionError(
                    f"nothing was told of {gap:.1f} s after {at:%H:%M:%S}, and samples are due every {interval} s"
                )
        kept = _samples(csms, spot, mark)
        with spec("16.TX.36"):
            csms.touch(*(message for _, message in kept))
            late = [two for one, two in pairwise(kept) if two[0] < one[0]]
            assert not late, f"the sample of {late[0][0]:%H:%M:%S.%f} came after a newer one"


def _samples(csms: CsmsPeer, spot: Connector, after: int) -> list[tuple[datetime, Received]]:
    """The samples of a connector in the order in which they came, each with its time and its message."""
    mine = number(csms, spot)
    return [
        (moment(value), message)
        for message in csms.seen("MeterValues", after=after)
        if message["connectorId"] == mine
        for value in message["meterValue"]
    ]


# -- start and stop ---------------------------------------------------------------------------------------------------


@case(
    "TC_037_1_CS",
    "A transaction that started offline is told of afterwards, as of when it started",
    versions=["1.6"],
    needs=OFFLINE,
    requirements=["16.STATUS.13", "16.TX.35", "16.TX.TIME.01"],
    severity=Severity.BLOCKER,
)
async def test_offline_start(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Turn the station away, plug in, hold up a card, and let it back."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with _offline_drivers(station, csms, profile):
        mark = csms.now
        async with off(csms, profile, network.turned_away()):
            happened = await _start(station, csms, profile, spot, token)
        with spec.must("16.TX.35"):
            start = await started(csms, spot, after=mark)
        _judge_time(csms, spec, start, happened)
        with spec("16.STATUS.13"):
            await shows(csms, spot, *ENERGY, after=mark)


@case(
    "TC_037_2_CS",
    "A token turns out invalid after an offline start: energy stops, and the transaction goes on where it shall",
    versions=["1.6"],
    needs=OFFLINE,
    requirements=["16.TX.34"],
    severity=Severity.CRITICAL,
)
async def test_offline_invalid_goes_on(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """With StopTransactionOnInvalidId false."""
    async with _offline_drivers(station, csms, profile), configured(csms, {"StopTransactionOnInvalidId": "false"}):
        start, mark = await _started_invalid(station, csms, network, profile)
        await _judge_withheld(csms, spec, profile, profile.connectors[0], start, mark)


@case(
    "TC_037_3_CS",
    "A token turns out invalid after an offline start: the transaction is stopped where it shall",
    versions=["1.6"],
    needs=OFFLINE,
    requirements=["16.STATUS.14", "16.TX.33"],
    severity=Severity.CRITICAL,
)
async def test_offline_invalid_stops(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """With StopTransactionOnInvalidId true."""
    async with _offline_drivers(station, csms, profile), configured(csms, {"StopTransactionOnInvalidId": "true"}):
        start, mark = await _started_invalid(station, csms, network, profile)
        await _judge_deauthorized(csms, spec, profile.connectors[0], start, mark)


@case(
    "INVALID_START_CS",
    "A token turns out invalid when its transaction starts: it is stopped, or only its energy is",
    versions=["1.6"],
    requirements=["16.STATUS.14", "16.TX.33", "16.TX.34"],
    severity=Severity.CRITICAL,
)
async def test_invalid_start(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Online: accept it when the station asks, refuse it when the transaction starts; with both settings in turn."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with AsyncExitStack() as afterwards:
        afterwards.push_async_callback(_forgotten, csms, profile)
        for stops in ("false", "true"):
            async with (
                vacated(station, csms),
                debounced(csms, profile),
                set_where_possible(csms, {"MaxEnergyOnInvalidId": "0"} if _spares_energy(profile) else {}),
                configured(csms, {"StopTransactionOnInvalidId": stops}),
            ):
                await clear_cache(csms, profile)
                csms.keep_answering("StartTransaction", start_answered("Invalid"))
                mark = csms.now
                if station.can("plug_in"):
                    await station.plug_in(*spot)
                answer = await csms.speak.remote_start(token, spot, 0)
                assert answer["status"] == "Accepted", f"the remote start was answered {answer['status']}"
                start = await started(csms, spot, after=mark)
                if stops == "true":
                    await _judge_deauthorized(csms, spec, spot, start, mark)
                else:
                    await _judge_withheld(csms, spec, profile, spot, start, mark)


async def _forgotten(csms: CsmsPeer, profile: SutProfile) -> None:
    with suppress(AssertionError):
        await clear_cache(csms, profile)


async def _started_invalid(
    station: StationDriver, csms: CsmsPeer, network: Network, profile: SutProfile
) -> tuple[Received, int]:
    """A transaction that started offline, with a token that is refused afterwards; and a mark of before it."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    csms.keep_answering("StartTransaction", start_answered("Invalid"))
    mark = csms.now
    async with off(csms, profile, network.turned_away()):
        await _start(station, csms, profile, spot, token)
    return await started(csms, spot, after=mark), mark


async def _judge_deauthorized(csms: CsmsPeer, spec: Spec, spot: Connector, start: Received, mark: int) -> None:
    with spec.must("16.TX.33"):
        stop = await stopped(csms, await _session(csms, spot, start))
        reason = stop.get("reason")
        assert reason == "DeAuthorized", f"expected the reason DeAuthorized, got {reason}"
    with spec("16.STATUS.14"):
        await shows(csms, spot, "Finishing", after=mark)


async def _judge_withheld(  # noqa: PLR0913 -- what is judged, where, and since when
    csms: CsmsPeer, spec: Spec, profile: SutProfile, spot: Connector, start: Received, mark: int
) -> None:
    with spec("16.TX.34"):
        session = await _session(csms, spot, start)
        await shows(csms, spot, "SuspendedEVSE", after=mark)
        with suppress(NotSeen):
            await stopped(csms, session, within=profile.timing.settle)
            raise AssertionError("the transaction was stopped, although StopTransactionOnInvalidId is false")


@case(
    "TC_038_CS",
    "A transaction that ended offline is told of afterwards, as of when it ended",
    versions=["1.6"],
    needs="local-stop",
    requirements=["16.STATUS.14", "16.TX.10", "16.TX.12", "16.TX.35", "16.TX.TIME.01"],
    severity=Severity.BLOCKER,
)
async def test_offline_stop(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Charge, turn the station away, and hold up the card again."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with vacated(station, csms), debounced(csms, profile):
        session = await charging(station, csms, spot, token)
        mark = csms.now
        async with off(csms, profile, network.turned_away()):
            happened = datetime.now(UTC)
            await present(station, spot, token)
            await _wait(csms, profile.timing.settle)
        with spec.must("16.TX.35"):
            stop = await csms.expect("StopTransaction", after=mark)
        with spec("16.TX.10"):
            assert str(stop["transactionId"]) == session.transaction_id, (
                f"the transaction was given the id {session.transaction_id}, and its end names {stop['transactionId']}"
            )
        _judge_own_stop(csms, spec, stop)
        _judge_time(csms, spec, stop, happened)
        with spec("16.STATUS.14"):
            await shows(csms, spot, "Finishing", after=mark)


@case(
    "TC_039_CS",
    "A transaction that started and ended offline is told of afterwards, both of it and in this order",
    versions=["1.6"],
    needs=f"{OFFLINE} and local-stop",
    requirements=["16.TX.10", "16.TX.12", "16.TX.35", "16.TX.36"],
    severity=Severity.BLOCKER,
)
async def test_offline_transaction(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """The end bears the id that the start is given, which nobody knew when the transaction ended."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with _offline_drivers(station, csms, profile):
        mark = csms.now
        async with off(csms, profile, network.turned_away()):
            await _whole(station, csms, profile, spot, token)
        found = await _judge_kept(csms, spec, mark, 1)
        _judge_own_stop(csms, spec, found[0][1])


def _judge_own_stop(csms: CsmsPeer, spec: Spec, stop: Received) -> None:
    """A stop by the driver's card is told as such."""
    with spec("16.TX.12"):
        csms.touch(stop)
        reason = stop.get("reason")
        assert reason in OWN_STOP, f"the driver has stopped it with the card, and the reason is {reason}"


# -- more than one ----------------------------------------------------------------------------------------------------


@case(
    "OFFLINE_TWO_TRANSACTIONS_CS",
    "Two transactions in one outage, of two drivers, are told of one after the other",
    versions=["1.6"],
    needs=f"{OFFLINE} and local-stop",
    requirements=["16.TX.10", "16.TX.35", "16.TX.36"],
    severity=Severity.CRITICAL,
)
async def test_two_transactions(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """On the same connector; each end has the id of its own start."""
    spot, parameters = profile.connectors[0], profile.parameters
    async with _offline_drivers(station, csms, profile):
        mark = csms.now
        async with off(csms, profile, network.turned_away()):
            for token in (parameters.valid_id_token, parameters.other_valid_id_token):
                await _whole(station, csms, profile, spot, token.payload)
        await _judge_kept(csms, spec, mark, 2)


@case(
    "OFFLINE_TWO_CONNECTORS_CS",
    "One connector starts and another stops while the station is offline: neither is taken for the other",
    versions=["1.6"],
    needs=f"{OFFLINE} and local-stop and connectors > 1",
    requirements=["16.TX.10", "16.TX.35", "16.TX.36"],
    severity=Severity.CRITICAL,
)
async def test_two_connectors(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Charge at one; offline, start at the other, and then stop at the first."""
    first, second, parameters = profile.connectors[0], profile.connectors[-1], profile.parameters
    token, other = parameters.valid_id_token.payload, parameters.other_valid_id_token.payload
    async with _offline_drivers(station, csms, profile):
        session = await charging(station, csms, first, token)
        mark = csms.now
        async with off(csms, profile, network.turned_away()):
            await _start(station, csms, profile, second, other)
            await present(station, first, token)
            await _wait(csms, profile.timing.settle)
        with spec.must("16.TX.35"):
            start = await started(csms, second, after=mark)
            stop = await csms.expect("StopTransaction", after=mark)
        with spec("16.TX.36"):
            csms.touch(start, stop)
            assert start.n < stop.n, "the stop came before the start, and happened after it"
        begun = await _session(csms, second, start)
        await csms.speak.remote_stop(begun.transaction_id)
        with spec("16.TX.10"):
            csms.touch(start, stop)
            assert str(stop["transactionId"]) == session.transaction_id, (
                f"the first transaction was given the id {session.transaction_id}, and its end names "
                f"{stop['transactionId']}"
            )
            await stopped(csms, begun)


@case(
    "OFFLINE_MANY_MESSAGES_CS",
    "Very many transactions in one outage are all told of, in their order",
    versions=["1.6"],
    needs=f"{OFFLINE} and local-stop",
    requirements=["16.TX.35", "16.TX.36"],
    severity=Severity.NORMAL,
)
async def test_many_messages(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """As many short ones as make up the messages that the profile says; nobody is asked to do that by hand."""
    if isinstance(profile.driver, OperatorDriver):
        raise Unsupported("plug_in", "it would have to be done too many times for a person")
    spot, parameters = profile.connectors[0], profile.parameters
    sessions = -(-parameters.queued_messages // PER_SESSION)
    async with (
        _offline_drivers(station, csms, profile),
        set_where_possible(csms, {"MeterValueSampleInterval": "0", "ClockAlignedDataInterval": "0"}),
    ):
        mark = csms.now
        async with off(csms, profile, network.turned_away()):
            for _ in range(sessions):
                await _whole(station, csms, profile, spot, parameters.valid_id_token.payload, brisk=BRISK)
        await _judge_told(csms, spec, mark, sessions)


# -- worse than offline -----------------------------------------------------------------------------------------------


@case(
    "OFFLINE_POWER_LOSS_CS",
    "The power fails while the station is offline: what it had kept to tell is told after the boot",
    versions=["1.6"],
    needs=f"{OFFLINE} and local-stop",
    requirements=["16.BOOT.04", "16.TX.08", "16.TX.10", "16.TX.76"],
    severity=Severity.CRITICAL,
)
async def test_power_loss(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Offline, one transaction ends and another starts; then the mains go, and come back before the network does."""
    spot, parameters = profile.connectors[0], profile.parameters
    token, other = parameters.valid_id_token.payload, parameters.other_valid_id_token.payload
    async with _offline_drivers(station, csms, profile):
        if not station.can("power_cycle"):
            raise Unsupported("power_cycle", "nobody can switch the mains")
        session = await charging(station, csms, spot, token)
        mark = csms.now
        async with off(csms, profile, network.turned_away(), boots=True):
            await present(station, spot, token)
            await _wait(csms, profile.timing.settle)
            await pull_plug(station, spot)
            await _start(station, csms, profile, spot, other)
            await station.power_cycle()
        boot = await csms.expect("BootNotification", after=mark)
        accepted = await csms.answered(boot, within=csms.patience.answer)
        with spec.must("16.TX.76"):
            await csms.expect(
                "StopTransaction",
                after=mark,
                where=lambda each: each.get("reason") != "PowerLoss",
            )
            start = await started(csms, spot, after=mark)
        with spec("16.BOOT.04"):
            early = [each for each in csms.traffic(after=mark, before=accepted.n) if each.action != "BootNotification"]
            csms.touch(*early)
            assert not early, f"{early[0].action} was sent before the boot was accepted"
        begun = await _session(csms, spot, start)
        with suppress(AssertionError):  # it was ended by the power cut, or goes on
            await csms.speak.remote_stop(begun.transaction_id)
        with suppress(NotSeen):
            patience = csms.patience.for_action("StopTransaction")
            await csms.until(lambda: len(_ends(csms, mark)) >= PER_SESSION, "both ends", within=patience)
        with suppress(NotSeen):
            await csms.until(lambda: len(_ends(csms, mark)) > PER_SESSION, "no more ends", within=profile.timing.settle)
        ends = _ends(csms, mark)
        with spec("16.TX.10"):
            csms.touch(*ends)
            wrong = {str(each["transactionId"]) for each in ends} - {session.transaction_id, begun.transaction_id}
            assert not wrong, (
                f"transactions {session.transaction_id} and {begun.transaction_id} were to end, and an end names "
                f"{', '.join(sorted(wrong))}"
            )
            same = {str(each["transactionId"]) for each in ends}
            assert len(ends) == 1 or len(same) > 1, f"both ends that were told name transaction {', '.join(same)}"
        with spec("16.TX.08"):
            csms.touch(*ends)
            assert len(ends) <= PER_SESSION, f"two transactions have ended, and {len(ends)} ends were told"


def _ends(csms: CsmsPeer, mark: int) -> list[Received]:
    """The ends of transactions that were told, each once: what was sent again word by word is a repeat."""
    told: dict[str, Received] = {}
    for each in csms.seen("StopTransaction", after=mark):
        told.setdefault(str(sorted(each.items(), key=str)), each)
    return list(told.values())


@case(
    "OFFLINE_WRONG_CLOCK_CS",
    "The clock is put back between a start and a stop that wait to be told: their order stays that of the events",
    versions=["1.6"],
    needs=f"{OFFLINE} and local-stop and remote-trigger and trigger-heartbeat",
    requirements=["16.TX.36", "16.TX.REPEAT.01"],
    severity=Severity.NORMAL,
)
async def test_wrong_clock(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Put the clock forward, let a transaction start offline, put the clock right, and let it stop offline.

    Between the two outages the start is answered with an error, so that it has to be told again.
    """
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    settings = {"TransactionMessageRetryInterval": "1", "MeterValueSampleInterval": "0"}
    async with _offline_drivers(station, csms, profile), configured(csms, settings):
        try:
            mark = csms.now
            await _tell_time(csms, timedelta(seconds=profile.parameters.clock_shift))
            async with off(csms, profile, network.turned_away()):
                await _start(station, csms, profile, spot, token)
            csms.keep_answering("StartTransaction", Error("InternalError", "try again"))
            first = await started(csms, spot, after=mark)
            await _tell_time(csms, timedelta(0))
            again = csms.now
            async with off(csms, profile, network.turned_away()):
                await present(station, spot, token)
                await _wait(csms, profile.timing.settle)
                csms.answer("StartTransaction")
            with spec.must("16.TX.36"):
                start = await started(csms, spot, after=again)
                stop = await csms.expect("StopTransaction", after=mark)
                answer = await csms.answered(start, within=csms.patience.answer)
                csms.touch(start, stop)
                assert answer.n < stop.n, "the stop was told before the start was taken"
            with spec("16.TX.REPEAT.01"):
                csms.touch(first, start)
                assert dict(first) == dict(start), _changed(first, start)
        finally:
            csms.answer("Heartbeat")


async def _tell_time(csms: CsmsPeer, shift: timedelta) -> None:
    """Have the station ask for the time, and tell it one that is so far off."""
    csms.keep_answering("Heartbeat", lambda _: {"currentTime": now() if not shift else _shifted(shift)})
    mark = csms.now
    answer = await csms.speak.trigger("Heartbeat")
    assert answer["status"] == "Accepted", f"a trigger for Heartbeat was answered {answer['status']}"
    asked = await csms.expect("Heartbeat", after=mark)
    await csms.answered(asked, within=csms.patience.answer)


def _shifted(shift: timedelta) -> str:
    return (datetime.now(UTC) + shift).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _changed(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """What a repeat says otherwise than the first time."""
    names = [name for name in {**first, **second} if first.get(name) != second.get(name)]
    told = ", ".join(f"{name} was {first.get(name)} and is {second.get(name)}" for name in names)
    return f"sent again it says something else: {told}"


# -- who is let in ----------------------------------------------------------------------------------------------------


@case(
    "OFFLINE_UNKNOWN_TOKEN_CS",
    "Offline, whom nobody knows is let in where AllowOfflineTxForUnknownId says so, and else not",
    versions=["1.6"],
    needs="offline-unknown-ids",
    requirements=["16.TX.75"],
    severity=Severity.CRITICAL,
)
async def test_unknown_token(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """One outage with each value."""
    spot, token = profile.connectors[0], profile.parameters.other_valid_id_token.payload
    for allowed in (True, False):
        async with (
            vacated(station, csms),
            configured(csms, {"AllowOfflineTxForUnknownId": "true" if allowed else "false"}),
        ):
            await clear_cache(csms, profile)
            mark = csms.now
            async with off(csms, profile, network.turned_away()):
                await _start(station, csms, profile, spot, token)
            await _judge_let_in(csms, spec, profile, "16.TX.75", allowed=allowed, mark=mark)


@case(
    "OFFLINE_KNOWN_TOKEN_CS",
    "Offline, who was let in before is let in where LocalAuthorizeOffline says so, and else not",
    versions=["1.6"],
    needs=f"{OFFLINE} and authorization-cache",
    requirements=["16.TX.74"],
    severity=Severity.CRITICAL,
)
async def test_known_token(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """With a token in the cache, and unknown ones kept out where the station can do that."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    keeps_out = {"AllowOfflineTxForUnknownId": "false"}
    for allowed in (True, False):
        async with (
            vacated(station, csms),
            set_where_possible(csms, {"AuthorizationCacheEnabled": "true", "LocalPreAuthorize": "false", **keeps_out}),
            configured(csms, {"LocalAuthorizeOffline": "true" if allowed else "false"}),
        ):
            session = await charging(station, csms, spot, token)
            await csms.speak.remote_stop(session.transaction_id)
            await csms.answered(await stopped(csms, session), within=csms.patience.answer)
            await pull_plug(station, spot)
            mark = csms.now
            async with off(csms, profile, network.turned_away()):
                await _start(station, csms, profile, spot, token)
            await _judge_let_in(csms, spec, profile, "16.TX.74", allowed=allowed, mark=mark)
    await clear_cache(csms, profile)


@case(
    "OFFLINE_LISTED_INVALID_CS",
    "Offline, whom the local list calls blocked or expired is kept out, even where whom nobody knows is let in",
    versions=["1.6"],
    needs="local-authorization-list",
    requirements=["16.TX.79"],
    severity=Severity.CRITICAL,
)
async def test_listed_as_invalid(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """One that is Blocked, and one that was valid until some time ago; in one outage."""
    spot, parameters = profile.connectors[0], profile.parameters
    tokens = [parameters.blocked_id_token, parameters.expired_id_token]
    infos = [{"status": "Blocked"}, {"status": "Accepted", "expiryDate": _shifted(-timedelta(days=1))}]
    entries = {token.id_token: info for token, info in zip(tokens, infos, strict=True)}
    settings = {"LocalAuthListEnabled": "true", "LocalAuthorizeOffline": "true", "AllowOfflineTxForUnknownId": "true"}
    async with (
        vacated(station, csms),
        set_where_possible(csms, settings),
        listed(csms, entries),
    ):
        await clear_cache(csms, profile)
        mark = csms.now
        async with off(csms, profile, network.turned_away()):
            await station.plug_in(*spot)
            for token in tokens:
                await present(station, spot, token.payload)
                await _wait(csms, profile.timing.settle)
        with spec("16.TX.79"):
            await nothing_starts(csms, after=mark, for_=profile.timing.settle + profile.timing.tolerance)


async def _judge_let_in(  # noqa: PLR0913 -- whether, by which rule, and since when
    csms: CsmsPeer, spec: Spec, profile: SutProfile, requirement: str, *, allowed: bool, mark: int
) -> None:
    with spec(requirement):
        if allowed:
            await csms.expect("StartTransaction", after=mark)
        else:
            await nothing_starts(csms, after=mark, for_=profile.timing.settle + profile.timing.tolerance)


# -- what these cases have in common ----------------------------------------------------------------------------------


@asynccontextmanager
async def _offline_drivers(station: StationDriver, csms: CsmsPeer, profile: SutProfile) -> AsyncIterator[None]:
    """Have our drivers let in offline; leave the station empty afterwards."""
    settings = {"MaxEnergyOnInvalidId": "0"} if _spares_energy(profile) else {}
    async with (
        vacated(station, csms),
        debounced(csms, profile),
        let_in_offline(csms, profile),
        set_where_possible(csms, settings),
    ):
        yield


def _spares_energy(profile: SutProfile) -> bool:
    return profile.claims("energy-on-invalid-id")


async def _wait(csms: CsmsPeer, seconds: float) -> None:
    """Give a station that is offline the time to do what nobody hears of."""
    await csms.silence(for_=seconds)


async def _start(
    station: StationDriver, csms: CsmsPeer, profile: SutProfile, spot: Connector, token: Mapping[str, str]
) -> datetime:
    """Plug in, hold up a card, and give the station a moment; when that was."""
    await station.plug_in(*spot)
    happened = datetime.now(UTC)
    await present(station, spot, token)
    await _wait(csms, profile.timing.settle)
    return happened


async def _whole(  # noqa: PLR0913 -- what is done where, by whom, and how fast
    station: StationDriver,
    csms: CsmsPeer,
    profile: SutProfile,
    spot: Connector,
    token: Mapping[str, str],
    *,
    brisk: float = 1,
) -> None:
    """A transaction from the plug to the plug, started and stopped with the card."""
    await station.plug_in(*spot)
    for _ in range(2):
        await present(station, spot, token)
        await _wait(csms, profile.timing.settle / brisk)
    await station.unplug(*spot)


async def _session(csms: CsmsPeer, spot: Connector, start: Received) -> Charging:
    """The transaction of a StartTransaction, once it is answered."""
    answer = await csms.answered(start, within=csms.patience.answer)
    payload = getattr(answer.frame, "payload", {})
    return Charging(spot, str(payload["transactionId"]), start)


async def _judge_kept(csms: CsmsPeer, spec: Spec, mark: int, sessions: int) -> list[tuple[Received, Received]]:
    """So many transactions, each told whole before the next, and by its own id; their starts and ends."""
    pairs = await _judge_told(csms, spec, mark, sessions)
    with spec("16.TX.10"):
        for start, stop in pairs:
            session = await _session(csms, (0, 0), start)
            csms.touch(start, stop)
            assert str(stop["transactionId"]) == session.transaction_id, (
                f"a transaction was given the id {session.transaction_id}, and its end names {stop['transactionId']}"
            )
    return pairs


async def _judge_told(csms: CsmsPeer, spec: Spec, mark: int, sessions: int) -> list[tuple[Received, Received]]:
    """So many transactions, each told whole before the next; their starts and ends."""

    def told(action: str) -> list[Received]:
        """Those that were taken: what had no answer is told again."""
        exchanges = [(each, csms.transcript.exchange(each.entry)) for each in csms.seen(action, after=mark)]
        return [each for each, exchange in exchanges if exchange is not None and exchange.answer is not None]

    with spec.must("16.TX.35"):
        with suppress(NotSeen):
            await csms.until(
                lambda: min(len(told("StartTransaction")), len(told("StopTransaction"))) >= sessions,
                f"{sessions} transactions",
                within=csms.patience.for_action("StopTransaction") + sessions * csms.patience.answer / BRISK,
            )
        starts, stops = told("StartTransaction"), told("StopTransaction")
        csms.touch(*starts, *stops)
        assert len(starts) == sessions == len(stops), (
            f"{sessions} transactions were charged, and {len(starts)} starts and {len(stops)} stops were told"
        )
    with spec("16.TX.36"):
        csms.touch(*starts, *stops)
        order = sorted([*starts, *stops], key=lambda each: each.n)
        actions = [each.action for each in order]
        assert actions == ["StartTransaction", "StopTransaction"] * sessions, (
            f"the transactions were told in the order {', '.join(actions[: 2 * sessions][:8])}"
        )
        late = [two for one, two in pairwise(order) if moment(two) < moment(one)]
        assert not late, f"{late[0].action} of {late[0]['timestamp']} came after what happened later"
    return list(zip(starts, stops, strict=True))


def _judge_time(csms: CsmsPeer, spec: Spec, message: Received, happened: datetime) -> None:
    """A message bears the time of what it tells, rather than that at which it was sent.

    The clocks may differ by a part of the outage: what counts is to which of the two it is nearer.
    """
    with spec("16.TX.TIME.01"):
        csms.touch(message)
        told = moment(message)
        assert abs(told - happened) <= abs(message.utc - told), (
            f"{message.action} bears the time {told:%H:%M:%S}; it happened at {happened:%H:%M:%S}, and was sent at "
            f"{message.utc:%H:%M:%S}"
        )
