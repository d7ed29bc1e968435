import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.cases.applicability import evaluate, features
from conformance.cases.case import Case
from conformance.cases.catalogue import catalogue
from conformance.cases.spec import Spec
from conformance.cases.variables import shown, standard_variables
from conformance.cases.verdict import Verdict
from conformance.oracles.device_model import read
from conformance.oracles.inventory import (
    Claimed,
    Fault,
    against_claims,
    described,
    explicitly_writable,
    gaps,
    judge,
    lacking,
    note,
    required,
    required_in_configuration,
    told,
    worth_reading,
)

CORE = Claimed(claims={"core": True}, connectors={(1, 1): "cCCS2"}, power={1: 50_000.0}, identity="CS1")
_PLACES = {"station": {}, "evse": {"evse": {"id": 1}}, "connector": {"evse": {"id": 1, "connectorId": 1}}}
_VALUES = {"integer": "1", "decimal": "1.5", "boolean": "true", "dateTime": "2026-01-01T00:00:00Z", "string": "x"}


def row_entry(row):
    """A report entry as a row of the catalogue wants it."""
    values = row.values or ("a", "b")
    value = values[0] if row.type.endswith("List") or row.values else _VALUES[row.type]
    has = {"dataType": row.type, "supportsMonitoring": False}
    if row.type.endswith("List"):
        has["valuesList"] = ",".join(values)
    if row.unit:
        has["unit"] = row.unit[0]
    if row.max_required or row.max_expected:
        has["maxLimit"] = 50_000
    attribute = {"type": "Actual", "mutability": row.mutability[0], "persistent": True}
    if row.mutability[0] != "WriteOnly":
        attribute["value"] = value
    return {
        "component": {"name": row.component, **_PLACES[row.level_of]},
        "variable": {"name": row.variable, **({"instance": row.instance} if row.instance else {})},
        "variableAttribute": [attribute],
        "variableCharacteristics": has,
    }


def complete(claimed=CORE):
    """A report with all that is required by these claims, as it should be."""
    items = [
        row_entry(row)
        for row in standard_variables()
        if row.when == "always" or evaluate(row.when, claimed.claims, "station")
    ]
    find(items, "Connector", "ConnectorType")["variableAttribute"][0]["value"] = "cCCS2"
    find(items, "OCPPCommCtrlr", "ActiveNetworkProfile")["variableAttribute"][0]["value"] = "1"
    priority = find(items, "OCPPCommCtrlr", "NetworkConfigurationPriority")
    priority["variableAttribute"][0]["value"] = "1"
    priority["variableCharacteristics"]["valuesList"] = "1,2"
    return items


def find(items, component, variable):
    return next(
        each for each in items if (each["component"]["name"], each["variable"]["name"]) == (component, variable)
    )


def faults(items, claimed=CORE):
    return {(fault.requirement, fault.certain) for fault in judge(read(items), claimed)}


def test_a_complete_report_has_no_faults():
    assert faults(complete()) == set()
    assert described(read(complete())) == []


def test_all_blocks_claimed_need_all_their_variables():
    every = Claimed(claims=dict.fromkeys(features().of("station"), True), connectors=CORE.connectors, power=CORE.power)
    without = {fault.text.split(" ")[0] for fault in required(read(complete()), every)}
    assert {
        "SmartChargingCtrlr.RateUnit",
        "LocalAuthListCtrlr.Entries",
        "MonitoringCtrlr.ItemsPerMessage[SetVariableMonitoring]",
        "ISO15118Ctrlr.ContractValidationOffline",
    } <= without
    assert not list(required(read(complete(every)), every))


@pytest.mark.parametrize("row", standard_variables(), ids=str)
def test_each_required_variable_is_missed(row):
    every = Claimed(claims=dict.fromkeys(features().of("station"), True), connectors=CORE.connectors, power=CORE.power)
    items = complete(every)
    less = [each for each in items if each != row_entry(row) and not is_row(each, row)]
    level = {"station": "1", "evse": "2", "connector": "3"}[row.level_of]
    missed = [fault for fault in required(read(less), every) if row.variable in fault.text]
    if row.may_be_unreported or not implemented(row, less):
        assert not missed
    else:
        assert [(each.requirement, each.certain) for each in missed] == [(f"DM.REQUIRED.0{level}", not row.unclear)]


def is_row(item, row):
    names = (item["component"]["name"], item["variable"]["name"], item["variable"].get("instance", ""))
    return names == (row.component, row.variable, row.instance)


def implemented(row, items):
    if not row.security_profiles:
        return True
    found = [each for each in items if each["variable"]["name"] == "SecurityProfile"]
    return bool(found) and int(found[0]["variableAttribute"][0]["value"]) in row.security_profiles


def test_what_the_station_says_it_lacks_is_not_required():
    claimed = Claimed(claims={"local-authorization-list": True})
    available = {
        "component": {"name": "LocalAuthListCtrlr"},
        "variable": {"name": "Available"},
        "variableAttribute": [{"value": "false", "mutability": "ReadOnly"}],
        "variableCharacteristics": {"dataType": "boolean", "supportsMonitoring": False},
    }
    texts = [fault.text for fault in required(read([available]), claimed)]
    assert not [each for each in texts if each.startswith("LocalAuthListCtrlr")]
    assert [fault.requirement for fault in against_claims(read([available]), claimed)] == ["CLAIM.FEATURE.01"]


def test_the_other_name_of_a_variable_will_do():
    items = complete()
    find(items, "SampledDataCtrlr", "TxEndedInterval")["variable"]["name"] = "TxEndInterval"
    assert faults(items) == set()


def altered(component, variable, change):
    def change_it(items):
        item = find(items, component, variable)
        change(item, item["variableAttribute"][0], item["variableCharacteristics"])

    return change_it


def threshold(**changes):
    return altered("OCPPCommCtrlr", "OfflineThreshold", lambda _, actual, __: actual.update(changes))


def threshold_has(**changes):
    return altered("OCPPCommCtrlr", "OfflineThreshold", lambda _, __, has: has.update(changes))


WRONG = [
    (threshold_has(dataType="string"), "DM.TYPE.01", True),
    (threshold(mutability="ReadOnly"), "DM.MUTABILITY.01", True),
    (threshold(persistent=False), "DM.PERSIST.01", True),
    (threshold_has(unit="ms"), "DM.UNIT.01", True),
    (threshold(value="soon"), "DM.VALUE.01", True),
    (threshold(value="1.5"), "DM.VALUE.01", True),
    (threshold_has(maxLimit=0), "DM.VALUE.03", True),
    (threshold_has(minLimit=2), "DM.VALUE.03", True),
    (threshold_has(minLimit=1, maxLimit=0.5), "DM.LIMIT.02", True),
    (threshold(type="Target"), "DM.VALUE.02", True),
    (altered("OCPPCommCtrlr", "OfflineThreshold", lambda _, a, __: a.pop("value")), "DM.VALUE.02", True),
    (altered("OCPPCommCtrlr", "OfflineThreshold", lambda _, __, h: h.pop("unit")), "DM.UNIT.01", True),
    (altered("EVSE", "Power", lambda _, __, h: h.pop("maxLimit")), "DM.LIMIT.01", True),
    (altered("EVSE", "Power", lambda _, __, h: h.update(unit="MW")), "DM.UNIT.01", False),
    (altered("EVSE", "Power", lambda _, __, h: h.update(unit="MW")), "CLAIM.POWER.01", False),
    (altered("EVSE", "Power", lambda _, __, h: h.update(maxLimit=49_000)), "CLAIM.POWER.01", True),
    (altered("EVSE", "AvailabilityState", lambda _, __, h: h.pop("valuesList")), "DM.VALUESLIST.01", True),
    (altered("EVSE", "AvailabilityState", lambda _, a, __: a.update(value="Operative")), "DM.VALUE.01", True),
    (altered("EVSE", "AvailabilityState", lambda _, a, __: a.update(value="Operative")), "DM.VALUE.04", True),
    (altered("SecurityCtrlr", "CertificateEntries", lambda _, __, h: h.pop("maxLimit")), "DM.LIMIT.03", True),
    (altered("SecurityCtrlr", "SecurityProfile", lambda _, a, __: a.update(value="4")), "DM.VALUE.04", True),
    (altered("SecurityCtrlr", "BasicAuthPassword", lambda _, a, __: a.update(value="x")), "DM.WRITEONLY.01", True),
    (altered("SecurityCtrlr", "BasicAuthPassword", lambda _, a, __: a.update(value="")), "DM.WRITEONLY.01", False),
    (altered("SecurityCtrlr", "BasicAuthPassword", lambda _, __, h: h.update(maxLimit=65)), "DM.PASSWORD.01", True),
    (altered("AuthCtrlr", "LocalPreAuthorize", lambda _, a, __: a.update(value="True")), "DM.VALUE.01", False),
    (altered("AuthCtrlr", "LocalPreAuthorize", lambda _, a, __: a.update(value="yes")), "DM.VALUE.01", True),
    (altered("ClockCtrlr", "DateTime", lambda _, a, __: a.update(value="noon")), "DM.VALUE.01", True),
    (altered("EVSE", "Power", lambda _, a, __: a.update(value="nan")), "DM.VALUE.01", True),
    (altered("SecurityCtrlr", "OrganizationName", lambda _, __, h: h.update(maxLimit=0)), "DM.VALUE.03", True),
    (altered("TxCtrlr", "TxStartPoint", lambda _, __, h: h.update(maxLimit=3)), "DM.VALUE.03", True),
    (altered("EVSE", "Power", lambda i, _, __: i["variableAttribute"].append({"type": "Target"})), "DM.VALUE.05", True),
    (
        altered("OCPPCommCtrlr", "NetworkConfigurationPriority", lambda _, __, h: h.pop("valuesList")),
        "DM.NETWORK.01",
        True,
    ),
    (altered("OCPPCommCtrlr", "ActiveNetworkProfile", lambda _, a, __: a.update(value="2")), "DM.NETWORK.02", True),
    (altered("Connector", "ConnectorType", lambda _, a, __: a.update(value="cType1")), "CLAIM.CONNECTORTYPE.01", True),
    (
        altered("ChargingStation", "SupplyPhases", lambda i, _, __: i["component"].update(evse={"id": 1})),
        "DM.TIER.01",
        True,
    ),
    (altered("EVSE", "SupplyPhases", lambda i, _, __: i["component"].pop("evse")), "DM.TIER.01", True),
    (lambda items: items.append(items[0]), "DM.DUPLICATE.01", True),
]


@pytest.mark.parametrize(("change", "requirement", "certain"), WRONG)
def test_finds_what_is_wrong(change, requirement, certain):
    items = complete()
    change(items)
    assert (requirement, certain) in faults(items)


RIGHT = [
    threshold(value=""),
    threshold(value="+7"),
    threshold_has(dataType="Integer"),
    altered("EVSE", "Power", lambda _, a, __: a.pop("value")),
    altered("EVSE", "Power", lambda _, __, h: h.update(unit="kW", maxLimit=50)),
    altered("EVSE", "Power", lambda _, __, h: h.pop("unit")),
    altered("EVSE", "Power", lambda i, _, __: i["component"].update(instance="Left")),
    altered("Connector", "SupplyPhases", lambda _, a, __: a.update(value="")),
    altered("Connector", "SupplyPhases", lambda _, a, __: a.pop("value")),
    altered("Connector", "ConnectorType", lambda _, a, __: a.update(value="cccs2")),
    altered("TxCtrlr", "TxStartPoint", lambda _, a, __: a.update(value="")),
    altered("TxCtrlr", "TxStartPoint", lambda _, a, __: a.update(value="evconnected, Authorized")),
    altered("TxCtrlr", "TxStartPoint", lambda _, a, __: a.update(mutability="ReadOnly", persistent=False)),
    altered("OCPPCommCtrlr", "NetworkConfigurationPriority", lambda _, a, __: a.update(value="2,1")),
]


@pytest.mark.parametrize("change", RIGHT)
def test_leaves_alone_what_is_allowed(change):
    items = complete()
    change(items)
    wrong = faults(items)
    if find(items, "EVSE", "Power")["component"].get("instance"):
        wrong.discard(("CLAIM.EVSE.02", True))  # only one of the EVSE's variables has the instance name here
    assert wrong == set()


def test_an_appendix_has_the_priority_a_string():
    items = complete()
    has = find(items, "OCPPCommCtrlr", "NetworkConfigurationPriority")["variableCharacteristics"]
    has["dataType"] = "string"
    del has["valuesList"]
    assert faults(items) == {("DM.NETWORK.01", False)}


def test_an_identity_must_be_that_of_the_connection():
    item = {
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "Identity"},
        "variableAttribute": [{"value": "CS2", "mutability": "ReadOnly"}],
        "variableCharacteristics": {"dataType": "string", "supportsMonitoring": False},
    }
    assert faults([*complete(), item]) == {("DM.IDENTITY.01", True)}


def test_what_does_not_say_what_it_is_is_told():
    items = complete()
    del items[0]["variableCharacteristics"]
    assert described(read([*items, {}])) == [f"entry {len(items) + 1}: {{}}", *described(read(items))]
    assert described(read(items)) == [f"{next(iter(read(items)))} has no variableCharacteristics"]


def test_the_configuration_must_hold_what_must_be_writable():
    writable = [each for each in complete() if each["variableAttribute"][0]["mutability"] != "ReadOnly"]
    assert not [fault for fault in required_in_configuration(read(writable), CORE) if fault.certain]
    less = [each for each in writable if each["variable"]["name"] != "OfflineThreshold"]
    assert [fault.text for fault in required_in_configuration(read(less), CORE) if fault.certain] == [
        "OCPPCommCtrlr.OfflineThreshold is missing"
    ]


# -- claims -----------------------------------------------------------------------------------------------------------

_ids = st.integers(1, 4)
_shape = st.dictionaries(_ids, st.sets(_ids, max_size=3), max_size=3)


def places(shape):
    items = []
    for evse, connectors in shape.items():
        items.append(
            {"component": {"name": "EVSE", "evse": {"id": evse}}, "variable": {"name": "V"}, "variableAttribute": []}
        )
        items += [
            {
                "component": {"name": "Connector", "evse": {"id": evse, "connectorId": each}},
                "variable": {"name": "ConnectorType"},
                "variableAttribute": [{"value": "cCCS2"}],
            }
            for each in connectors
        ]
    return items


@given(real=_shape, claimed=_shape)
def test_shape_is_compared_as_sets_are(real, claimed):
    claim = Claimed(
        connectors={(evse, each): "cCCS2" for evse, connectors in claimed.items() for each in connectors},
        power=dict.fromkeys(claimed),
    )
    found = [fault.requirement for fault in against_claims(read(places(real)), claim)]
    pairs = {(evse, each) for evse, connectors in real.items() for each in connectors}
    assert found.count("CLAIM.EVSE.01") == len(claimed.keys() - real.keys())
    assert found.count("CLAIM.EVSE.02") == len(real.keys() - claimed.keys())
    assert found.count("CLAIM.CONNECTOR.01") == len(claim.connectors.keys() - pairs)
    assert found.count("CLAIM.CONNECTOR.02") == len(
        {each for each in pairs - claim.connectors.keys() if each[0] in claimed}
    )
    assert "CLAIM.CONNECTORTYPE.01" not in found


@given(real=_shape)
def test_numbers_run_from_one(real):
    found = {fault.requirement for fault in judge(read(places(real)), Claimed())}
    assert ("DM.EVSE.01" in found) == (bool(real) and max(real) != len(real))
    assert ("DM.CONNECTOR.01" in found) == any(each and max(each) != len(each) for each in real.values())


def test_an_evse_under_two_names_is_there_twice():
    twice = places({1: {1}}) + places({1: {1}})
    for each in twice[2:]:
        each["component"]["instance"] = "other"
    claim = Claimed(connectors={(1, 1): "cCCS2"}, power={1: None})
    assert [fault.requirement for fault in against_claims(read(twice), claim)] == [
        "CLAIM.EVSE.02",
        "CLAIM.CONNECTOR.02",
    ]


def test_a_connector_without_a_type_is_not_of_the_type_claimed():
    items = places({1: {1}})
    items[1]["variable"]["name"] = "Other"
    claim = Claimed(connectors={(1, 1): "cCCS2"}, power={1: None})
    assert [fault.requirement for fault in against_claims(read(items), claim)] == ["CLAIM.CONNECTORTYPE.01"]


def feature_faults(feature, claim, *items):
    return [
        (fault.requirement, fault.certain)
        for fault in against_claims(read(items), Claimed(claims={feature: claim} if claim else {}))
    ]


def controller(component, variable, value, *, mutability="ReadOnly", values=""):
    return {
        "component": {"name": component},
        "variable": {"name": variable},
        "variableAttribute": [{"value": value, "mutability": mutability}],
        "variableCharacteristics": {"dataType": "MemberList", "valuesList": values, "supportsMonitoring": False},
    }


@pytest.mark.parametrize(
    ("feature", "claim", "items", "expected"),
    [
        ("smart-charging", True, [], [("CLAIM.FEATURE.01", True)]),
        ("smart-charging", True, [controller("SmartChargingCtrlr", "Available", "true")], []),
        ("smart-charging", True, [controller("SmartChargingCtrlr", "Enabled", "false")], []),
        (
            "smart-charging",
            True,
            [controller("SmartChargingCtrlr", "Available", "false")],
            [("CLAIM.FEATURE.01", True)],
        ),
        (
            "smart-charging",
            False,
            [controller("SmartChargingCtrlr", "Available", "true")],
            [("CLAIM.FEATURE.02", True)],
        ),
        ("smart-charging", False, [controller("SmartChargingCtrlr", "Available", "false")], []),
        ("reservation", True, [], [("CLAIM.FEATURE.01", False)]),
        ("reset-evse", True, [], []),
        ("reset-evse", True, [controller("EVSE", "AllowReset", "false")], [("CLAIM.FEATURE.01", True)]),
        ("time-zone", True, [], [("CLAIM.FEATURE.01", True)]),
        ("time-zone", True, [controller("ClockCtrlr", "TimeZone", "")], []),
        ("time-zone", False, [controller("ClockCtrlr", "TimeZone", "")], []),
        (
            "configurable-start-point",
            True,
            [controller("TxCtrlr", "TxStartPoint", "Authorized")],
            [("CLAIM.FEATURE.01", True)],
        ),
        ("configurable-start-point", True, [controller("TxCtrlr", "TxStartPoint", "", mutability="ReadWrite")], []),
        ("charging-rate-watts", True, [controller("SmartChargingCtrlr", "RateUnit", "A,W", values="A,W")], []),
        (
            "charging-rate-watts",
            True,
            [controller("SmartChargingCtrlr", "RateUnit", "A", values="A,W")],
            [("CLAIM.FEATURE.01", True)],
        ),
        (
            "time-sources",
            ("NTP", "GPS"),
            [controller("ClockCtrlr", "TimeSource", "NTP", mutability="ReadWrite", values="NTP,Heartbeat")],
            [("CLAIM.FEATURE.01", True)],
        ),
        (
            "measurands-tx-updated",
            ("Voltage",),
            [controller("SampledDataCtrlr", "TxUpdatedMeasurands", "", mutability="ReadWrite", values="Voltage.L1-N")],
            [],
        ),
    ],
)
def test_features_show(feature, claim, items, expected):
    assert [each for each in feature_faults(feature, claim, *items) if each[0].startswith("CLAIM.FEATURE")] == expected


def test_every_way_to_show_is_about_a_feature_of_stations():
    known = features().of("station")
    for row in shown():
        assert row.feature in known
        assert (known[row.feature].kind == "list") == (row.how == "lists-claimed"), row
        assert (row.value != "") == (row.how == "lists"), row


# -- two inventories, and the rest ------------------------------------------------------------------------------------


@given(st.sets(st.sampled_from("ABCDE")), st.sets(st.sampled_from("ABCDE")))
def test_lacking_is_a_difference_of_sets(part, whole):
    models = [
        read({"component": {"name": "C"}, "variable": {"name": each}, "variableAttribute": []} for each in names)
        for names in (part, whole)
    ]
    told_ = lacking(*models, "the other", which=lambda _: True)
    assert sorted(told_) == sorted(f"C.{each} is not in the other" for each in part - whole)


def test_only_what_is_called_writable_must_be_in_the_configuration():
    model = read([controller("A", "B", ""), controller("A", "C", "", mutability="WriteOnly")])
    bare = controller("A", "D", "")
    del bare["variableAttribute"][0]["mutability"]
    assert [explicitly_writable(each) for each in [*model, *read([bare])]] == [False, True, False]


@given(st.integers(0, 60), st.integers(1, 20))
def test_at_most_so_many_are_read_all_over_the_inventory(size, limit):
    model = read(controller("A", f"V{number}", "1") for number in range(size))
    chosen = [str(each) for each in worth_reading(model, limit)]
    assert len(chosen) == len(set(chosen)) == min(size, limit)
    if size > limit:
        assert chosen[0] == "A.V0"
        assert int(chosen[-1].removeprefix("A.V")) >= size - 1 - size // limit


def test_what_moves_or_can_t_be_read_is_not_compared():
    items = complete()
    chosen = {str(each) for each in worth_reading(read(items), 1000)}
    assert not {"ClockCtrlr.DateTime", "EVSE(1).AvailabilityState", "SecurityCtrlr.BasicAuthPassword"} & chosen
    assert "OCPPCommCtrlr.OfflineThreshold" in chosen


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([], ""),
        ([0], ""),
        ([0, 1, 2], ""),
        ([1], "the parts are numbered from 1, and not from 0"),
        ([1, 2], "the parts are numbered from 1, and not from 0"),
        ([0, 2], "the parts are numbered 0, 2"),
        ([0, 0], "the parts are numbered 0, 0"),
        ([1, 0], "the parts are numbered 1, 0"),
    ],
)
def test_gaps(numbers, expected):
    assert gaps(numbers) == expected


def test_many_faults_are_told_in_one_message():
    assert told(["a"]) == "a"
    assert told(["a", "b"], hint="cut short") == "2 faults: a; b (cut short)"
    assert told([str(each) for each in range(14)]).endswith("11; and 2 more")


def test_a_certain_fault_fails_and_another_warns():
    spec = Spec(Case("X", "x", requirements=("DM.TYPE.01", "DM.UNIT.01")), catalogue("2.0.1"))
    found = [Fault("DM.TYPE.01", "wrong"), Fault("DM.UNIT.01", "odd", certain=False), Fault("DM.TIER.01", "no matter")]
    note(spec, "DM.TYPE.01", found, hint="cut short")
    note(spec, "DM.UNIT.01", found)
    assert [(each.requirement, each.verdict, each.message) for each in spec.findings] == [
        ("DM.TYPE.01", Verdict.FAIL, "wrong (cut short)"),
        ("DM.UNIT.01", Verdict.PASS, ""),
        ("DM.UNIT.01", Verdict.WARN, "odd"),
    ]


def test_every_requirement_judged_is_in_the_catalogue():
    items = [each for each in complete() if each["component"]["name"] != "EVSE"]
    for change, requirement, _ in WRONG:
        assert requirement in catalogue("2.0.1"), (change, requirement)
    assert {requirement for requirement, _ in faults(items)} <= {each.id for each in catalogue("2.0.1")}
