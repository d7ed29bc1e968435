"""What a system under test claims, and what the harness must know to judge and to operate it: one TOML file.

docs/writing-a-profile.md explains every key. Whatever is wrong with a profile is a `ProfileError` with one message.
"""

import base64
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from conformance.cases.applicability import Applies, Claim, evaluate, features
from conformance.cases.case import Role
from conformance.files import data
from conformance.sut.checks import check
from conformance.sut.complaints import Complaint, complaint
from conformance.sut.secret import Secret
from conformance.sut.tables import (
    Credentials,
    Dial,
    Driver,
    Evse,
    HttpDriver,
    Listen,
    NoDriver,
    Parameters,
    ProcessDriver,
    Product,
    Table,
    Timing,
    Version,
)

EMBEDDED = "embedded"
"""The word for the reference station that the harness carries with it."""


class ProfileError(ValueError):
    """A profile that can't be used: the file, the place in it, what was expected, what came, and what to do."""


class SutProfile(Table, frozen=True, kw_only=True):
    """Everything that the harness is told about one system under test."""

    role: Role
    versions: Annotated[tuple[Version, ...], Meta(min_length=1)]
    identity: Annotated[str, Meta(min_length=1, max_length=48)]
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
    driver: Driver = NoDriver()

    @property
    def connectors(self) -> list[tuple[int, int]]:
        """Every connector as EVSE id and connector id, in the order of the profile."""
        return [(evse.id, connector.id) for evse in self.evse for connector in evse.connector]

    @property
    def user(self) -> str:
        """The user name for basic authentication."""
        return self.identity if self.credentials.user is None else self.credentials.user

    def claims_map(self) -> dict[str, Claim]:
        """Every claim, by the readable name of its feature; what is missing is not claimed."""
        known = features()
        words = [*self.functional_profiles, *([self.product_subtype] if self.product_subtype else [])]
        claims: dict[str, Claim] = {known.find(word, self.role).name: True for word in words}
        claims |= {name: tuple(value) if isinstance(value, list) else value for name, value in self.features.items()}
        if self.role == "station":
            claims["evses"] = len(self.evse)
        return claims

    def claims(self, feature: str) -> bool:
        """Whether a feature is claimed, by readable name or official id.

        Raises ExpressionError where no product of this role can claim it.
        """
        known = features()
        return bool(known.value(known.find(feature, self.role), self.claims_map()))

    def applies(self, expression: str) -> Applies:
        """Whether a case that needs this applies; raises ExpressionError."""
        return evaluate(expression, self.claims_map(), self.role)

    def password(self) -> Secret | None:
        """The password, fetched from where the profile says it is kept; raises ProfileError where it isn't there."""
        try:
            return _password(self.credentials)
        except Complaint as error:
            raise ProfileError(f"profile of {self.sut.name}: {error}") from None

    def secrets(self) -> tuple[str, ...]:
        """Texts that must not appear in anything that is kept: the password, also as an Authorization header has it."""
        password = self.password()
        if password is None:
            return ()
        pair = f"{self.user}:{password.reveal()}".encode()
        return (password.reveal(), base64.b64encode(pair).decode())

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


# -- finding and reading a profile ------------------------------------------------------------------------------------


def resolve(name_or_path: str | Path) -> Path:
    """The file that is meant by a path, by `embedded`, or by the name of a profile that the harness ships."""
    path = Path(name_or_path)
    if str(name_or_path) == EMBEDDED:
        return data("fixtures/profiles/reference-station-2.0.1.toml")
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
        _password(profile.credentials)
    except Complaint as error:
        raise ProfileError(f"{path}: {error}") from None
    return profile


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise Complaint("no such file; name a profile in TOML, or the word embedded for the station that comes along")
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
    credentials, driver = profile.credentials, profile.driver
    if credentials.password_file is not None:
        place = str(folder / Path(credentials.password_file).expanduser())
        credentials = msgspec.structs.replace(credentials, password_file=place)
    if isinstance(driver, ProcessDriver | HttpDriver):
        driver = msgspec.structs.replace(driver, cwd=str(folder / Path(driver.cwd).expanduser()))
    return msgspec.structs.replace(profile, credentials=credentials, driver=driver)


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
