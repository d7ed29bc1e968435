"""What a station is left with after the harness has changed it, in any order, and was refused or lied to."""

# ruff: noqa: N802 -- the handlers are called as their actions are

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.peers import changes
from conformance.peers.changes import PASSWORD
from conformance.peers.journal import Change, Journal
from conformance.peers.keeper import Keeper
from conformance.peers.received import NoAnswer, Received, Refused
from conformance.pki import Pki
from conformance.sut.secret import Secret
from conformance.wire.certificates import hash_data
from conformance.wire.frames import CallError, CallResult

OWN = "the-password-of-its-own"


class Station:
    """A station that does what it is told, or not, and the harness's end that asks it."""

    def __init__(self, version: str = "2.0.1", journal: Journal | None = None) -> None:
        self.values = {"A": "1", "B": "2", "Fixed": "9"}
        self.later: dict[str, str] = {}
        self.profiles: dict[int, dict[str, Any]] = {}
        self.available, self.list, self.list_version = {"operational"}, set[str](), 0
        self.monitors: dict[int, dict[str, Any]] = {}
        self.level, self.base = 9, "All"
        self.priority, self.password = "1", OWN
        self.roots: dict[str, list[str]] = {}
        self.manner = "Accepted"
        self.log: list[tuple[str, Any]] = []
        self.link: Any = SimpleNamespace(is_open=True, version=SimpleNamespace(name=version))
        self.case, self.now = "TC_X", 0
        self.patience = SimpleNamespace(answer=0.1)
        self.keeper = Keeper(self, journal, Secret(OWN))  # type: ignore[arg-type]

    async def attempt(self, action: str, payload: Mapping[str, Any]) -> Any:
        fresh = await self.keeper.before(action, payload)
        self.log.append((action, payload))
        entry = SimpleNamespace(frame=self._answer(action, dict(payload)), n=0)
        if entry.frame is None:
            raise NoAnswer("no answer")
        self.keeper.after(action, payload, entry, fresh)  # type: ignore[arg-type]
        return entry

    async def call(self, action: str, payload: Mapping[str, Any]) -> Received:
        entry = await self.attempt(action, payload)
        if isinstance(entry.frame, CallError):
            raise Refused(action, entry)
        return Received(entry.frame.payload, entry, "the answer")

    async def expect(self, action: str, **_: object) -> Any:
        if action == "NotifyMonitoringReport":
            told = [item("A") | {"variableMonitoring": [each | {"id": id_}]} for id_, each in self.monitors.items()]
            return Received({"monitor": told, "tbc": False}, SimpleNamespace(n=0), action)  # type: ignore[arg-type]
        there = list(self.profiles.values())
        part = {"evseId": 1, "chargingProfile": there, "tbc": False}
        return Received(part, SimpleNamespace(n=0), action)  # type: ignore[arg-type]

    async def write(self, name: str, value: str, manner: str = "Accepted") -> None:
        self.manner = manner
        with suppress(NoAnswer):
            await self.attempt("SetVariables", {"setVariableData": [item(name) | {"attributeValue": value}]})
        self.manner = "Accepted"

    def reboot(self) -> None:
        self.values |= self.later
        self.later.clear()

    async def restore(self) -> None:
        await self.keeper.restore(within=5, again=True)

    def _answer(self, action: str, asked: dict[str, Any]) -> Any:
        if self.manner == "silent" and action == "SetVariables":
            return None
        if self.manner == "CALLERROR" and action == "SetVariables":
            return CallError("1", "InternalError", "", {}, "")
        return CallResult("1", getattr(self, f"on_{action}")(asked), "")

    def on_GetVariables(self, asked: Any) -> Any:
        def result(each: Any) -> Any:
            name = each["variable"]["name"]
            if name == "NetworkConfigurationPriority":
                return each | {"attributeStatus": "Accepted", "attributeValue": self.priority}
            if name == "Hidden":
                return each | {"attributeStatus": "Rejected"}
            if name not in self.values:
                return each | {"attributeStatus": "UnknownVariable"}
            return each | {"attributeStatus": "Accepted", "attributeValue": self.values[name]}

        return {"getVariableResult": [result(each) for each in asked["getVariableData"]]}

    def on_SetVariables(self, asked: Any) -> Any:
        return {"setVariableResult": [self._set(each) for each in asked["setVariableData"]]}

    def _set(self, each: Any) -> Any:
        name, value = each["variable"]["name"], each["attributeValue"]
        if name == "Fixed":
            return each | {"attributeStatus": "Rejected"}
        if name == "BasicAuthPassword" and self.manner == "Accepted":
            self.password = value
        elif self.manner in ("Accepted", "lies"):
            self.values[name] = value
        elif self.manner == "RebootRequired":
            self.later[name] = value
        if self.manner == "Accepted":
            self.later.pop(name, None)
        return each | {"attributeStatus": "Rejected" if self.manner == "lies" else self.manner}

    def on_GetConfiguration(self, asked: Any) -> Any:
        known = [
            {"key": key, "readonly": key == "Fixed", "value": self.values[key]}
            for key in asked["key"]
            if key in self.values
        ]
        return {"configurationKey": known, "unknownKey": [key for key in asked["key"] if key not in self.values]}

    def on_ChangeConfiguration(self, asked: Any) -> Any:
        if asked["key"] not in self.values:
            return {"status": "NotSupported"}
        self.values[asked["key"]] = asked["value"]
        return {"status": "Accepted"}

    def on_GetChargingProfiles(self, asked: Any) -> Any:
        purpose = asked["chargingProfile"]["chargingProfilePurpose"]
        there = [each for each in self.profiles.values() if each["chargingProfilePurpose"] == purpose]
        return {"status": "Accepted" if there else "NoProfiles"}

    def on_SetChargingProfile(self, asked: Any) -> Any:
        profile = asked["chargingProfile"]
        self.profiles[profile["id"]] = profile
        return {"status": self.manner}

    def on_ClearChargingProfile(self, asked: Any) -> Any:
        if (id_ := asked.get("chargingProfileId")) is not None:
            return {"status": "Accepted" if self.profiles.pop(id_, None) else "Unknown"}
        self.profiles.clear()
        return {"status": "Accepted"}

    def on_ChangeAvailability(self, asked: Any) -> Any:
        if self.manner == "Accepted":
            self.available = {asked.get("operationalStatus", asked.get("type"))}
        return {"status": self.manner}

    def on_GetLocalListVersion(self, _: Any) -> Any:
        return {"versionNumber": self.list_version}

    def on_SendLocalList(self, asked: Any) -> Any:
        if asked["updateType"] == "Full":
            self.list.clear()
        for each in asked.get("localAuthorizationList", []):
            (self.list.add if "idTokenInfo" in each else self.list.discard)(each["idToken"]["idToken"])
        self.list_version = asked["versionNumber"]
        return {"status": "Accepted"}

    def on_GetMonitoringReport(self, _: Any) -> Any:
        return {"status": "Accepted" if self.monitors else "EmptyResultSet"}

    def on_SetVariableMonitoring(self, asked: Any) -> Any:
        [data] = asked["setMonitoringData"]
        if self.manner != "Accepted":
            return {"setMonitoringResult": [{"status": self.manner}]}
        id_ = data.get("id", max(self.monitors, default=0) + 1)
        self.monitors[id_] = {name: data[name] for name in ("type", "value", "severity", "transaction")}
        return {"setMonitoringResult": [{"status": "Accepted", "id": id_}]}

    def on_ClearVariableMonitoring(self, asked: Any) -> Any:
        def cleared(id_: int) -> str:
            return "Accepted" if self.monitors.pop(id_, None) else "NotFound"

        return {"clearMonitoringResult": [{"id": id_, "status": cleared(id_)} for id_ in asked["id"]]}

    def on_SetMonitoringBase(self, asked: Any) -> Any:
        self.base = asked["monitoringBase"]
        if self.base != "All":
            self.monitors.clear()
        return {"status": "Accepted"}

    def on_SetMonitoringLevel(self, asked: Any) -> Any:
        self.level = asked["severity"]
        return {"status": self.manner}

    def on_GetInstalledCertificateIds(self, asked: Any) -> Any:
        wanted = asked.get("certificateType", [*self.roots])
        if isinstance(wanted, str):
            return {"certificateHashData": [hash_data(pem, None, "SHA512") for pem in self.roots.get(wanted, [])]}
        there = [(use, pem) for use in wanted for pem in self.roots.get(use, [])]
        told = [{"certificateType": use, "certificateHashData": hash_data(pem, None, "SHA384")} for use, pem in there]
        return {"status": "Accepted" if told else "NotFound", "certificateHashDataChain": told}

    def on_InstallCertificate(self, asked: Any) -> Any:
        if self.manner == "Accepted":
            self.roots.setdefault(asked["certificateType"], []).append(asked["certificate"])
        return {"status": self.manner}

    def on_DeleteCertificate(self, asked: Any) -> Any:
        meant = asked["certificateHashData"]
        for there in self.roots.values():
            for pem in there:
                if hash_data(pem, None, meant["hashAlgorithm"]) == meant:
                    there.remove(pem)
                    return {"status": "Accepted"}
        return {"status": "NotFound"}

    def on_CertificateSigned(self, _: Any) -> Any:
        return {"status": self.manner}

    def on_SetNetworkProfile(self, _: Any) -> Any:
        return {"status": self.manner}


def item(name: str) -> dict[str, Any]:
    return {"component": {"name": "AcmeCtrlr"}, "variable": {"name": name}}


def profile(id_: int, level: int = 0) -> dict[str, Any]:
    body = {
        "id": id_,
        "stackLevel": level,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
    }
    return {"evseId": 1, "chargingProfile": body}


MANNERS = st.sampled_from(["Accepted", "Rejected", "lies", "RebootRequired", "silent", "CALLERROR"])


@given(st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from("123"), MANNERS, st.booleans())))
def test_every_value_is_back(steps: list[tuple[str, str, str, bool]]) -> None:
    async def played() -> Station:
        station = Station()
        for name, value, manner, reboots in steps:
            await station.write(name, value, manner)
            if reboots:
                station.reboot()
        await station.restore()
        station.reboot()
        return station

    station = asyncio.run(played())
    assert station.values == {"A": "1", "B": "2", "Fixed": "9"}
    assert list(station.keeper.journal) == []


async def test_what_is_back_already_is_not_written_again() -> None:
    station = Station()
    await station.write("A", "5")
    assert [each.what for each in station.keeper.journal] == ["variable AcmeCtrlr.A"]
    await station.write("A", "1")
    assert list(station.keeper.journal) == []
    before = len(station.log)
    await station.restore()
    assert len(station.log) == before


async def test_what_is_not_there_or_refused_leaves_nothing() -> None:
    station = Station()
    await station.write("Unheard", "5", "Rejected")
    await station.write("Hidden", "5", "Rejected")
    assert list(station.keeper.journal) == []
    await station.write("Fixed", "5")
    station.values["Fixed"] = "10"  # by itself
    await station.restore()
    assert list(station.keeper.journal) == []


async def test_what_could_not_be_read_is_named() -> None:
    station = Station()
    await station.write("Hidden", "5")
    await station.restore()
    [(what, why)] = station.keeper.left().items()
    assert what.startswith("variable AcmeCtrlr.Hidden, changed by TC_X at ")
    assert "can't be read" in why


async def test_keys() -> None:
    station = Station("1.6")
    for key in ("A", "Fixed", "Unheard"):
        await station.attempt("ChangeConfiguration", {"key": key, "value": "5"})
    assert [each.what for each in station.keeper.journal] == ["key A"]
    await station.restore()
    assert (station.values["A"], list(station.keeper.journal)) == ("1", [])


async def test_charging_profiles() -> None:
    station = Station()
    theirs = profile(1)
    station.profiles[1] = theirs["chargingProfile"]
    await station.attempt("SetChargingProfile", profile(2))
    await station.attempt("SetChargingProfile", profile(3, level=1))
    await station.attempt(
        "ClearChargingProfile", {"chargingProfileCriteria": {"chargingProfilePurpose": "TxDefaultProfile"}}
    )
    assert [each.what for each in station.keeper.journal] == ["charging profile 1, which was there before"]
    await station.attempt("SetChargingProfile", profile(4))
    await station.restore()
    assert station.profiles == {1: theirs["chargingProfile"]}
    assert list(station.keeper.journal) == []


def monitor(value: float, **more: Any) -> dict[str, Any]:
    kind = {"type": "UpperThreshold", "value": value, "severity": 5, "transaction": False}
    return {"setMonitoringData": [item("A") | kind | more]}


async def test_monitors(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    station = Station(journal=Journal(path))
    theirs = {name: monitor(7)["setMonitoringData"][0][name] for name in ("type", "value", "severity", "transaction")}
    station.monitors = {4: theirs, 5: theirs | {"value": 8}}
    await station.attempt("SetVariableMonitoring", monitor(1))
    await station.attempt("SetVariableMonitoring", monitor(2))
    await station.attempt("ClearVariableMonitoring", {"id": [7]})
    await station.attempt("SetVariableMonitoring", monitor(3, id=5))
    assert [each.what for each in station.keeper.journal] == ["monitor 6", "monitor 5, which was there before"]
    station.manner = "Rejected"
    await station.attempt("SetVariableMonitoring", monitor(4))
    await station.attempt("SetVariableMonitoring", monitor(4, id=4))
    station.manner = "Accepted"
    await station.attempt("SetMonitoringLevel", {"severity": 3})
    await station.attempt("SetMonitoringBase", {"monitoringBase": "HardWiredOnly"})
    station.keeper = Keeper(station, Journal(path))  # type: ignore[arg-type]
    await station.restore()
    assert station.keeper.left() == {}
    assert sorted(each["value"] for each in station.monitors.values()) == [7, 8]
    assert (station.level, station.base) == (9, "All")
    before = len(station.log)
    await station.restore()
    assert len(station.log) == before


async def test_by_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    station = Station(journal=Journal(path))
    station.profiles[1] = profile(1)["chargingProfile"]
    await station.write("A", "5")
    await station.attempt("SetChargingProfile", profile(1, level=3))
    await station.attempt(
        "ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1, "connectorId": 2}}
    )
    token = {"idToken": {"idToken": "T", "type": "Central"}, "idTokenInfo": {"status": "Accepted"}}
    await station.attempt(
        "SendLocalList", {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": [token]}
    )
    await station.attempt("SetNetworkProfile", {"configurationSlot": 2, "connectionData": {}})
    await station.write("BasicAuthPassword", "quite-another-secret")
    assert b"quite-another" not in path.read_bytes()
    station.keeper = Keeper(station, Journal(path), Secret(OWN))  # type: ignore[arg-type]
    assert [station.keeper.admits(each) for each in ("quite-another-secret", OWN)] == [True, False]
    await station.restore()
    assert station.keeper.left() == {}
    assert (station.values["A"], station.profiles) == ("1", {1: profile(1)["chargingProfile"]})
    assert (station.available, station.list, station.list_version) == ({"Operative"}, set(), 2)
    assert (station.password, station.keeper.admits("quite-another-secret")) == (OWN, False)


async def test_a_slot_in_use_and_a_full_list_are_named() -> None:
    station = Station()
    station.list_version = 7
    await station.attempt("SendLocalList", {"versionNumber": 8, "updateType": "Full"})
    for url in ("ws://me:pass@away/", "ws://home/"):
        await station.attempt("SetNetworkProfile", {"configurationSlot": 1, "connectionData": {"ocppCsmsUrl": url}})
    assert "me:pass" not in str(list(station.keeper.journal))
    await station.restore()
    assert [each.what for each in station.keeper.journal] == ["the local list", "network profile slot 1"]
    assert "(leads to ws://home/)" in list(station.keeper.left())[1]
    assert "connects by it" in list(station.keeper.left().values())[1]


@pytest.mark.parametrize("action", sorted(changes.RULES))
@pytest.mark.parametrize(
    "payload", [{}, {"setVariableData": 1}, {"setVariableData": [3, {"component": 1}]}, {"key": 3}]
)
def test_broken_requests_and_answers_change_nothing(action: str, payload: dict[str, Any]) -> None:
    memory = changes.Memory(list_version=0)
    rule = changes.RULES[action]
    assert rule.ask(action, payload, memory) == []
    assert list(rule.replaced(action, payload, memory)) == []
    for answer in ({}, {"status": 1}, {"setVariableResult": [None]}):
        assert all(isinstance(what, str) for what, _ in rule.told(action, payload, answer, memory))


async def test_its_own_password_is_no_change() -> None:
    station = Station()
    await station.write("BasicAuthPassword", OWN)
    await station.write("BasicAuthPassword", "another-one-of-its", "Rejected")
    assert PASSWORD not in station.keeper.journal
    await station.write("BasicAuthPassword", "another-one-of-its")
    await station.write("BasicAuthPassword", OWN)
    assert PASSWORD not in station.keeper.journal


async def test_without_a_password_to_go_back_to() -> None:
    station = Station()
    station.keeper = Keeper(station)  # type: ignore[arg-type]
    await station.write("BasicAuthPassword", "another-one-of-its")
    await station.restore()
    assert "names no password" in next(iter(station.keeper.left().values()))


PKI = Pki.new()


@pytest.mark.parametrize(
    ("version", "use"), [("2.0.1", "CSMSRootCertificate"), ("1.6", "CentralSystemRootCertificate")]
)
async def test_a_root_that_was_not_there_is_deleted_and_one_that_was_is_left(version: str, use: str) -> None:
    station = Station(version)
    station.roots[use] = [PKI.root]
    for pem in (PKI.root, PKI.other_root):
        await station.attempt("InstallCertificate", {"certificateType": use, "certificate": pem})
    station.roots[use] = [PKI.root, PKI.other_root]
    [open_] = station.keeper.journal
    assert open_.what.startswith(f"{use} with serial number ")
    await station.restore()
    assert (station.roots[use], list(station.keeper.journal)) == ([PKI.root], [])


async def test_a_root_that_is_refused_or_deleted_again_leaves_nothing() -> None:
    station, use = Station(), "ManufacturerRootCertificate"
    station.manner = "Rejected"
    await station.attempt("InstallCertificate", {"certificateType": use, "certificate": PKI.other_root})
    assert not list(station.keeper.journal)
    station.manner = "Accepted"
    await station.attempt("InstallCertificate", {"certificateType": use, "certificate": PKI.other_root})
    await station.attempt("DeleteCertificate", {"certificateHashData": hash_data(PKI.other_root)})
    assert not list(station.keeper.journal)


async def test_the_last_root_that_the_csms_is_checked_with_is_not_deleted() -> None:
    station, use = Station(), "CSMSRootCertificate"
    await station.attempt("InstallCertificate", {"certificateType": use, "certificate": PKI.next_root})
    await station.restore()
    assert "no other to check the CSMS with" in next(iter(station.keeper.left().values()))
    assert not station.keeper.needs_installer


async def test_what_takes_an_installer_is_named_until_one_was_there() -> None:
    station = Station()
    station.roots["CSMSRootCertificate"] = [PKI.root]
    await station.attempt("CertificateSigned", {"certificateChain": "…"})
    await station.attempt("DeleteCertificate", {"certificateHashData": hash_data(PKI.root)})
    await station.restore()
    assert ["install it at the station" in each for each in station.keeper.left().values()] == [True, True]
    assert station.keeper.needs_installer
    station.keeper.commissioned()
    assert not list(station.keeper.journal)


async def test_a_root_that_is_deleted_and_installed_again_is_as_it_was() -> None:
    station, use = Station(), "CSMSRootCertificate"
    station.roots[use] = [PKI.root]
    await station.attempt("DeleteCertificate", {"certificateHashData": hash_data(PKI.root)})
    await station.attempt("InstallCertificate", {"certificateType": use, "certificate": PKI.root})
    assert not list(station.keeper.journal)


async def test_time_is_bounded() -> None:
    station = Station()
    await station.write("A", "5")
    station.keeper.journal.open(Change("key Slow", "1", ("ChangeConfiguration", {"key": "A", "value": "1"})))

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    station.attempt = never  # type: ignore[method-assign,assignment]
    await station.keeper.restore(within=0.01)
    assert all("time was up" in why for why in station.keeper.left().values())
    assert len(station.keeper.left()) == 2
    station.link = None
    await station.restore()
