"""Changing settings, many at once, and putting all of them back: over made-up stations, large, small and rude."""

import json
from types import SimpleNamespace

import pytest

from conformance.cases.tried import Fate
from conformance.files import data
from conformance.oracles.device_model import read
from conformance.peers import ledger as books
from conformance.peers import lifecycle
from conformance.peers.ledger import Ledger16, Ledger201, late_settings, safety_of
from conformance.peers.lifecycle import book, change_all, rounds
from conformance.peers.received import NotSeen, Refused
from conformance.sut.profile import load_profile

PROFILE = load_profile(data("fixtures/profiles/reference-station.toml"))
SECONDS = {"dataType": "integer", "minLimit": 0, "maxLimit": 86400}
SAFE = ("TxCtrlr", "EVConnectionTimeOut")


class _Refused(Refused):
    """A CALLERROR without a wire."""

    def __init__(self, code):
        AssertionError.__init__(self, code)
        self.code = code


def item(component, name, value, mutability="ReadWrite", instance=None, **characteristics):
    variable = {"name": name} | ({"instance": instance} if instance else {})
    return {
        "component": {"name": component},
        "variable": variable,
        "variableAttribute": [{"value": value, "mutability": mutability, "persistent": True}],
        "variableCharacteristics": {"dataType": "string"} | characteristics,
    }


class Station201:
    """Answers what a CSMS asks, from a book of variables; `quirk` may answer for one item."""

    link = None

    def __init__(self, items, quirk=None):
        self.items = {self._key(each): each for each in items}
        self.values = {key: each["variableAttribute"][0].get("value") for key, each in self.items.items()}
        self.sizes = []
        self.quirk = quirk

    @staticmethod
    def _key(each):
        return each["component"]["name"], each["variable"]["name"], each["variable"].get("instance")

    async def connected(self, **_):
        return None

    def model(self):
        for key, each in self.items.items():
            each["variableAttribute"][0]["value"] = self.values[key]
        return read(self.items.values())

    async def call(self, action, payload):
        wanted = payload["getVariableData" if action == "GetVariables" else "setVariableData"]
        self.sizes.append((action, len(wanted), len(json.dumps(payload))))
        if action == "GetVariables":
            results = [
                self._named(each) | {"attributeStatus": "Accepted", "attributeValue": self.values[self._key(each)]}
                for each in wanted
            ]
            return {"getVariableResult": results}
        return {"setVariableResult": [self._named(each) | {"attributeStatus": self._set(each)} for each in wanted]}

    def _named(self, each):
        return {"component": each["component"], "variable": each["variable"]}

    def _set(self, each):
        key, value = self._key(each), each["attributeValue"]
        answer = self.quirk(self, key, value) if self.quirk else None
        if answer is None:
            self.values[key] = value
            return "Accepted"
        return answer


@pytest.fixture(autouse=True)
def reports(monkeypatch):
    """Give the inventory of a made-up station without a wire."""

    async def fetch(csms, base, *, pause):
        return SimpleNamespace(model=csms.model())

    monkeypatch.setattr(books, "fetch", fetch)


def limits(items=5, size=16_000):
    for action in ("GetVariables", "SetVariables"):
        yield item("DeviceDataCtrlr", "ItemsPerMessage", str(items), "ReadOnly", action, dataType="integer")
        yield item("DeviceDataCtrlr", "BytesPerMessage", str(size), "ReadOnly", action, dataType="integer")


def one(quirk=None):
    return Station201([*limits(), item(*SAFE, "60", **SECONDS)], quirk)


async def test_two_hundred_variables_go_in_few_requests():
    many = [item("Halfmoon", f"Knob{number}", "1", **SECONDS) for number in range(200)]
    station = Station201([*limits(items=20), *many])
    settings = Ledger201(station, 0)
    entries = [each for each in await settings.entries() if each.name.startswith("Halfmoon")]
    answers = await settings.write(dict.fromkeys(entries, "2"))
    assert set(answers.values()) == {"Accepted"}
    assert len(await settings.read(entries)) == 200
    assert [number for action, number, _ in station.sizes if action == "SetVariables"] == [20] * 10
    assert len(station.sizes) == 20


async def test_no_request_is_longer_than_the_station_takes():
    many = [item("Halfmoon", f"Knob{number}", "1") for number in range(20)]
    station = Station201([*limits(items=20, size=1500), *many])
    settings = Ledger201(station, 0)
    entries = [each for each in await settings.entries() if each.name.startswith("Halfmoon")]
    await settings.write(dict.fromkeys(entries, "x" * 300))
    assert all(size <= 1500 for action, _, size in station.sizes if action == "SetVariables")


async def test_a_request_refused_as_a_whole_is_sent_again_one_by_one():
    def rude(station, key, _):
        if key[1] == "Knob3":
            raise _Refused("InternalError")

    many = [item("Halfmoon", f"Knob{number}", "1") for number in range(5)]
    station = Station201([*limits(), *many], rude)
    settings = Ledger201(station, 0)
    entries = [each for each in await settings.entries() if each.name.startswith("Halfmoon")]
    answers = await settings.write(dict.fromkeys(entries, "2"))
    assert answers["halfmoon.knob3"] == "InternalError"
    assert list(answers.values()).count("Accepted") == 4
    assert await settings.write({entries[3]: "2"}) == {"halfmoon.knob3": "InternalError"}


async def test_what_is_changed_is_put_back():
    station = one()
    async with book(station, PROFILE, SimpleNamespace(tried=[])) as opened:
        changes, untrue, stuck = await change_all(opened)
        assert (untrue, stuck) == ([], [])
        assert [(each.value, each.answer, each.fate) for each in changes] == [("120", "Accepted", None)]
        assert station.values[*SAFE, None] == "120"
    assert station.values[*SAFE, None] == "60"


async def test_also_where_the_case_breaks():
    station = one()

    async def case():
        async with book(station, PROFILE, SimpleNamespace(tried=[])) as opened:
            await change_all(opened)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await case()
    assert station.values[*SAFE, None] == "60"


async def test_also_what_was_refused_and_taken_all_the_same():
    def sly(station, key, value):
        station.values[key] = value
        return "Rejected" if value == "120" else None

    station = one(sly)
    async with book(station, PROFILE, SimpleNamespace(tried=[])) as opened:
        changes, untrue, _ = await change_all(opened)
        assert changes[0].fate is Fate.UNTRUE
        assert "was 60, 120 was answered Rejected, and it reads 120" in untrue[0]
    assert station.values[*SAFE, None] == "60"


async def test_a_value_that_is_refused_is_followed_by_another():
    station = one(lambda _, __, value: None if value in ("61", "60") else "Rejected")
    async with book(station, PROFILE, SimpleNamespace(tried=[])) as opened:
        changes, _, stuck = await change_all(opened)
        assert (changes[0].value, stuck) == ("61", [])


async def test_one_that_takes_no_value_is_told():
    async with book(one(lambda *_: "Rejected"), PROFILE, SimpleNamespace(tried=[])) as opened:
        changes, untrue, stuck = await change_all(opened)
        assert untrue == []
        assert changes[0].fate is Fate.STUCK
        assert "takes no other value" in stuck[0]


async def test_one_that_is_accepted_and_not_made_is_told():
    async with book(one(lambda *_: "Accepted"), PROFILE, SimpleNamespace(tried=[])) as opened:
        _, untrue, stuck = await change_all(opened)
        assert stuck == []
        assert "120, which was Accepted, and reads 60" in untrue[0]


async def test_what_waits_for_a_restart_is_put_back_whatever_it_reads():
    asked = []

    def late(_, __, value):
        asked.append(value)
        return "RebootRequired"

    async with book(one(late), PROFILE, SimpleNamespace(tried=[])) as opened:
        changes, untrue, stuck = await change_all(opened)
        assert (changes[0].answer, untrue, stuck) == ("RebootRequired", [], [])
        answers, wrong = await opened.restore()
        assert (list(answers.values()), wrong) == (["RebootRequired"], {})
    assert asked[:2] == ["120", "60"]


async def test_what_can_not_be_put_back_is_told():
    station = one(lambda _, __, value: "Rejected" if value == "60" else None)
    async with book(station, PROFILE, SimpleNamespace(tried=[])) as opened:
        await change_all(opened)
        answers, wrong = await opened.restore()
        assert list(answers.values()) == ["Rejected"]
        assert list(wrong.values()) == ["120"]


async def test_what_a_case_leaves_changed_is_in_the_report():
    noted = SimpleNamespace(tried=[])
    async with book(one(lambda _, __, value: "Rejected" if value == "60" else None), PROFILE, noted) as opened:
        await change_all(opened)
    (told,) = noted.tried
    assert (told.name, told.fate, told.was) == ("TxCtrlr.EVConnectionTimeOut", Fate.NOT_BACK, "60")
    assert told.why == "it could not be put back, and reads 120"


async def test_also_where_the_connection_is_gone():
    async def gone(**_):
        raise NotSeen("no connection came")

    noted, station = SimpleNamespace(tried=[]), one()
    async with book(station, PROFILE, noted) as opened:
        await change_all(opened)
        station.connected = gone
    assert [each.why for each in noted.tried] == ["it may not have been put back: no connection came"]


async def test_why_a_setting_is_left_alone():
    station = Station201(
        [
            *limits(),
            item("SecurityCtrlr", "OrganizationName", "Halfmoon"),
            item("Halfmoon", "Glow", "on"),
            item("TxCtrlr", "EVConnectionTimeOut", "99999", **SECONDS),
            item("TxCtrlr", "StopTxOnInvalidId", "true", dataType=""),
            item("OCPPCommCtrlr", "ResetRetries", "1", "WriteOnly", **SECONDS),
        ]
    )
    async with book(station, PROFILE, SimpleNamespace(tried=[])) as opened:
        assert opened.chosen == []
        assert opened.left == {
            "SecurityCtrlr.OrganizationName": "it is about keys, certificates and who the station is",
            "Halfmoon.Glow": "nobody says that it can be changed without harm",
            "TxCtrlr.EVConnectionTimeOut": "it is 99999, which by its own characteristics can't be put back",
            "TxCtrlr.StopTxOnInvalidId": "it does not say what it is",
            "OCPPCommCtrlr.ResetRetries": "it can't be read, so nobody could put it back",
        }


async def test_only_what_is_named_is_changed():
    station = Station201(
        [*limits(), item(*SAFE, "60", **SECONDS), item("OCPPCommCtrlr", "ResetRetries", "1", **SECONDS)]
    )
    async with book(station, PROFILE, SimpleNamespace(tried=[]), only=["TxCtrlr.EVConnectionTimeOut"]) as opened:
        assert [str(each.entry) for each in opened.chosen] == ["TxCtrlr.EVConnectionTimeOut"]


def test_rounds_take_one_of_each():
    assert list(rounds({"a": [1, 2], "b": [], "c": [3]})) == [{"a": 1, "c": 3}, {"a": 2}]
    assert list(rounds({})) == []


# -- 1.6 --------------------------------------------------------------------------------------------------------------


class Station16:
    """Answers what a central system asks, from a book of keys."""

    link = None

    def __init__(self, **values):
        self.values = values

    async def call(self, action, payload):
        if action == "GetConfiguration":
            names = payload.get("key") or list(self.values)
            return {
                "configurationKey": [{"key": each, "readonly": False, "value": self.values[each]} for each in names]
            }
        if payload["key"] == "Gone":
            raise _Refused("NotImplemented")
        self.values[payload["key"]] = payload["value"]
        return {"status": "Accepted"}

    async def connected(self, **_):
        return None


async def test_keys_are_described_by_the_documents():
    station = Station16(MeterValueSampleInterval="60", StopTxnSampledData="Voltage", HalfmoonGlow="on", Gone="1")
    settings = Ledger16(station)
    found = {each.name: each for each in await settings.entries()}
    assert found["MeterValueSampleInterval"].kind.minimum == 0
    assert found["StopTxnSampledData"].kind.values == ("Energy.Active.Import.Register", "Voltage")
    assert found["HalfmoonGlow"].kind.type == "string"
    assert await settings.write({found["Gone"]: "2"}) == {"gone": "NotImplemented"}
    assert (await settings.shown())["halfmoonglow"] == "on"


async def test_keys_are_changed_and_put_back():
    station = Station16(MeterValueSampleInterval="60", LocalPreAuthorize="false", AuthorizationKey="")
    async with book(station, PROFILE.in_version("1.6"), SimpleNamespace(tried=[])) as opened:
        _, untrue, stuck = await change_all(opened)
        assert (untrue, stuck) == ([], [])
        assert station.values == {
            "MeterValueSampleInterval": "90",
            "LocalPreAuthorize": "true",
            "AuthorizationKey": "",
        }
    assert station.values["MeterValueSampleInterval"] == "60"
    assert station.values["LocalPreAuthorize"] == "false"


def test_what_the_profile_says_counts_in_its_version():
    assert late_settings(PROFILE) == ["HalfmoonDisplay.Language"]
    assert late_settings(PROFILE.in_version("1.6")) == ["HalfmoonTimeZone"]
    assert not isinstance(safety_of(PROFILE).of("HalfmoonDisplay.Language"), str)
    assert isinstance(safety_of(PROFILE.in_version("1.6")).of("HalfmoonDisplay.Language"), str)


def test_long_values_are_cut_in_words():
    assert lifecycle.shown("x" * 80) == "x" * 60 + "…"
    assert lifecycle.shown("") == "nothing"
