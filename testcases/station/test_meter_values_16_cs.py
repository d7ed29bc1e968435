"""OCPP 1.6, chapter 4.7: meter values that are taken in a transaction, and by the clock."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import Charging, Connector
from conformance.peers.received import Received
from conformance.peers.scenes import charging, configured, vacated
from conformance.peers.scenes_v16 import coarse, moment, number, set_where_possible
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

ENERGY = "Energy.Active.Import.Register"
PERIODIC, CLOCK = "Sample.Periodic", "Sample.Clock"
SAMPLES = 2


@case(
    "TC_070_CS",
    "During a transaction meter values come at the pace that was set, with what was asked for",
    versions=["1.6"],
    requirements=["16.TX.43", "16.TX.44"],
    severity=Severity.CRITICAL,
)
async def test_sampled(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set the interval, ask for two measurands if there are two, and charge until some samples have come."""
    interval, spot = profile.parameters.meter_interval, profile.connectors[0]
    settings = {"MeterValueSampleInterval": str(interval), "ClockAlignedDataInterval": "0"}
    async with (
        vacated(station, csms),
        configured(csms, settings),
        _measurands(csms, profile, "MeterValuesSampledData", "measurands-tx-updated") as wanted,
    ):
        session = await charging(station, csms, spot, profile.parameters.valid_id_token.payload)
        with spec.must("16.TX.43"):
            samples = await _samples(csms, spot, PERIODIC, SAMPLES, session=session, interval=interval)
            _judge_pace(samples, interval, profile.timing.tolerance)
        _judge_measurands(spec, "16.TX.44", samples, wanted)


@case(
    "TC_071_CS",
    "By the clock meter values come at the times of day that were set, with what was asked for",
    versions=["1.6"],
    requirements=["16.TX.45", "16.TX.46"],
    severity=Severity.CRITICAL,
)
async def test_clock_aligned(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set the interval, switch the samples of transactions off, and charge until some have come."""
    interval, spot = profile.parameters.meter_interval, profile.connectors[0]
    settings = {"MeterValueSampleInterval": "0", "ClockAlignedDataInterval": str(interval)}
    async with (
        vacated(station, csms),
        configured(csms, settings),
        _measurands(csms, profile, "MeterValuesAlignedData", "measurands-aligned") as wanted,
    ):
        session = await charging(station, csms, spot, profile.parameters.valid_id_token.payload)
        with spec.must("16.TX.45"):
            samples = await _samples(csms, spot, CLOCK, SAMPLES, session=session, interval=interval)
            _judge_pace(samples, interval, profile.timing.tolerance)
            for each in samples:
                off = _off_the_clock(each.at, interval)
                assert off <= profile.timing.tolerance, f"{each.at:%H:%M:%S.%f} is no multiple of {interval} s"
        _judge_measurands(spec, "16.TX.46", samples, wanted)


class _Sample:
    """What a connector's meter showed at one time, in however many messages."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.messages: list[Received] = []
        self.measurands: set[str] = set()

    def add(self, message: Received, values: list[Mapping[str, Any]]) -> None:
        """Take in some more of it."""
        self.messages.append(message)
        for value in values:
            measurand = value.get("measurand", ENERGY)
            self.measurands |= {measurand, f"{measurand}.{value.get('phase', '')}"}


async def _samples(  # noqa: PLR0913 -- which ones, and how many
    csms: CsmsPeer, spot: Connector, context: str, wanted: int, *, session: Charging, interval: float
) -> list[_Sample]:
    """The first samples of a connector in its transaction, by the time that they bear; raises NotSeen."""

    def found() -> list[_Sample]:
        taken: dict[datetime, _Sample] = {}
        for message in csms.seen("MeterValues", after=session.event):
            if message["connectorId"] != number(csms, spot):
                continue
            for value in message["meterValue"]:
                sampled = [each for each in value["sampledValue"] if each.get("context", PERIODIC) == context]
                if sampled:
                    at = moment(value)
                    taken.setdefault(at, _Sample(at)).add(message, sampled)
        return [taken[at] for at in sorted(taken)]

    within = (wanted + 1) * interval + csms.patience.default
    # one more has to begin before the last is known to be whole
    await csms.until(lambda: len(found()) > wanted, f"{wanted} samples of the context {context}", within=within)
    samples = found()[:wanted]
    csms.touch(*(message for each in samples for message in each.messages))
    return samples


def _judge_pace(samples: list[_Sample], interval: float, tolerance: float) -> None:
    allowed = tolerance + coarse(each.at for each in samples)
    for one, two in pairwise(samples):
        passed = (two.at - one.at).total_seconds()
        assert abs(passed - interval) <= allowed, f"two samples are {passed:.1f} s apart, and {interval} s were set"


def _judge_measurands(spec: Spec, requirement: str, samples: list[_Sample], wanted: tuple[str, ...]) -> None:
    with spec(requirement):
        for each in samples:
            missing = [measurand for measurand in wanted if measurand not in each.measurands]
            assert not missing, f"the sample of {each.at:%H:%M:%S} lacks {', '.join(missing)}"


def _off_the_clock(at: datetime, interval: float) -> float:
    """How far a time is from the next multiple of an interval since midnight, in seconds."""
    moment_ = at.astimezone(UTC)
    since = (moment_ - moment_.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds() % interval
    return min(since, interval - since)


@asynccontextmanager
async def _measurands(csms: CsmsPeer, profile: SutProfile, key: str, claim: str) -> AsyncIterator[tuple[str, ...]]:
    """Ask for two measurands that the station claims, where it lets one; what it is set to then."""
    claimed = profile.claims_map().get(claim)
    two = ",".join(claimed[:2]) if isinstance(claimed, tuple) and claimed else ""
    async with set_where_possible(csms, {key: two} if two else {}):
        value = await csms.speak.read(key)
        yield tuple(each.strip() for each in value.split(",") if each.strip()) or (ENERGY,)
