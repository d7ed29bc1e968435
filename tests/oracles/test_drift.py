"""Drift from a baseline, against a naive second implementation, and across versions."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.cases.baseline import Baseline, Limits, Line, dumps, fold, loads
from conformance.oracles import configuration, device_model
from conformance.oracles.drift import (
    Drift,
    Inventory,
    Item,
    alike,
    compare,
    from_model,
    from_settings,
    holds,
    refreshed,
    taken,
)

NAMES = st.sampled_from([f"Ctrlr{letter}.Setting{number}" for letter in "ABC" for number in range(4)])
VALUES = st.none() | st.sampled_from(["", "1", "2", "300", "true", "a,b", "b,a"])
LIMITS = st.none() | st.builds(
    Limits, type=st.sampled_from(["integer", "string"]), max=st.sampled_from([None, 10.0, 300.0])
)
MUTABILITIES = st.sampled_from([None, "ReadOnly", "ReadWrite"])
ITEMS = st.builds(Item, name=NAMES, value=VALUES, mutability=MUTABILITIES, limits=LIMITS)
INVENTORIES = st.lists(ITEMS, unique_by=lambda item: item.name, min_size=1).map(
    lambda items: inventory("2.0.1", *items)
)
EXPECTATIONS = (
    st.builds(Line, value=st.sampled_from(["1", "300", "a,b"]))
    | st.just(Line(any=True))
    | st.builds(Line, one_of=st.lists(st.sampled_from(["1", "2"]), min_size=1).map(tuple))
    | st.builds(Line, least=st.just(2.0), most=st.sampled_from([2.0, 300.0]))
    | st.builds(Line, pattern=st.sampled_from(["[0-9]*", "true"]))
)
LINES = st.builds(
    lambda line, mutability, limits, optional: msgspec.structs.replace(
        line, mutability=mutability, limits=limits, optional=optional
    ),
    EXPECTATIONS,
    MUTABILITIES,
    LIMITS,
    st.booleans(),
)


def inventory(version, *items):
    found = Inventory(version)
    for item in items:
        found.add(item)
    return found


def model(*items):
    return device_model.read(
        {
            "component": {"name": component, **place},
            "variable": {"name": variable},
            "variableAttribute": [attribute],
            "variableCharacteristics": has,
        }
        for component, place, variable, attribute, has in items
    )


def settings(**keys):
    rows = [{"key": key, "value": value, "readonly": False} for key, value in keys.items()]
    return configuration.read({"configurationKey": rows})


# -- nothing drifts from what was just taken --------------------------------------------------------------------------


@given(INVENTORIES)
def test_what_was_taken_has_not_drifted(found):
    baseline = loads(dumps(Baseline(variables=taken(found))))
    comparison = compare(baseline, found)
    assert not comparison.drifts
    assert comparison.compared == len(found.items)


@given(INVENTORIES, st.data())
def test_one_change_is_one_drift(found, data):
    name = data.draw(st.sampled_from(sorted(found.items)))
    kind = data.draw(st.sampled_from(["missing", "added", "value", "mutability", "limits"]))
    item = found.items[name]
    baseline = Baseline(variables=taken(found))
    changed = Inventory("2.0.1", dict(found.items))
    match kind:
        case "missing":
            del changed.items[name]
        case "added":
            changed.add(Item("New.Setting"))
        case "value":
            baseline.variables[item.name] = Line(value="before")
            changed.items[name] = msgspec_free(item, value="after")
        case "mutability":
            baseline.variables[item.name] = Line(mutability="ReadOnly")
            changed.items[name] = msgspec_free(item, mutability="ReadWrite")
        case "limits":
            baseline.variables[item.name] = Line(limits=Limits(max=1))
            changed.items[name] = msgspec_free(item, limits=Limits(max=2))
    assert [each.kind for each in compare(baseline, changed).drifts] == [kind]


def msgspec_free(item, **changes):
    fields = {name: getattr(item, name) for name in Item.__slots__}
    return Item(**(fields | changes))


# -- against a naive second implementation ----------------------------------------------------------------------------


def naive(lines, found, *, unlisted):
    """Every drift, as sets of words, one rule after the other."""
    drifts = set()
    for name, line in lines.items():
        item = next((each for each in found.items.values() if each.name.lower() == name.lower()), None)
        if item is None:
            drifts |= set() if line.optional else {("missing", name)}
            continue
        wrong = (
            (line.value is not None and not same(item, line.value))
            or (line.one_of is not None and not any(same(item, each) for each in line.one_of))
            or (line.pattern == "[0-9]*" and not (item.value is not None and set(item.value) <= set("0123456789")))
            or (line.pattern == "true" and item.value != "true")
            or (
                line.least is not None
                and item.value not in [str(n) for n in range(int(line.least), int(line.most) + 1)]
            )
        )
        drifts |= {("value", name)} if wrong else set()
        if None not in (line.mutability, item.mutability) and line.mutability != item.mutability:
            drifts.add(("mutability", name))
        if None not in (line.limits, item.limits) and line.limits != item.limits:
            drifts.add(("limits", name))
    if unlisted == "drift":
        drifts |= {("added", each.name) for each in found.items.values() if each.name not in lines}
    return drifts


def same(item, value):
    return item.value == value  # none of these items has a data type of its own


@given(st.dictionaries(NAMES, LINES, min_size=1), INVENTORIES, st.sampled_from(["drift", "ignored"]))
def test_as_a_naive_comparison_has_it(lines, found, unlisted):
    comparison = compare(Baseline(unlisted=unlisted, variables=lines), found)
    assert {(each.kind, each.name) for each in comparison.drifts} == naive(lines, found, unlisted=unlisted)
    assert len(comparison.drifts) == len({(each.kind, each.name) for each in comparison.drifts})
    assert ("added" in comparison.kinds) is (unlisted == "drift")
    assert ("limits" in comparison.kinds) is any(line.limits for line in lines.values())


# -- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "first", "second", "same_"),
    [
        ("integer", "300", "0300", True),
        ("decimal", "1", "1.0", True),
        ("integer", "300", "", False),
        ("integer", "nan", "NaN", False),
        ("boolean", "true", "TRUE", True),
        ("MemberList", "a,b", "b, a", True),
        ("SequenceList", "a,b", "a, b", True),
        ("SequenceList", "a,b", "b,a", False),
        ("OptionList", "a", " a", True),
        ("string", "a", "A", False),
        ("", "a,b", "b,a", False),
    ],
)
def test_values_that_mean_the_same(type_, first, second, same_):
    assert alike(type_, first, second) is same_
    assert alike(type_, second, first) is same_


@pytest.mark.parametrize(
    ("line", "value", "right"),
    [
        (Line(least=10), "10", True),
        (Line(least=10), "9.9", False),
        (Line(most=10), "-3", True),
        (Line(most=10), "much", False),
        (Line(most=10), None, False),
        (Line(pattern="a+"), "aab", False),
        (Line(pattern="a+"), None, False),
        (Line(one_of=(1, True)), "true", True),
        (Line(one_of=(1, True)), None, False),
        (Line(value=300), "300", True),
        (Line(), None, True),
        (Line(any=True), None, True),
        (Line(secret=True), "whatever", True),
    ],
)
def test_expectations(line, value, right):
    assert holds(line, Item("A.B", value)) is right


# -- what a station tells ---------------------------------------------------------------------------------------------

NUMBER = {"dataType": "integer", "supportsMonitoring": False, "minLimit": 0, "maxLimit": 900, "unit": "s"}
TEXT = {"dataType": "string", "supportsMonitoring": False}


def test_a_device_model_as_an_inventory():
    told = model(
        ("OCPPCommCtrlr", {}, "OfflineThreshold", {"value": "300", "mutability": "ReadWrite"}, NUMBER),
        ("EVSE", {"evse": {"id": 1}}, "Power", {"type": "MaxSet", "value": "22000"}, NUMBER),
        ("EVSE", {"evse": {"id": 1}}, "AvailabilityState", {"value": "Available", "mutability": "ReadOnly"}, TEXT),
        ("SecurityCtrlr", {}, "BasicAuthPassword", {"value": "swordfish", "mutability": "WriteOnly"}, TEXT),
        ("Vendor", {}, "WifiPassphrase", {"value": "swordfish"}, TEXT),
        ("Vendor", {}, "Banner", {"value": "hunter2 is our word"}, TEXT),
        ("OCPPCommCtrlr", {}, "Url", {"value": "wss://me:swordfish@csms.example/ocpp"}, TEXT),
        ("ClockCtrlr", {}, "NextChange", {"value": "2026-01-01T00:00:00Z"}, {"dataType": "dateTime"}),
        ("OCPPCommCtrlr", {}, "HeartbeatInterval", {"value": "60", "mutability": "ReadWrite"}, NUMBER),
        ("Vendor", {}, "Odd", {"value": "\ud800"}, TEXT),
    )
    found = from_model(told, secrets=("hunter2",))
    written = dumps(Baseline(variables=taken(found)))
    assert "swordfish" not in written
    assert "hunter2" not in written
    lines = loads(written).variables
    limits = Limits("integer", "s", 0, 900)
    assert lines["OCPPCommCtrlr.OfflineThreshold"] == Line(value="300", mutability="ReadWrite", limits=limits)
    assert lines["EVSE(1).Power (MaxSet)"] == Line(value="22000", mutability="ReadWrite")
    for name in ("EVSE(1).AvailabilityState", "ClockCtrlr.NextChange", "OCPPCommCtrlr.HeartbeatInterval"):
        assert lines[name].any
        assert lines[name].value is None
    for name in ("SecurityCtrlr.BasicAuthPassword", "Vendor.WifiPassphrase", "Vendor.Banner"):
        assert lines[name].secret
    assert not compare(loads(written), found).drifts


def test_settings_as_an_inventory():
    found = from_settings(settings(HeartbeatInterval="60", AuthorizationKey="00ff00ff", CpoName="Me"))
    lines = taken(found)
    assert lines["HeartbeatInterval"].any
    assert lines["AuthorizationKey"] == Line(secret=True, mutability="ReadWrite")
    assert lines["CpoName"] == Line(value="Me", mutability="ReadWrite")


def test_what_reads_otherwise_a_moment_later_moves():
    first = inventory("1.6", Item("Uptime", "1"), Item("Name", "x"), Item("Early", "1"))
    second = inventory("1.6", Item("Uptime", "2"), Item("Name", "x"), Item("Late", "1"))
    assert taken(first, second) == {
        "Uptime": Line(any=True),
        "Name": Line(value="x"),
        "Early": Line(any=True, optional=True),
        "Late": Line(any=True, optional=True),
    }
    old = {"late": Line(any=True, optional=True), "Early": Line(pattern="1", optional=True)}
    assert refreshed(old, taken(first, second), first) == {
        "Uptime": Line(any=True),
        "Name": Line(value="x"),
        "Early": Line(pattern="1", optional=True),
        "Late": Line(any=True, optional=True),
    }


def test_lines_loosened_by_hand_are_kept_while_they_hold():
    found = inventory(
        "1.6",
        Item("A", "5", "ReadWrite", Limits(max=9)),
        Item("B", "50", "ReadWrite"),
        Item("C", "x", "ReadWrite"),
        Item("VendorPassword"),
    )
    old = {
        "a": Line(least=1, most=9, mutability="ReadOnly"),
        "B": Line(least=1, most=9),
        "C": Line(value="y"),
        "D": Line(any=True, optional=True),
        "E": Line(any=True),
        "VendorPassword": Line(any=True),
    }
    assert refreshed(old, taken(found), found) == {
        "a": Line(least=1, most=9, mutability="ReadWrite"),
        "B": Line(value="50", mutability="ReadWrite"),
        "C": Line(value="x", mutability="ReadWrite"),
        "D": Line(any=True, optional=True),
        "VendorPassword": Line(secret=True),
    }


def test_a_drift_in_words():
    found = inventory("1.6", Item("A", "9" * 100, "ReadOnly", Limits(max=2)), Item("B"), Item("C", "1"))
    lines = {
        "A": Line(least=1, most=9, mutability="ReadWrite", limits=Limits(max=1)),
        "B": Line(value="1"),
        "Gone": Line(pattern="x"),
    }
    told = [str(each) for each in compare(Baseline(keys=lines), found).drifts]
    assert told == [
        "Gone is missing",
        "C is there, and the baseline has no such line",
        f"A is '{'9' * 80}…', and the baseline says from 1 to 9",
        "B is without a value, and the baseline says '1'",
        "A is ReadOnly, and the baseline says ReadWrite",
        "the limits of A are to 2, and the baseline says to 1",
    ]


def test_expectations_in_words():
    lines = (Line(value=1), Line(one_of=("a", "b")), Line(pattern="x+"), Line(least=1), Line(most=2.5), Line(any=True))
    assert [str(each) for each in lines] == [
        "'1'",
        "one of 'a', 'b'",
        "what matches x+",
        "from 1",
        "to 2.5",
        "any",
    ]


# -- across versions --------------------------------------------------------------------------------------------------


def test_a_baseline_of_keys_for_variables():
    keys = {
        "ConnectionTimeOut": Line(value="60", mutability="ReadOnly"),
        "HeartbeatInterval": Line(least=10, most=900),
        "ChargingScheduleAllowedChargingRateUnit": Line(value="Power,Current"),
        "LocalAuthListMaxLength": Line(value="100"),
        "LocalPreAuthorize": Line(value="false"),
        "NumberOfConnectors": Line(value="2"),
        "AuthorizationKey": Line(secret=True),
        "ResetRetries": Line(value="1"),
    }
    found = inventory(
        "2.0.1",
        Item("TxCtrlr.EVConnectionTimeOut", "90", "ReadWrite"),
        Item("OCPPCommCtrlr.HeartbeatInterval", "60"),
        Item("SmartChargingCtrlr.RateUnit", "A,W", type="MemberList"),
        Item("LocalAuthListCtrlr.Entries", "3", limits=Limits(max=100)),
        Item("AuthCtrlr.LocalPreAuthorization", "false"),
        Item("SecurityCtrlr.BasicAuthPassword"),
        Item("Vendor.Extra", "1"),
    )
    comparison = compare(Baseline(keys=keys), found)
    assert comparison.drifts == (
        Drift("missing", "OCPPCommCtrlr.ResetRetries (ResetRetries)"),
        Drift("value", "TxCtrlr.EVConnectionTimeOut (ConnectionTimeOut)", "'60'", "'90'"),
    )
    assert comparison.incomparable == ("NumberOfConnectors",)
    assert comparison.compared == 7
    assert comparison.kinds == {"missing", "value"}


def test_a_baseline_of_variables_for_keys():
    variables = {
        "TxCtrlr.EVConnectionTimeOut": Line(value="60"),
        "SmartChargingCtrlr.RateUnit": Line(value="A,W"),
        "LocalAuthListCtrlr.Entries": Line(any=True, limits=Limits(max=100)),
        "SecurityCtrlr.CertificateEntries": Line(any=True),
        "ClockCtrlr.DateTime": Line(any=True),
    }
    found = from_settings(
        settings(
            ConnectionTimeOut="60", ChargingScheduleAllowedChargingRateUnit="Power,Current", LocalAuthListMaxLength="99"
        )
    )
    comparison = compare(Baseline(variables=variables), found)
    assert [str(each) for each in comparison.drifts] == [
        "LocalAuthListMaxLength (LocalAuthListCtrlr.Entries) is '99', and the baseline says '100'"
    ]
    assert comparison.incomparable == ("SecurityCtrlr.CertificateEntries", "ClockCtrlr.DateTime")


def test_a_limit_that_is_not_told_is_a_value_that_is_not_there():
    found = inventory("2.0.1", Item("LocalAuthListCtrlr.Entries", "3"))
    comparison = compare(Baseline(keys={"LocalAuthListMaxLength": Line(value="100")}), found)
    assert [each.found for each in comparison.drifts] == ["without a value"]


def test_the_lines_of_the_own_version_go_before_those_of_the_other():
    baseline = Baseline(keys={"ConnectionTimeOut": Line(value="1")}, variables={"A.B": Line(value="1")})
    comparison = compare(baseline, inventory("2.0.1", Item("A.B", "1"), Item("TxCtrlr.EVConnectionTimeOut", "2")))
    assert [each.kind for each in comparison.drifts] == ["added"]
    assert not comparison.incomparable


@given(INVENTORIES)
def test_names_are_compared_without_case(found):
    lines = {name.upper(): line for name, line in taken(found).items()}
    assert not compare(Baseline(variables=lines), found).drifts
    assert all(fold(name) in found.items for name in lines)
