"""Network profiles: what a CSMS may put into the slots, and when it is used (B09, B10)."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.reference.station.certificate_facts import is_current
from conformance.reference.station.certificate_store import CSMS_ROOT
from conformance.reference.station.device_data import NETWORK_SLOTS
from conformance.reference.station.reset import Resets
from conformance.reference.station.secure_dialling import CERTIFICATE_PROFILE, TLS_PROFILES

if TYPE_CHECKING:
    from conformance.reference.station.device_model import Variable
    from conformance.reference.station.rpc import Payload

_HIGHEST = 3
_ALLOWED_DOWNGRADE = (3, 2)


class NetworkProfiles(Resets):
    """Keeps the network profiles that a CSMS sends; those of a boot are used until the next one."""

    def on_set_network_profile(self, request: Payload) -> Payload:
        """Answer SetNetworkProfile: check and store it (B09.FR.01-05)."""
        refusal = self.objection_to_profile(request)
        if refusal is not None:
            return {"status": "Rejected", "statusInfo": {"reasonCode": refusal}}
        try:
            self.store_network_profile(str(request["configurationSlot"]), request["connectionData"])
        except OSError:
            return {"status": "Failed"}
        return {"status": "Accepted"}

    def objection_to_profile(self, request: Payload) -> str | None:
        """Return the reason code that speaks against a network profile (errata 2025-09), or None."""
        profile = request["connectionData"]
        if str(request["configurationSlot"]) not in NETWORK_SLOTS:
            return "InvalidConfSlot"
        if self.is_forbidden_downgrade(profile["securityProfile"]):
            return "NoSecurityDowngrade"
        return None if self.can_be_used(profile) else "InvalidNetworkConf"

    def can_be_used(self, profile: Payload) -> bool:
        """Tell whether this station could connect with a network profile, as far as that can be seen of it."""
        scheme = "wss" if profile["securityProfile"] in TLS_PROFILES else "ws"
        try:
            url = urlsplit(profile["ocppCsmsUrl"])
            address = url.scheme == scheme and bool(url.hostname) and url.port != 0
        except ValueError:
            return False
        spoken = profile["ocppVersion"] == "OCPP20" and profile["ocppTransport"] == "JSON"
        return address and spoken and profile["securityProfile"] <= _HIGHEST and profile["messageTimeout"] > 0

    def store_network_profile(self, slot: str, profile: Payload) -> None:
        """Write a network profile to flash memory; raises OSError where that fails (B09.FR.03)."""
        self.stored_profiles()[slot] = deepcopy(profile)

    def configured_slots(self) -> set[str]:
        """Return the slots that hold a network profile."""
        return set(self.stored_profiles())

    def objection_to(self, variable: Variable, value: str) -> str | None:
        """Return why a well-formed value can't be used: a slot that leads nowhere (A05.FR.02/03/09/10, B10.FR.02)."""
        if variable.name != "NetworkConfigurationPriority":
            return super().objection_to(variable, value)
        slots = [slot.strip() for slot in value.split(",")]
        empty = [slot for slot in slots if slot not in self.configured_slots()]
        if empty:
            return f"slots without a profile: {', '.join(empty)}"
        profiles = [int(self.stored_profiles()[slot]["securityProfile"]) for slot in slots]
        return next((why for each in profiles if (why := self.objection_to_security(each)) is not None), None)

    def objection_to_security(self, profile: int) -> str | None:
        """Return why this station can't change over to a security profile, or None."""
        if self.is_forbidden_downgrade(profile):
            return "less security than now"
        if profile <= self.security_profile():
            return None
        if profile in TLS_PROFILES and not self.has_csms_root():
            return "no root of the CSMS is installed"
        if profile == CERTIFICATE_PROFILE and not self.has_own_certificate():
            return "the station has no certificate of its own"
        return None

    def is_forbidden_downgrade(self, profile: int) -> bool:
        """Tell whether a security profile is lower than may be (A00.FR.005, A05.FR.08-10, B09.FR.04/31)."""
        now = self.security_profile()
        return profile < now and not ((now, profile) == _ALLOWED_DOWNGRADE and self.may_be_downgraded())

    def may_be_downgraded(self) -> bool:
        """Return AllowSecurityProfileDowngrade."""
        return self.model.flag("SecurityCtrlr", "AllowSecurityProfileDowngrade")

    def has_csms_root(self) -> bool:
        """Tell whether a root is installed, valid now, that a CSMS can be known by (A05.FR.02)."""
        return any(is_current(root, self.clock.now()) for root in self.certificates.roots(CSMS_ROOT))

    def has_own_certificate(self) -> bool:
        """Tell whether the station has a certificate of its own, valid now (A05.FR.03)."""
        return any(is_current(own.leaf, self.clock.now()) for own in self.certificates.own())
