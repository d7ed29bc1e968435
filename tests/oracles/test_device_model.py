from hypothesis import given
from hypothesis import strategies as st

from conformance.oracles.device_model import Key, key_of, read, split


def entry(component, variable, *attributes, has=None):
    """One entry of a report; an attribute is a value or the whole of it."""
    return {
        "component": {"name": component} if isinstance(component, str) else component,
        "variable": {"name": variable} if isinstance(variable, str) else variable,
        "variableAttribute": [each if isinstance(each, dict) else {"value": each} for each in attributes],
        "variableCharacteristics": {"dataType": "string", "supportsMonitoring": False} if has is None else has,
    }


def test_reads_what_is_there_and_defaults_for_the_rest():
    model = read(
        [
            entry(
                {"name": "DeviceDataCtrlr"},
                {"name": "ItemsPerMessage", "instance": "GetReport"},
                {"type": "Actual", "value": "20", "mutability": "ReadOnly", "persistent": True, "constant": True},
                has={
                    "dataType": "integer",
                    "unit": "items",
                    "minLimit": 1,
                    "maxLimit": 20.5,
                    "supportsMonitoring": True,
                },
            ),
            entry("Fan", "Modes", "slow, fast", has={"dataType": "MemberList", "valuesList": "slow,fast , full"}),
        ]
    )
    limit = model.find("devicedatactrlr", "itemspermessage", "getreport")
    assert str(limit) == "DeviceDataCtrlr.ItemsPerMessage[GetReport]"
    assert (limit.value, limit.writable, limit.actual.persistent, limit.actual.said) == ("20", False, True, True)
    assert (limit.characteristics.minimum, limit.characteristics.maximum) == (1.0, 20.5)
    modes = model.find("Fan", "Modes")
    assert (modes.actual.type, modes.actual.mutability, modes.actual.said) == ("Actual", "ReadWrite", False)
    assert modes.writable
    assert modes.entries == ("slow", "fast")
    assert modes.characteristics.values == ("slow", "fast", "full")
    assert modes.characteristics.is_list
    assert model.find("DeviceDataCtrlr", "ItemsPerMessage") is None


def test_finds_evses_and_connectors_whatever_their_instance():
    model = read(
        [
            entry({"name": "EVSE", "instance": "Left", "evse": {"id": 1}}, "Power", "0"),
            entry(
                {"name": "Connector", "instance": "A", "evse": {"id": 1, "connectorId": 2}}, "ConnectorType", "cCCS2"
            ),
            entry({"name": "ChargingStation", "evse": {"id": 0}}, "Model", "X"),
            entry({"name": "Fan", "instance": "Rear", "evse": {"id": 1}}, "Speed", "1"),
        ]
    )
    assert str(model.find("EVSE", "Power", evse=1)) == "EVSE[Left](1).Power"
    assert str(model.find("Connector", "ConnectorType", evse=1, connector=2)) == "Connector[A](1,2).ConnectorType"
    assert model.find("ChargingStation", "Model") is not None
    assert model.find("Fan", "Speed", evse=1) is None
    assert (model.evses, model.connectors) == ([1], [(1, 2)])
    assert model.instances("evse") == {(1, None): {"left"}}
    assert [str(each) for each in model.named("fan", "speed")] == ["Fan[Rear](1).Speed"]
    assert model.components == {"evse", "connector", "chargingstation", "fan"}


def test_joins_the_attributes_of_one_variable_and_notes_what_came_twice():
    target = {"type": "Target", "value": "5"}
    model = read([entry("Fan", "Speed", "1"), entry("fan", "speed", target), entry("Fan", "Speed", "2", "3")])
    assert len(model) == 1
    speed = model.find("Fan", "Speed")
    assert (speed.value, speed.attributes["target"].value) == ("1", "5")
    assert model.repeated == ["Fan.Speed (Actual)", "Fan.Speed (Actual)"]


def test_tells_what_can_t_be_read():
    model = read([None, {}, {"component": {"name": "A"}}, entry("A", "B", {"value": 7})])
    assert [each.split(":")[0] for each in model.unreadable] == ["entry 1", "entry 2", "entry 3"]
    assert model.find("A", "B").value == "7"


def test_has_no_characteristics_where_none_came():
    bare = entry("A", "B", "1")
    del bare["variableCharacteristics"]
    assert read([bare]).find("A", "B").characteristics is None


def test_keys_ignore_case():
    component = {"name": "EVSE", "evse": {"id": 1}}
    assert key_of(component, {"name": "Power"}) == Key("evse", "", 1, None, "power", "")
    assert key_of({"name": "evse", "instance": "", "evse": {"id": 1}}, {"name": "POWER"}) == key_of(
        component, {"name": "Power"}
    )


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["component", "variable", "variableAttribute", "variableCharacteristics", "name", "evse", "id"]
            )
            | st.sampled_from(["connectorId", "instance", "type", "value", "mutability", "dataType", "valuesList"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.lists(_json, max_size=5))
def test_never_stumbles(items):
    model = read(items)
    assert len(model) + len(model.unreadable) <= len(items)


@given(st.lists(st.text(alphabet="abc ", max_size=4), max_size=6))
def test_splits_lists_as_they_are_written(entries):
    assert split(",".join(entries)) == tuple(each.strip(" ") for each in entries if each.strip(" "))
