"""Network profiles: what a CSMS may put into the slots, and when it is used (B09, B10)."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.reference.station.device_data import NETWORK_SLOTS
from conformance.reference.station.reset import Resets

if TYPE_CHECKING:
    from conformance.reference.station.device_model import Variable
    from conformance.reference.station.rpc import Payload

_FACTORY_SLOT = "1"
_SECURE = 2
_HIGHEST = 3


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
        if profile["securityProfile"] < self.model.number("SecurityCtrlr", "SecurityProfile"):
            return "NoSecurityDowngrade"
        return None if self.can_be_used(profile) else "InvalidNetworkConf"

    def can_be_used(self, profile: Payload) -> bool:
        """Tell whether this station could connect with a network profile, as far as that can be seen of it."""
        scheme = "ws" if profile["securityProfile"] < _SECURE else "wss"
        try:
            url = urlsplit(profile["ocppCsmsUrl"])
            address = url.scheme == scheme and bool(url.hostname) and url.port != 0
        except ValueError:
            return False
        spoken = profile["ocppVersion"] == "OCPP20" and profile["ocppTransport"] == "JSON"
        return address and spoken and profile["securityProfile"] <= _HIGHEST and profile["messageTimeout"] > 0

    def store_network_profile(self, slot: str, profile: Payload) -> None:
        """Write a network profile to flash memory; raises OSError where that fails (B09.FR.03)."""
        self.storage.setdefault("network_profiles", {})[slot] = deepcopy(profile)

    def configured_slots(self) -> set[str]:
        """Return the slots that hold a network profile; one does from the factory."""
        return {_FACTORY_SLOT, *self.storage.get("network_profiles", {})}

    def objection_to(self, variable: Variable, value: str) -> str | None:
        """Return why a well-formed value can't be used: a slot without a network profile (B10.FR.02)."""
        if variable.name != "NetworkConfigurationPriority":
            return super().objection_to(variable, value)
        empty = [slot for slot in value.split(",") if slot.strip() not in self.configured_slots()]
        return f"slots without a profile: {', '.join(empty)}" if empty else None
