"""From a profile to a driver."""

from typing import TYPE_CHECKING

from conformance.sut.drivers.embedded import EmbeddedHands
from conformance.sut.drivers.nobody import NoHands
from conformance.sut.drivers.operator import OperatorHands
from conformance.sut.drivers.process import ProcessHands
from conformance.sut.drivers.station import StationDriver
from conformance.sut.drivers.terminal import Terminal
from conformance.sut.profile import SutProfile
from conformance.sut.tables import EmbeddedDriver, NoDriver, OperatorDriver, ProcessDriver

if TYPE_CHECKING:
    from conformance.sut.drivers.actions import Hands

_MARGIN = 5.0
"""Seconds that the facade leaves a driver to say by itself that its time is over."""


def create_driver(
    profile: SutProfile, *, mutant: type | None = None, terminal: Terminal | None = None
) -> StationDriver:
    """The driver that a profile asks for, not yet started.

    `mutant` is a class to run in place of the reference station, for the embedded driver only; `terminal` is where an
    operator is asked, the process's own unless given.
    """
    timing = profile.timing
    if mutant is not None and not isinstance(profile.driver, EmbeddedDriver):
        raise ValueError(f"a mutant runs in the embedded driver only, not in {type(profile.driver).__name__}")
    hands: Hands
    match profile.driver:
        case EmbeddedDriver():
            hands = EmbeddedHands(mutant)
        case ProcessDriver() as settings:
            hands = ProcessHands(settings, patience=timing.action)
        case OperatorDriver():
            hands = OperatorHands(terminal, patience=timing.operator)
            return StationDriver(hands, ceiling=timing.operator + _MARGIN)
        case NoDriver():
            hands = NoHands()
    return StationDriver(hands, ceiling=timing.action + _MARGIN)
