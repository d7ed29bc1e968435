"""Charging profiles that a CSMS sends: what counts as changed, and which of it breaks a rule."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.oracles import profiles_sent as sent
from conformance.wire.frames import decode
from conformance.wire.transcript import Transcript

STATION = "CS001"
NOW = datetime.now(UTC)
HOUR = 3600


def stamp(seconds: float = 0) -> str:
    return (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def schedule(*limits: float, **fields: Any) -> dict[str, Any]:
    periods = [{"startPeriod": 60 * place, "limit": limit} for place, limit in enumerate(limits or (6.0,))]
    return {
        "id": 1,
        "startSchedule": stamp(),
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": periods,
        **fields,
    }


def profile(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [schedule()],
        **fields,
    }


def setting(evse: int = 1, **fields: Any) -> dict[str, Any]:
    return {"evseId": evse, "chargingProfile": profile(**fields)}


def without(told: dict[str, Any], name: str) -> dict[str, Any]:
    return {each: value for each, value in told.items() if each != name}


def older(told: dict[str, Any]) -> dict[str, Any]:
    """The same in 1.6."""
    carried = dict(told["chargingProfile"])
    (only,) = carried["chargingSchedule"]
    carried = {"chargingProfileId": carried.pop("id"), **carried, "chargingSchedule": without(only, "id")}
    return {"connectorId": told["evseId"], "csChargingProfiles": carried}


class Session:
    """A transcript in the making, in which the CSMS is the system under test."""

    def __init__(self, version: str = "2.0.1") -> None:
        self.transcript = Transcript()
        self.link = self.transcript.new_link()
        self.transcript.add("open", link=self.link, station=STATION, detail={"version": version})

    def frame(self, sender: Any, *items: Any) -> None:
        frame = decode(json.dumps(items), frozenset({2, 3, 4}))
        self.transcript.add("frame", link=self.link, station=STATION, sender=sender, frame=frame)

    def asks(self, action: str, payload: dict[str, Any], status: str = "Accepted") -> None:
        number = str(len(self.transcript.entries))
        self.frame("sut", 2, number, action, payload)
        self.frame("harness", 3, number, {"status": status})

    def tells(self, action: str, payload: dict[str, Any]) -> None:
        number = str(len(self.transcript.entries))
        self.frame("harness", 2, number, action, payload)
        self.frame("sut", 3, number, {})

    def broken(self) -> list[str]:
        found = sent.rules(self.transcript, STATION)
        assert set(found) == set(sent.RULES)
        return [requirement for requirement, misses in found.items() for _ in misses]


@pytest.fixture
def session() -> Session:
    return Session()


# -- against what it was told -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [without, dict.get], ids=["2.0.1", "1.6"])
def test_what_was_told_is_unchanged(change: Any) -> None:
    told = setting() if change is without else older(setting())
    assert not sent.place_and_kind(told, json.loads(json.dumps(told)))
    assert not sent.schedule(told, json.loads(json.dumps(told)), at=NOW)


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (setting(2), "place"),
        (setting(stackLevel=1), "stackLevel"),
        (setting(chargingProfilePurpose="TxProfile"), "Purpose"),
        (setting(chargingProfileKind="Recurring"), "Kind"),
        (setting(recurrencyKind="Daily"), "recurrencyKind"),
        (setting(transactionId="a"), "transactionId"),
        ({"evseId": 1}, "no profile"),
    ],
)
def test_a_change_of_place_or_kind_is_told(asked: dict[str, Any], word: str) -> None:
    for one, other in ((setting(), asked), (asked, setting())):
        if "chargingProfile" in one:
            assert word in sent.words(sent.place_and_kind(one, other))


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"validTo": stamp(HOUR)}, "validTo"),
        ({"validFrom": stamp(HOUR)}, "validFrom"),
        ({"chargingSchedule": [schedule(startSchedule=stamp(HOUR))]}, "startSchedule"),
        ({"chargingSchedule": [schedule(duration=HOUR)]}, "duration"),
        ({"chargingSchedule": [schedule(chargingRateUnit="W")]}, "Unit"),
        ({"chargingSchedule": [schedule(minChargingRate=6)]}, "minChargingRate"),
        ({"chargingSchedule": [schedule(5.9)]}, "limit of period 1"),
        ({"chargingSchedule": [schedule(6.0, 7.0)]}, "number of periods"),
        ({"chargingSchedule": [schedule(), schedule()]}, "number of schedules"),
    ],
)
def test_a_change_of_the_schedule_is_told(fields: dict[str, Any], word: str) -> None:
    assert word in sent.words(sent.schedule(setting(), setting(**fields), at=NOW))


def test_what_means_the_same_is_no_change() -> None:
    moment = NOW + timedelta(hours=5, minutes=30)
    zoned = f"{moment:%Y-%m-%dT%H:%M:%S}.500+05:30"
    period = {"startPeriod": 0, "limit": 6, "numberPhases": 3}
    asked = setting(
        9, chargingSchedule=[schedule(id=4, startSchedule=zoned, chargingSchedulePeriod=[period])], validFrom=stamp(-1)
    )
    asked["evseId"] = 1
    assert not sent.place_and_kind(setting(), asked)
    assert not sent.schedule(setting(), asked, at=NOW)


def test_a_single_phase_is_not_to_be_forgotten() -> None:
    one = schedule(chargingSchedulePeriod=[{"startPeriod": 0, "limit": 6.0, "numberPhases": 1}])
    assert sent.schedule(setting(chargingSchedule=[one]), setting(), at=NOW) == [
        "numberPhases of period 1 was to be 1 and is left out"
    ]


@pytest.mark.parametrize(
    ("told", "asked", "differ"),
    [
        ({"chargingProfileId": 1}, {"chargingProfileId": 1}, 0),
        ({"chargingProfileId": 1}, {"chargingProfileId": 2}, 1),
        ({"chargingProfileId": 1}, {"chargingProfileId": 1, "chargingProfileCriteria": {"evseId": 0}}, 1),
        ({"id": 1}, {"id": 1, "connectorId": 0}, 1),
        ({"connectorId": 1, "stackLevel": 0}, {"connectorId": 1}, 1),
        ({"chargingProfileCriteria": {"evseId": 1, "stackLevel": 0}}, {"chargingProfileId": 1}, 3),
        ({}, {}, 0),
        ({}, {"chargingProfilePurpose": "TxProfile"}, 1),
    ],
)
def test_clearing(told: dict[str, Any], asked: dict[str, Any], differ: int) -> None:
    assert len(sent.cleared(told, asked)) == differ


@pytest.mark.parametrize(
    ("asked", "differ"),
    [
        ({"requestId": 5, "chargingProfile": {"chargingLimitSource": ["SO", "CSO"]}}, 0),
        ({"requestId": 5, "evseId": 0, "chargingProfile": {"chargingLimitSource": ["SO", "CSO"]}}, 1),
        ({"requestId": 5, "chargingProfile": {"chargingLimitSource": ["SO"]}}, 1),
        ({"requestId": 5, "chargingProfile": {"chargingLimitSource": ["CSO", "SO"], "stackLevel": 0}}, 1),
        ({"requestId": 5}, 1),
    ],
)
def test_getting(asked: dict[str, Any], differ: int) -> None:
    told = {"requestId": 1, "chargingProfile": {"chargingLimitSource": ["CSO", "SO"]}}
    assert len(sent.got(told, asked)) == differ


def test_composite() -> None:
    told = {"evseId": 1, "duration": 300, "chargingRateUnit": "A"}
    assert not sent.composite(told, {**told, "customData": {"vendorId": "x"}})
    assert len(sent.composite(told, {"evseId": 0, "duration": 301})) == 3


# -- by the rules -----------------------------------------------------------------------------------------------------

TX: dict[str, Any] = {"chargingProfilePurpose": "TxProfile", "transactionId": "t1"}
RELATIVE: dict[str, Any] = {
    "chargingProfileKind": "Relative",
    "chargingSchedule": [without(schedule(), "startSchedule")],
}
MAXIMUM: dict[str, Any] = {"chargingProfilePurpose": "ChargingStationMaxProfile"}
EXTERNAL: dict[str, Any] = {"chargingProfilePurpose": "ChargingStationExternalConstraints"}


def phased(**fields: Any) -> dict[str, Any]:
    return {"chargingSchedule": [schedule(chargingSchedulePeriod=[{"startPeriod": 0, "limit": 6.0, **fields}])]}


@pytest.mark.parametrize(
    ("payload", "broken"),
    [
        (setting(), []),
        (setting(**TX), []),
        (setting(**TX, **RELATIVE), []),
        (setting(0, **MAXIMUM), []),
        (setting(chargingProfileKind="Recurring", recurrencyKind="Weekly"), []),
        (setting(chargingSchedule=[schedule(6.0, 7.1, 0)]), []),
        (setting(chargingProfilePurpose="TxProfile"), ["K01.FR.03"]),
        (setting(transactionId="t1"), ["CSMS.PROFILE.03"]),
        (setting(0, **TX), ["K01.FR.16"]),
        (setting(1, **MAXIMUM), ["K04.FR.03"]),
        (setting(0, **EXTERNAL), ["K01.FR.22"]),
        (setting(0, **MAXIMUM, **RELATIVE), ["K01.FR.38"]),
        (setting(recurrencyKind="Daily"), ["CSMS.PROFILE.04"]),
        (setting(chargingProfileKind="Recurring"), ["CSMS.PROFILE.04"]),
        (setting(chargingSchedule=[without(schedule(), "startSchedule")]), ["K01.FR.40"]),
        (setting(chargingProfileKind="Relative"), ["K01.FR.41"]),
        (setting(chargingSchedule=[schedule(), schedule()]), ["K01.FR.34"]),
        (setting(**phased(startPeriod=1)), ["K01.FR.31"]),
        (setting(**phased(limit=6.01)), ["CSMS.PROFILE.05"]),
        (setting(**phased(numberPhases=1, phaseToUse=1)), ["K01.FR.20"]),
        (setting(**phased(phaseToUse=1)), ["K01.FR.19", "K01.FR.20"]),
    ],
)
def test_a_profile_that_is_set(session: Session, payload: dict[str, Any], broken: list[str]) -> None:
    session.asks("SetChargingProfile", payload)
    assert session.broken() == broken


def test_periods_start_one_after_the_other(session: Session) -> None:
    for starts in ((0, 60, 60), (0, 60, 30)):
        periods = [{"startPeriod": start, "limit": 6} for start in starts]
        session.asks("SetChargingProfile", setting(chargingSchedule=[schedule(chargingSchedulePeriod=periods)]))
    assert session.broken() == ["K01.FR.35"] * 2


@pytest.mark.parametrize(
    ("carried", "broken"),
    [
        (profile(chargingProfilePurpose="TxProfile"), []),
        (profile(), ["K05.FR.02"]),
        (profile(**TX), ["F01.FR.11"]),
    ],
)
def test_a_profile_in_a_remote_start(session: Session, carried: dict[str, Any], broken: list[str]) -> None:
    session.asks("RequestStartTransaction", {"evseId": 1, "chargingProfile": carried})
    session.asks("RequestStartTransaction", {"evseId": 1})
    assert session.broken() == broken


@pytest.mark.parametrize(
    ("action", "payload", "broken"),
    [
        ("GetChargingProfiles", {"requestId": 1, "chargingProfile": {"stackLevel": 0}}, []),
        ("GetChargingProfiles", {"requestId": 1, "chargingProfile": {}}, ["K09.FR.03"]),
        ("GetChargingProfiles", {"requestId": 1, "evseId": 1, "chargingProfile": {}}, ["K09.FR.03"]),
        ("ClearChargingProfile", {"chargingProfileId": 1}, []),
        ("ClearChargingProfile", {"chargingProfileCriteria": {"evseId": 0}}, []),
        ("ClearChargingProfile", {"chargingProfileCriteria": EXTERNAL}, ["K10.FR.06"]),
        ("ClearChargingProfile", {}, ["K10.FR.02"]),
    ],
)
def test_other_requests(session: Session, action: str, payload: dict[str, Any], broken: list[str]) -> None:
    session.asks(action, payload)
    assert session.broken() == broken


# -- twice there ------------------------------------------------------------------------------------------------------


def test_another_profile_of_the_same_level(session: Session) -> None:
    session.asks("SetChargingProfile", setting())
    session.asks("SetChargingProfile", setting(number=2))
    assert session.broken() == ["K01.FR.06"]


@pytest.mark.parametrize(
    "other",
    [
        setting(number=1),
        setting(number=2, stackLevel=1),
        setting(2, number=2),
        setting(0, number=2, **MAXIMUM),
        setting(number=2, validFrom=stamp(2 * HOUR)),
    ],
    ids=["same id", "another level", "another EVSE", "another purpose", "later"],
)
def test_beside_another_profile(session: Session, other: dict[str, Any]) -> None:
    session.asks("SetChargingProfile", setting(validTo=stamp(HOUR)))
    session.asks("SetChargingProfile", other)
    assert session.broken() == []


def test_one_that_was_not_accepted_is_not_there(session: Session) -> None:
    session.asks("SetChargingProfile", setting(), status="Rejected")
    session.asks("SetChargingProfile", setting(number=2))
    assert session.broken() == []


@pytest.mark.parametrize(
    ("criteria", "gone"),
    [
        ({"chargingProfileId": 1}, True),
        ({"chargingProfileId": 3}, False),
        ({"chargingProfileCriteria": {"evseId": 1}}, True),
        ({"chargingProfileCriteria": {"evseId": 2}}, False),
        ({"chargingProfileCriteria": {"stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile"}}, True),
        ({"chargingProfileCriteria": {"stackLevel": 1, "chargingProfilePurpose": "TxDefaultProfile"}}, False),
    ],
)
def test_one_that_was_cleared_is_not_there(session: Session, criteria: dict[str, Any], *, gone: bool) -> None:
    session.asks("SetChargingProfile", setting())
    session.asks("ClearChargingProfile", criteria)
    session.asks("SetChargingProfile", setting(number=2))
    assert session.broken() == ([] if gone else ["K01.FR.06"])


def test_two_profiles_for_one_transaction(session: Session) -> None:
    session.asks("SetChargingProfile", setting(**TX))
    session.asks("SetChargingProfile", setting(number=2, **{**TX, "transactionId": "t2"}))
    assert session.broken() == []
    session.asks("SetChargingProfile", setting(number=3, **TX))
    assert session.broken() == ["K01.FR.39"]


def test_a_transaction_that_is_over_has_none(session: Session) -> None:
    session.asks("SetChargingProfile", setting(**TX))
    session.tells("TransactionEvent", {"eventType": "Updated", "transactionInfo": {"transactionId": "t1"}})
    session.tells("TransactionEvent", {"eventType": "Ended", "transactionInfo": {"transactionId": "t1"}})
    session.asks("SetChargingProfile", setting(number=3, **TX))
    assert session.broken() == []


def test_the_rules_hold_in_either_version() -> None:
    session = Session("1.6")
    session.asks("SetChargingProfile", older(setting(0, **TX)))
    session.asks("SetChargingProfile", older(setting(1, chargingProfilePurpose="ChargePointMaxProfile")))
    carried = older(setting())["csChargingProfiles"]
    session.asks("RemoteStartTransaction", {"connectorId": 1, "idTag": "A", "chargingProfile": carried})
    assert session.broken() == ["K01.FR.16", "K04.FR.03", "K05.FR.02"]


# -- whatever comes ---------------------------------------------------------------------------------------------------

_NAMES = (
    "evseId",
    "connectorId",
    "chargingProfile",
    "csChargingProfiles",
    "chargingSchedule",
    "chargingSchedulePeriod",
    "startPeriod",
    "limit",
    "startSchedule",
    "stackLevel",
    "chargingProfileCriteria",
)
_JUNK: tuple[Any, ...] = (None, True, -1, 0.5, "x", "", [], {}, [1], [None], [[]], {"id": 1}, [{"startPeriod": "x"}])


def spoilt(node: Any, name: str, junk: Any) -> Any:
    """The same with junk wherever a field has this name."""
    if isinstance(node, dict):
        return {each: junk if each == name else spoilt(value, name, junk) for each, value in node.items()}
    return [spoilt(each, name, junk) for each in node] if isinstance(node, list) else node


@given(
    action=st.sampled_from(
        ["SetChargingProfile", "RequestStartTransaction", "GetChargingProfiles", "ClearChargingProfile"]
    ),
    payload=st.sampled_from([setting(**TX), older(setting()), {"chargingProfileCriteria": {"evseId": 1}}, {}]),
    names=st.lists(st.sampled_from(_NAMES), max_size=2),
    junk=st.sampled_from(_JUNK),
)
def test_nothing_that_comes_is_stumbled_over(action: str, payload: dict[str, Any], names: list[str], junk: Any) -> None:
    for name in names:
        payload = spoilt({name: None, **payload}, name, junk)
    session = Session()
    session.asks(action, payload)
    session.asks(action, payload)
    session.broken()
    for differs in (sent.place_and_kind, sent.cleared, sent.got, sent.composite):
        assert isinstance(differs(setting(), payload), list)
    assert isinstance(sent.schedule(setting(), payload, at=NOW), list)
