import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.cases.applicability import features
from conformance.cases.catalogue import catalogue
from conformance.cases.keys import standard_key, standard_keys, words
from conformance.oracles.configuration import (
    PROFILES,
    Claimed,
    against_claims,
    asked,
    connectors,
    differ,
    due,
    fixed_cables,
    hidden,
    judge,
    lacking,
    lasting,
    read,
    required,
    security_keys,
    security_profile,
    told_secrets,
)

PASSWORD = "a-very-secret-word"
EVERY = Claimed(
    profiles=frozenset(PROFILES),
    features=dict.fromkeys((row.switches for row in standard_keys() if row.switches), True),
    connectors=2,
    security_profiles=frozenset({1, 2}),
)
_VALUES = {"integer": "1", "boolean": "true", "string": "x", "CSL": ""}
_ITEMS = {"measurand": "Voltage.L1, SoC", "phase-rotation": "0.RST,1.Unknown"}


def entry(row):
    """A setting as a row of the catalogue wants it."""
    item = {"key": row.key, "readonly": row.accessibility[0] == "R"}
    if row.readable:
        value = row.values[0] if row.values else _ITEMS.get(row.items, _VALUES[row.type])
        item["value"] = "9" if row.limits else value
    return item


def complete():
    """A list of every standard key, as it should be."""
    items = {row.key: entry(row) for row in standard_keys()}
    items["SupportedFeatureProfiles"]["value"] = ",".join(PROFILES)
    items["NumberOfConnectors"]["value"] = "2"
    return items


def settings(items):
    return read({"configurationKey": list(items.values()) if isinstance(items, dict) else items})


def faults(items, claimed=EVERY):
    return [(fault.requirement, fault.certain) for fault in judge(settings(items), claimed)]


def test_a_complete_list_has_no_faults():
    assert faults(complete()) == []
    assert not list(required(settings(complete()), EVERY))


# -- reading ----------------------------------------------------------------------------------------------------------

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("key", "value", "readonly")), inner),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional={"configurationKey": _json, "unknownKey": _json}))
def test_whatever_comes_is_read_and_judged(answer):
    found = read(answer)
    items = answer.get("configurationKey")
    items = items if isinstance(items, list) else []
    named = [each["key"] for each in items if isinstance(each, dict) and isinstance(each.get("key"), str)]
    assert set(found.by_key) == {each.casefold() for each in named}
    assert len(found.repeated) + len(found) == len(named)
    assert len(found.unreadable) == len(items) - len(named)
    assert [fault.requirement for fault in judge(found, EVERY)].count("16.CONFIG.18") <= len(found.repeated)


def test_keys_are_found_in_any_spelling():
    found = read({"configurationKey": [{"key": "HEARTBEATinterval", "value": "5", "readonly": False}]})
    assert "HeartbeatInterval" in found
    assert found.number("heartbeatinterval") == 5
    assert found.find("HeartbeatInterval").key == "HEARTBEATinterval"
    assert read({"unknownKey": ["Nonsense"]}).says_unknown("nonsense")


# -- what must be there -----------------------------------------------------------------------------------------------


@given(
    st.sets(st.sampled_from([row.key for row in standard_keys()])),
    st.sets(st.sampled_from(PROFILES)),
    st.sets(st.sampled_from([row.key for row in standard_keys()])),
)
def test_what_is_missing_is_a_difference_of_sets(missing, claimed, by_name):
    items = {key: item for key, item in complete().items() if key not in missing}
    claim = Claimed(profiles=frozenset(claimed))
    found = list(required(settings(items), claim, known={key.casefold() for key in by_name}))
    naive = [
        row
        for row in standard_keys()
        if row.required and (row.profile == "Core" or row.profile in claimed) and row.key in missing - by_name
    ]
    assert [fault.requirement for fault in found] == [
        "16.CONFIG.08" if row.profile == "Core" else "16.CONFIG.09" for row in naive
    ]
    unlisted = list(hidden(settings(items), known={key.casefold() for key in by_name}))
    assert len(unlisted) == len(
        [
            row
            for row in standard_keys()
            if row.key in missing & by_name and row.key != "AuthorizationKey" and not row.switches
        ]
    )


def test_no_more_is_required_than_the_documents_ask():
    assert {row.profile for row in due(Claimed(profiles=frozenset()))} == {"Core"}
    assert len(due(Claimed())) == 20
    assert not [row for row in due(EVERY) if row.profile in ("Reservation", "RemoteTrigger", "FirmwareManagement")]


# -- as defined -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", standard_keys(), ids=str)
@pytest.mark.parametrize("readonly", [True, False])
def test_accessibility(row, readonly):
    items = complete()
    items[row.key]["readonly"] = readonly
    right = {"R"} if readonly else {"RW", "W"}
    expected = [] if right & set(row.accessibility) else [("16.CONFIG.10", not row.unclear)]
    assert faults(items) == expected


def naive_value(row, value):
    """What is wrong with a value: None, "doubtful" or "wrong". Written without a look at the oracle."""
    naive = {"boolean": naive_boolean, "integer": naive_integer, "CSL": naive_list}
    return naive[row.type](row, value) if row.type in naive else None


def naive_boolean(_, value):
    if value in ("true", "false"):
        return None
    return "doubtful" if value.lower() in ("true", "false", "") else "wrong"


def naive_integer(row, value):
    digits = value.removeprefix("-")
    if not digits or not all(each in "0123456789" for each in digits):
        return "wrong" if value else "doubtful"
    below = row.min is not None and int(value) < row.min
    above = row.max is not None and int(value) > row.max
    return "wrong" if below or above or (row.values and value not in row.values) else None


def naive_list(row, value):
    items = [each.strip().lower() for each in value.split(",")]
    allowed = {each.lower() for each in row.values}
    if row.items == "measurand":
        allowed = {each.lower() for each in words().measurands}
        allowed |= {f"{each}.{phase}".lower() for each in words().measurands for phase in words().phases}
    if row.items == "phase-rotation":
        items = [re.sub(r"^[0-9]+\.", "", each) or "?" if re.match("[0-9]", each) else each and "?" for each in items]
        allowed = {each.lower() for each in words().rotations}
    return "wrong" if set(items) - allowed - {""} else None


_texts = (
    "true|TRUE|false|yes|1|0|-1|07|+1|60.0|1e3|| 5|٣|3|4|10001|A|FTP|Current,Power|Voltage|voltage.L1|None|SoC , RPM"
)
_rotations = "1.RST|2.rts,0.Unknown|RST|x.RST|1.|1.Nonsense"
_words = st.sampled_from([*_texts.split("|"), *_rotations.split("|")]) | st.text(max_size=5)


_OTHERWISE = ("SupportedFeatureProfiles", "NumberOfConnectors")
_plain = [row for row in standard_keys() if row.readable and not (row.limits or row.switches or row.key in _OTHERWISE)]


@given(st.sampled_from(_plain), _words)
def test_values(row, value):
    items = complete()
    items[row.key]["value"] = value
    verdict = naive_value(row, value)
    expected = [] if verdict is None else [("16.CONFIG.11", verdict == "wrong")]
    assert faults(items) == expected


def test_a_value_that_is_not_set_may_be_left_out():
    items = complete()
    for item in items.values():
        if item["key"] not in ("SupportedFeatureProfiles", "NumberOfConnectors"):
            item.pop("value", None)
    assert faults(items) == []


@pytest.mark.parametrize("limit", [row for row in standard_keys() if row.limits], ids=str)
def test_a_list_has_no_more_items_than_its_limit(limit):
    items = complete()
    items[limit.key]["value"] = "1"
    row = standard_key(limit.limits)
    items[row.key]["value"] = {"measurand": "SoC,RPM", "phase-rotation": "1.RST,2.RST"}.get(
        row.items, "Core,Reservation"
    )
    assert ("16.CONFIG.11", True) in faults(items)
    items[limit.key]["value"] = "2"
    assert ("16.CONFIG.11", True) not in faults(items)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [("K" * 50, "v" * 500, 0), ("K" * 51, "v", 1), ("Key", "v" * 501, 1), ("K" * 51, "v" * 501, 2)],
)
def test_sizes(key, value, expected):
    items = [*complete().values(), {"key": key, "value": value, "readonly": True}]
    assert faults(items) == [("16.CONFIG.12", True)] * expected


def test_a_key_is_there_once():
    items = [*complete().values(), {"key": "heartbeatinterval", "value": "1", "readonly": False}]
    assert faults(items) == [("16.CONFIG.18", True)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Core", 0),
        ("core, Reservation", 0),
        ("", 1),
        ("Reservation", 1),
        ("Core,Security", 1),
        ("SmartCharging,Nonsense", 2),
    ],
)
def test_profiles_are_of_those_defined_and_core_among_them(value, expected):
    items = complete()
    items["SupportedFeatureProfiles"]["value"] = value
    assert [each for each in faults(items) if each[0] == "16.CONFIG.16"] == [("16.CONFIG.16", True)] * expected


@pytest.mark.parametrize(
    ("value", "readonly", "expected"),
    [
        ("false", True, 0),
        ("False", True, 0),
        ("true", True, 1),
        ("false", False, 1),
        ("true", False, 2),
        (None, True, 0),
    ],
)
def test_fixed_cables_do_not_unlock(value, readonly, expected):
    item = {"key": "UnlockConnectorOnEVSideDisconnect", "readonly": readonly} | ({"value": value} if value else {})
    assert [fault.requirement for fault in fixed_cables(settings([item]))] == ["16.CONFIG.24"] * expected
    assert not list(fixed_cables(settings([])))


@pytest.mark.parametrize("row", [row for row in standard_keys() if row.switches], ids=str)
def test_switches_are_there_with_what_they_switch(row):
    items = complete()
    without = {key: item for key, item in items.items() if key != row.key}
    off = items | {row.key: items[row.key] | {"value": "false"}}
    unclaimed = Claimed(
        profiles=EVERY.profiles, features=dict(EVERY.features) | {row.switches: False}, connectors=EVERY.connectors
    )
    fixed = row.accessibility == ("R",)
    assert faults(without) == [("16.CONFIG.25", True)]
    assert faults(without, unclaimed) == []
    assert faults(off) == ([("16.CONFIG.25", True)] if fixed else [])
    assert faults(off, unclaimed) == ([] if fixed else [("16.CONFIG.25", False)])
    assert faults(items, unclaimed) == [("16.CONFIG.25", False)]


# -- secrets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "password", "certain"),
    [
        ("AuthorizationKey", None, PASSWORD, None),
        ("AuthorizationKey", "", PASSWORD, None),
        ("AuthorizationKey", "********************", PASSWORD, None),
        ("AuthorizationKey", "00000000000000000000", PASSWORD, None),
        ("AuthorizationKey", PASSWORD, PASSWORD, True),
        ("authorizationkey", PASSWORD.upper(), PASSWORD, True),
        ("AuthorizationKey", PASSWORD.encode().hex(), PASSWORD, True),
        ("AuthorizationKey", f"<{PASSWORD.encode().hex().upper()}>", PASSWORD, True),
        ("AuthorizationKey", "4F43415F4F4354545F61646D696E5F74657374", None, False),
        ("AuthorizationKey", "****************", None, None),
        ("AuthorizationKey", "<this can only be written>", None, None),
        ("AuthorizationKey", "set", None, None),
        ("BackupKey", PASSWORD.encode().hex(), PASSWORD, True),
        ("BackupKey", "anything at all of some length", PASSWORD, None),
        ("BackupKey", "4F43415F4F4354545F61646D696E5F74657374", None, None),
    ],
)
def test_the_password_is_not_told(key, value, password, certain):
    item = {"key": key, "readonly": False} | ({} if value is None else {"value": value})
    found = list(told_secrets(settings([item]), password))
    assert {fault.requirement for fault in found} == (set() if certain is None else {"16.CONFIG.15", "16S.KEY.01"})
    assert {fault.certain for fault in found} == (set() if certain is None else {certain})


@given(st.text(min_size=16, max_size=40).map("§{}".format))  # no name of a key, which a message may hold
def test_no_message_holds_a_secret(password):
    items = [
        {"key": key, "readonly": False, "value": form}
        for key in ("AuthorizationKey", "Vendor")
        for form in (password, password.encode("utf-8", "surrogatepass").hex())
    ]
    for item in items:
        found = settings([item])
        texts = [fault.text for fault in (*told_secrets(found, password), *judge(found, EVERY))]
        assert texts
        assert not [text for text in texts if item["value"] in text]


@pytest.mark.parametrize(
    ("value", "tls", "password", "certain"),
    [
        ("0", False, False, None),
        ("0", False, True, False),
        ("1", False, True, None),
        ("1", False, False, True),
        ("2", False, True, True),
        ("2", True, True, None),
        ("3", True, False, None),
        ("3", True, True, True),
        ("9", False, False, None),
        ("none", False, False, None),
    ],
)
def test_the_security_profile_is_the_one_in_use(value, tls, password, certain):
    items = [{"key": "SecurityProfile", "value": value, "readonly": False}]
    found = list(security_profile(settings(items), tls=tls, password=password))
    assert [(fault.requirement, fault.certain) for fault in found] == (
        [] if certain is None else [("16S.KEY.02", certain)]
    )


@pytest.mark.parametrize(
    ("claimed", "known", "missing"),
    [
        ((), (), 0),
        ((1,), (), 1),
        ((2,), (), 2),
        ((3,), (), 1),
        ((1, 2), ("authorizationkey",), 1),
        ((1,), ("authorizationkey",), 0),
    ],
)
def test_security_profiles_have_keys(claimed, known, missing):
    found = list(security_keys(known, Claimed(security_profiles=frozenset(claimed))))
    assert [(fault.requirement, fault.certain) for fault in found] == [("16S.KEY.03", False)] * missing


# -- against what else it says ----------------------------------------------------------------------------------------


@given(st.integers(0, 5), st.sets(st.integers(0, 6)))
def test_connectors_are_counted_and_numbered(stated, reported):
    items = [{"key": "NumberOfConnectors", "value": str(stated), "readonly": True}]
    found = [fault.requirement for fault in connectors(settings(items), reported)]
    real = sorted(reported - {0})
    assert ("16.CONFIG.17" in found) == (len(real) != stated)
    assert ("16.STATUS.17" in found) == (bool(real) and (max(real) > stated or max(real) != len(real)))
    assert not list(connectors(settings([]), reported))


_KEYS = ("A", "B", "C", "D")
_pick = st.sets(st.sampled_from(_KEYS))


@given(names=st.lists(st.sampled_from(_KEYS), max_size=4), has=_pick, shown=_pick, unknown=_pick, bare=_pick)
def test_an_answer_is_about_what_was_asked(names, has, shown, unknown, bare):
    listed = settings([{"key": each, "value": "1", "readonly": True} for each in sorted(has)])
    answer = read(
        {
            "configurationKey": [
                {"key": each.lower(), "readonly": True} | ({} if each in bare else {"value": "1"})
                for each in sorted(shown)
            ],
            "unknownKey": sorted(unknown),
        }
    )
    found = {fault.requirement for fault in asked(names, answer, listed)}
    wanted = set(names)
    lost = wanted & has - shown
    assert ("16.CONFIG.02" in found) == bool(lost or wanted & shown & has & bare)
    assert ("16.CONFIG.03" in found) == bool(wanted - has - shown - unknown)
    assert ("16.CONFIG.04" in found) == bool((shown | unknown) - wanted or wanted & shown & unknown)


def test_a_setting_says_whether_it_is_read_only():
    answer = read({"configurationKey": [{"key": "A", "value": "1"}]})
    listed = settings([{"key": "A", "value": "1", "readonly": True}])
    assert [fault.requirement for fault in asked(["A"], answer, listed)] == ["16.CONFIG.02"]


_values = st.dictionaries(
    st.sampled_from(("A", "B", "HeartbeatInterval")), st.sampled_from(("1", "2", "", None)), max_size=3
)


@given(_values, _values)
def test_two_readings_differ_where_their_values_do(first, second):
    def listed(values):
        return settings(
            [
                {"key": key, "readonly": False} | ({} if value is None else {"value": value})
                for key, value in values.items()
            ]
        )

    common = first.keys() & second.keys() - {"HeartbeatInterval"}
    assert set(differ(listed(first), listed(second))) == {
        key.lower() for key in common if (first[key] or "") != (second[key] or "")
    }
    assert len(lacking(listed(first), listed(second), "the other")) == len(first.keys() - second.keys())


def test_a_mark_that_changes_is_a_difference():
    first, second = (settings([{"key": "A", "value": "1", "readonly": mark}]) for mark in (True, False))
    assert differ(first, second) == ["a"]


def test_what_a_vendor_counts_may_move():
    items = [
        {"key": "Uptime", "value": "1", "readonly": True},
        {"key": "Greeting", "value": "Hello", "readonly": False},
        {"key": "NumberOfConnectors", "value": "1", "readonly": True},
        {"key": "HeartbeatInterval", "value": "1", "readonly": False},
    ]
    assert [each.key for each in lasting(settings(items))] == ["Greeting", "NumberOfConnectors"]


# -- claims -----------------------------------------------------------------------------------------------------------


@given(st.sets(st.sampled_from(PROFILES)), st.sets(st.sampled_from(PROFILES)), st.integers(0, 3), st.integers(1, 3))
def test_claims_are_compared_as_sets_are(named, claimed, stated, connectors_):
    items = [
        {"key": "SupportedFeatureProfiles", "value": ", ".join(sorted(named)).upper(), "readonly": True},
        {"key": "NumberOfConnectors", "value": str(stated), "readonly": True},
    ]
    claim = Claimed(profiles=frozenset(claimed), connectors=connectors_)
    found = [fault.requirement for fault in against_claims(settings(items), claim)]
    assert found.count("16.CLAIM.FEATURE.01") == len(claimed - named)
    assert found.count("16.CLAIM.FEATURE.02") == len(named - claimed - {"Core"})
    assert found.count("16.CLAIM.CONNECTOR.01") == (stated != connectors_)


def test_a_list_without_the_keys_shows_nothing_that_was_claimed():
    found = [fault.requirement for fault in against_claims(settings([]), Claimed())]
    assert found == ["16.CLAIM.CONNECTOR.01", "16.CLAIM.FEATURE.01"]


# -- the catalogue ----------------------------------------------------------------------------------------------------


def test_keys_belong_to_profiles_and_features_that_there_are():
    known = features("1.6").of("station")
    profiles = {row.official for row in known.values() if row.kind == "profile"}
    assert set(PROFILES) <= profiles
    for row in standard_keys():
        assert row.profile in profiles, row
        assert not row.switches or (row.switches in known and row.type == "boolean" and not row.required), row
        assert not row.limits or standard_key(row.limits).type == "CSL", row
        assert (row.type == "CSL") == bool(row.values or row.items) or row.type == "integer", row


def test_every_requirement_judged_is_in_the_catalogue():
    numbers = [f"16.CONFIG.{number:02}" for number in (1, 2, 3, 4, 8, 9, 10, 11, 12, 15, 16, 17, 18, 24, 25)]
    others = ["16.STATUS.17", "16.CLAIM.CONNECTOR.01", "16.CLAIM.FEATURE.01", "16.CLAIM.FEATURE.02"]
    for each in [*numbers, *others, "16S.KEY.01", "16S.KEY.02", "16S.KEY.03"]:
        assert each in catalogue("1.6")
