"""From a profile to a driver."""

from typing import TYPE_CHECKING

from conformance.sut.drivers.csms_driver import CsmsDriver
from conformance.sut.drivers.csms_embedded import EmbeddedCsmsHands
from conformance.sut.drivers.csms_http import HttpHands
from conformance.sut.drivers.csms_nobody import NoCsmsHands
from conformance.sut.drivers.csms_operator import CsmsOperatorHands
from conformance.sut.drivers.csms_process import CsmsProcessHands
from conformance.sut.drivers.embedded import EmbeddedHands
from conformance.sut.drivers.nobody import NoHands
from conformance.sut.drivers.operator import OperatorHands
from conformance.sut.drivers.process import ProcessHands
from conformance.sut.drivers.station import StationDriver
from conformance.sut.drivers.terminal import Terminal
from conformance.sut.profile import SutProfile
from conformance.sut.tables import EmbeddedDriver, HttpDriver, NoDriver, OperatorDriver, ProcessDriver

if TYPE_CHECKING:
    from conformance.sut.drivers.actions import Hands
    from conformance.sut.drivers.csms_driver import CsmsHands

_MARGIN = 5.0
"""Seconds that the facade leaves a driver to say by itself that its time is over."""


def create_driver(
    profile: SutProfile, *, mutant: type | None = None, terminal: Terminal | None = None
) -> StationDriver:
    """The driver that the profile of a station asks for, for the profile's version, not yet started.

    `mutant` is a class to run in place of the reference station, for the embedded driver only; `terminal` is where an
    operator is asked, the process's own unless given.
    """
    timing = profile.timing
    _check_mutant(profile, mutant)
    hands: Hands
    match profile.driver:
        case EmbeddedDriver():
            hands = EmbeddedHands(mutant, version=profile.version)
        case ProcessDriver() as settings:
            hands = ProcessHands(settings, patience=timing.action, version=profile.version)
        case OperatorDriver():
            hands = OperatorHands(terminal, patience=timing.operator, version=profile.version)
            return StationDriver(hands, ceiling=timing.operator + _MARGIN)
        case HttpDriver():
            raise ValueError("the http driver is for a CSMS, not for a station")
        case NoDriver():
            hands = NoHands()
    return StationDriver(hands, ceiling=timing.action + _MARGIN)


def create_csms_driver(
    profile: SutProfile, *, mutant: type | None = None, terminal: Terminal | None = None
) -> CsmsDriver:
    """The driver that the profile of a CSMS asks for, not yet started; as `create_driver`."""
    timing = profile.timing
    _check_mutant(profile, mutant)
    hands: CsmsHands
    match profile.driver:
        case EmbeddedDriver():
            hands = EmbeddedCsmsHands(mutant, parameters=profile.parameters, call_timeout=timing.call_timeout)
        case ProcessDriver() as settings:
            hands = CsmsProcessHands(settings, patience=timing.action, version=profile.version)
        case HttpDriver() as settings:
            hands = HttpHands(settings, patience=timing.action, version=profile.version)
        case OperatorDriver():
            hands = CsmsOperatorHands(terminal, patience=timing.operator, version=profile.version)
            return CsmsDriver(hands, ceiling=timing.operator + _MARGIN)
        case NoDriver():
            hands = NoCsmsHands()
    return CsmsDriver(hands, ceiling=timing.action + _MARGIN)


def _check_mutant(profile: SutProfile, mutant: type | None) -> None:
    if mutant is not None and not isinstance(profile.driver, EmbeddedDriver):
        raise ValueError(f"a mutant runs in the embedded driver only, not in {type(profile.driver).__name__}")
