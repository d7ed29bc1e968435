"""GetConfiguration and ChangeConfiguration (5.3, 5.8, chapter 9, whitepaper A01 and A05)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station.certificate_facts import is_current
from conformance.reference.station.certificate_store import CSMS_ROOT
from conformance.reference.station.rpc import Payload, RpcError
from conformance.reference.station16.configuration import SHORTEST_KEY, STRING, is_authorization_key
from conformance.reference.station16.connection import (
    FORMER_PROFILE,
    PROFILE_WITH_CERTIFICATE,
    PROFILES_WITH_PASSWORD,
    PROFILES_WITH_TLS,
    Connection16,
)

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Call
    from conformance.reference.station16.configuration import Key

SECURITY_KEYS = ("AuthorizationKey", "CpoName", "SecurityProfile")


class Settings(Connection16):
    """Lets the Central System read and change the configuration."""

    # -- reading

    def on_get_configuration(self, request: Payload) -> Payload:
        """Answer GetConfiguration: the keys asked for, or all of them (5.8)."""
        wanted: list[str] = request.get("key", [])
        if not wanted:
            return {"configurationKey": [self.key_payload(key) for key in self.keys_to_list()]}
        known, unknown = self.look_up_keys(wanted)
        answer: Payload = {}
        if known:
            answer["configurationKey"] = [self.key_payload(key) for key in known]
        if unknown:
            answer["unknownKey"] = unknown
        return answer

    def keys_to_list(self) -> list[Key]:
        """Return the keys to report when none is named: all of them."""
        return list(self.configuration)

    def look_up_keys(self, names: list[str]) -> tuple[list[Key], list[str]]:
        """Return the keys that exist, and the names of those that don't; either of them once."""
        found = {name.casefold(): (name, self.configuration.find(name)) for name in names}.values()
        return [key for _, key in found if key is not None], [name for name, key in found if key is None]

    def key_payload(self, key: Key) -> Payload:
        """Return the KeyValue of a key."""
        payload: Payload = {"key": key.name, "readonly": self.reported_readonly(key)}
        value = self.readable_value(key)
        return payload if value is None else {**payload, "value": value}

    def reported_readonly(self, key: Key) -> bool:
        """Tell what to say of a key's accessibility."""
        return key.readonly

    def readable_value(self, key: Key) -> str | None:
        """Return the value to report, None for a key that can't be read (OCPP-J 6.2)."""
        return None if key.write_only else key.value

    def check_message_limits(self, call: Call) -> None:
        """Refuse more keys at once than GetConfigurationMaxKeys announces."""
        if call.action == "GetConfiguration":
            limit = int(self.configuration.number("GetConfigurationMaxKeys"))
            if len(call.payload.get("key", [])) > limit:
                raise RpcError("OccurenceConstraintViolation", f"at most {limit} keys at once")

    # -- changing

    def on_change_configuration(self, request: Payload) -> Payload:
        """Answer ChangeConfiguration (5.3); a change takes effect when it is answered, or at the next boot."""
        key = self.configuration.find(request["key"])
        if key is None:
            return {"status": self.status_of_unknown_key()}
        value: str = request["value"]
        if key.readonly or not self.value_fits(key, value):
            return {"status": "Rejected"}
        self.store_value(key, value)
        self.key_changed(key)
        return {"status": self.status_of_change(key)}

    def status_of_unknown_key(self) -> str:
        """Return the status for a key that the station doesn't have."""
        return "NotSupported"

    def status_of_change(self, key: Key) -> str:
        """Return the status for a change that was made."""
        return "RebootRequired" if key.needs_reboot else "Accepted"

    def value_fits(self, key: Key, value: str) -> bool:
        """Tell whether a key may get a value: its type and range, and the rules of the security keys."""
        if key.name == "AuthorizationKey":
            return is_authorization_key(value)
        if key.name == "SecurityProfile":
            return key.accepts(value) and self.security_profile_fits(int(value))
        return key.accepts(value)

    def security_profile_fits(self, wanted: int) -> bool:
        """Tell whether a security profile can be switched to (A05.FR.01-04)."""
        return self.security_profile() < wanted and (
            (wanted not in PROFILES_WITH_PASSWORD or self.has_password())
            and (wanted not in PROFILES_WITH_TLS or self.knows_central_system())
            and (wanted != PROFILE_WITH_CERTIFICATE or self.has_certificate())
        )

    def has_password(self) -> bool:
        """Tell whether AuthorizationKey is long enough; that of an installer may be too long for OCPP (A05.FR.02)."""
        return len(self.password() or b"") >= SHORTEST_KEY

    def knows_central_system(self) -> bool:
        """Tell whether there is a good root to check a Central System with (A05.FR.03)."""
        return any(is_current(root, self.clock.now()) for root in self.certificates.roots(CSMS_ROOT))

    def has_certificate(self) -> bool:
        """Tell whether there is a good certificate to show (A05.FR.04)."""
        return any(is_current(own.leaf, self.clock.now()) for own in self.certificates.own())

    def store_value(self, key: Key, value: str) -> None:
        """Write a value to flash memory."""
        if key.name == "SecurityProfile":
            self.storage[FORMER_PROFILE] = key.value
        self.configuration.store(key, value if key.type == STRING else value.strip())

    def key_changed(self, key: Key) -> None:
        """Make a change effective at once."""
        if key.name in SECURITY_KEYS:
            self.security_event_happened("ReconfigurationOfSecurityParameters", key.name)
        if key.name == "WebSocketPingInterval":
            self.ping_interval_changed()
        elif key.name == "SecurityProfile" or (
            key.name == "AuthorizationKey" and self.security_profile() in PROFILES_WITH_PASSWORD
        ):
            self.after_answer(self.come_back)
