"""What a CSMS's requests change at a station, what they replace, and how that is brought back: pure, over payloads.

Each function goes by the action. Payloads may be anything: cases send broken ones, and stations answer with such.
"""

import hashlib
import hmac
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from conformance.peers import certificate_changes as certificates
from conformance.peers.journal import Change, Request
from conformance.wire.redaction import is_secret, without_userinfo

PASSWORD = "the password of the station"  # noqa: S105 -- what it is called in the journal
LIST_ENTRY, LIST = "local list entry ", "the local list"
SLOT = "network profile slot "
LASTING = ("TxDefaultProfile", "ChargingStationMaxProfile")
"""The purposes of charging profiles that outlive a transaction."""

_PASSWORDS = frozenset({"basicauthpassword", "authorizationkey"})
_ROUNDS = 50_000

Outcome = Literal["restored", "taken", "later", "refused"]
"""What the answer says of a change: `later` is for one that takes a restart; `restored` is what undid it."""


class Standing(NamedTuple):
    """A charging profile: where it is, what it is, and the request that sets it."""

    id: object
    evse: object
    purpose: object
    level: object
    request: dict[str, Any]

    @property
    def what(self) -> str:
        """Its name in the journal."""
        return f"charging profile {self.id}, which was there before"


@dataclass
class Memory:
    """What a station has told of itself, and was given, in this session."""

    values: dict[str, str | None] = field(default_factory=dict)
    """The values of variables and keys before they were changed; None for what is there, and can't be read."""
    absent: set[str] = field(default_factory=set)
    """What it does not have, or can't be set."""
    profiles: list[Standing] | None = None
    """The charging profiles that it had; None where they were not asked for, or not told."""
    given: dict[object, Standing] = field(default_factory=dict)
    """Every charging profile that it was given."""
    monitors: dict[int, dict[str, Any]] | None = None
    """The monitors that it had, as SetVariableMonitoring has them; None where they were not asked for, or not told."""
    list_version: int | None = None
    """The version of the local list before anything was done to it."""
    listed: set[str] = field(default_factory=set)
    """The entries that were sent for the local list."""
    roots: set[str] = field(default_factory=set)
    """The roots that it had, as the journal calls them."""
    roots_asked: bool = False
    """Whether it was asked for them."""


# -- variables and keys -----------------------------------------------------------------------------------------------


def variable_name(item: object) -> str:
    """What the journal calls a variable of an item of GetVariables, SetVariables or their answers; "" for no item."""
    match item:
        case {"component": {"name": str(component)} as whose, "variable": {"name": str(name)} as which, **rest}:
            attribute = rest.get("attributeType", "Actual")
            kind = "" if attribute == "Actual" else f" ({attribute})"
            where = f"{component}{_instance(whose)}{_evse(whose.get('evse'))}.{name}{_instance(which)}{kind}"
            return f"variable {where}"
    return ""


def key_name(key: object) -> str:
    """What the journal calls a key of OCPP 1.6."""
    return f"key {key}" if isinstance(key, str) else ""


def _instance(named: Mapping[str, Any]) -> str:
    return f"[{named['instance']}]" if named.get("instance") is not None else ""


def _evse(place: object) -> str:
    match place:
        case {"id": evse, "connectorId": connector}:
            return f" of EVSE {evse} connector {connector}"
        case {"id": evse}:
            return f" of EVSE {evse}"
    return ""


@dataclass(frozen=True)
class _Write:
    """One value that a request sets."""

    what: str
    name: str
    value: object
    undo: Callable[[str], Request]
    ask: Request


def _writes(action: str, payload: Mapping[str, Any]) -> Iterator[_Write]:
    if action == "ChangeConfiguration":
        key = payload.get("key")
        if what := key_name(key):
            ask = ("GetConfiguration", {"key": [key]})
            yield _Write(what, str(key), payload.get("value"), lambda was: (action, {"key": key, "value": was}), ask)
        return
    for item in _maps(payload, "setVariableData"):
        if what := variable_name(item):
            asked = {name: part for name, part in item.items() if name != "attributeValue"}

            def undo(was: str, asked: dict[str, Any] = asked) -> Request:
                return action, {"setVariableData": [asked | {"attributeValue": was}]}

            name = item["variable"]["name"]
            yield _Write(what, name, item.get("attributeValue"), undo, ("GetVariables", {"getVariableData": [asked]}))


def password_set(action: str, payload: Mapping[str, Any]) -> str | None:
    """The password that a request gives the station, as it is written there; None for one that gives none."""
    given = [write.value for write in _writes(action, payload) if _is_password(write)] if action in _WRITERS else []
    return given[-1] if given and isinstance(given[-1], str) else None


_WRITERS = ("SetVariables", "ChangeConfiguration")


def password_request(version: str, password: str) -> Request:
    """The request that gives a station its password; OCPP 1.6 has it in hexadecimal."""
    if version == "1.6":
        return "ChangeConfiguration", {"key": "AuthorizationKey", "value": password.encode().hex()}
    where = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    return "SetVariables", {"setVariableData": [where | {"attributeValue": password}]}


def is_password(given: str, password: str) -> bool:
    """Whether a password as it is set is this one."""
    return password in _spellings(given)


def _is_password(write: _Write) -> bool:
    return write.name.casefold() in _PASSWORDS


def _ask_values(action: str, payload: Mapping[str, Any], memory: Memory) -> list[Request]:
    asks = {
        _id(write.what): write.ask
        for write in _writes(action, payload)
        if _id(write.what) not in memory.values.keys() | memory.absent and not is_secret(write.name)
    }
    return list(asks.values())


def _replace_values(action: str, payload: Mapping[str, Any], memory: Memory) -> Iterator[Change]:
    for write in _writes(action, payload):
        if _is_password(write):
            yield Change(PASSWORD, hashes=tuple(hashed(each) for each in _spellings(write.value)))
            continue
        was = memory.values.get(_id(write.what))
        if _id(write.what) in memory.absent or was == write.value:
            continue
        yield Change(write.what, was or "", None if was is None else write.undo(was))


def _told_values(
    action: str, payload: Mapping[str, Any], answer: Mapping[str, Any], memory: Memory
) -> Iterator[tuple[str, Outcome]]:
    if action == "ChangeConfiguration":
        statuses = {_id(key_name(payload.get("key"))): answer.get("status")}
    else:
        results = _maps(answer, "setVariableResult")
        statuses = {_id(variable_name(each)): each.get("attributeStatus") for each in results}
    last = {_id(write.what): write for write in _writes(action, payload)}
    for id_, write in last.items():
        status = statuses.get(id_)
        if status not in ("Accepted", "RebootRequired"):
            yield (PASSWORD if _is_password(write) else write.what), "refused"
        elif _is_password(write):
            yield PASSWORD, "taken"
        elif id_ in memory.values and write.value == memory.values[id_]:
            yield write.what, "restored"
        else:
            yield write.what, "later" if status == "RebootRequired" else "taken"


def values_read(answer: Mapping[str, Any]) -> dict[str, str | None]:
    """What an answer to GetVariables or GetConfiguration gives, by name; None for what is there, and can't be read."""
    found: dict[str, str | None] = {}
    for result in _maps(answer, "getVariableResult"):
        value, status = result.get("attributeValue"), result.get("attributeStatus")
        if status in ("Accepted", "Rejected"):
            found[variable_name(result)] = value if isinstance(value, str) and status == "Accepted" else None
    for setting in _maps(answer, "configurationKey"):
        value = setting.get("value")
        found[key_name(setting.get("key"))] = value if isinstance(value, str) else None
    secret = {write for write in found if is_secret(write.rpartition(".")[2].removeprefix("key "))}
    return {what: None if what in secret else value for what, value in found.items() if what}


def values_absent(answer: Mapping[str, Any]) -> Iterator[str]:
    """What the station does not have, or says can't be set, by such an answer."""
    for result in _maps(answer, "getVariableResult"):
        if result.get("attributeStatus") not in ("Accepted", "Rejected", None):
            yield variable_name(result)
    unknown = answer.get("unknownKey")
    yield from (key_name(each) for each in (unknown if isinstance(unknown, list) else []))
    for setting in _maps(answer, "configurationKey"):
        if setting.get("readonly") is True:
            yield key_name(setting.get("key"))


def _id(what: str) -> str:
    """Names of components, variables and keys are the same in any case."""
    return what.casefold()


# -- passwords --------------------------------------------------------------------------------------------------------


def hashed(password: str, salt: bytes | None = None) -> str:
    """A password so that it can be recognized, and not read."""
    salt = os.urandom(16) if salt is None else salt
    return f"{salt.hex()}:{hashlib.pbkdf2_hmac('sha256', password.encode(), salt, _ROUNDS).hex()}"


def recognized(password: str, hashes: tuple[str, ...]) -> bool:
    """Whether a password is one of these."""
    return any(
        hmac.compare_digest(hashed(password, bytes.fromhex(each.partition(":")[0])).encode(), each.encode())
        for each in hashes
    )


def _spellings(value: object) -> Iterator[str]:
    """A password as it is set, and in OCPP 1.6, where that is written in hexadecimal, as it is used."""
    if isinstance(value, str):
        yield value
        try:
            yield bytes.fromhex(value).decode()
        except ValueError:
            return


# -- charging profiles ------------------------------------------------------------------------------------------------


def standing(request: Mapping[str, Any]) -> Standing | None:
    """The charging profile in a SetChargingProfile of either version."""
    match request:
        case {"evseId": evse, "chargingProfile": dict(profile)}:
            id_ = profile.get("id")
        case {"connectorId": evse, "csChargingProfiles": dict(profile)}:
            id_ = profile.get("chargingProfileId")
        case _:
            return None
    return Standing(id_, evse, profile.get("chargingProfilePurpose"), profile.get("stackLevel"), dict(request))


def _replace_profile(action: str, payload: Mapping[str, Any], memory: Memory) -> Iterator[Change]:
    new = standing(payload)
    if new is None:
        return
    theirs = memory.profiles or []
    for each in theirs:
        place = (each.evse, each.purpose, each.level)
        if each.request != new.request and (each.id == new.id or place == (new.evse, new.purpose, new.level)):
            yield Change(each.what, str(each.purpose), (action, each.request))
    if new.request not in [each.request for each in theirs]:
        memory.given[new.id] = new
        field_name = "chargingProfileId" if "chargingProfile" in payload else "id"
        yield Change(_profile(new.id), "not there", ("ClearChargingProfile", {field_name: new.id}))


def _profile(id_: object) -> str:
    return f"charging profile {id_}"


def _told_profile(
    _: str, payload: Mapping[str, Any], answer: Mapping[str, Any], memory: Memory
) -> Iterator[tuple[str, Outcome]]:
    new, accepted = standing(payload), answer.get("status") == "Accepted"
    if new is None:
        return
    theirs = [each for each in memory.profiles or [] if each.request == new.request]
    if theirs and accepted:
        yield theirs[0].what, "restored"
    elif not theirs:
        yield _profile(new.id), "taken" if accepted else "refused"


def _replace_cleared(_: str, payload: Mapping[str, Any], memory: Memory) -> Iterator[Change]:
    for each in memory.profiles or []:
        if _clears(payload, each):
            yield Change(each.what, str(each.purpose), ("SetChargingProfile", each.request))


def _told_cleared(
    _: str, payload: Mapping[str, Any], answer: Mapping[str, Any], memory: Memory
) -> Iterator[tuple[str, Outcome]]:
    if answer.get("status") not in ("Accepted", "Unknown"):
        return
    for id_ in {payload.get("chargingProfileId"), payload.get("id")} - {None}:
        yield _profile(id_), "restored"
    for each in memory.given.values():
        if _clears(payload, each):
            yield _profile(each.id), "restored"


def _criteria(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = payload.get("chargingProfileCriteria")
    return inner if isinstance(inner, dict) else payload


def _clears(payload: Mapping[str, Any], profile: Standing) -> bool:
    """Whether a ClearChargingProfile of either version takes a profile away; an id goes before everything else."""
    id_ = payload.get("chargingProfileId", payload.get("id"))
    if id_ is not None:
        return bool(id_ == profile.id)
    criteria = _criteria(payload)
    pairs = (
        (criteria.get("evseId", criteria.get("connectorId")), profile.evse),
        (criteria.get("chargingProfilePurpose"), profile.purpose),
        (criteria.get("stackLevel"), profile.level),
    )
    return all(asked is None or asked == got for asked, got in pairs)


# -- availability -----------------------------------------------------------------------------------------------------


def _place(payload: Mapping[str, Any]) -> str:
    if isinstance(number := payload.get("connectorId"), int) and number:
        return f"availability of connector {number}"
    return f"availability{_evse(payload.get('evse')) or ' of the station'}"


def _replace_availability(action: str, payload: Mapping[str, Any], _: Memory) -> Iterator[Change]:
    for name in ("operationalStatus", "type"):
        if payload.get(name) == "Inoperative":
            yield Change(_place(payload), "Operative", (action, {**payload, name: "Operative"}))


def _told_availability(
    _: str, payload: Mapping[str, Any], answer: Mapping[str, Any], __: Memory
) -> Iterator[tuple[str, Outcome]]:
    agreed = answer.get("status") in ("Accepted", "Scheduled")
    if payload.get("operationalStatus", payload.get("type")) == "Inoperative":
        yield _place(payload), "taken" if agreed else "refused"
    elif agreed:
        yield _place(payload), "restored"


# -- the local list ---------------------------------------------------------------------------------------------------


def _ask_list(_: str, __: Mapping[str, Any], memory: Memory) -> list[Request]:
    return [("GetLocalListVersion", {})] if memory.list_version is None else []


def _entries(payload: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Every entry of a SendLocalList: what it is about, that alone, and whether it is to be there."""
    for entry in _maps(payload, "localAuthorizationList"):
        about = {name: part for name, part in entry.items() if name in ("idToken", "idTag")}
        token = about.get("idTag", about.get("idToken"))
        name = token.get("idToken") if isinstance(token, dict) else token
        if isinstance(name, str):
            yield f"{LIST_ENTRY}{name}", about, "idTokenInfo" in entry or "idTagInfo" in entry


def _replace_list(action: str, payload: Mapping[str, Any], memory: Memory) -> Iterator[Change]:
    if payload.get("updateType") == "Full" and memory.list_version:
        yield Change(LIST, f"version {memory.list_version}, whose entries nobody can ask for")
    number = "listVersion" if "listVersion" in payload else "versionNumber"
    for what, about, there in _entries(payload):
        if there:
            removal = {number: 0, "updateType": "Differential", "localAuthorizationList": [about]}
            yield Change(what, "not there", (action, removal))


def _told_list(
    _: str, payload: Mapping[str, Any], answer: Mapping[str, Any], memory: Memory
) -> Iterator[tuple[str, Outcome]]:
    sent = {what: there for what, _, there in _entries(payload)}
    full, accepted = payload.get("updateType") == "Full", answer.get("status") == "Accepted"
    if full:
        yield LIST, "taken" if accepted else "refused"
    for what, there in sent.items():
        if there:
            yield what, "taken" if accepted else "refused"
        elif accepted:
            yield what, "restored"
    if full and accepted:
        yield from ((what, "restored") for what in memory.listed - sent.keys())
    memory.listed |= sent.keys()


# -- network profiles -------------------------------------------------------------------------------------------------


def _replace_slot(_: str, payload: Mapping[str, Any], __: Memory) -> Iterator[Change]:
    if isinstance(slot := payload.get("configurationSlot"), int):
        data = payload.get("connectionData")
        url = data.get("ocppCsmsUrl") if isinstance(data, dict) else None
        yield Change(f"{SLOT}{slot}", url=without_userinfo(url) if isinstance(url, str) else "")


def _told_slot(
    _: str, payload: Mapping[str, Any], answer: Mapping[str, Any], __: Memory
) -> Iterator[tuple[str, Outcome]]:
    yield f"{SLOT}{payload.get('configurationSlot')}", "taken" if answer.get("status") == "Accepted" else "refused"


# -- monitors ---------------------------------------------------------------------------------------------------------

_BASE, _LEVEL = "the monitoring base", "the monitoring level"
_NOW = {
    "SetMonitoringBase": (_BASE, "monitoringBase", "ActiveMonitoringBase", "All"),
    "SetMonitoringLevel": (_LEVEL, "severity", "ActiveMonitoringLevel", "9"),
}
"""What a station says of it, if it does, and what it is else: everything is monitored, and told."""


def monitors_told(parts: list[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    """The monitors in the parts of a report, by id, each as an item of SetVariableMonitoring without one."""
    found: dict[int, dict[str, Any]] = {}
    for datum in (each for part in parts for each in _maps(part, "monitor")):
        for monitor in _maps(datum, "variableMonitoring"):
            if isinstance(id_ := monitor.get("id"), int):
                of = {name: datum.get(name) for name in ("component", "variable")}
                found[id_] = of | {name: part for name, part in monitor.items() if name != "id"}
    return found


def monitor_name(id_: object) -> str:
    """What the journal calls a monitor that the harness has set."""
    return f"monitor {id_}"


def monitors_made(payload: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[tuple[str, int | None]]:
    """For each monitor that a SetVariableMonitoring asks for, how `replaced` called it, and the id that it was given.

    The id is None for one that was refused; one without a result is left out.
    """
    asked, results = _maps(payload, "setMonitoringData"), _maps(answer, "setMonitoringResult")
    for item, result in zip(asked, results, strict=False):
        id_ = result.get("id") if result.get("status") == "Accepted" else None
        yield _wanted(item), id_ if isinstance(id_, int) else None


def _wanted(item: Mapping[str, Any]) -> str:
    return f"a {item.get('type')} monitor of {variable_name(item).removeprefix('variable ')} at {item.get('value')}"


def _theirs(id_: int) -> str:
    return f"monitor {id_}, which was there before"


def _lost_monitor(id_: int, item: dict[str, Any]) -> Change:
    return Change(_theirs(id_), _wanted(item), ("SetVariableMonitoring", {"setMonitoringData": [item]}))


def _replace_monitors(_: str, payload: Mapping[str, Any], memory: Memory) -> Iterator[Change]:
    known = memory.monitors or {}
    for item in _maps(payload, "setMonitoringData"):
        if (id_ := item.get("id")) is None:
            yield Change(_wanted(item), "not there")
        elif isinstance(id_, int) and id_ in known:
            yield _lost_monitor(id_, known[id_])


def _told_monitors(
    _: str, payload: Mapping[str, Any], answer: Mapping[str, Any], __: Memory
) -> Iterator[tuple[str, Outcome]]:
    results = _maps(answer, "setMonitoringResult")
    for item, result in zip(_maps(payload, "setMonitoringData"), results, strict=False):
        if isinstance(id_ := item.get("id"), int):
            yield _theirs(id_), "taken" if result.get("status") == "Accepted" else "refused"


def _replace_cleared_monitors(_: str, payload: Mapping[str, Any], memory: Memory) -> Iterator[Change]:
    ids, known = payload.get("id"), memory.monitors or {}
    for id_ in ids if isinstance(ids, list) else []:
        if isinstance(id_, int) and id_ in known:
            yield _lost_monitor(id_, known[id_])


def _told_cleared_monitors(
    _: str, __: Mapping[str, Any], answer: Mapping[str, Any], ___: Memory
) -> Iterator[tuple[str, Outcome]]:
    for result in _maps(answer, "clearMonitoringResult"):
        status, id_ = result.get("status"), result.get("id")
        if status in ("Accepted", "NotFound"):
            yield monitor_name(id_), "restored"
        elif isinstance(id_, int):
            yield _theirs(id_), "refused"


def _ask_now(action: str, payload: Mapping[str, Any], memory: Memory) -> list[Request]:
    if _NOW[action][1] not in payload:
        return []
    item = {"component": {"name": "MonitoringCtrlr"}, "variable": {"name": _NOW[action][2]}}
    known = _id(variable_name(item)) in memory.values.keys() | memory.absent
    return [] if known else [("GetVariables", {"getVariableData": [item]})]


def _before(action: str, memory: Memory) -> Request:
    """The request that sets the base or the level as it was before any other."""
    _, name, variable, usual = _NOW[action]
    was = memory.values.get(_id(f"variable MonitoringCtrlr.{variable}")) or usual
    return action, {name: int(was) if name == "severity" and was.isdecimal() else was}


def _replace_now(action: str, payload: Mapping[str, Any], memory: Memory) -> Iterator[Change]:
    undo = _before(action, memory)
    if _NOW[action][1] not in payload:
        return
    if payload != undo[1]:
        yield Change(_NOW[action][0], str(*undo[1].values()), undo)
    if payload.get("monitoringBase", "All") != "All":
        yield from (_lost_monitor(id_, item) for id_, item in (memory.monitors or {}).items())


def _told_now(
    action: str, payload: Mapping[str, Any], answer: Mapping[str, Any], memory: Memory
) -> Iterator[tuple[str, Outcome]]:
    if answer.get("status") != "Accepted":
        yield _NOW[action][0], "refused"
        if action == "SetMonitoringBase":
            yield from ((_theirs(id_), "refused") for id_ in memory.monitors or {})
    elif payload == _before(action, memory)[1]:
        yield _NOW[action][0], "restored"


# -- by action --------------------------------------------------------------------------------------------------------


def _ask_nothing(_: str, __: Mapping[str, Any], ___: Memory) -> list[Request]:
    return []


class Rule(NamedTuple):
    """What is to be known of a request that changes something."""

    ask: Callable[[str, Mapping[str, Any], Memory], list[Request]]
    """What to ask first, to know what it replaces."""
    replaced: Callable[[str, Mapping[str, Any], Memory], Iterator[Change]]
    """What it replaces, as far as that is known."""
    told: Callable[[str, Mapping[str, Any], Mapping[str, Any], Memory], Iterator[tuple[str, Outcome]]]
    """What the answer makes of that; the answer is empty where it was a CALLERROR."""


RULES: Mapping[str, Rule] = {
    "CertificateSigned": Rule(_ask_nothing, certificates.replace_own, certificates.told_own),
    "ChangeAvailability": Rule(_ask_nothing, _replace_availability, _told_availability),
    "ChangeConfiguration": Rule(_ask_values, _replace_values, _told_values),
    "ClearChargingProfile": Rule(_ask_nothing, _replace_cleared, _told_cleared),
    "ClearVariableMonitoring": Rule(_ask_nothing, _replace_cleared_monitors, _told_cleared_monitors),
    "DeleteCertificate": Rule(_ask_nothing, certificates.replace_deleted, certificates.told_deleted),
    "InstallCertificate": Rule(_ask_nothing, certificates.replace_installed, certificates.told_installed),
    "SendLocalList": Rule(_ask_list, _replace_list, _told_list),
    "SetChargingProfile": Rule(_ask_nothing, _replace_profile, _told_profile),
    "SetMonitoringBase": Rule(_ask_now, _replace_now, _told_now),
    "SetMonitoringLevel": Rule(_ask_now, _replace_now, _told_now),
    "SetNetworkProfile": Rule(_ask_nothing, _replace_slot, _told_slot),
    "SetVariableMonitoring": Rule(_ask_nothing, _replace_monitors, _told_monitors),
    "SetVariables": Rule(_ask_values, _replace_values, _told_values),
}


def _maps(payload: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects in a list of a payload, if that is one."""
    found = payload.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
