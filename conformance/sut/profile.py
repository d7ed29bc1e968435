"""What a system under test claims, and what the harness must know to judge and to operate it: one TOML file.

docs/writing-a-profile.md explains every key. Whatever is wrong with a profile is a `ProfileError` with one message.
"""

import base64
import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from conformance.cases.applicability import LISTED, Applies, Claim, Features, evaluate, feature_in, features
from conformance.cases.case import Role
from conformance.files import data
from conformance.sut.checks import check
from conformance.sut.complaints import Complaint, complaint
from conformance.sut.secret import Secret
from conformance.sut.tables import (
    Credentials,
    Dial,
    Driver,
    EmbeddedDriver,
    Evse,
    Firmware,
    HttpDriver,
    Identity,
    Listen,
    NoDriver,
    OneVersion,
    Parameters,
    ProcessDriver,
    Product,
    Security,
    Table,
    Timing,
    Version,
)

EMBEDDED = "embedded"
"""The word for everything that the harness carries with it to be judged."""

_REFERENCES = ("reference-station", "reference-csms")


class ProfileError(ValueError):
    """A profile that can't be used: the file, the place in it, what was expected, what came, and what to do."""


class SutProfile(Table, frozen=True, kw_only=True):
    """Everything that the harness is told about one system under test."""

    role: Role
    versions: Annotated[tuple[Version, ...], Meta(min_length=1)]
    identity: Identity
    sut: Product
    listen: Listen = Listen()
    dial: Dial | None = None
    evse: tuple[Evse, ...] = ()
    functional_profiles: tuple[str, ...] = ("Core",)
    product_subtype: str | None = None
    features: dict[str, Any] = msgspec.field(default_factory=dict)
    parameters: Parameters = Parameters()
    timing: Timing = Timing()
    credentials: Credentials = Credentials()
    security: Security = Security()
    driver: Driver = NoDriver()
    only: dict[str, OneVersion] = msgspec.field(default_factory=dict)

    @property
    def version(self) -> Version:
        """The version that is judged: of a profile with several, the first; `in_version` chooses another."""
        return self.versions[0]

    def in_version(self, version: Version) -> "SutProfile":
        """The profile as it is in one version: what [only] says of it holds, and claims that it lacks are dropped."""
        changes: dict[str, Any] = {"versions": (version,), "only": {}, "features": self.features}
        if version in self.only:
            own = self.only[version]
            kept = ("identity", "dial", "functional_profiles", "product_subtype")
            changes |= {key: getattr(own, key) for key in kept if getattr(own, key) is not None}
            changes["features"] = self.features | own.features
        return msgspec.structs.replace(self, **changes)

    @property
    def connectors(self) -> list[tuple[int, int]]:
        """Every connector as EVSE id and connector id, in the order of the profile."""
        return [(evse.id, connector.id) for evse in self.evse for connector in evse.connector]

    @property
    def user(self) -> str:
        """The user name for basic authentication."""
        return self.identity if self.credentials.user is None else self.credentials.user

    def claims_map(self) -> dict[str, Claim]:
        """Every claim that its version knows, by the readable name of the feature; what is missing is not claimed."""
        if self.only:
            return self.in_version(self.version).claims_map()
        known = self._known.of(self.role)
        words = [*self.functional_profiles, *([self.product_subtype] if self.product_subtype else [])]
        claims: dict[str, Claim] = dict.fromkeys((_name(word, self.role) for word in words), True)
        claims |= {name: tuple(value) if isinstance(value, list) else value for name, value in self.features.items()}
        if self.role == "station":
            claims |= {"evses": len(self.evse), "connectors": len(self.connectors)}
        if self.parameters.baseline is not None:
            claims["configuration-baseline"] = True
        return {name: value for name, value in claims.items() if name in known}

    def claims(self, feature: str) -> bool:
        """Whether a feature is claimed, by readable name or official id.

        Raises ExpressionError where no product of this role and version can claim it.
        """
        return bool(self._known.value(self._known.find(feature, self.role), self.claims_map()))

    def applies(self, expression: str) -> Applies:
        """Whether a case that needs this applies; raises ExpressionError."""
        return evaluate(expression, self.claims_map(), self.role, self.version)

    def excluded_by(self, needs: str, more: Mapping[str, Claim]) -> str:
        """Why a case that needs this does not apply, empty where it does; `more` are claims beside the profile's.

        Raises ExpressionError.
        """
        return evaluate(needs, self.claims_map() | dict(more), self.role, self.version).reason

    @property
    def _known(self) -> Features:
        return features(self.version)

    def password(self) -> Secret | None:
        """The password, fetched from where the profile says it is kept; raises ProfileError where it isn't there."""
        try:
            return _password(self.credentials)
        except Complaint as error:
            raise ProfileError(f"profile of {self.sut.name}: {error}") from None

    def secrets(self) -> tuple[str, ...]:
        """Texts that must not appear in anything that is kept.

        The password, also as an Authorization header and as the AuthorizationKey of OCPP 1.6 have it.
        """
        password = self.password()
        if password is None:
            return ()
        pair = f"{self.user}:{password.reveal()}".encode()
        digits = password.reveal().encode().hex()
        return (password.reveal(), base64.b64encode(pair).decode(), digits, digits.upper())

    def describe(self) -> dict[str, Any]:
        """What a report says of the system under test; no secrets."""
        named = {key: value for key, value in msgspec.to_builtins(self.sut).items() if value is not None}
        claims = self.claims_map().items()
        return named | {
            "identity": self.identity,
            "role": self.role,
            "versions": list(self.versions),
            "evses": {str(evse.id): [connector.type for connector in evse.connector] for evse in self.evse},
            "driver": str(self.driver.__struct_config__.tag),
            "claims": {name: list(value) if isinstance(value, tuple) else value for name, value in claims},
        }


def _name(word: str, role: Role) -> str:
    """The readable name of a functional profile or subtype, whichever version has this word for it."""
    found = feature_in(LISTED, word, role)
    return word if found is None else found.name


# -- finding and reading a profile ------------------------------------------------------------------------------------


def resolve_all(name_or_path: str | Path) -> tuple[Path, ...]:
    """The files that are meant: those of all references for `embedded`, else the one that `resolve` finds."""
    if str(name_or_path) == EMBEDDED:
        return tuple(resolve(name) for name in _REFERENCES)
    return (resolve(name_or_path),)


def resolve(name_or_path: str | Path) -> Path:
    """The file that is meant by a path, or by the name of a profile that the harness ships."""
    path = Path(name_or_path)
    if path.exists() or path.suffix == ".toml" or len(path.parts) != 1:
        return path
    try:
        return data(f"fixtures/profiles/{name_or_path}.toml")
    except FileNotFoundError:
        return path


def load_profile(path: str | Path) -> SutProfile:
    """Read and check a profile; raises ProfileError for whatever is wrong with it.

    Folders in it are taken from where the file lies, and the password must be where the profile says it is.
    """
    path = Path(path)
    try:
        raw = _read(path)
        try:
            profile = msgspec.convert(raw, SutProfile)
        except msgspec.ValidationError as error:
            raise complaint(str(error), raw, SutProfile) from None
        profile = _beside(profile, path.resolve().parent)
        check(profile)
        _draw_password(profile)
        _password(profile.credentials)
    except Complaint as error:
        raise ProfileError(f"{path}: {error}") from None
    return profile


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise Complaint("no such file; name a profile in TOML, or the word embedded for the references that come along")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Complaint(f"the file can't be read ({error.strerror or error}); name a profile in TOML") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Complaint(f"line {line}: expected UTF-8, got another encoding; save the file as UTF-8") from None
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise Complaint("not valid TOML: nested too deeply") from None
    except ValueError as error:
        place = re.search(r"\(at (line \d+), column \d+\)$", str(error))
        where, what = (f"{place[1]}: ", str(error)[: place.start()].strip()) if place else ("", str(error))
        raise Complaint(f"{where}not valid TOML: {what[:200]}") from None


def _beside(profile: SutProfile, folder: Path) -> SutProfile:
    """The profile with its folders and files as absolute paths."""
    credentials, driver, parameters = profile.credentials, profile.driver, profile.parameters
    if parameters.baseline is not None:
        place = str(folder / Path(parameters.baseline).expanduser())
        parameters = msgspec.structs.replace(parameters, baseline=place)
    if parameters.firmware is not None:
        names = msgspec.structs.asdict(parameters.firmware)
        files = {name: str(folder / Path(file).expanduser()) for name, file in names.items()}
        parameters = msgspec.structs.replace(parameters, firmware=Firmware(**files))
    if credentials.password_file is not None:
        place = str(folder / Path(credentials.password_file).expanduser())
        credentials = msgspec.structs.replace(credentials, password_file=place)
    if isinstance(driver, ProcessDriver | HttpDriver):
        driver = msgspec.structs.replace(driver, cwd=str(folder / Path(driver.cwd).expanduser()))
    security = profile.security
    for name in ("pki", "root"):
        given = getattr(security, name)
        if given is not None:
            security = msgspec.structs.replace(security, **{name: str(folder / Path(given).expanduser())})
    changes = {"credentials": credentials, "driver": driver, "parameters": parameters, "security": security}
    return msgspec.structs.replace(profile, **changes)


def _draw_password(profile: SutProfile) -> None:
    """Draw the password of an embedded reference, unless it is there; every process of a run finds the same one."""
    variable = profile.credentials.password_env
    if variable is not None and isinstance(profile.driver, EmbeddedDriver):
        os.environ.setdefault(
            variable, secrets.token_hex(10)
        )  # 20 bytes: no more fit into the AuthorizationKey of OCPP 1.6


def _password(credentials: Credentials) -> Secret | None:
    variable, file = credentials.password_env, credentials.password_file
    if variable is not None and file is not None:
        raise Complaint("[credentials]: expected password_env or password_file, got both; keep one of them")
    if variable is not None:
        value = os.environ.get(variable, "")
        if not value:
            raise Complaint(
                f"[credentials] password_env: expected the password in the environment variable {variable}, got "
                f"{'an empty one' if variable in os.environ else 'none of that name'}; set it before the run"
            )
        return Secret(value)
    if file is None:
        return None
    try:
        value = Path(file).read_text(encoding="utf-8-sig").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise Complaint(f"[credentials] password_file: {file} can't be read ({why}); put the password there") from None
    if not value:
        raise Complaint(f"[credentials] password_file: expected the password in {file}, got an empty file")
    return Secret(value)
