"""OCPP 1.6, 5.8 and chapter 9: the settings of a charge point, read one by one, some at once, and all together."""

from collections.abc import Iterable

from conformance.cases.case import case
from conformance.cases.keys import standard_key, standard_keys
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.configuration import (
    Settings,
    as_defined,
    asked,
    differ,
    due,
    fixed_cables,
    hidden,
    judge,
    lacking,
    lasting,
    profiles,
    read,
    required,
    security_keys,
    security_profile,
    told_secrets,
)
from conformance.oracles.inventory import Fault, note, told
from conformance.peers.csms import CsmsPeer
from conformance.peers.peer import Peer
from conformance.peers.received import Refused
from conformance.peers.scenes import reboot
from conformance.peers.settings import claimed, keys_at_once, list_all, read_each, read_named
from conformance.peers.v16 import change_configuration
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.transcript import Transcript

MAX_KEYS = "GetConfigurationMaxKeys"
PROFILES = "SupportedFeatureProfiles"
PASSWORD = "AuthorizationKey"
UNLOCK = "UnlockConnectorOnEVSideDisconnect"
NO_SUCH_KEY = "ConformanceNoSuchKey"
ORDINARY = "MeterValueSampleInterval"
SET = ("Accepted", "RebootRequired")
LEFT_ALONE = ("WebSocketPingInterval",)
"""Writing it, even the value that it has, may cost the connection."""


# -- what is there ----------------------------------------------------------------------------------------------------


@case(
    "TC_019_CS",
    "The settings are read: one of them, all, and as many at once as the charge point takes",
    versions=["1.6"],
    requirements=[
        *("16.CONFIG.01", "16.CONFIG.02", "16.CONFIG.04", "16.CONFIG.06", "16.CONFIG.08"),
        *("16.CONFIG.09", "16.CONFIG.10", "16.CONFIG.16"),
    ],
    severity=Severity.BLOCKER,
)
async def test_retrieve(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Read the feature profiles, then everything, then the limit, then so many keys.

    A key that is missing from the list and can be read by its name is there: the list is at fault.
    """
    claim = claimed(profile)
    with spec.must("16.CONFIG.02"):
        first_answer, first = await read_named(csms, [PROFILES])
    with spec.must("16.CONFIG.01"):
        listed = await list_all(csms)
    csms.touch(first_answer)
    _judge(spec, ["16.CONFIG.02", "16.CONFIG.04"], asked([PROFILES], first, listed))
    by_name = await read_each(csms, [row.key for row in standard_keys() if row.key not in listed])
    known = {*listed.by_key, *by_name.by_key}
    _judge(spec, ["16.CONFIG.01"], hidden(listed, known=known))
    missing = list(required(listed, claim, known=known))
    _judge(spec, ["16.CONFIG.08"], missing)
    if any(row.profile != "Core" for row in due(claim)):
        _judge(spec, ["16.CONFIG.09"], missing)
    else:
        spec.excuse("16.CONFIG.09", "no feature profile that is claimed, beside Core, requires a key")
    _judge(spec, ["16.CONFIG.10"], as_defined(listed, claim))
    if PROFILES.casefold() in known:
        _judge(spec, ["16.CONFIG.16"], profiles(listed if PROFILES in listed else first, claim))
    else:
        spec.excuse("16.CONFIG.16", f"there is no {PROFILES}, which is a fault of its own")
    await _as_many_as_it_takes(csms, spec, listed, by_name)


async def _as_many_as_it_takes(csms: Peer, spec: Spec, listed: Settings, by_name: Settings) -> None:
    """Ask for as many keys as the charge point says that it takes, or for all if that is less."""
    source = listed if MAX_KEYS in listed else by_name
    if MAX_KEYS not in source:
        spec.excuse("16.CONFIG.06", f"there is no {MAX_KEYS}, which is a fault of its own")
        return
    most = source.number(MAX_KEYS)
    if most is None:
        spec.unproven("16.CONFIG.06", f"{MAX_KEYS} does not say how many")
        return
    names = [each.key for each in listed][: max(most, 0)]
    answer = Settings()
    with spec("16.CONFIG.06"):
        assert most > 0, f"{MAX_KEYS} is {most}, so no key could be asked for"
        _, answer = await read_named(csms, names)
        absent = [each for each in names if each not in answer]
        assert not absent, f"of {len(names)} keys asked for, the answer lacks {told(absent)}"
    if len(answer):
        _judge(spec, ["16.CONFIG.04"], asked(names, answer, listed))


@case(
    "SETTINGS_EMPTY_REQUEST_CS",
    "An empty list of keys asks for all settings, as no list does",
    versions=["1.6"],
    requirements=["16.CONFIG.01"],
    severity=Severity.MINOR,
)
async def test_empty_request(csms: CsmsPeer, spec: Spec) -> None:
    """Ask both ways."""
    listed = await list_all(csms)
    with spec("16.CONFIG.01"):
        answer = read(await csms.call("GetConfiguration", {"key": []}))
        missing = lacking(listed, answer, "the answer to a request with an empty list")
        assert not missing, told(missing)


# -- by name ----------------------------------------------------------------------------------------------------------


@case(
    "SETTINGS_UNKNOWN_KEY_CS",
    "A key that the charge point lacks is called unknown, alone and beside one that it has",
    versions=["1.6"],
    requirements=["16.CONFIG.02", "16.CONFIG.03", "16.CONFIG.04"],
    severity=Severity.CRITICAL,
)
async def test_unknown_key(csms: CsmsPeer, spec: Spec) -> None:
    """Ask for such a key, and then for it and another."""
    listed = await list_all(csms)
    requests = [[NO_SUCH_KEY]]
    if listed.number(MAX_KEYS) != 1:
        requests.append([next(iter(listed)).key, NO_SUCH_KEY])
    for names in requests:
        with spec.must("16.CONFIG.03"):
            _, answer = await read_named(csms, names)
        _judge(spec, spec.case.requirements, asked(names, answer, listed))


@case(
    "SETTINGS_ANY_CASE_CS",
    "A key is found however it is spelled",
    versions=["1.6"],
    requirements=["16.CONFIG.20"],
    severity=Severity.MINOR,
)
async def test_any_case(csms: CsmsPeer, spec: Spec) -> None:
    """Ask for one in lower case and in upper case."""
    key = next((each.key for each in await list_all(csms) if each.key == ORDINARY), PROFILES)
    with spec("16.CONFIG.20"):
        for name in (key.lower(), key.upper()):
            _, answer = await read_named(csms, [name])
            assert key in answer, f"the charge point has {key}, and does not find {name}"


@case(
    "SETTINGS_READ_ALIKE_CS",
    "A setting reads the same by its name as in the list of all",
    versions=["1.6"],
    requirements=["16.CONFIG.19"],
    severity=Severity.MINOR,
)
async def test_read_alike(csms: CsmsPeer, spec: Spec) -> None:
    """Read each by its name; where some differ look once more, for some may have moved."""
    listed = await list_all(csms)
    with spec("16.CONFIG.19"):
        by_name = await read_each(csms, [each.key for each in listed], at_once=keys_at_once(listed))
        wrong = differ(listed, by_name)
        if wrong:
            again = await list_all(csms)
            moved = differ(listed, again)
            wrong = [each for each in wrong if each not in moved]
        assert not wrong, told([_told_apart(key, listed, by_name) for key in wrong])


# -- what they say ----------------------------------------------------------------------------------------------------


@case(
    "SETTINGS_VALUES_CS",
    "The settings have the values, the sizes and the switches that they may have, and each is there once",
    versions=["1.6"],
    requirements=["16.CONFIG.11", "16.CONFIG.12", "16.CONFIG.18", "16.CONFIG.25"],
    severity=Severity.NORMAL,
)
async def test_values(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Look at the list of all."""
    _judge(spec, spec.case.requirements, judge(await list_all(csms), claimed(profile)))


@case(
    "SETTINGS_FIXED_CABLE_CS",
    "With fixed cables only, nothing is unlocked when the EV is unplugged, and nobody can set that",
    versions=["1.6"],
    requirements=["16.CONFIG.24"],
    needs="fixed-cable and NOT detachable-cable",
    severity=Severity.NORMAL,
)
async def test_fixed_cable(csms: CsmsPeer, spec: Spec) -> None:
    """Look at the key, and try to set it."""
    listed = await list_all(csms)
    if UNLOCK not in listed:
        spec.excuse("16.CONFIG.24", f"there is no {UNLOCK}, which is a fault of its own")
        return
    _judge(spec, ["16.CONFIG.24"], fixed_cables(listed))
    status = await _write(csms, UNLOCK, "true")
    if status in SET:
        await _write(csms, UNLOCK, listed.value(UNLOCK) or "false")
    with spec("16.CONFIG.24"):
        assert status not in SET, f"every cable is fixed, and setting {UNLOCK} to true was {status}"


@case(
    "SETTINGS_READ_ONLY_CS",
    "A setting that is marked read-only cannot be set, and one that is not can",
    versions=["1.6"],
    requirements=["16.CONFIG.14"],
    severity=Severity.NORMAL,
)
async def test_read_only(csms: CsmsPeer, spec: Spec) -> None:
    """Write to each standard key the value that it has, but for those whose writing has effects of its own."""
    listed = await list_all(csms)
    with spec("16.CONFIG.14"):
        wrong = []
        for setting in listed:
            if setting.value and setting.readonly is not None and _may_be_written(setting.key):
                status = await _write(csms, setting.key, setting.value)
                if (status in SET) is setting.readonly:
                    marked = "read-only" if setting.readonly else "writable"
                    wrong.append(f"{setting} is marked {marked}, and setting it to what it is was {status}")
        assert not wrong, told(wrong)


@case(
    "SETTINGS_LAST_CS",
    "The settings are the same after a restart, one that was changed before included",
    versions=["1.6"],
    requirements=["16.CONFIG.21", "16.CHANGE.12"],
    severity=Severity.NORMAL,
)
async def test_last(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Change one, read all twice, restart, and read them again; what moves by itself is left out."""
    before = (await read_each(csms, [ORDINARY])).value(ORDINARY)
    changed = "300" if before != "300" else "600"
    taken = before is not None and await _write(csms, ORDINARY, changed) == "Accepted"
    try:
        first, second = [await list_all(csms) for _ in range(2)]
        await reboot(station, csms)
        await csms.until(lambda: csms.registration == "Accepted", "the boot to be accepted", within=profile.timing.boot)
        third = await list_all(csms)
        with spec("16.CONFIG.21"):
            moved = {*differ(first, second), *([ORDINARY.casefold()] if taken else [])}
            stays = {each.key.casefold() for each in lasting(first)} - moved
            wrong = [
                *lacking(first, third, "the list after the restart"),
                *lacking(third, first, "the list before the restart"),
                *(_told_apart(key, first, third) for key in differ(first, third) if key in stays),
            ]
            assert not wrong, told(wrong)
        if taken:
            with spec("16.CHANGE.12"):
                now = third.value(ORDINARY)
                assert now == changed, f"{ORDINARY} was set to {changed}, and is {now} after the restart"
        else:
            spec.excuse("16.CHANGE.12", f"setting {ORDINARY} to {changed} was not accepted at once")
    finally:
        if taken and before is not None:
            await _write(csms, ORDINARY, before)


# -- security ---------------------------------------------------------------------------------------------------------


@case(
    "PASSWORD_NOT_READABLE_CS",
    "The password cannot be read, whether all settings are asked for or its key",
    versions=["1.6"],
    requirements=["16.CONFIG.15", "16S.KEY.01"],
    severity=Severity.CRITICAL,
)
async def test_password(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Read both ways. Without a password in the profile, whatever looks like one only warns."""
    secret = profile.password()
    listed = await list_all(csms)
    _, by_name = await read_named(csms, [PASSWORD])
    known = secret.reveal() if secret else None
    faults = list(dict.fromkeys(each for found in (listed, by_name) for each in told_secrets(found, known)))
    has_key = PASSWORD in listed or PASSWORD in by_name
    if not has_key and not faults:
        for requirement in spec.case.requirements:
            spec.excuse(requirement, f"there is no {PASSWORD}")
        return
    _judge(spec, ["16.CONFIG.15"], faults)
    if profile.claims("security-extension"):
        _judge(spec, ["16S.KEY.01"], faults)
    else:
        spec.excuse("16S.KEY.01", "security-extension is not claimed")


@case(
    "SECURITY_SETTINGS_CS",
    "The settings of the security profile are there, and fit how the charge point connected",
    versions=["1.6"],
    requirements=["16S.KEY.02", "16S.KEY.03"],
    needs="security-extension",
    severity=Severity.NORMAL,
)
async def test_security_settings(csms: CsmsPeer, spec: Spec, transcript: Transcript, profile: SutProfile) -> None:
    """Look for the keys, and compare SecurityProfile with the last handshake."""
    listed = await list_all(csms)
    by_name = await read_each(csms, [row.key for row in standard_keys() if row.required_with])
    known = {*listed.by_key, *by_name.by_key}
    if claimed(profile).security_profiles:
        _judge(spec, ["16S.KEY.03"], security_keys(known, claimed(profile)))
    else:
        spec.excuse("16S.KEY.03", "no security profile is claimed")
    if listed.number("SecurityProfile") is None:
        spec.excuse("16S.KEY.02", "the list has no SecurityProfile, and need not")
        return
    entry = [each for each in transcript.entries if each.kind == "handshake" and each.station == csms.identity][-1]
    csms.touch(entry)
    given = any(name.casefold() == "authorization" for name in entry.detail["headers"])
    _judge(spec, ["16S.KEY.02"], security_profile(listed, tls=False, password=given))


# -- steps ------------------------------------------------------------------------------------------------------------


def _judge(spec: Spec, requirements: Iterable[str], faults: Iterable[Fault]) -> None:
    """Judge some requirements by the faults found."""
    found = list(faults)
    for requirement in requirements:
        note(spec, requirement, found)


def _told_apart(key: str, first: Settings, second: Settings) -> str:
    """How two readings of a setting differ, without showing what a vendor may want to keep to himself."""
    one, other = first.by_key[key], second.by_key[key]
    if one.readonly != other.readonly:
        return f"{one} is marked readonly={one.readonly} in one answer, and readonly={other.readonly} in the other"
    if standard_key(key) is None:
        return f"{one} has another value"
    return f"{one} is {one.value!r} in one answer, and {other.value!r} in the other"


def _may_be_written(key: str) -> bool:
    """Whether a key can be written without any effect but that it is written."""
    row = standard_key(key)
    return row is not None and row.profile != "Security" and not row.moves and row.key not in LEFT_ALONE


async def _write(csms: Peer, key: str, value: str) -> str:
    """Set a key; the status that it was answered, or the code of the CALLERROR."""
    try:
        answer = await csms.call("ChangeConfiguration", change_configuration(key, value))
    except Refused as refused:
        return refused.code
    return str(answer["status"])
