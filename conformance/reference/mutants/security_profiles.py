"""Mutants of what a station shows of itself, and of the way to a higher security profile."""

from __future__ import annotations

import base64
import contextlib
from typing import TYPE_CHECKING

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake

from conformance.reference.station import ReferenceStation
from conformance.reference.station.device_model import Component

if TYPE_CHECKING:
    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.device_model import Variable
    from conformance.reference.station.rpc import Payload

PRIORITY = "NetworkConfigurationPriority"


# -- user name and password


class _OtherwiseNextTime(ReferenceStation):
    """Comes as it should the first time, and otherwise from then on."""

    def __init__(self, config: StationConfig) -> None:
        """Start without having come."""
        super().__init__(config)
        self._came = False

    def handshake_headers(self) -> dict[str, str]:
        """Return the right ones once."""
        headers = super().handshake_headers()
        first, self._came = not self._came, True
        return headers if first or not headers else self.other_headers(headers)

    def other_headers(self, headers: dict[str, str]) -> dict[str, str]:
        """Return what to send in place of the right ones."""
        return headers


def basic(user: str, password: str) -> dict[str, str]:
    """Return a header of HTTP Basic."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class ReturnsWithoutPassword(_OtherwiseNextTime):
    """Leaves out user name and password when it comes again."""

    breaks = "A00.FR.202"

    def other_headers(self, headers: dict[str, str]) -> dict[str, str]:  # noqa: ARG002
        """Return nothing."""
        return {}


class UserOfItsOwn(_OtherwiseNextTime):
    """Has its serial number for a user name."""

    breaks = "A00.FR.204"

    def other_headers(self, headers: dict[str, str]) -> dict[str, str]:  # noqa: ARG002
        """Name another user."""
        password = self.model.text("SecurityCtrlr", "BasicAuthPassword")
        return basic(self.config.nameplate.serial_number, password)


class PasswordInHex(_OtherwiseNextTime):
    """Sends its password in hexadecimal digits."""

    breaks = "PASSWORD.TEXT.01"

    def other_headers(self, headers: dict[str, str]) -> dict[str, str]:  # noqa: ARG002
        """Write it so."""
        password = self.model.text("SecurityCtrlr", "BasicAuthPassword")
        return basic(self.config.identity, password.encode().hex())


class PasswordInBase64(_OtherwiseNextTime):
    """Encodes its password before HTTP Basic does."""

    breaks = "PASSWORD.TEXT.01"

    def other_headers(self, headers: dict[str, str]) -> dict[str, str]:  # noqa: ARG002
        """Encode it twice."""
        password = self.model.text("SecurityCtrlr", "BasicAuthPassword")
        return basic(self.config.identity, base64.b64encode(password.encode()).decode())


# -- up


class HigherProfileRefused(ReferenceStation):
    """Takes no list that leads to a higher security profile."""

    breaks = "A05.FR.04"

    def objection_to_security(self, profile: int) -> str | None:
        """Find fault with anything higher."""
        return "not supported" if profile > self.security_profile() else super().objection_to_security(profile)


class StartsWithOldProfile(ReferenceStation):
    """Begins with the last entry of the list after a restart."""

    breaks = "A05.FR.05"

    def slots_at_boot(self) -> tuple[str, ...]:
        """Turn the list round."""
        return super().slots_at_boot()[::-1]


class HigherProfileUntold(ReferenceStation):
    """Does not show the security profile that it has come to."""

    breaks = "A05.FR.06"

    def adopt_security_profile(self, profile: int) -> None:
        """Tidy up only."""
        self.forget_profiles_below(profile)


class OldProfileListed(ReferenceStation):
    """Leaves the slot of the lower profile in the list."""

    breaks = "A05.FR.06"
    also = ("TLS.FALLBACK.01",)

    def forget_profiles_below(self, profile: int) -> None:
        """Forget nothing."""


class OldProfileTakenAgain(ReferenceStation):
    """Takes a list with the slot that held the lower profile."""

    breaks = "A05.FR.09"

    def objection_to(self, variable: Variable, value: str) -> str | None:
        """Find no fault with the list."""
        return None if variable.name == PRIORITY else super().objection_to(variable, value)


class FallsBackToOldProfile(ReferenceStation):
    """Tries its factory settings where the server of the higher profile can't be believed."""

    breaks = "TLS.FALLBACK.01"

    _turned_away = False

    def dial_failed(self, slot: str) -> None:
        """Note it."""
        super().dial_failed(slot)
        self._turned_away = True

    def link_found(self, slot: str) -> None:
        """Think no more of it."""
        self._turned_away = False
        super().link_found(slot)

    def network_profile(self, slot: str) -> Payload:
        """Return the factory's after a failure."""
        return self.factory_profile() if self._turned_away else super().network_profile(slot)


class DialsOldAddressToo(ReferenceStation):
    """Knocks at the address of the profile before when it has come by a higher one."""

    breaks = "A00.FR.001"

    def adopt_security_profile(self, profile: int) -> None:
        """Knock."""
        super().adopt_security_profile(profile)
        self.tasks.start(self.knock())

    async def knock(self) -> None:
        """Ask to be let in there, and let it be."""
        with contextlib.suppress(OSError, TimeoutError, InvalidHandshake):
            link = await connect(f"{self.config.csms_url}/{self.config.identity}", proxy=None)
            await link.close()


class RootUnneeded(ReferenceStation):
    """Takes a list that leads to TLS without having a root certificate."""

    breaks = "A05.FR.02"

    def has_csms_root(self) -> bool:
        """Think that there is one."""
        return True


class CertificateUnneeded(ReferenceStation):
    """Takes a list that leads to profile 3 without having a certificate."""

    breaks = "A05.FR.03"

    def has_own_certificate(self) -> bool:
        """Think that there is one."""
        return True


class RefusesAndGoesUp(ReferenceStation):
    """Refuses a list that leads to TLS without a root certificate, and shows the higher profile all the same."""

    breaks = "A05.FR.02"

    def objection_to_security(self, profile: int) -> str | None:
        """Take the number over first."""
        objection = super().objection_to_security(profile)
        if objection is not None and not self.has_csms_root():
            self.model.store(self.model.find(Component("SecurityCtrlr"), "SecurityProfile"), str(profile))
        return objection


class RefusesAndLeaves(ReferenceStation):
    """Refuses a list that leads to profile 3 without a certificate, and ends its connection all the same."""

    breaks = "A05.FR.03"

    def objection_to_security(self, profile: int) -> str | None:
        """Leave."""
        objection = super().objection_to_security(profile)
        if objection is not None and not self.has_own_certificate():
            self.after_answer(self.come_back)
        return objection


# -- down


class LowestProfileStored(ReferenceStation):
    """Takes a network profile without TLS when it has TLS."""

    breaks = "B09.FR.31"

    def objection_to_profile(self, request: Payload) -> str | None:
        """Overlook that it is the lowest."""
        objection = super().objection_to_profile(request)
        lowest = request["connectionData"]["securityProfile"] == 1
        return None if objection == "NoSecurityDowngrade" and lowest else objection


class LowerProfileStored(ReferenceStation):
    """Takes a network profile without certificates when it has certificates."""

    breaks = "B09.FR.04"

    def objection_to_profile(self, request: Payload) -> str | None:
        """Overlook that it is lower."""
        objection = super().objection_to_profile(request)
        lower = request["connectionData"]["securityProfile"] > 1
        return None if objection == "NoSecurityDowngrade" and lower else objection


class SecurityProfileWritable(ReferenceStation):
    """Says that its security profile was set."""

    breaks = "A00.FR.005"

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Say so."""
        if item["variable"]["name"] == "SecurityProfile":
            return "Accepted", None
        return super().write_attribute(item, attribute_type)


class NeverDown(ReferenceStation):
    """Takes no list with a lower profile, though it says that it may be downgraded."""

    breaks = "A05.FR.08"

    def objection_to_security(self, profile: int) -> str | None:
        """Find fault with anything lower."""
        return "lower" if profile < self.security_profile() else super().objection_to_security(profile)


class AlwaysDown(ReferenceStation):
    """Takes a list with a lower profile, though it says that it may not be downgraded."""

    breaks = "A05.FR.10"

    def objection_to_security(self, profile: int) -> str | None:
        """Find no fault with anything lower."""
        return None if profile < self.security_profile() else super().objection_to_security(profile)
