"""The link of a 1.6 station: address, password, back-off and ping (OCPP-J 1.6 chapters 3 to 6)."""

from __future__ import annotations

import base64
import random
from typing import TYPE_CHECKING
from urllib.parse import quote

from conformance.reference.station.dialling import SHORTEST_WAIT
from conformance.reference.station.secure_dialling import SecureDialling
from conformance.reference.station16.messaging import Messaging16

if TYPE_CHECKING:
    from conformance.reference.station16.config import StationConfig16

ONLY_SLOT = "1"
PROFILES_WITH_PASSWORD = (1, 2)
PROFILES_WITH_TLS = (2, 3)
PROFILE_WITH_CERTIFICATE = 3
FORMER_PROFILE = "former_security_profile"
COMMISSIONED = ("AuthorizationKey", "CpoName", "SecurityProfile")
"""The keys that are as an installer left them, once he was here."""

ATTEMPTS_WITH_NEW_PROFILE = 2


class Connection16(SecureDialling, Messaging16):
    """Keeps a link to the Central System up for as long as the station runs."""

    config: StationConfig16

    def __init__(self, config: StationConfig16) -> None:
        """Start with a network, but no link."""
        super().__init__(config)
        self._failures = 0

    def reconnect_wait(self, attempt: int) -> float:
        """Return the seconds before reconnection attempt `attempt` (from 1): 1.6 asks for an appropriate back-off.

        A link that was given up for a better one is dialled anew at once.
        """
        if self.coming_back and attempt == 1:
            return SHORTEST_WAIT
        wait = self.config.back_off_minimum * 2.0 ** min(attempt - 1, self.config.back_off_doublings)
        return max(wait + random.uniform(0, self.config.back_off_spread), SHORTEST_WAIT)

    def slot_to_dial(self) -> str:
        """Return the only address there is."""
        return ONLY_SLOT

    def url(self, slot: str) -> str:  # noqa: ARG002
        """Return the address to dial: the Central System's, then the percent-encoded identity (OCPP-J 3.1.1).

        With a higher security profile it is dialled at the same place with TLS.
        """
        address = self.config.csms_url.rstrip("/")
        if self.security_profile() in PROFILES_WITH_TLS and address.startswith("ws:"):
            address = "wss:" + address.removeprefix("ws:")
        return f"{address}/{quote(self.config.identity, safe='')}"

    def security_profile(self) -> int:
        """Return the security profile in use, 0 for none."""
        key = self.configuration.find("SecurityProfile")
        return int(key.value) if key is not None else 0

    def profile_of(self, slot: str) -> int:  # noqa: ARG002
        """Return the security profile in use."""
        return self.security_profile()

    def bad_server_certificate_event(self) -> str:
        """Return the security event that a certificate of a Central System is that can't be believed."""
        return "InvalidCentralSystemCertificate"

    # -- a new security profile

    def begin_dialling(self) -> None:
        """Start to count anew."""
        super().begin_dialling()
        self._failures = 0

    def dial_failed(self, slot: str) -> None:
        """Go back to the security profile of before where the new one leads nowhere (A05.FR.08)."""
        super().dial_failed(slot)
        self._failures += 1
        if FORMER_PROFILE in self.storage and self._failures >= ATTEMPTS_WITH_NEW_PROFILE:
            self.fall_back(self.storage.pop(FORMER_PROFILE))

    def fall_back(self, profile: str) -> None:
        """Take up a former security profile again."""
        self.configuration.store(self.configuration["SecurityProfile"], profile)

    def link_found(self, slot: str) -> None:
        """Keep a security profile that has led to a Central System."""
        super().link_found(slot)
        self._failures = 0
        self.storage.pop(FORMER_PROFILE, None)

    # -- the password

    def password(self) -> bytes | None:
        """Return the bytes that AuthorizationKey stands for, or the installed password without such a key."""
        key = self.configuration.find("AuthorizationKey")
        if key is not None:
            return bytes.fromhex(key.value) if key.value else None
        return self.config.password.encode() if self.config.password else None

    def uses_password(self) -> bool:
        """Tell whether the station authenticates itself by password: profiles 1 and 2, or OCPP-J 6.2 without any."""
        return not self.config.security_extension or self.security_profile() in PROFILES_WITH_PASSWORD

    def handshake_headers(self) -> dict[str, str]:
        """Return the Authorization header: the identity and the decoded key (OCPP-J 6.2, A00.FR.203-205)."""
        password = self.password()
        if password is None or not self.uses_password():
            return {}
        token = base64.b64encode(self.config.identity.encode() + b":" + password).decode()
        return {"Authorization": f"Basic {token}"}

    def ping_interval(self) -> float:
        """Return the seconds between pings, 0 for none."""
        return self.configuration.number("WebSocketPingInterval")
