"""Mutants that are wrong about who a station is: passwords, and higher security profiles."""

from __future__ import annotations

from websockets.http11 import Request

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.config import CsmsConfig
from conformance.reference.csms.records import StationRecord
from conformance.reference.csms.rpc import Payload

Shown = tuple[bytes, bytes] | None

# -- who gets in


class SplitsAtTheLastColon(ReferenceCsms):
    """Takes what stands after the last colon for the password."""

    breaks = "A00.FR.207"
    also = ("16S.AUTH.02",)

    def credentials_in(self, request: Request) -> Shown:
        """Read it from the end."""
        shown = super().credentials_in(request)
        if shown is None:
            return None
        user, _, password = b":".join(shown).rpartition(b":")
        return user, password


class LooksAtNoUserName(ReferenceCsms):
    """Lets in whoever has the password."""

    breaks = "A00.FR.207"

    def credentials_match(self, record: StationRecord, credentials: Shown) -> bool:
        """Believe the user name."""
        return super().credentials_match(record, credentials and (record.identity.encode(), credentials[1]))


class LooksAtNoPassword(ReferenceCsms):
    """Lets in whoever has the user name."""

    breaks = "A00.FR.207"
    also = ("A01.FR.03", "A01.FR.04")

    def credentials_match(self, record: StationRecord, credentials: Shown) -> bool:
        """Believe the password."""
        return super().credentials_match(record, credentials and (credentials[0], record.password or b""))


class WantsNoCredentials(ReferenceCsms):
    """Lets in whoever shows no credentials at all."""

    breaks = "A00.FR.207"

    def credentials_match(self, record: StationRecord, credentials: Shown) -> bool:
        """Trust the silent."""
        return credentials is None or super().credentials_match(record, credentials)


class LooksAtTheBeginning(ReferenceCsms):
    """Compares no more of the password than it was shown."""

    breaks = "A00.FR.207"

    def credentials_match(self, record: StationRecord, credentials: Shown) -> bool:
        """Cut the other one, too."""
        if credentials is None or record.password is None:
            return super().credentials_match(record, credentials)
        return credentials[0] == record.identity.encode() and record.password.startswith(credentials[1])


class KeepsTwenty(ReferenceCsms):
    """Looks at 20 characters of a password."""

    breaks = "A00.FR.207"

    def credentials_in(self, request: Request) -> Shown:
        """Have no room for more."""
        shown = super().credentials_in(request)
        return shown and (shown[0], shown[1][:20])


class CaresForNoCaseOfPasswords(ReferenceCsms):
    """Takes a password in any case."""

    breaks = "A00.FR.207"

    def credentials_match(self, record: StationRecord, credentials: Shown) -> bool:
        """Fold them."""
        if credentials is None or record.password is None:
            return super().credentials_match(record, credentials)
        return (credentials[0], credentials[1].lower()) == (record.identity.encode(), record.password.lower())


class TakesAnyPasswordItKnows(ReferenceCsms):
    """Lets a station in with the password of another."""

    breaks = "A00.FR.207"

    def credentials_match(self, record: StationRecord, credentials: Shown) -> bool:
        """Look through all of them."""
        known = {each.password for each in self.stations.values()}
        if credentials is not None and credentials[0] == record.identity.encode() and credentials[1] in known:
            return True
        return super().credentials_match(record, credentials)


# -- new passwords


class OldPasswordStillDoes(ReferenceCsms):
    """Goes on taking a password that was changed."""

    breaks = "A01.FR.03"

    def __init__(self, config: CsmsConfig | None = None) -> None:
        """Remember them all."""
        super().__init__(config)
        self.once: dict[str, list[bytes | None]] = {}

    def password_changed(self, station: StationRecord, password: bytes) -> None:
        """Keep the old one."""
        self.once.setdefault(station.identity, []).append(station.password)
        super().password_changed(station, password)

    def credentials_match(self, record: StationRecord, credentials: Shown) -> bool:
        """Try those, too."""
        right = credentials is not None and credentials[0] == record.identity.encode()
        if credentials is not None and right and credentials[1] in self.once.get(record.identity, []):
            return True
        return super().credentials_match(record, credentials)


class ForgetsNewPasswords(ReferenceCsms):
    """Tells a station its new password, and goes by the old one."""

    breaks = "A01.FR.03"
    also = ("16S.AUTH.02",)

    def password_changed(self, station: StationRecord, password: bytes) -> None:
        """Have more important things to do."""


class TakesRefusedPasswords(ReferenceCsms):
    """Goes by a new password, whatever the station answered."""

    breaks = "A01.FR.04"

    def learn_set_variables(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Not read the answer."""
        told = [each | {"attributeStatus": "Accepted"} for each in answer["setVariableResult"]]
        super().learn_set_variables(station, payload, answer | {"setVariableResult": told})

    def learn_change_configuration(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Not read that one either."""
        super().learn_change_configuration(station, payload, answer | {"status": "Accepted"})


class TakesNotSupportedForDone(ReferenceCsms):
    """Thinks that a station has a new key although it knows no such key."""

    breaks = "16S.A01.FR.04"
    versions = ("1.6",)

    def learn_change_configuration(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Know one kind of refusal."""
        status = "Accepted" if answer["status"] == "NotSupported" else answer["status"]
        super().learn_change_configuration(station, payload, answer | {"status": status})


class KnowsABetterPassword(ReferenceCsms):
    """Sends a station another password than it was told to."""

    breaks = "A01.FR.02"

    def prepare_set_variables(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Choose one."""
        items = [
            each | ({"attributeValue": "correct horse battery"} if "Password" in each["variable"]["name"] else {})
            for each in payload["setVariableData"]
        ]
        return super().prepare_set_variables(station, payload | {"setVariableData": items})

    def prepare_change_configuration(self, _station: StationRecord, payload: Payload) -> list[Payload]:
        """Choose one for 1.6."""
        return [payload | ({"value": "00" * 16} if payload["key"] == "AuthorizationKey" else {})]


class ReadsKeysAsText(ReferenceCsms):
    """Takes the bytes of a key for text, and loses those that are none."""

    breaks = "16S.AUTH.02"
    versions = ("1.6",)

    def password_changed(self, station: StationRecord, password: bytes) -> None:
        """Replace what can't be read."""
        super().password_changed(station, password.decode(errors="replace").encode())


# -- higher security profiles


class LetsEverybodyBack(ReferenceCsms):
    """Lets a station in with a lower security profile than before."""

    breaks = "A05.FR.07"

    def profile_allowed(self, _record: StationRecord, _profile: int) -> bool:
        """See no harm in it."""
        return True


class LetsNobodyUp(ReferenceCsms):
    """Lets a station in with the security profile only that it came with first."""

    breaks = "CSMS.BOOT.01"

    def profile_allowed(self, record: StationRecord, profile: int) -> bool:
        """Have learnt to know it so."""
        return profile == record.security_profile


class GoesUpByNothing(ReferenceCsms):
    """Has a charge point keep the security profile that is to be raised."""

    breaks = "16S.CENTRAL.06"
    versions = ("1.6",)

    def prepare_change_configuration(self, _station: StationRecord, payload: Payload) -> list[Payload]:
        """Be careful."""
        return [payload | ({"value": "1"} if payload["key"] == "SecurityProfile" else {})]
