"""Composite schedules of compliant stations that are odd: whatever the documents leave to them, nobody blames them."""

import pytest
from run_support import Done, own_tests, pytest_command, run

OWN = """
from importlib.util import module_from_spec, spec_from_file_location

import pytest

from conformance.cases.case import case
from conformance.files import data
from conformance.reference.station import ReferenceStation as New
from conformance.reference.station16 import ReferenceStation16 as Old
from conformance.reference.station16.profiles import TX, Allowance
from conformance.reference.station.charging_limits import Rate
from conformance.reference.station.charging_profiles import CONTROLLER
from conformance.reference.station.device_model import Component

found = spec_from_file_location("cases", data("testcases/station/test_composite_schedules_cs.py"))
cases = module_from_spec(found)
found.loader.exec_module(cases)

JUDGED = ["K01.FR.17", "K08.FR.04", "16.COMPOSITE.03", "K01.FR.35", "K01.FR.36", "K01.FR.37", "COMPOSITE.01",
          "K01.FR.13", "COMPOSITE.02"]


async def all_of_it(station, csms, spec, profile):
    for each in (cases.test_stack_levels, cases.test_purposes, cases.test_order_of_periods, cases.test_validity,
                 cases.test_recurring, cases.test_random_sets):
        await each(station, csms, spec, profile)


def odd(function, versions):
    name = function.__name__.upper() + "_CS"

    async def test(monkeypatch, station, csms, spec, profile):
        function(monkeypatch)
        await all_of_it(station, csms, spec, profile)

    test.__name__ = "test_" + function.__name__
    globals()[test.__name__] = case(name, function.__name__, versions=versions, requirements=JUDGED)(test)


def new(function):
    odd(function, ["2.0.1"])


def old(function):
    odd(function, ["1.6"])


@new
def shares_the_maximum_evenly(patch):
    def merged(self, place, moment, ready):
        own, whole = self.evse_rate(place, moment, ready), self.station_rate(moment)
        return own if whole is None else own.lower(Rate(whole.amperes / len(self.evses), whole.phases))
    patch.setattr(New, "merged_rate", merged)


@new
def an_idle_evse_is_nothing(patch):
    def total(self, moment, start, unit):
        whole, busy = self.station_rate(moment), [each for each in self.evses.values() if each.session.transaction]
        rates = [self.merged_rate(each, moment, self.ready_since(each, start)) for each in busy]
        drawn = sum(self.limit_in(each, unit) for each in rates)
        return (drawn if whole is None else min(drawn, self.limit_in(whole, unit))), 3
    patch.setattr(New, "station_total", total)


@new
def can_do_little(patch):
    build = New.build_model
    def model(self):
        built = build(self)
        for name, value in (("RateUnit", "W"), ("ProfileStackLevel", "0"), ("PeriodsPerSchedule", "3")):
            built.find(Component(CONTROLLER), name).value = value
        return built
    patch.setattr(New, "build_model", model)


@new
def tells_periods_apart_late_and_to_two_digits(patch):
    periods = New.composite_periods
    def told(self, *asked):
        for each in periods(self, *asked):
            start, limit = each["startPeriod"] + (3 if each["startPeriod"] else 0), round(each["limit"] + 0.04, 2)
            yield from ({**each, "startPeriod": start + more, "limit": limit} for more in (0, 7))
    patch.setattr(New, "composite_periods", lambda self, *asked: list(told(self, *asked)))


@new
def has_room_for_two(patch):
    objection = New.objection_to_charging_profile
    def refused(self, profile):
        kept = [each for each in self.charging_profiles() if not self.replaces(profile, each)]
        return "Full" if len(kept) > 1 or profile.kind == "Relative" else objection(self, profile)
    patch.setattr(New, "objection_to_charging_profile", refused)


@new
def is_built_for_more(patch):
    patch.setattr(New, "hardware_rate", lambda self, place: Rate(999.0, place.phases))


@new
def tells_of_what_the_ev_takes(patch):
    merged = New.merged_rate
    def told(self, place, *when):
        rate = merged(self, place, *when)
        return rate.lower(Rate(20.0, 3)) if place.session.transaction else rate
    patch.setattr(New, "merged_rate", told)


@old
def says_neither_when_nor_how_long(patch):
    answer = Old.on_get_composite_schedule
    def told(self, request):
        said = answer(self, request)
        said.pop("scheduleStart")
        said["chargingSchedule"].pop("duration")
        return said
    patch.setattr(Old, "on_get_composite_schedule", told)


@old
def has_defaults_for_transactions_only(patch):
    own = Old.own_allowance
    def allowed(self, connector, *when):
        idle = connector.session.transaction is None
        return Allowance(watts=connector.max_power) if idle else own(self, connector, *when)
    patch.setattr(Old, "own_allowance", allowed)


@old
def falls_back_from_a_tx_profile(patch):
    def speaking(self, connector, moment, began):
        running = connector.session.transaction
        own = [each for each in self.profiles if each.purpose == TX and self.is_for(each, running)]
        said = [each for each in own if each.allowance(moment, began) is not None]
        hardware = Allowance(watts=connector.max_power)
        return hardware & self.prevailing(said or self.defaults_of(connector), moment, began)
    patch.setattr(Old, "own_allowance", speaking)


@case("DEAF_CS", "Does not merge at all: no case of a single limit, and nobody is blamed here", requirements=JUDGED)
async def test_deaf(monkeypatch, station, csms, spec, profile):
    monkeypatch.setattr(New, "session_rate", lambda self, *_: None)
    await all_of_it(station, csms, spec, profile)
"""

NEW = [
    "SHARES_THE_MAXIMUM_EVENLY_CS",
    "AN_IDLE_EVSE_IS_NOTHING_CS",
    "CAN_DO_LITTLE_CS",
    "TELLS_PERIODS_APART_LATE_AND_TO_TWO_DIGITS_CS",
    "HAS_ROOM_FOR_TWO_CS",
    "IS_BUILT_FOR_MORE_CS",
    "TELLS_OF_WHAT_THE_EV_TAKES_CS",
]
OLD = [
    "SAYS_NEITHER_WHEN_NOR_HOW_LONG_CS",
    "HAS_DEFAULTS_FOR_TRANSACTIONS_ONLY_CS",
    "FALLS_BACK_FROM_A_TX_PROFILE_CS",
]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """All of them, in one run."""
    folder = tmp_path_factory.mktemp("composites")
    own_tests(folder, OWN)
    return run(pytest_command("--ocpp-sut=embedded", "-W", "ignore", "test_own.py"), folder)


@pytest.mark.parametrize(
    ("case_id", "target"), [(each, "station 2.0.1") for each in NEW] + [(each, "station 1.6") for each in OLD]
)
def test_the_odd_are_not_blamed(done: Done, case_id: str, target: str) -> None:
    row = done.case(case_id, target)
    assert row["verdict"] == "PASS", row


def test_who_tells_no_limit_at_all_is_not_judged_here(done: Done) -> None:
    row = done.case("DEAF_CS", "station 2.0.1")
    assert row["verdict"] == "INCONCLUSIVE", row
    assert "of a single TxDefaultProfile" in str(row), row
