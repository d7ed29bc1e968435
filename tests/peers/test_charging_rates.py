"""Limits that fit any station."""

from hypothesis import given
from hypothesis import strategies as st

from conformance.peers.kept_profiles import Rates
from conformance.sut.tables import Connector, Evse

CONNECTOR = (Connector(id=1, type="cType2"),)


@given(
    st.sampled_from(["A", "W"]),
    st.integers(0, 3),
    st.none() | st.floats(1_400, 400_000),
    st.sampled_from([0.0, 6.0]),
    st.integers(0, 10),
)
def test_limits(unit: str, phases: int, power: float | None, least: float, step: int) -> None:
    """Each step is at least what an EV charges with, and at most what the EVSE delivers, if that is more."""
    evse = Evse(id=1, connector=CONNECTOR, max_power_w=power, phases=phases)
    rates = Rates(unit=unit, top_level=0, periods=24, evse=evse, volts=230.0, least=least)
    watts = rates.of(rates.amperes(step)) if unit == "W" else rates.limit(step) * 230 * (phases or 1)
    lowest = least * 230 * (phases or 1)
    assert watts >= lowest - 0.1
    if power is not None:
        assert watts <= max(power, lowest) + 35  # a tenth of an ampere on three phases is rounded
    assert rates.limit(step) <= rates.limit(step + 1)


def test_steps_differ() -> None:
    """On an EVSE of ordinary size no two steps are the same."""
    evse = Evse(id=1, connector=CONNECTOR, max_power_w=11_000)
    rates = Rates(unit="A", top_level=2, periods=24, evse=evse, volts=230.0, least=6)
    limits = [rates.limit(step) for step in range(11)]
    assert len(set(limits)) == len(limits)
    assert limits[0] == 6
    assert limits[-1] <= 11_000 / 690


def test_phases_are_named() -> None:
    """Only where they are not the three that a limit is meant for by default, or those of no phases at all."""
    for phases, named in ((3, False), (0, False), (1, True), (2, True)):
        evse = Evse(id=1, connector=CONNECTOR, max_power_w=7_400, phases=phases)
        rates = Rates(unit="A", top_level=0, periods=24, evse=evse, volts=230.0, least=6)
        assert (rates.period(0, 1)[2:] == (phases,)) is named


def test_levels() -> None:
    """A level above the highest becomes that."""
    evse = Evse(id=1, connector=CONNECTOR)
    rates = Rates(unit="A", top_level=0, periods=1, evse=evse, volts=230.0, least=6)
    assert rates.level(1) == 0
