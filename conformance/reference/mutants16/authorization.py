"""Mutants of a 1.6 station that decides on drivers while it is offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload


class KnownTokenAlwaysLetIn(ReferenceStation16):
    """Lets in offline whom it knows, whatever LocalAuthorizeOffline says."""

    breaks = "16.TX.74"

    def authorize_offline(self, id_tag: str) -> Payload:
        """Ask the memory alone."""
        return self.known_locally(id_tag) or super().authorize_offline(id_tag)


class KnownTokenNeverLetIn(ReferenceStation16):
    """Lets in offline none of those whom it knows."""

    breaks = "16.TX.74"

    def authorize_offline(self, id_tag: str) -> Payload:
        """Forget them."""
        known = self.known_locally(id_tag)
        return {"status": "Invalid"} if known is not None else super().authorize_offline(id_tag)


class UnknownTokenAlwaysLetIn(ReferenceStation16):
    """Lets in offline whom nobody knows, whatever AllowOfflineTxForUnknownId says."""

    breaks = "16.TX.75"

    def authorize_offline(self, id_tag: str) -> Payload:
        """Let them in."""
        return super().authorize_offline(id_tag) if self.known_locally(id_tag) else {"status": "Accepted"}


class UnknownTokenNeverLetIn(ReferenceStation16):
    """Lets in offline nobody whom it does not know."""

    breaks = "16.TX.75"

    def authorize_offline(self, id_tag: str) -> Payload:
        """Keep them out."""
        return super().authorize_offline(id_tag) if self.known_locally(id_tag) else {"status": "Invalid"}


class BlockedTokenLetIn(ReferenceStation16):
    """Lets in offline whom its list calls blocked."""

    breaks = "16.TX.79"

    def authorize_offline(self, id_tag: str) -> Payload:
        """Take every entry for a valid one."""
        info = super().authorize_offline(id_tag)
        return {**info, "status": "Accepted"} if info["status"] == "Blocked" else info


class ExpiredTokenLetIn(ReferenceStation16):
    """Lets in offline whom its list gave a time that is over."""

    breaks = "16.TX.79"

    def known_locally(self, id_tag: str) -> Payload | None:
        """Overlook the time."""
        return self.listed(id_tag) or super().known_locally(id_tag)
