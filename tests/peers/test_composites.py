"""Random sets of charging profiles: the same for the same seed, and nothing in them that the documents leave open."""

from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.oracles.charging import Book, Site
from conformance.peers.composites import DEFAULT, MAX, STATION, TX, Desk, _site, drafts
from conformance.peers.csms import CsmsPeer
from conformance.peers.kept_profiles import Rates
from conformance.sut.tables import Connector, Evse


def evse(number: int, connectors: int) -> Evse:
    return Evse(id=number, connector=tuple(Connector(id=each + 1, type="cType2") for each in range(connectors)))


def desk(*, top: int = 9, periods: int = 24, transaction: str | None = None) -> Desk:
    rates = {
        unit: Rates(unit=unit, top_level=top, periods=periods, evse=evse(1, 1), volts=230, least=6) for unit in "AW"
    }
    return Desk(cast("CsmsPeer", None), cast("Any", rates), 1, Book("2.0.1"), Site({}), transaction=transaction)


def test_a_seed_makes_the_same_sets() -> None:
    def steps(seed: int) -> list[Any]:
        random, at = Random(seed), desk()
        return [(each.purpose, each.steps) for _ in range(20) for each in drafts(random, at)]

    assert steps(1) == steps(1)
    assert steps(1) != steps(2)


@given(st.integers(0, 10_000), st.integers(0, 9), st.integers(1, 5), st.sampled_from([None, "T"]))
def test_sets_leave_nothing_open(seed: int, top: int, periods: int, transaction: str | None) -> None:
    found = drafts(Random(seed), desk(top=top, periods=periods, transaction=transaction))
    places = [(each.purpose, each.fields["level"]) for each in found]
    assert 1 <= len(found) <= 4
    assert len(set(places)) == len(places)
    for each in found:
        assert each.fields["level"] <= top
        assert 1 <= len(each.steps) <= periods
        assert each.steps[0][0] == 0
        assert [start for start, _ in each.steps] == sorted({start for start, _ in each.steps})
        assert each.purpose != TX or transaction
        assert each.fields["kind"] != "Relative" or (each.purpose != MAX and len(each.steps) == 1)
        assert each.fields["evse"] in ((STATION, 1) if each.purpose == DEFAULT else (None,))
        assert each.purpose in str(each)


@pytest.mark.parametrize(("apart", "outlets"), [(True, 3), (False, 2)])
def test_connectors_count_where_they_have_profiles_of_their_own(*, apart: bool, outlets: int) -> None:
    parameters = SimpleNamespace(nominal_voltage=230, least_current=6)
    profile = cast("Any", SimpleNamespace(evse=(evse(1, 2), evse(2, 1)), parameters=parameters))
    site = _site(profile, apart=apart)
    assert len(site.evses) == outlets
    assert {1, 2} <= set(site.evses)
