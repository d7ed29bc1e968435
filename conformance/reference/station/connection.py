"""The link of a 2.0.1 station: network profiles, security profile, back-off (Part 4 chapter 5, A00, B10)."""

from __future__ import annotations

import base64
import random
from typing import TYPE_CHECKING
from urllib.parse import quote

from conformance.reference.station.device_model import Component
from conformance.reference.station.dialling import SHORTEST_WAIT
from conformance.reference.station.messaging import Messaging
from conformance.reference.station.secure_dialling import PASSWORD_PROFILES, SecureDialling

if TYPE_CHECKING:
    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.device_model import Variable
    from conformance.reference.station.rpc import Payload

FACTORY_SLOT = "1"


class Connection(SecureDialling, Messaging):
    """The link of a 2.0.1 station: its network profiles, and the variables that govern it."""

    def __init__(self, config: StationConfig) -> None:
        """Start with a network, but no link."""
        super().__init__(config)
        self._failures = 0
        self._position = 0
        self._good_slot: str | None = None
        self._slots: tuple[str, ...] = ("1",)
        self._profiles: dict[str, Payload] = {}

    def begin_dialling(self) -> None:
        """Begin with the first network profile; what is stored from now on is for the next boot (B09)."""
        self._failures = self._position = 0
        self._good_slot = None
        self._slots = self.slots_at_boot()
        self._profiles = dict(self.stored_profiles())

    def dial_failed(self, slot: str) -> None:
        """Count the failures of a network profile."""
        super().dial_failed(slot)
        self._failures += 1

    def reconnect_wait(self, attempt: int) -> float:
        """Return the seconds before reconnection attempt `attempt` (from 1), as Part 4 section 5.3 has it."""
        if self.coming_back and attempt == 1:
            return SHORTEST_WAIT
        minimum = self.model.number("OCPPCommCtrlr", "RetryBackOffWaitMinimum")
        spread = self.model.number("OCPPCommCtrlr", "RetryBackOffRandomRange")
        doublings = min(attempt - 1, int(self.model.number("OCPPCommCtrlr", "RetryBackOffRepeatTimes")))
        wait = minimum * 2.0**doublings + random.uniform(0, spread)
        return max(wait, SHORTEST_WAIT)

    def slots_at_boot(self) -> tuple[str, ...]:
        """Return NetworkConfigurationPriority as it was at the boot: a new one needs a reboot (B10.FR.01/04)."""
        return self.model.members("OCPPCommCtrlr", "NetworkConfigurationPriority") or ("1",)

    def slot_to_dial(self) -> str:
        """Return the configuration slot to try next (B10.FR.03/04/07)."""
        slots = self._slots
        if self._failures >= self.attempts_allowed():
            self._failures = 0
            self._position += 1
        if self._position < len(slots):
            return slots[self._position]
        return self.last_good_slot(slots)

    def attempts_allowed(self) -> int:
        """Return how often a network profile is tried before the next one."""
        return int(self.model.number("OCPPCommCtrlr", "NetworkProfileConnectionAttempts"))

    def last_good_slot(self, slots: tuple[str, ...]) -> str:
        """Return the slot that last worked, or begin the list again when none ever did."""
        last: str | None = self.storage.get("last_good_slot")
        if last is not None:
            return last
        self._position = 0
        return slots[0]

    def network_profile(self, slot: str) -> Payload:
        """Return the NetworkConnectionProfile of a slot; slot 1 comes from the factory."""
        return self._profiles.get(slot) or self.factory_profile()

    def stored_profiles(self) -> dict[str, Payload]:
        """Return the network profiles in flash memory by slot; one comes from the factory."""
        stored: dict[str, Payload] = self.storage.setdefault("network_profiles", {FACTORY_SLOT: self.factory_profile()})
        return stored

    def factory_profile(self) -> Payload:
        """Return what of a NetworkConnectionProfile comes from factory and installer."""
        return {"ocppCsmsUrl": self.config.csms_url, "securityProfile": self.config.security.profile}

    def profile_of(self, slot: str) -> int:
        """Return the security profile of a network profile."""
        return int(self.network_profile(slot)["securityProfile"])

    def url(self, slot: str) -> str:
        """Return the address to dial: the CSMS's, then the percent-encoded identity."""
        base = str(self.network_profile(slot)["ocppCsmsUrl"]).rstrip("/")
        return f"{base}/{quote(self.config.identity, safe='')}"

    def handshake_headers(self) -> dict[str, str]:
        """Return the Authorization header when there is a password and it is for this profile (A00.FR.204/205)."""
        password = self.model.text("SecurityCtrlr", "BasicAuthPassword")
        if not password or self.dialled_profile not in PASSWORD_PROFILES:
            return {}
        token = base64.b64encode(f"{self.config.identity}:{password}".encode()).decode()
        return {"Authorization": f"Basic {token}"}

    def link_found(self, slot: str) -> None:
        """Note which network profile works; with it goes its security profile (A05.FR.06)."""
        super().link_found(slot)
        self.model.find(Component("OCPPCommCtrlr"), "ActiveNetworkProfile").value = slot
        self.storage["last_good_slot"] = slot
        if self._good_slot not in (None, slot):
            self.profile_switched()
        self._good_slot = slot
        self._failures = self._position = 0
        if self.dialled_profile != self.security_profile():
            self.adopt_security_profile(self.dialled_profile)

    def security_profile(self) -> int:
        """Return the security profile that was last proved to work."""
        return int(self.model.number("SecurityCtrlr", "SecurityProfile"))

    def adopt_security_profile(self, profile: int) -> None:
        """Let a security profile be the one of this station, and forget all below it (A05.FR.06)."""
        self.model.store(self.model.find(Component("SecurityCtrlr"), "SecurityProfile"), str(profile))
        self.forget_profiles_below(profile)
        self.security_event_happened("ReconfigurationOfSecurityParameters")

    def forget_profiles_below(self, profile: int) -> None:
        """Remove the network profiles with less security, and their slots from the priority list (A05.FR.06)."""
        stored = self.stored_profiles()
        gone = {slot for slot, each in stored.items() if each["securityProfile"] < profile}
        if not gone:
            return
        self.storage["network_profiles"] = {slot: each for slot, each in stored.items() if slot not in gone}
        self._profiles = {slot: each for slot, each in self._profiles.items() if slot not in gone}
        self._slots = tuple(slot for slot in self._slots if slot not in gone)
        priority = self.model.find(Component("OCPPCommCtrlr"), "NetworkConfigurationPriority")
        left = (slot for slot in self.model.members("OCPPCommCtrlr", "NetworkConfigurationPriority"))
        self.model.store(priority, ",".join(slot for slot in left if slot not in gone))

    def profile_switched(self) -> None:
        """Hear that the link goes to another CSMS than before (B10.FR.10)."""

    def ping_interval(self) -> float:
        """Return the seconds between pings, 0 for none."""
        return self.model.number("OCPPCommCtrlr", "WebSocketPingInterval")

    def variable_changed(self, variable: Variable) -> None:
        """Make a new ping interval effective at once, and come back with a new password (A01)."""
        if variable.name == "WebSocketPingInterval":
            self.ping_interval_changed()
        elif variable.name == "BasicAuthPassword":
            self.after_answer(self.come_back)
