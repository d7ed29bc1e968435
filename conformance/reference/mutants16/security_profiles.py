"""Mutants of what a charge point shows of itself, and of the way to a higher security profile."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from conformance.reference.station16 import StationConfig16
    from conformance.reference.station16.configuration import Key


# -- user name and password


class _OtherwiseNextTime(ReferenceStation16):
    """Comes as it should the first time, and otherwise from then on."""

    def __init__(self, config: StationConfig16) -> None:
        """Start without having come."""
        super().__init__(config)
        self._came = False

    def handshake_headers(self) -> dict[str, str]:
        """Return the right ones once."""
        headers = super().handshake_headers()
        first, self._came = not self._came, True
        return headers if first or not headers else self.other_headers()

    def other_headers(self) -> dict[str, str]:
        """Return what to send in place of the right ones."""
        return {}


def basic(user: str, password: bytes) -> dict[str, str]:
    """Return a header of HTTP Basic."""
    return {"Authorization": "Basic " + base64.b64encode(user.encode() + b":" + password).decode()}


class ReturnsWithoutPassword(_OtherwiseNextTime):
    """Leaves out user name and password when it comes again."""

    breaks = "16S.A00.FR.202"


class UserOfItsOwn(_OtherwiseNextTime):
    """Has its serial number for a user name."""

    breaks = "16S.A00.FR.204"

    def other_headers(self) -> dict[str, str]:
        """Name another user."""
        return basic(self.config.nameplate.serial_number, self.password() or b"")


class PasswordInHex(_OtherwiseNextTime):
    """Sends its password in hexadecimal digits."""

    breaks = "16S.A00.FR.205"

    def other_headers(self) -> dict[str, str]:
        """Write it so."""
        return basic(self.config.identity, (self.password() or b"").hex().encode())


# -- up


class HigherProfileRefused(ReferenceStation16):
    """Goes up to no higher profile."""

    breaks = "16S.A05.FR.05"

    def security_profile_fits(self, wanted: int) -> bool:  # noqa: ARG002
        """Take none."""
        return False


class HigherProfileUnused(ReferenceStation16):
    """Says that it goes up, and goes on as before."""

    breaks = "16S.A05.FR.07"

    def store_value(self, key: Key, value: str) -> None:
        """Keep what was there."""
        if key.name != "SecurityProfile":
            super().store_value(key, value)


class StaysWhereNobodyAnswers(ReferenceStation16):
    """Never goes back to the profile before, wherever the higher one leads."""

    breaks = "16S.A05.FR.08"

    def fall_back(self, profile: str) -> None:
        """Stay."""


class RootUnneeded(ReferenceStation16):
    """Goes up to TLS without a root certificate."""

    breaks = "16S.A05.FR.03"

    def knows_central_system(self) -> bool:
        """Think that there is one."""
        return True


class CertificateUnneeded(ReferenceStation16):
    """Goes up to profile 3 without a certificate."""

    breaks = "16S.A05.FR.04"

    def has_certificate(self) -> bool:
        """Think that there is one."""
        return True


# -- down


class LowerProfileTaken(ReferenceStation16):
    """Says that it goes down to a lower profile, which it does not."""

    breaks = "16S.A05.FR.01"

    def security_profile_fits(self, wanted: int) -> bool:
        """Take any."""
        return wanted < self.security_profile() or super().security_profile_fits(wanted)

    def store_value(self, key: Key, value: str) -> None:
        """Keep what was there where that is higher."""
        if key.name != "SecurityProfile" or int(value) > self.security_profile():
            super().store_value(key, value)


class LowerProfileShown(ReferenceStation16):
    """Refuses the profile that it has, and shows a lower one from then on."""

    breaks = "16S.A00.FR.005"

    def security_profile_fits(self, wanted: int) -> bool:
        """Count one down."""
        fits = super().security_profile_fits(wanted)
        if wanted == self.security_profile():
            self.configuration.store(self.configuration["SecurityProfile"], str(wanted - 1))
        return fits
