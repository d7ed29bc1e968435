"""What the types of a SUT profile can't say: what must be unique, known, there, or go together."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.cases.applicability import Feature, features
from conformance.cases.case import Role
from conformance.sut.complaints import Complaint, shown
from conformance.sut.http_checks import check_http
from conformance.sut.tables import EmbeddedDriver, HttpDriver, ProcessDriver

if TYPE_CHECKING:
    from conformance.sut.profile import SutProfile

PLACEHOLDERS = ("csms_url", "identity", "url")
"""What may stand in braces in the command and the environment of a process driver."""

EMBEDDED = (("station", "2.0.1"), ("csms", "2.0.1"), ("csms", "1.6"))
"""The roles and versions of the references that the harness carries with it."""


def check(profile: "SutProfile") -> None:
    """Raise Complaint for the first thing that is wrong."""
    for part in (_check_place, _check_evses, _check_claims, _check_driver):
        part(profile)


def _check_place(profile: "SutProfile") -> None:
    if not profile.identity.isprintable() or ":" in profile.identity:
        raise Complaint(
            f"identity: expected printable characters without a colon, got {shown(profile.identity)}; "
            f"take the identity that the station is set to"
        )
    twice = _twice(profile.versions)
    if twice is not None:
        raise Complaint(f"versions: expected each version once, got {twice} twice; strike one out")
    path = profile.listen.path
    if re.fullmatch(r"(/[^/?#\s]+)+|/", path) is None:
        raise Complaint(
            f"[listen] path: expected a path such as /ocpp, with nothing after it, got {shown(path)}; "
            f"the station adds its identity to it"
        )
    knows = isinstance(profile.driver, EmbeddedDriver | ProcessDriver)  # then the driver can tell where it listens
    if profile.role == "csms" and profile.dial is None and not knows:
        raise Complaint('[dial]: expected the address of the CSMS, got none; add [dial] and url = "ws://…"')
    dial = profile.dial.url if profile.dial is not None else None
    for where, url in (("[dial] url", dial), ("[parameters] second_url", profile.parameters.second_url)):
        if url is not None and not _is_address(url):
            raise Complaint(f"{where}: expected an address such as ws://host:9000/ocpp, got {shown(url)}; mend it")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("ws", "wss") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _check_evses(profile: "SutProfile") -> None:
    if profile.role == "station" and not profile.evse:
        raise Complaint("[[evse]]: expected at least one, got none; add [[evse]] with its [[evse.connector]]")
    twice = _twice(evse.id for evse in profile.evse)
    if twice is not None:
        raise Complaint(f"[[evse]] id: expected each id once, got {twice} twice; number the EVSEs from 1")
    for evse in profile.evse:
        twice = _twice(connector.id for connector in evse.connector)
        if twice is not None:
            raise Complaint(
                f"[[evse.connector]] id: expected each id once on EVSE {evse.id}, got {twice} twice; "
                f"number the connectors of each EVSE from 1"
            )


def _twice(values: Iterable[object]) -> object | None:
    return next((value for value, count in Counter(values).items() if count > 1), None)


def _check_claims(profile: "SutProfile") -> None:
    for word in profile.functional_profiles:
        _check_word(word, "profile", "functional_profiles", profile.role)
    if profile.product_subtype is not None:
        _check_word(profile.product_subtype, "subtype", "product_subtype", profile.role)
    for name, value in profile.features.items():
        _check_feature(name, value, profile.role)


def _check_word(word: str, kind: str, where: str, role: Role) -> None:
    feature = features().get(word, role)
    if feature is not None and feature.kind == kind:
        return
    official = {row.official.lower(): row.official for row in features().of(role).values() if row.kind == kind}
    near = get_close_matches(word.lower(), official, n=1)
    hint = f"did you mean {official[near[0]]}?" if near else f"choose from {', '.join(official.values())}"
    raise Complaint(f"{where}: expected a name from the list of the Open Charge Alliance, got {shown(word)}; {hint}")


def _check_feature(name: str, value: object, role: Role) -> None:
    where = f"[features] {name}"
    feature = features().get(name, role)
    if feature is None:
        raise Complaint(f"{where}: {features().unknown(name, role)}")
    elsewhere = _claimed_elsewhere(feature)
    if elsewhere:
        raise Complaint(f"{where}: expected only what can be claimed by itself, got {feature}; {elsewhere}")
    if feature.name != name:
        raise Complaint(f"{where}: expected a readable name, got an official id; write {feature.name}")
    match feature.kind, value:
        case ("bool", bool()) | ("list", []):
            return
        case "number", int() if not isinstance(value, bool) and value >= 0:
            return
        case "list", [*items] if all(isinstance(item, str) for item in items):
            return
    expected = {"bool": "true or false", "list": "a list of texts", "number": "a number ≥ 0"}[feature.kind]
    raise Complaint(f"{where}: expected {expected}, got {shown(value)}; it says: {feature.about}")


def _claimed_elsewhere(feature: Feature) -> str:
    """How the feature is claimed, where that is not done under [features]."""
    if feature.derived:
        return f"leave it out: the harness counts each {feature.counts}"
    match feature.kind:
        case "group":
            return f"claim some of {', '.join(part.name for part in features().parts(feature))}"
        case "profile":
            return f'write functional_profiles = ["{feature.official}"]'
        case "subtype":
            return f'write product_subtype = "{feature.official}"'
    return ""


def _check_driver(profile: "SutProfile") -> None:
    match profile.driver:
        case EmbeddedDriver() if not any((profile.role, version) in EMBEDDED for version in profile.versions):
            known = " or ".join(dict.fromkeys(f"a {role} of OCPP {version}" for role, version in EMBEDDED))
            raise Complaint(
                f"[driver] kind: expected embedded only for {known}, got it for a {profile.role} of "
                f"{', '.join(profile.versions)}; choose process, operator or none"
            )
        case HttpDriver() as driver:
            if profile.role != "csms":
                raise Complaint(
                    f"[driver] kind: expected http only for a csms, got it for a {profile.role}; "
                    f"choose process, operator or none"
                )
            check_http(driver, profile.versions)
        case ProcessDriver() as driver:
            _check_process(driver)


def _check_process(driver: ProcessDriver) -> None:
    if not driver.command[0]:
        raise Complaint("[driver] command: expected a program to start, got an empty text; name the program first")
    if not Path(driver.cwd).is_dir():
        raise Complaint(f"[driver] cwd: expected a folder, got {driver.cwd}, which is none; name an existing folder")
    if "OCPP_PASSWORD" in driver.env:
        raise Complaint("[driver.env] OCPP_PASSWORD: expected no password in a profile; use [credentials] password_env")
    for where, text in _templates(driver):
        for word in re.findall(r"(?<!\$)\{([A-Za-z_-]+)\}", text):
            near = get_close_matches(word.lower(), PLACEHOLDERS, n=1)
            if word not in PLACEHOLDERS and near:
                raise Complaint(f"{where}: {{{word}}} stands for nothing; did you mean {{{near[0]}}}?")


def _templates(driver: ProcessDriver) -> Iterator[tuple[str, str]]:
    yield from (("[driver] command", text) for text in driver.command)
    yield from ((f"[driver.env] {name}", text) for name, text in driver.env.items())
