"""Judges the settings of a charge point of OCPP 1.6: against the documents, against itself, and against its claims.

Everything here yields `Fault`s, as for a device model. No text of one ever holds the value of a key that can't be read.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from conformance.cases.applicability import Claim
from conformance.cases.keys import StandardKey, standard_key, standard_keys, words
from conformance.oracles.inventory import Fault

PROFILES = ("Core", "FirmwareManagement", "LocalAuthListManagement", "Reservation", "SmartCharging", "RemoteTrigger")
"""The feature profiles, as SupportedFeatureProfiles names them."""

LONGEST_KEY = 50
LONGEST_VALUE = 500

_PASSWORD_KEY = "authorizationkey"  # noqa: S105 -- the name of a key, no password
_UNLOCK = "UnlockConnectorOnEVSideDisconnect"
_INTEGER = re.compile(r"-?[0-9]+")
_PHASE_ROTATION = re.compile(r"[0-9]+\.(.+)")
_MASK = re.compile(r"[*•xX#?.\-_ ]*|<.*>|\[.*\]")
_SHORT_SECRET = 8
_PASSWORD_LENGTH = 16
_BASIC, _BASIC_TLS, _CERTIFICATE = 1, 2, 3
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as the charge point tells it; None is what it does not say."""

    key: str
    value: str | None = None
    readonly: bool | None = None

    @property
    def items(self) -> tuple[str, ...]:
        """The items of a list."""
        return tuple(each.strip() for each in (self.value or "").split(",") if each.strip())

    def __str__(self) -> str:
        return self.key


@dataclass
class Settings:
    """What a GetConfiguration was answered: the settings by folded key, and the keys that are said to be unknown.

    `repeated` are the keys that came more than once, `unreadable` says what was no setting.
    """

    by_key: dict[str, Setting] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Setting]:
        return iter(self.by_key.values())

    def __len__(self) -> int:
        return len(self.by_key)

    def __contains__(self, key: str) -> bool:
        return key.casefold() in self.by_key

    def find(self, key: str) -> Setting | None:
        """The setting of this key, compared without regard to case."""
        return self.by_key.get(key.casefold())

    def value(self, key: str) -> str | None:
        """Its value, None where the list has no such key or no value for it."""
        found = self.find(key)
        return found.value if found else None

    def number(self, key: str) -> int | None:
        """Its value as a number, None where it is none."""
        value = self.value(key)
        return int(value) if value is not None and _INTEGER.fullmatch(value) else None

    def says_unknown(self, key: str) -> bool:
        """Whether this key is said to be unknown."""
        return key.casefold() in {each.casefold() for each in self.unknown}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What a profile says of the charge point: its feature profiles as the documents name them, and its connectors."""

    profiles: frozenset[str] = frozenset({"Core"})
    features: Mapping[str, Claim] = field(default_factory=dict)
    connectors: int = 1
    security_profiles: frozenset[int] = frozenset()


def read(answer: Mapping[str, object]) -> Settings:
    """What the answer to a GetConfiguration says."""
    settings = Settings()
    for number, item in enumerate(_list(answer.get("configurationKey")), start=1):
        match item:
            case {"key": str(key)} if isinstance(item, dict):
                if key in settings:
                    settings.repeated.append(key)
                settings.by_key.setdefault(key.casefold(), _setting(key, item))
            case _:
                settings.unreadable.append(f"entry {number} has no key")
    settings.unknown = [each for each in _list(answer.get("unknownKey")) if isinstance(each, str)]
    return settings


def _setting(key: str, item: Mapping[str, object]) -> Setting:
    value, readonly = item.get("value"), item.get("readonly")
    return Setting(key, value if isinstance(value, str) else None, readonly if isinstance(readonly, bool) else None)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def judge(settings: Settings, claimed: Claimed) -> list[Fault]:
    """Everything that is wrong with the list of all settings, and can be told from it alone."""
    return [fault for oracle in _ORACLES for fault in oracle(settings, claimed)]


# -- against the documents --------------------------------------------------------------------------------------------


def due(claimed: Claimed) -> list[StandardKey]:
    """The keys that the documents require of a charge point with these feature profiles."""
    return [each for each in standard_keys() if each.required and each.profile in {"Core", *claimed.profiles}]


def due_for_security(claimed: Claimed) -> list[StandardKey]:
    """The keys that the white paper requires of a charge point with these security profiles."""
    return [each for each in standard_keys() if claimed.security_profiles & set(each.required_with)]


def required(settings: Settings, claimed: Claimed, *, known: Collection[str] = ()) -> Iterator[Fault]:
    """Keys that must be there by what is claimed, and are not; `known` are those that can be read by name, folded."""
    for row in due(claimed):
        if row.key not in settings and row.key.casefold() not in known:
            core = row.profile == "Core"
            why = "" if core else f", which {row.profile} requires"
            yield Fault("16.CONFIG.08" if core else "16.CONFIG.09", f"there is no {row}{why}", not row.unclear)


def hidden(settings: Settings, *, known: Collection[str]) -> Iterator[Fault]:
    """Standard keys that can be read by name, and are not in the list of all; `known` are their folded names."""
    for row in standard_keys():
        if row.readable and not row.switches and row.key.casefold() in known and row.key not in settings:
            yield Fault("16.CONFIG.01", f"{row} can be read by its name, and is not in the list of all settings")


def as_defined(settings: Settings, _: Claimed) -> Iterator[Fault]:
    """Standard keys that are marked or filled otherwise than the documents define them."""
    for setting in settings:
        row = standard_key(setting.key)
        if row is None:
            continue
        if setting.readonly is not None and not row.may_be(readonly=setting.readonly):
            marked, right = ("read-only", "writable") if setting.readonly else ("writable", "read-only")
            yield Fault("16.CONFIG.10", f"{row} is marked {marked}, and is {right}", not row.unclear)
        if setting.value is not None and row.readable:
            yield from _value_as_defined(setting, setting.value, row, settings)


def _value_as_defined(setting: Setting, value: str, row: StandardKey, settings: Settings) -> Iterator[Fault]:
    if row.type == "CSL":
        yield from _list_as_defined(setting, row, settings)
    elif row.type == "boolean" and value not in ("true", "false"):
        spelling = value.casefold() in ("true", "false", "")
        yield _wrong(row, f"{_shown(value)}, and should be true or false", certain=not spelling)
    elif row.type == "integer":
        if not _INTEGER.fullmatch(value):
            yield _wrong(row, f"{_shown(value)}, which is no integer", certain=value != "")
        elif not _within(int(value), row) or (row.values and value not in row.values):
            yield _wrong(row, f"{value[:_SHOWN]}, and should be {_range(row)}")


def _list_as_defined(setting: Setting, row: StandardKey, settings: Settings) -> Iterator[Fault]:
    if row.key != "SupportedFeatureProfiles":  # which is judged by a rule of its own
        strange = [each for each in setting.items if not _may_list(each, row)]
        if strange:
            yield _wrong(row, f"a list with {', '.join(strange)[:_SHOWN]}, which the documents do not know")
    for limit in standard_keys():
        most = settings.number(limit.key) if limit.limits == row.key else None
        if most is not None and len(setting.items) > most:
            yield _wrong(row, f"a list of {len(setting.items)} items, and {limit} says {most}")


def _may_list(item: str, row: StandardKey) -> bool:
    folded = item.casefold()
    if row.items == "measurand":
        return folded in _measurands()
    if row.items == "phase-rotation":
        found = _PHASE_ROTATION.fullmatch(folded)
        return found is not None and found[1] in map(str.casefold, words().rotations)
    return folded in map(str.casefold, row.values)


def _measurands() -> frozenset[str]:
    plain = [each.casefold() for each in words().measurands]
    return frozenset([*plain, *(f"{each}.{phase.casefold()}" for each in plain for phase in words().phases)])


def _wrong(row: StandardKey, text: str, *, certain: bool = True) -> Fault:
    return Fault("16.CONFIG.11", f"{row} is {text}", certain)


def _shown(value: str) -> str:
    return repr(value[:_SHOWN])


def _within(number: int, row: StandardKey) -> bool:
    return (row.min is None or number >= row.min) and (row.max is None or number <= row.max)


def _range(row: StandardKey) -> str:
    if row.values:
        return f"one of {', '.join(row.values)}"
    return f"at least {row.min}" if row.max is None else f"at most {row.max}"


def sized(settings: Settings, _: Claimed) -> Iterator[Fault]:
    """Keys and values that are longer than they may be."""
    for setting in settings:
        if len(setting.key) > LONGEST_KEY:
            text = f"the key {setting.key[:LONGEST_KEY]}… has {len(setting.key)} characters, and {LONGEST_KEY} may be"
            yield Fault("16.CONFIG.12", text)
        if len(setting.value or "") > LONGEST_VALUE:
            text = f"the value of {setting.key[:LONGEST_KEY]} has {len(setting.value or '')} characters"
            yield Fault("16.CONFIG.12", f"{text}, and {LONGEST_VALUE} may be")


def once(settings: Settings, _: Claimed) -> Iterator[Fault]:
    """Keys that the list shows more than once."""
    for key in dict.fromkeys(settings.repeated):
        yield Fault("16.CONFIG.18", f"{key} is there more than once")


def profiles(settings: Settings, _: Claimed) -> Iterator[Fault]:
    """What is wrong with SupportedFeatureProfiles; that it is missing is a fault of its own."""
    setting = settings.find("SupportedFeatureProfiles")
    if setting is None:
        return
    named = {each.casefold() for each in setting.items}
    if "core" not in named:
        yield Fault("16.CONFIG.16", "SupportedFeatureProfiles does not name Core")
    strange = [each for each in setting.items if each.casefold() not in map(str.casefold, PROFILES)]
    if strange:
        text = f"SupportedFeatureProfiles names {', '.join(strange)[:_SHOWN]}, and the documents do not"
        yield Fault("16.CONFIG.16", text)


def fixed_cables(settings: Settings) -> Iterator[Fault]:
    """What is wrong with a charge point that has fixed cables only (errata 3.84)."""
    setting, row = settings.find(_UNLOCK), standard_key(_UNLOCK)
    if setting is None or row is None or row.fixed_cable is None:
        return
    if setting.readonly is False:
        yield Fault("16.CONFIG.24", f"{row} is marked writable, and every cable is fixed")
    if setting.value is not None and setting.value.casefold() != row.fixed_cable.value:
        yield Fault("16.CONFIG.24", f"{row} is {_shown(setting.value)}, and every cable is fixed")


def switches(settings: Settings, claimed: Claimed) -> Iterator[Fault]:
    """Optional booleans that are there without what they stand for, or missing with it (1.6, 9).

    One that is there and not claimed is for the buyer to know: nothing says that a profile must claim everything.
    """
    for row in standard_keys():
        if not row.switches:
            continue
        setting = settings.find(row.key)
        offered = bool(claimed.features.get(row.switches, False))
        fixed = row.accessibility == ("R",)
        off = setting is not None and fixed and (setting.value or "").casefold() == "false"
        if offered and (setting is None or off):
            text = "the list has no" if setting is None else "it is switched off for good by"
            yield Fault("16.CONFIG.25", f"{row.switches} is claimed, and {text} {row}")
        elif setting is not None and not offered and not off:
            yield Fault("16.CONFIG.25", f"the list has {row}, and {row.switches} is not claimed", certain=False)


# -- secrets ----------------------------------------------------------------------------------------------------------


def told_secrets(settings: Settings, password: str | None) -> Iterator[Fault]:
    """Where the password is given away, by the key that holds it or by another.

    Without a password to compare with, anything that looks like one is doubtful: the key may show something unrelated.
    """
    for setting in settings:
        value = setting.value or ""
        if setting.key.casefold() == _PASSWORD_KEY:
            if password is not None and _holds(value, password):
                yield from _given_away(f"{setting} can be read, and its value is the password")
            elif password is None and len(value) >= _PASSWORD_LENGTH and not _MASK.fullmatch(value):
                yield from _given_away(f"{setting} has a value that may be the password", certain=False)
        elif password is not None and len(password) >= _SHORT_SECRET and _holds(value, password):
            yield from _given_away(f"the value of {setting} holds the password")


def _given_away(text: str, *, certain: bool = True) -> Iterator[Fault]:
    for requirement in ("16.CONFIG.15", "16S.KEY.01"):
        yield Fault(requirement, text, certain)


def _holds(value: str, password: str) -> bool:
    forms = (password, password.encode().hex())
    return bool(password) and any(each.casefold() in value.casefold() for each in forms)


def security_keys(known: Collection[str], claimed: Claimed) -> Iterator[Fault]:
    """Keys of the white paper that are not there; `known` are the folded names of those that are."""
    for row in due_for_security(claimed):
        if row.key.casefold() not in known:
            yield Fault("16S.KEY.03", f"there is no {row}, which the claimed security profile requires", certain=False)


def security_profile(settings: Settings, *, tls: bool, password: bool) -> Iterator[Fault]:
    """Whether SecurityProfile fits how the charge point connected; 0 also stands for one that was never set."""
    shown = settings.number("SecurityProfile")
    if shown is None or shown not in range(4):
        return
    used = (_BASIC_TLS if password else _CERTIFICATE) if tls else (_BASIC if password else 0)
    if shown != used:
        how = f"{'with' if tls else 'without'} TLS and {'with' if password else 'without'} a password"
        text = f"SecurityProfile is {shown}, and the charge point connected {how}"
        yield Fault("16S.KEY.02", text, certain=shown != 0)


# -- against what else the charge point says ---------------------------------------------------------------------------


def connectors(settings: Settings, reported: Collection[int]) -> Iterator[Fault]:
    """Whether NumberOfConnectors fits the connectors whose status was reported; 0 is the charge point itself."""
    stated = settings.number("NumberOfConnectors")
    places = sorted(set(reported) - {0})
    if stated is None:
        return
    listed = ", ".join(map(str, places)) or "none"
    if len(places) != stated:
        yield Fault("16.CONFIG.17", f"NumberOfConnectors is {stated}, and statuses came of the connectors {listed}")
    above = [each for each in places if each > stated]
    if above:
        text = f"NumberOfConnectors is {stated}, and a status came of connector {', '.join(map(str, above))}"
        yield Fault("16.STATUS.17", text)
    elif places != list(range(1, len(places) + 1)):
        yield Fault("16.STATUS.17", f"the connectors are numbered {listed}")


def asked(names: Iterable[str], answer: Settings, listed: Settings) -> Iterator[Fault]:
    """Whether an answer is right for the keys that were asked for; `listed` are all settings of the charge point."""
    wanted = list(names)
    for name in wanted:
        setting, whole = answer.find(name), listed.find(name)
        unknown = answer.says_unknown(name)
        if setting is None and not unknown:
            requirement = "16.CONFIG.03" if whole is None else "16.CONFIG.02"
            yield Fault(requirement, f"{name} was asked for, and is neither listed nor called unknown")
        elif setting is None and whole is not None:
            yield Fault("16.CONFIG.02", f"{name} is in the list of all settings, and called unknown when asked for")
        elif setting is not None and unknown:
            yield Fault("16.CONFIG.04", f"{name} is both listed and called unknown")
        if setting is not None:
            if setting.readonly is None:
                yield Fault("16.CONFIG.02", f"{name} comes without saying whether it is read-only")
            if setting.value is None and whole is not None and whole.value is not None:
                yield Fault("16.CONFIG.02", f"{name} has a value in the list of all settings, and none when asked for")
    folded = {each.casefold() for each in wanted}
    surplus = [each.key for each in answer if each.key.casefold() not in folded]
    surplus += [each for each in answer.unknown if each.casefold() not in folded]
    if surplus:
        yield Fault("16.CONFIG.04", f"nobody asked for {', '.join(surplus)[:_SHOWN]}")


def differ(first: Settings, second: Settings) -> list[str]:
    """The folded keys that both have, and that read differently, without those that move by nature."""
    return [
        key
        for key, setting in first.by_key.items()
        if key in second.by_key and _still(key) and not _alike(setting, second.by_key[key])
    ]


def _alike(first: Setting, second: Setting) -> bool:
    return (first.value or "", first.readonly) == (second.value or "", second.readonly)


def _still(key: str) -> bool:
    row = standard_key(key)
    return row is None or not row.moves


def lacking(part: Settings, whole: Settings, what: str) -> list[str]:
    """The keys of one list that another does not have."""
    return [f"{each} is not in {what}" for each in part if each.key not in whole]


def lasting(settings: Settings) -> list[Setting]:
    """The settings that nothing but a ChangeConfiguration should move: standard ones, and others that can be set."""
    return [
        each for each in settings if _still(each.key) and (standard_key(each.key) is not None or each.readonly is False)
    ]


# -- against the claims -----------------------------------------------------------------------------------------------


def against_claims(settings: Settings, claimed: Claimed) -> Iterator[Fault]:
    """Where the settings show something else than the profile says."""
    stated = settings.number("NumberOfConnectors")
    if stated is None:
        text = f"NumberOfConnectors is not readable, and {claimed.connectors} connectors are claimed"
        yield Fault("16.CLAIM.CONNECTOR.01", text)
    elif stated != claimed.connectors:
        text = f"NumberOfConnectors is {stated}, and {claimed.connectors} connectors are claimed"
        yield Fault("16.CLAIM.CONNECTOR.01", text)
    setting = settings.find("SupportedFeatureProfiles")
    named = {each.casefold() for each in setting.items} if setting else set()
    for profile in PROFILES:
        is_claimed, is_named = profile in claimed.profiles, profile.casefold() in named
        if is_claimed and not is_named:
            yield Fault("16.CLAIM.FEATURE.01", f"{profile} is claimed, and SupportedFeatureProfiles does not name it")
        elif is_named and not is_claimed and profile != "Core":
            yield Fault("16.CLAIM.FEATURE.02", f"SupportedFeatureProfiles names {profile}, which is not claimed")


_ORACLES = (as_defined, sized, once, profiles, switches, against_claims)
