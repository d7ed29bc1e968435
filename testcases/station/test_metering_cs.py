"""Use cases J01 and J02: meter values by the clock, in transactions, at their end, and signed."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.meter_values import (
    DEFAULT_MEASURAND,
    OF_THE_EV,
    Reading,
    events_of,
    lacking,
    moments,
    off_interval,
    off_the_day,
    readings,
)
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NotSeen, Received
from conformance.peers.scenes import (
    Charging,
    charging,
    configured,
    read_variable,
    stop_charging,
    transaction,
    vacated,
)
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.schemas import parse_timestamp

ALIGNED, SAMPLED = "AlignedDataCtrlr", "SampledDataCtrlr"
BY_THE_CLOCK, PERIODIC, BEGIN, END = "Sample.Clock", "Sample.Periodic", "Transaction.Begin", "Transaction.End"
ROUNDS = 2


# -- by the clock -----------------------------------------------------------------------------------------------------


@case(
    "TC_J_01_CS",
    "Without a transaction the meters of all EVSEs are read and sent at even times of the day",
    needs="meter-values",
    requirements=["J01.FR.08", "J01.FR.14", "METER.ALIGNED.01"],
    severity=Severity.NORMAL,
)
async def test_aligned_when_idle(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set the interval and watch two rounds of every EVSE."""
    interval = profile.parameters.meter_interval
    async with clock_aligned(csms, {(ALIGNED, "Interval"): f"{interval:g}"}) as measurands:
        mark = csms.now
        with spec("J01.FR.14"):
            for evse in evses(profile):
                await rounds(csms, lambda evse=evse: of_evse(csms, evse, after=mark), interval, profile)  # type: ignore[misc]
            for evse in evses(profile):
                judge_rounds(csms, of_evse(csms, evse, after=mark), measurands, interval, profile, f"EVSE {evse}")
        judge_clock(csms, spec, [each for evse in evses(profile) for each in of_evse(csms, evse, after=mark)], profile)


@case(
    "TC_J_02_CS",
    "In a transaction the meters are read at even times of the day, and those of the other EVSEs too",
    needs="meter-values",
    requirements=["J01.FR.08", "J01.FR.14", "J01.FR.22", "METER.ALIGNED.01"],
    severity=Severity.NORMAL,
)
async def test_aligned_in_transaction(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge on the first EVSE and watch two rounds; events or MeterValues will do for it (J01.FR.22)."""
    interval = profile.parameters.meter_interval
    own, *others = evses(profile)
    token = profile.parameters.valid_id_token.payload
    async with (
        vacated(station, csms),
        clock_aligned(
            csms, {(ALIGNED, "Interval"): f"{interval:g}", (SAMPLED, "TxUpdatedInterval"): "0"}
        ) as measurands,
    ):
        session = await charging(station, csms, profile.connectors[0], token)
        mark = csms.now

        def of_transaction() -> list[Received]:
            events = of_session(csms, session, "MeterValueClock", after=mark)
            return [*events, *meter_values(csms, own, after=mark)] or monitored(csms, own, after=mark)

        with spec("J01.FR.22"):
            await rounds(csms, of_transaction, interval, profile)
            judge_rounds(csms, of_transaction(), measurands, interval, profile, f"EVSE {own} in a transaction")
        if others:
            with spec("J01.FR.14"):
                for evse in others:
                    await rounds(csms, lambda evse=evse: of_evse(csms, evse, after=mark), interval, profile)  # type: ignore[misc]
                    judge_rounds(csms, of_evse(csms, evse, after=mark), measurands, interval, profile, f"EVSE {evse}")
        else:
            spec.excuse("J01.FR.14", "the station has one EVSE only, and that is in a transaction")
        told = [*of_transaction(), *(each for evse in others for each in of_evse(csms, evse, after=mark))]
        judge_clock(csms, spec, told, profile)


@case(
    "TC_J_03_CS",
    "The end of a transaction brings the readings that were taken at even times of the day",
    needs="meter-values",
    requirements=["METER.ENDED.01", "METER.ALIGNED.01"],
    severity=Severity.NORMAL,
)
async def test_aligned_in_ended(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Have them kept for the end, charge for two intervals and a little more, and stop."""
    interval, tolerance = profile.parameters.meter_interval, profile.timing.tolerance
    settings = {(ALIGNED, "TxEndedInterval"): f"{interval:g}", (SAMPLED, "TxEndedMeasurands"): ""}
    async with vacated(station, csms), kept(csms, ALIGNED, settings) as measurands:
        ended = await charged_for(station, csms, profile, 2 * interval + tolerance)
        found = [each for each in readings(ended) if each.context == BY_THE_CLOCK]
        with spec("METER.ENDED.01"):
            judge_kept(found, measurands, interval, tolerance, at_least=2)
        with spec("METER.ALIGNED.01"):
            wrong = off_the_day(moments(found, tolerance=tolerance), interval, tolerance=tolerance)
            assert not wrong, wrong


@case(
    "TC_J_04_CS",
    "The readings at even times of the day are signed when that is wanted",
    needs="meter-values and signed-meter-values",
    requirements=["J01.FR.21", "METER.SIGNED.01"],
    severity=Severity.NORMAL,
)
async def test_aligned_signed(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """As before, with signatures; a station need not be able to sign these, if it signs the others."""
    interval, tolerance = profile.parameters.meter_interval, profile.timing.tolerance
    try:
        await read_variable(csms, ALIGNED, "SignReadings")
    except AssertionError as missing:
        for requirement in ("J01.FR.21", "METER.SIGNED.01"):
            spec.excuse(requirement, str(missing))
        return
    settings = {(ALIGNED, "TxEndedInterval"): f"{interval:g}", (ALIGNED, "SignReadings"): "true"}
    async with vacated(station, csms), kept(csms, ALIGNED, settings):
        ended = await charged_for(station, csms, profile, interval + tolerance)
        await judge_signed(csms, spec, "J01.FR.21", ended, BY_THE_CLOCK)


@case(
    "TC_J_06_CS",
    "Readings at even times of the day can be kept to times without a transaction",
    needs="idle-aligned-meter-values",
    requirements=["J01.FR.14", "J01.FR.20"],
    severity=Severity.NORMAL,
)
async def test_aligned_only_when_idle(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """See them come, charge and see them stop, leave and see them come again."""
    interval, settle = profile.parameters.meter_interval, profile.timing.settle
    own = profile.connectors[0]
    token = profile.parameters.valid_id_token.payload
    settings = {(ALIGNED, "Interval"): f"{interval:g}", (ALIGNED, "SendDuringIdle"): "true"}
    async with vacated(station, csms), clock_aligned(csms, settings):
        mark = csms.now
        with spec("J01.FR.14"):
            await idle_reading(csms, profile, interval, after=mark)
        session = await charging(station, csms, own, token)
        with suppress(NotSeen):  # what was read before may still be on its way
            await csms.until(lambda: False, "what was read before the transaction", within=settle)
        mark = csms.now
        with suppress(NotSeen):
            await csms.until(
                lambda: bool(clock_values(csms, after=mark)), "no reading by the clock", within=interval + settle
            )
        with spec("J01.FR.20"):
            told = clock_values(csms, after=mark)
            csms.touch(*told)
            assert not told, f"a transaction runs on {csms.speak.name(own)}, and readings by the clock were sent"
        await stop_charging(station, csms, session, token)
        mark = csms.now
        with spec("J01.FR.14"):
            await idle_reading(csms, profile, interval, after=mark)


# -- in transactions --------------------------------------------------------------------------------------------------


@case(
    "TC_J_07_CS",
    "The event that starts a transaction on a known EVSE brings the meter values of its beginning",
    needs="meter-values",
    requirements=["E01.FR.09"],
    severity=Severity.NORMAL,
)
async def test_started(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Plug in first where somebody can, so that the EVSE is known."""
    token = profile.parameters.valid_id_token.payload
    mark = csms.now
    async with vacated(station, csms), measured(csms, (SAMPLED, "TxStartedMeasurands")) as measurands:
        session = await transaction(station, csms, profile.connectors[0], token)
        started = await _started(csms, session.transaction_id, mark)
        if "evse" in started:
            with spec("E01.FR.09"):
                judge_begin(started, measurands)
        else:
            spec.excuse("E01.FR.09", "the EVSE was not known when the transaction started")


async def _started(csms: CsmsPeer, transaction_id: str, mark: int) -> Received:
    """The event that starts a transaction; it may be the one that had shown that the driver is authorized."""

    def found() -> list[Received]:
        seen = csms.seen("TransactionEvent", after=mark)
        return [
            each for each in seen if each["eventType"] == "Started" and csms.speak.of_transaction(each, transaction_id)
        ]

    within = csms.patience.for_action("TransactionEvent")
    await csms.until(lambda: bool(found()), "the event that starts the transaction", within=within)
    csms.touch(found()[0])
    return found()[0]


@case(
    "TC_J_08_CS",
    "A transaction that starts before the cable is in brings the meter values of its beginning when it charges",
    needs="meter-values and NOT evse-selection-first and (start-point-authorized or start-point-parking-bay-occupancy)",
    requirements=["E01.FR.16", "E01.FR.17"],
    severity=Severity.NORMAL,
)
async def test_started_without_cable(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Authorize first, then plug in; where the EVSE was known at once, the first event may have the values."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    settings = {("TxCtrlr", "TxStartPoint"): "Authorized"} if profile.claims("configurable-start-point") else {}
    async with (
        vacated(station, csms),
        configured(csms, settings),
        measured(csms, (SAMPLED, "TxStartedMeasurands")) as measurands,
    ):
        mark = csms.now
        await authorize(station, csms, spot[0], token)
        started = await csms.expect("TransactionEvent", eventType="Started", after=mark)
        session = Charging(spot, started["transactionInfo"]["transactionId"], started)
        await csms.answered(started, within=profile.timing.answer)
        plugged = csms.now
        await station.plug_in(*spot)
        energy = await csms.speak.energy(session, after=plugged)
        events = of_session(csms, session, after=mark, upto=energy.n)
        with spec("E01.FR.16"):
            later = [each for each in events if each.n > started.n and each.n >= plugged]
            named = later[0].get("evse", {})
            csms.touch(later[0])
            assert (named.get("id"), named.get("connectorId")) == spot, (
                f"the first event after an EV was connected to {csms.speak.name(spot)} names {dict(named) or 'no EVSE'}"
            )
        with spec("E01.FR.17"):
            csms.touch(*events)
            begun = [each for each in events if any(one.context == BEGIN for one in readings(each))]
            assert begun, f"no event up to the one that says that energy flows has a reading for {BEGIN}"
            judge_begin(begun[-1], measurands)


@case(
    "TC_J_09_CS",
    "While a transaction runs its meter values are sent at the interval that was set",
    needs="meter-values",
    requirements=["J02.FR.04", "J02.FR.10", "J02.FR.11"],
    severity=Severity.CRITICAL,
)
async def test_updated(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set the interval, charge, and watch two samples."""
    interval, tolerance = profile.parameters.meter_interval, profile.timing.tolerance
    token = profile.parameters.valid_id_token.payload
    async with (
        vacated(station, csms),
        configured(csms, {(SAMPLED, "TxUpdatedInterval"): f"{interval:g}"}),
        measured(csms, (SAMPLED, "TxUpdatedMeasurands")) as measurands,
    ):
        session = await charging(station, csms, profile.connectors[0], token)
        mark = csms.now

        def samples() -> list[Received]:
            return of_session(csms, session, "MeterValuePeriodic", after=mark)

        with spec("J02.FR.11"):
            await rounds(csms, samples, interval, profile, stamps=event_times)
            csms.touch(*samples())
            wrong = off_interval(joined(event_times(samples()), tolerance), interval, tolerance=tolerance)
            assert not wrong, f"samples are not {interval:g} s apart: {wrong}"
            missing = lacking([each for event in samples() for each in readings(event)], measurands)
            assert not missing, f"no sample has {', '.join(missing)}, which TxUpdatedMeasurands names"
        with spec("J02.FR.04"):
            contexts = {each.context for event in samples() for each in readings(event)}
            assert contexts <= {PERIODIC}, f"samples were taken for {', '.join(sorted(contexts))}, not for {PERIODIC}"
        with spec("J02.FR.10"):
            for event in samples():
                csms.touch(event)
                judge_fresh(event, interval, tolerance)


@case(
    "TC_J_10_CS",
    "The end of a transaction brings the samples that were taken for it, and the meter values of its end",
    needs="meter-values",
    requirements=["E06.FR.11", "METER.ENDED.02"],
    severity=Severity.CRITICAL,
)
async def test_ended(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Have samples kept for the end, charge for two intervals and a little more, and stop."""
    interval, tolerance = profile.parameters.meter_interval, profile.timing.tolerance
    settings = {(SAMPLED, "TxEndedInterval"): f"{interval:g}", (ALIGNED, "TxEndedMeasurands"): ""}
    async with vacated(station, csms), kept(csms, SAMPLED, settings) as measurands:
        ended = await charged_for(station, csms, profile, 2 * interval + tolerance)
        found = readings(ended)
        with spec("METER.ENDED.02"):
            samples = [each for each in found if each.context == PERIODIC]
            judge_kept(samples, measurands, interval, tolerance, at_least=2)
        with spec("E06.FR.11"):
            last = [each for each in found if each.context == END]
            assert last, f"Ended has no reading for {END}"
            missing = lacking(last, measurands)
            assert not missing, f"the reading for {END} lacks {', '.join(missing)}, which TxEndedMeasurands names"
            latest = max(each.at for each in found)
            assert max(each.at for each in last) == latest, f"the reading for {END} is not the last one"


@case(
    "TC_J_11_CS",
    "The samples of a transaction are signed when that is wanted",
    needs="meter-values and signed-meter-values",
    requirements=["J02.FR.21", "METER.SIGNED.01"],
    severity=Severity.NORMAL,
)
async def test_sampled_signed(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Have signatures, and the key as often as the station's own setting has it."""
    interval, tolerance = profile.parameters.meter_interval, profile.timing.tolerance
    settings = {(SAMPLED, "TxEndedInterval"): f"{interval:g}", (SAMPLED, "SignReadings"): "true"}
    async with vacated(station, csms), kept(csms, SAMPLED, settings):
        ended = await charged_for(station, csms, profile, interval + tolerance)
        await judge_signed(csms, spec, "J02.FR.21", ended, PERIODIC, END)


# -- how it is set ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def measured(csms: CsmsPeer, setting: tuple[str, str]) -> AsyncIterator[list[str]]:
    """The measurands that a variable names; where it names none, the energy register for the length of a block."""
    value = await read_variable(csms, *setting)
    async with configured(csms, {setting: value or DEFAULT_MEASURAND}):
        yield [each.strip() for each in (value or DEFAULT_MEASURAND).split(",")]


@asynccontextmanager
async def clock_aligned(csms: CsmsPeer, settings: Mapping[tuple[str, str], str]) -> AsyncIterator[list[str]]:
    """Have readings by the clock, also in transactions unless `settings` say otherwise; yields the measurands."""
    async with AsyncExitStack() as afterwards:
        measurands = await afterwards.enter_async_context(measured(csms, (ALIGNED, "Measurands")))
        with suppress(AssertionError):  # not every station has it
            await afterwards.enter_async_context(configured(csms, {(ALIGNED, "SendDuringIdle"): "false"}))
        await afterwards.enter_async_context(configured(csms, settings))
        yield measurands


@asynccontextmanager
async def kept(csms: CsmsPeer, controller: str, settings: Mapping[tuple[str, str], str]) -> AsyncIterator[list[str]]:
    """Have readings kept for the end of transactions; yields the measurands."""
    async with measured(csms, (controller, "TxEndedMeasurands")) as measurands, configured(csms, settings):
        yield measurands


async def authorize(station: StationDriver, csms: CsmsPeer, evse: int, token: dict[str, str]) -> None:
    """Present a token, or ask for a start where nobody can."""
    if station.can("present_id_token"):
        await station.present_id_token(evse, token["idToken"], token["type"])
        return
    answer = await csms.speak.remote_start(token, (evse, 1), csms.now)
    assert answer["status"] == "Accepted", f"the remote start was answered {answer['status']}"


async def charged_for(station: StationDriver, csms: CsmsPeer, profile: SutProfile, seconds: float) -> Received:
    """Charge for so many seconds, stop, and return the event that ended the transaction."""
    token = profile.parameters.valid_id_token.payload
    session = await charging(station, csms, profile.connectors[0], token)
    with suppress(NotSeen):
        await csms.until(lambda: False, "the meter to be read", within=seconds)
    ended = await stop_charging(station, csms, session, token)
    csms.touch(ended)
    return ended


# -- what was told ----------------------------------------------------------------------------------------------------


def evses(profile: SutProfile) -> list[int]:
    """Every EVSE by its id."""
    return [each.id for each in profile.evse]


def of_evse(csms: CsmsPeer, evse: int, *, after: int) -> list[Received]:
    """The MeterValues of an EVSE; where there are none, what NotifyEvents bring of it in their place (Part 5)."""
    return meter_values(csms, evse, after=after) or monitored(csms, evse, after=after)


def meter_values(csms: CsmsPeer, evse: int, *, after: int) -> list[Received]:
    """The MeterValues of an EVSE."""
    return [each for each in csms.seen("MeterValues", after=after) if each.get("evseId") == evse]


def monitored(csms: CsmsPeer, evse: int, *, after: int) -> list[Received]:
    """The NotifyEvents that bring a reading of an EVSE, with nothing else in them."""
    told = [(each, events_of(each, evse)) for each in csms.seen("NotifyEvent", after=after)]
    return [Received({**each, "eventData": events}, each.entry, each.action) for each, events in told if events]


async def idle_reading(csms: CsmsPeer, profile: SutProfile, interval: float, *, after: int) -> None:
    """Wait for a reading of any EVSE; raises NotSeen."""

    def told() -> list[Received]:
        return [each for evse in evses(profile) for each in of_evse(csms, evse, after=after)]

    await csms.until(lambda: bool(told()), "a reading by the clock", within=patience(interval, profile))
    csms.touch(told()[0])


def of_session(
    csms: CsmsPeer, session: Charging, reason: str | None = None, *, after: int, upto: int | None = None
) -> list[Received]:
    """The events of a transaction, for one reason or any."""
    return [
        each
        for each in csms.seen("TransactionEvent", after=after)
        if csms.speak.of_transaction(each, session.transaction_id)
        and reason in (None, each.get("triggerReason"))
        and (upto is None or each.n <= upto)
    ]


def clock_values(csms: CsmsPeer, *, after: int) -> list[Received]:
    """Everything that brings a reading by the clock."""
    told = [*csms.seen("MeterValues", after=after), *csms.seen("TransactionEvent", after=after)]
    if not csms.seen("MeterValues"):  # it may have another way
        told += [each for each in csms.seen("NotifyEvent", after=after) if events_of(each)]
    return [each for each in told if any(one.context in (BY_THE_CLOCK, "") for one in readings(each))]


def reading_times(messages: list[Received]) -> list[datetime]:
    """When the readings of some messages were taken."""
    return [each.at for message in messages for each in readings(message)]


def event_times(events: list[Received]) -> list[datetime]:
    """When some events happened: those that bring the values of one moment in parts have one time (J02.FR.14)."""
    return [at for at in (_time(each) for each in events) if at is not None]


def _time(event: Received) -> datetime | None:
    return parse_timestamp(str(event["timestamp"]))


def joined(times: list[datetime], tolerance: float) -> list[datetime]:
    """Times in order, those of one moment once."""
    return moments([Reading(at, "", "", None, None) for at in times], tolerance=tolerance)


def patience(interval: float, profile: SutProfile) -> float:
    """How long the next of several readings may take to come, in seconds: they need not be sent at once."""
    return 2 * interval + profile.timing.status


async def rounds(
    csms: CsmsPeer,
    told: Callable[[], list[Received]],
    interval: float,
    profile: SutProfile,
    *,
    stamps: Callable[[list[Received]], list[datetime]] = reading_times,
) -> None:
    """Wait until readings of several moments were told; raises NotSeen."""
    tolerance = profile.timing.tolerance
    for count in range(1, ROUNDS + 1):
        await csms.until(
            lambda count=count: len(joined(stamps(told()), tolerance)) >= count,  # type: ignore[misc]
            f"reading {count} of {ROUNDS} at an interval of {interval:g} s",
            within=patience(interval, profile),
        )


# -- judging ----------------------------------------------------------------------------------------------------------


def judge_rounds(  # noqa: PLR0913 -- by keyword where it matters
    csms: CsmsPeer, told: list[Received], measurands: list[str], interval: float, profile: SutProfile, what: str
) -> None:
    """Judge that readings came at the interval, and with what was asked for."""
    tolerance = profile.timing.tolerance
    csms.touch(*told)
    found = [each for message in told for each in readings(message)]
    wrong = off_interval(moments(found, tolerance=tolerance), interval, tolerance=tolerance)
    assert not wrong, f"the readings of {what} are not {interval:g} s apart: {wrong}"
    missing = lacking(found, [each for each in measurands if each not in OF_THE_EV])
    assert not missing, f"no reading of {what} has {', '.join(missing)}, which Measurands names"


def judge_clock(csms: CsmsPeer, spec: Spec, told: list[Received], profile: SutProfile) -> None:
    """Judge that readings by the clock say so, and that they are even with the day."""
    tolerance, interval = profile.timing.tolerance, profile.parameters.meter_interval
    found = [each for message in told for each in readings(message)]
    csms.touch(*told)
    contexts = {each.context for each in found if each.context}
    if found and not contexts:
        spec.excuse("J01.FR.08", "a NotifyEvent has no place for the context of a reading")
    else:
        with spec("J01.FR.08"):
            assert contexts <= {BY_THE_CLOCK}, f"readings by the clock are said to be for {', '.join(sorted(contexts))}"
    with spec("METER.ALIGNED.01"):
        wrong = off_the_day(moments(found, tolerance=tolerance), interval, tolerance=tolerance)
        assert not wrong, wrong


def judge_begin(event: Received, measurands: list[str]) -> None:
    """Judge that an event has the meter values of the beginning."""
    begun = [each for each in readings(event) if each.context == BEGIN]
    assert begun, f"{event['eventType']} has no reading for {BEGIN}"
    missing = lacking(begun, measurands)
    assert not missing, f"the reading for {BEGIN} lacks {', '.join(missing)}, which TxStartedMeasurands names"


def judge_kept(
    found: list[Reading], measurands: list[str], interval: float, tolerance: float, *, at_least: int
) -> None:
    """Judge the readings that were kept for the end of a transaction."""
    times = moments(found, tolerance=tolerance)
    assert len(times) >= at_least, f"Ended has readings of {len(times)} moments, and had to have {at_least}"
    wrong = off_interval(times, interval, tolerance=tolerance)
    assert not wrong, f"the readings in Ended are not {interval:g} s apart: {wrong}"
    missing = lacking(found, measurands)
    assert not missing, f"the readings in Ended lack {', '.join(missing)}, which TxEndedMeasurands names"


def judge_fresh(event: Received, interval: float, tolerance: float) -> None:
    """Judge that the readings of an event belong to the interval that it closes."""
    at = _time(event)
    assert at is not None, f"the timestamp of an event is {event['timestamp']}"
    for each in readings(event):
        age = at - each.at
        assert timedelta(seconds=-tolerance) <= age < timedelta(seconds=interval + tolerance), (
            f"an event has a reading that is {age.total_seconds():.1f} s older than itself, at an interval of "
            f"{interval:g} s"
        )


async def judge_signed(csms: CsmsPeer, spec: Spec, requirement: str, ended: Received, *contexts: str) -> None:
    """Judge that each moment has a signed reading, and the public key as often as the station is set to send it."""
    try:
        rule = await read_variable(csms, "OCPPCommCtrlr", "PublicKeyWithSignedMeterValue")
    except AssertionError:
        rule = ""
    found = [each for each in readings(ended) if each.context in contexts]
    signed = [each.signed for each in found if each.signed is not None]
    with spec(requirement):
        assert found, f"Ended has no reading for {' or '.join(contexts)}"
        bare = {each.at for each in found} - {each.at for each in found if each.signed is not None}
        assert not bare, f"{len(bare)} readings in Ended have no signed value"
        empty = [
            name
            for name in ("signedMeterData", "signingMethod", "encodingMethod")
            for one in signed
            if not one.get(name)
        ]
        assert not empty, f"a signed value has an empty {empty[0]}"
    if not signed:
        spec.excuse("METER.SIGNED.01", "nothing was signed")
        return
    with spec("METER.SIGNED.01"):
        keys = [one.get("publicKey") for one in signed]
        assert None not in keys, (
            "a signed value has no field for the public key, which may be empty, but has to be there"
        )
        if rule == "Never":
            assert not any(keys), "the public key is never to be sent, and was"
        if rule == "EveryMeterValue":
            assert all(keys), "the public key is to be sent with every signed value, and was not"
        if rule == "OncePerTransaction":
            events = csms.seen("TransactionEvent")
            every = [one.signed for event in events for one in readings(event) if one.signed is not None]
            assert any(one.get("publicKey") for one in every), "the public key was not sent once in the transaction"
