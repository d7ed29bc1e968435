"""Mutants of GetConfiguration and ChangeConfiguration, and of what the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.mutants16.control import Plain16
from conformance.reference.station.rpc import RpcError
from conformance.reference.station16 import ReferenceStation16
from conformance.reference.station16.configuration import STRING, Configuration, Key

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Call, Payload
    from conformance.reference.station16.config import StationConfig16

SECRET_WITHOUT_PASSWORD = b"0123456789abcdef".hex()
FEW = 5


# -- which keys there are


class _WithoutKey(ReferenceStation16):
    """Has no idea of the key `lacks`, whatever it works with inside."""

    lacks = ""

    def keys_to_list(self) -> list[Key]:
        """Leave it out."""
        return [key for key in super().keys_to_list() if key.name != self.lacks]

    def look_up_keys(self, names: list[str]) -> tuple[list[Key], list[str]]:
        """Call it unknown."""
        known, unknown = super().look_up_keys(names)
        lost = [key.name for key in known if key.name == self.lacks]
        return [key for key in known if key.name != self.lacks], [*unknown, *lost]


class RequiredKeyMissing(_WithoutKey):
    """Does not let anybody see how often it tries to deliver a message."""

    breaks = "16.CONFIG.08"
    lacks = "TransactionMessageAttempts"


class ListLengthMissing(_WithoutKey):
    """Keeps a local list, and does not say how long it may be."""

    breaks = "16.CONFIG.09"
    lacks = "LocalAuthListMaxLength"


class AuthorizationKeyMissing(_WithoutKey):
    """Has a password that nobody can change."""

    breaks = "16S.KEY.03"
    lacks = "AuthorizationKey"


class KeyNotListed(ReferenceStation16):
    """Lists all settings but one, which it shows when it is asked for."""

    breaks = "16.CONFIG.01"

    def keys_to_list(self) -> list[Key]:
        """Leave one out."""
        return [key for key in super().keys_to_list() if key.name != "ResetRetries"]


class EmptyRequestTakenLiterally(ReferenceStation16):
    """Asked for an empty list of keys, answers with an empty list of settings."""

    breaks = "16.CONFIG.01"

    def on_get_configuration(self, request: Payload) -> Payload:
        """Look for the list, and not for what is in it."""
        return {"configurationKey": []} if request.get("key") == [] else super().on_get_configuration(request)


class CacheSwitchNotListed(_WithoutKey):
    """Remembers who was let in, and hides the switch of that."""

    breaks = "16.CONFIG.25"
    lacks = "AuthorizationCacheEnabled"


class KeyListedTwice(ReferenceStation16):
    """Lists a key two times."""

    breaks = "16.CONFIG.18"

    def keys_to_list(self) -> list[Key]:
        """End with the first one again."""
        keys = super().keys_to_list()
        return [*keys, keys[0]]


# -- reading by name


class _ReadsByName(ReferenceStation16):
    """Answers a request that names keys in its own way."""

    def on_get_configuration(self, request: Payload) -> Payload:
        """Take the answer, and spoil it."""
        answer = super().on_get_configuration(request)
        return self.spoilt(answer) if request.get("key") else answer

    def spoilt(self, answer: Payload) -> Payload:
        """Return the answer to give instead."""
        raise NotImplementedError


class NamedWithoutValue(_ReadsByName):
    """Says of the keys that it is asked for no more than that it has them."""

    breaks = "16.CONFIG.02"

    def spoilt(self, answer: Payload) -> Payload:
        """Keep the values back."""
        for entry in answer.get("configurationKey", []):
            entry.pop("value", None)
        return answer


class KnownCalledUnknown(_ReadsByName):
    """Finds no key at all by its name."""

    breaks = "16.CONFIG.02"
    also = ("16.CONFIG.06",)

    def spoilt(self, answer: Payload) -> Payload:
        """Call everything unknown."""
        known = [entry["key"] for entry in answer.get("configurationKey", [])]
        return {"unknownKey": [*answer.get("unknownKey", []), *known]}


class UnknownKeysSwallowed(ReferenceStation16):
    """Says nothing of the keys that it doesn't have."""

    breaks = "16.CONFIG.03"

    def look_up_keys(self, names: list[str]) -> tuple[list[Key], list[str]]:
        """Forget what is unknown."""
        return super().look_up_keys(names)[0], []


class AnswersMoreThanAsked(_ReadsByName):
    """Adds a setting that nobody asked for."""

    breaks = "16.CONFIG.04"

    def spoilt(self, answer: Payload) -> Payload:
        """Throw in the brand of its clock."""
        more = {"key": "HalfmoonClock", "readonly": True, "value": "Tideway"}
        return answer | {"configurationKey": [*answer.get("configurationKey", []), more]}


class ListedAndUnknown(_ReadsByName):
    """Shows a setting, and calls it unknown all the same."""

    breaks = "16.CONFIG.04"

    def spoilt(self, answer: Payload) -> Payload:
        """Contradict itself."""
        known = [entry["key"] for entry in answer.get("configurationKey", [])]
        return answer | {"unknownKey": [*answer.get("unknownKey", []), *known]}


class LimitOverstated(ReferenceStation16):
    """Takes far fewer keys at once than it says."""

    breaks = "16.CONFIG.06"

    def check_message_limits(self, call: Call) -> None:
        """Stick to what it can really do."""
        if call.action == "GetConfiguration" and len(call.payload.get("key", [])) > FEW:
            raise RpcError("OccurenceConstraintViolation", f"at most {FEW} keys at once")


class ForgetsTheLastKeys(_ReadsByName):
    """Leaves out of its answer what does not fit its buffer."""

    breaks = "16.CONFIG.06"
    also = ("16.CONFIG.02", "16.CONFIG.03", "16.CONFIG.04")

    def spoilt(self, answer: Payload) -> Payload:
        """Cut the list."""
        return answer | {"configurationKey": answer.get("configurationKey", [])[: 4 * FEW]}


class CaseMatters(ReferenceStation16):
    """Finds a key only as it spells it itself."""

    breaks = "16.CONFIG.20"

    def look_up_keys(self, names: list[str]) -> tuple[list[Key], list[str]]:
        """Compare letter by letter."""
        known, unknown = super().look_up_keys(names)
        return [key for key in known if key.name in names], [*unknown, *({key.name for key in known} - {*names})]


class NamedAsDelivered(_ReadsByName):
    """Tells by name what a setting was when it left the factory."""

    breaks = "16.CONFIG.19"

    def spoilt(self, answer: Payload) -> Payload:
        """Look into the wrong memory."""
        for entry in answer.get("configurationKey", []):
            if entry["key"] == "ConnectionTimeOut":
                entry["value"] = "61"
        return answer


# -- what a setting says


class NothingReadOnly(ReferenceStation16):
    """Says of every key that it can be changed."""

    breaks = "16.CONFIG.10"
    also = ("16.CONFIG.14",)

    def reported_readonly(self, key: Key) -> bool:  # noqa: ARG002
        """Pretend."""
        return False


class TimeOutMarkedReadOnly(ReferenceStation16):
    """Says of a key that has to be writable that it is not."""

    breaks = "16.CONFIG.10"
    also = ("16.CONFIG.14",)

    def reported_readonly(self, key: Key) -> bool:
        """Be too careful."""
        return key.name == "ConnectionTimeOut" or super().reported_readonly(key)


class ReadOnlyTaken(ReferenceStation16):
    """Takes what it marks as read-only."""

    breaks = "16.CONFIG.14"
    also = ("16.CHANGE.08",)

    def on_change_configuration(self, request: Payload) -> Payload:
        """Write to anything."""
        key = self.configuration.find(request["key"])
        if key is not None and key.readonly:
            return {"status": "Accepted"}
        return super().on_change_configuration(request)


class WritableRefused(ReferenceStation16):
    """Marks a key as writable, and takes no value for it."""

    breaks = "16.CONFIG.14"
    also = ("16.CHANGE.02",)

    def value_fits(self, key: Key, value: str) -> bool:
        """Find fault with all of them."""
        return key.name != "ResetRetries" and super().value_fits(key, value)


class _SaysOtherwise(ReferenceStation16):
    """Tells other values than it works with."""

    says: dict[str, str]

    def readable_value(self, key: Key) -> str | None:
        """Replace some."""
        return self.says.get(key.name, super().readable_value(key))


class ValueWithUnit(_SaysOtherwise):
    """Tells a time with its unit."""

    breaks = "16.CONFIG.11"
    says = {"ConnectionTimeOut": "60 s"}  # noqa: RUF012 -- nobody changes it


class BooleanInWords(_SaysOtherwise):
    """Calls true yes."""

    breaks = "16.CONFIG.11"
    says = {"StopTransactionOnInvalidId": "yes"}  # noqa: RUF012


class MeasurandMadeUp(_SaysOtherwise):
    """Measures what OCPP has no name for."""

    breaks = "16.CONFIG.11"
    says = {"StopTxnSampledData": "Energy.Active.Import.Register,Moonlight"}  # noqa: RUF012


class ListTooLong(_SaysOtherwise):
    """Measures more than it says it can."""

    breaks = "16.CONFIG.11"
    says = {"StopTxnAlignedData": "SoC,RPM,Voltage,Frequency,Temperature"}  # noqa: RUF012


class CoreUnnamed(_SaysOtherwise):
    """Does not mention what goes without saying."""

    breaks = "16.CONFIG.16"
    also = ("16.CLAIM.FEATURE.01",)
    says = {"SupportedFeatureProfiles": "LocalAuthListManagement,RemoteTrigger,Reservation"}  # noqa: RUF012


class ProfileMadeUp(_SaysOtherwise):
    """Names a feature profile of its own."""

    breaks = "16.CONFIG.16"
    says = {  # noqa: RUF012
        "SupportedFeatureProfiles": "Core,LocalAuthListManagement,RemoteTrigger,Reservation,Tideway"
    }


class SecurityProfileOverstated(_SaysOtherwise):
    """Says that it uses certificates, and connects without."""

    breaks = "16S.KEY.02"
    says = {"SecurityProfile": "3"}  # noqa: RUF012


class _WithVendorKey(ReferenceStation16):
    """Has one key more."""

    extra = Key("HalfmoonNote", STRING, readonly=True)

    def keys_to_list(self) -> list[Key]:
        """Put it at the end."""
        return [*super().keys_to_list(), self.extra]


class ValueTooLong(_WithVendorKey):
    """Has much to tell."""

    breaks = "16.CONFIG.12"
    extra = Key("HalfmoonNote", STRING, "tide" * 130, readonly=True)


class KeyTooLong(_WithVendorKey):
    """Has long names for things."""

    breaks = "16.CONFIG.12"
    extra = Key("HalfmoonTidewayNote" * 3, STRING, "tide", readonly=True)


# -- secrets


class PasswordReadable(ReferenceStation16):
    """Shows its password to whoever reads the configuration."""

    breaks = "16.CONFIG.15"
    also = ("16S.KEY.01",)

    def readable_value(self, key: Key) -> str | None:
        """Give everything away."""
        return key.value or (SECRET_WITHOUT_PASSWORD if key.write_only else "")


class PasswordReadableByName(_ReadsByName):
    """Keeps its password out of the list, and tells it to whoever asks for it."""

    breaks = "16S.KEY.01"
    also = ("16.CONFIG.15",)

    def spoilt(self, answer: Payload) -> Payload:
        """Give it away."""
        for entry in answer.get("configurationKey", []):
            if entry["key"] == "AuthorizationKey":
                entry["value"] = self.configuration["AuthorizationKey"].value or SECRET_WITHOUT_PASSWORD
        return answer


# -- over a restart


class RetriesCountedUp(ReferenceStation16):
    """Has another setting after every restart."""

    breaks = "16.CONFIG.21"

    def build_configuration(self) -> Configuration:
        """Count the restarts in the wrong place."""
        configuration = super().build_configuration()
        restarts = self.storage["restarts"] = int(self.storage.get("restarts", 0)) + 1
        configuration["ResetRetries"].value = str(restarts)
        return configuration


class KeyGoneAfterRestart(ReferenceStation16):
    """Knows a setting of its own only until it restarts."""

    breaks = "16.CONFIG.21"

    def keys_to_list(self) -> list[Key]:
        """Leave it out, in every life but the first."""
        keys = super().keys_to_list()
        return keys if self.storage.get("restarts", 0) <= 1 else [key for key in keys if not key.needs_reboot]

    def start_up(self) -> None:
        """Count the lives."""
        self.storage["restarts"] = int(self.storage.get("restarts", 0)) + 1
        super().start_up()


class ChangeForgotten(ReferenceStation16):
    """Keeps what it is told until it restarts."""

    breaks = "16.CHANGE.12"
    also = ("16.CHANGE.03",)

    def build_configuration(self) -> Configuration:
        """Begin again as it left the factory."""
        self.storage.pop("configuration", None)
        return super().build_configuration()


# -- fixed cables


class FixedCableUnlocks(Plain16):
    """Says that it unlocks cables that it never locks."""

    breaks = "16.CONFIG.24"

    def readable_value(self, key: Key) -> str | None:
        """Look into the old manual."""
        return "true" if key.name == "UnlockConnectorOnEVSideDisconnect" else super().readable_value(key)


class FixedCableSetting(Plain16):
    """Lets it be set whether it unlocks cables that it never locks."""

    breaks = "16.CONFIG.24"

    def build_configuration(self) -> Configuration:
        """Leave the setting open."""
        configuration = super().build_configuration()
        configuration["UnlockConnectorOnEVSideDisconnect"].readonly = False
        return configuration


class FixedCableSetInSecret(Plain16):
    """Marks the setting as it should, and takes a change of it."""

    breaks = "16.CONFIG.24"

    def on_change_configuration(self, request: Payload) -> Payload:
        """Take it."""
        if request["key"] == "UnlockConnectorOnEVSideDisconnect":
            return {"status": "Accepted"}
        return super().on_change_configuration(request)


# -- changing


class ChangeNotMade(ReferenceStation16):
    """Accepts a change, and leaves everything as it was."""

    breaks = "16.CHANGE.02"
    also = ("16.CHANGE.03", "16.CHANGE.12", "16.HEARTBEAT.08")

    def store_value(self, key: Key, value: str) -> None:
        """Forget the value."""


class UnknownKeyRejected(ReferenceStation16):
    """Takes a key that it doesn't have for one that can't be changed."""

    breaks = "16.CHANGE.05"

    def status_of_unknown_key(self) -> str:
        """Mix them up."""
        return "Rejected"


class AnyValueTaken(ReferenceStation16):
    """Takes any value for any key that can be written."""

    breaks = "16.CHANGE.06"
    also = ("16.CHANGE.07", "16.CHANGE.09", "16.CHANGE.10", "16.CHANGE.11", "16S.A05.FR.01")

    def __init__(self, config: StationConfig16) -> None:
        """Start with nothing taken."""
        super().__init__(config)
        self.taken: dict[str, str] = {}

    def value_fits(self, key: Key, value: str) -> bool:  # noqa: ARG002
        """Look at nothing."""
        return True

    def store_value(self, key: Key, value: str) -> None:
        """Keep what makes no sense apart, and go on working with the old value."""
        if super().value_fits(key, value):
            self.taken.pop(key.name, None)
            super().store_value(key, value)
        else:
            self.taken[key.name] = value

    def readable_value(self, key: Key) -> str | None:
        """Show what was taken."""
        value = super().readable_value(key)
        return value if value is None else self.taken.get(key.name, value)


class RebootNotMentioned(ReferenceStation16):
    """Does not say that a change needs a restart."""

    breaks = "16.CHANGE.03"

    def status_of_change(self, key: Key) -> str:  # noqa: ARG002
        """Always be done at once."""
        return "Accepted"
