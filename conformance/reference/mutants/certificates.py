"""Mutants of the 2.0.1 station: its certificate, and the roots that it is given."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.reference import certificate_defects
from conformance.reference.mutants.control import Plain
from conformance.reference.station import ReferenceStation

if TYPE_CHECKING:
    from cryptography import x509

    from conformance.reference.station.certificate_store import OwnCertificate
    from conformance.reference.station.renewal import SigningRequest

globals().update(certificate_defects.on(ReferenceStation, Plain, __name__))


class AsksOnce(ReferenceStation):
    """Never asks for its certificate again."""

    breaks = "A02.FR.17"

    async def ask_until_signed(self, request: SigningRequest, *, asked: bool) -> None:
        """Ask once."""
        await self.ask_for_certificate(request, asked=asked)


class AsksAtOnce(ReferenceStation):
    """Has no patience with who signs its certificate."""

    breaks = "A02.FR.17"

    def signing_wait(self) -> float:
        """Wait hardly at all."""
        return 0.3


class AsksEverySecond(ReferenceStation):
    """Asks again and again for its certificate, always after the same time; in the end it stops."""

    breaks = "A02.FR.18"

    async def ask_until_signed(self, request: SigningRequest, *, asked: bool) -> None:
        """Never double the wait."""
        for _ in range(self.signing_repeats() + 2):
            if not await self.ask_for_certificate(request, asked=asked):
                return
            await asyncio.sleep(self.signing_wait())


class AsksForEver(ReferenceStation):
    """Asks for its certificate until it comes."""

    breaks = "A02.FR.19"

    def signing_repeats(self) -> int:
        """Double the wait many times."""
        return 100


class RootAgainRefused(ReferenceStation):
    """Takes no root that it has already."""

    breaks = "M05.FR.17"

    def objection_to_root(self, use: str, chain: list[x509.Certificate]) -> str | None:
        """Object to it."""
        objection = super().objection_to_root(use, chain)
        known = objection is None and self.certificates.has_root(use, chain[0])
        return "InstalledAlready" if known else objection


class NewCertificateForGood(ReferenceStation):
    """Has burnt its boats when it takes a new certificate."""

    breaks = "A02.FR.28"

    def certificate_to_show(self) -> OwnCertificate | None:
        """Show the newest, whatever comes of it."""
        own = self.certificates.own()
        return own[-1] if super().certificate_to_show() is not None else None


class DiscardUntold(ReferenceStation):
    """Does not tell that it has gone back to its old certificate."""

    breaks = "A02.FR.29"

    def is_critical(self, event: str) -> bool:
        """Count it among the others."""
        return event != "DiscardedRenewedClientCertificate" and super().is_critical(event)


class FailedCertificateKept(ReferenceStation):
    """Tries its new certificate again every time."""

    breaks = "A02.FR.10"

    def link_found(self, slot: str) -> None:
        """Put it back."""
        own = self.certificates.own()
        super().link_found(slot)
        if len(own) > 1 and self.certificates.own() == own[:1]:
            self.certificates.add_own(own[-1])
