"""What a CSMS asks alike in both versions: the security extension of OCPP 1.6 has these messages as 2.0.1 has them."""

from collections.abc import Mapping
from typing import Any

from conformance.peers import v201
from conformance.peers.csms_dialect import LogKind
from conformance.peers.peer import Peer
from conformance.peers.received import Received


class AskedAlike:
    """See `CsmsDialect`."""

    _csms: Peer

    async def delete_certificate(self, hash_data: Mapping[str, Any], *, within: float | None = None) -> Received:
        """DeleteCertificate."""
        return await self._csms.call("DeleteCertificate", {"certificateHashData": dict(hash_data)}, within=within)

    async def get_log(  # noqa: PLR0913 -- see CsmsDialect
        self,
        kind: LogKind,
        number: int,
        url: str,
        *,
        retries: int | None = None,
        retry_interval: int | None = None,
        within: float | None = None,
    ) -> Received:
        """GetLog."""
        request = v201.get_log(kind, number, url, retries=retries, retry_interval=retry_interval)
        return await self._csms.call("GetLog", request, within=within)
