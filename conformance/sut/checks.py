"""What the types of a SUT profile can't say: what must be unique, known, there, or go together."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.cases.applicability import Feature, feature_in, features
from conformance.cases.baseline import BaselineError, load
from conformance.cases.case import Role
from conformance.pki import Pki, PkiError
from conformance.sut.complaints import Complaint, shown
from conformance.sut.http_checks import check_http
from conformance.sut.tables import EmbeddedDriver, HttpDriver, IdToken, OneVersion, ProcessDriver

if TYPE_CHECKING:
    from conformance.sut.profile import SutProfile

PLACEHOLDERS = ("csms_url", "identity", "url", "version", "root_file", "certificate_file", "key_file")
"""What may stand in braces in the command and the environment of a process driver."""

LONGEST_ID_TAG = 20
"""The characters of an id in OCPP 1.6."""

EMBEDDED = (("station", "2.0.1"), ("station", "1.6"), ("csms", "2.0.1"), ("csms", "1.6"))
"""The roles and versions of the references that the harness carries with it."""


def check(profile: "SutProfile") -> None:
    """Raise Complaint for the first thing that is wrong."""
    for part in (_check_place, _check_security, _check_evses, _check_claims, _check_parameters, _check_driver):
        part(profile)


def _check_place(profile: "SutProfile") -> None:
    for where, identity in _identities(profile):
        if identity is not None and (not identity.isprintable() or ":" in identity):
            raise Complaint(
                f"{where}: expected printable characters without a colon, got {shown(identity)}; "
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
    for where, url in _addresses(profile):
        if url is not None and not _is_address(url):
            raise Complaint(f"{where}: expected an address such as ws://host:9000/ocpp, got {shown(url)}; mend it")


def _check_security(profile: "SutProfile") -> None:
    security = profile.security
    for where, path, folder in (("pki", security.pki, True), ("root", security.root, False)):
        if path is not None and not (Path(path).is_dir() if folder else Path(path).is_file()):
            hint = "make one with `ocpp-conformance pki`" if folder else "save the root of the CSMS's certificate there"
            raise Complaint(f"[security] {where}: {path} is no {'folder' if folder else 'file'}; {hint}")
    given, only = ("urls", "csms") if security.urls else ("ports", "station") if security.ports else ("", profile.role)
    if only != profile.role:
        raise Complaint(
            f"[security] {given}: expected it for a {only} only, got it for a {profile.role}; strike it out"
        )
    if security.pki is not None:
        try:
            Pki.load(Path(security.pki))
        except PkiError as error:
            raise Complaint(f"[security] pki: {error}") from None
    embedded = isinstance(profile.driver, EmbeddedDriver)
    if profile.role == "station" and security.profile > 1 and security.pki is None and not embedded:
        raise Complaint(
            f"[security] pki: expected the folder of the certificates for security profile {security.profile}, got "
            f"none; make one with `ocpp-conformance pki`, and install at the station what it says"
        )


def _identities(profile: "SutProfile") -> Iterator[tuple[str, str | None]]:
    yield "identity", profile.identity
    yield "[parameters] second_identity", profile.parameters.second_identity
    yield "[parameters] unknown_identity", profile.parameters.unknown_identity
    yield from ((f'[only."{version}"] identity', own.identity) for version, own in profile.only.items())


def _addresses(profile: "SutProfile") -> Iterator[tuple[str, str | None]]:
    yield "[dial] url", profile.dial.url if profile.dial is not None else None
    yield "[parameters] second_url", profile.parameters.second_url
    yield from ((f'[security.urls] "{number}"', url) for number, url in profile.security.urls.items())
    for version, own in profile.only.items():
        yield f'[only."{version}".dial] url', own.dial.url if own.dial is not None else None


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
    _check_claims_of(profile, "", profile.role, profile.versions)
    for version, own in profile.only.items():
        if version not in profile.versions:
            raise Complaint(
                f'[only."{version}"]: expected one of the versions {", ".join(profile.versions)}, got another one; '
                f"add it to versions, or strike this out"
            )
        _check_claims_of(own, f'only."{version}"', profile.role, (version,))


def _check_claims_of(claims: "SutProfile | OneVersion", table: str, role: Role, versions: Sequence[str]) -> None:
    """Check the claims of a table; each must be known in one of the versions."""
    where = f"[{table}] " if table else ""
    for word in claims.functional_profiles or ():
        _check_word(word, "profile", f"{where}functional_profiles", role, versions)
    if claims.product_subtype is not None:
        _check_word(claims.product_subtype, "subtype", f"{where}product_subtype", role, versions)
    for name, value in claims.features.items():
        _check_feature(name, value, f"[{f'{table}.features' if table else 'features'}] {name}", role, versions)


def _check_word(word: str, kind: str, where: str, role: Role, versions: Sequence[str]) -> None:
    feature = feature_in(versions, word, role)
    if feature is not None and feature.kind == kind:
        return
    rows = [row for version in versions for row in features(version).of(role).values() if row.kind == kind]
    official = {row.official.lower(): row.official for row in rows}
    near = get_close_matches(word.lower(), official, n=1)
    choose = f"choose from {', '.join(official.values())}" if official else f"OCPP {' and '.join(versions)} has none"
    hint = f"did you mean {official[near[0]]}?" if near else choose
    raise Complaint(f"{where}: expected a name from the list of the Open Charge Alliance, got {shown(word)}; {hint}")


def _check_feature(name: str, value: object, where: str, role: Role, versions: Sequence[str]) -> None:
    feature = feature_in(versions, name, role)
    if feature is None:
        raise Complaint(f"{where}: {features(versions[0]).unknown(name, role)}")
    elsewhere = _claimed_elsewhere(feature, versions)
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


def _claimed_elsewhere(feature: Feature, versions: Sequence[str]) -> str:
    """How the feature is claimed, where that is not done under [features]."""
    if feature.derived and feature.kind == "bool":
        return "write [parameters] baseline, with the name of the file"
    if feature.derived:
        return f"leave it out: the harness counts each {feature.counts}"
    match feature.kind:
        case "group":
            parts = dict.fromkeys(part.name for each in versions for part in features(each).parts(feature))
            return f"claim some of {', '.join(parts)}"
        case "profile":
            return f'write functional_profiles = ["{feature.official}"]'
        case "subtype":
            return f'write product_subtype = "{feature.official}"'
    return ""


def _check_parameters(profile: "SutProfile") -> None:
    parameters = profile.parameters
    for name in parameters.__struct_fields__:
        token = getattr(parameters, name)
        if isinstance(token, IdToken) and "1.6" in profile.versions and len(token.id_token) > LONGEST_ID_TAG:
            raise Complaint(
                f"[parameters.{name}] id_token: expected at most {LONGEST_ID_TAG} characters, as OCPP 1.6 has it, got "
                f"{len(token.id_token)}; take a shorter one"
            )
    _check_baseline(profile)
    if not parameters.wrong_path.startswith("/"):
        raise Complaint(
            f"[parameters] wrong_path: expected a path that begins with /, got {shown(parameters.wrong_path)}; mend it"
        )


def _check_baseline(profile: "SutProfile") -> None:
    baseline = profile.parameters.baseline
    if baseline is None:
        return
    if profile.role != "station":
        raise Complaint(
            "[parameters] baseline: expected it for a station only, got it for a csms, which has no configuration to "
            "read; strike it out"
        )
    try:
        load(baseline)
    except BaselineError as error:
        raise Complaint(f"[parameters] baseline: {error}") from None


def _check_driver(profile: "SutProfile") -> None:
    match profile.driver:
        case EmbeddedDriver() if not all((profile.role, version) in EMBEDDED for version in profile.versions):
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
