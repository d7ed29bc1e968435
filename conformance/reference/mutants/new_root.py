"""Mutants of stations that are led to a CSMS with another root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation

if TYPE_CHECKING:
    from cryptography import x509
    from websockets.asyncio.client import ClientConnection


class TrustsItsFirstRootOnly(ReferenceStation):
    """Installs a root, lists it, and goes by the one that it had."""

    breaks = "M05.FR.02"

    async def open_secure_link(self, url: str, roots: list[x509.Certificate]) -> ClientConnection:
        """Have a favourite."""
        return await super().open_secure_link(url, roots[:1])
