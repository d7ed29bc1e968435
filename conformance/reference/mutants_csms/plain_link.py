"""Mutants that let a station in without TLS."""

from __future__ import annotations

from functools import partial
from typing import cast

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.connection import DoorConnection
from conformance.reference.tls import TlsLayer

HANDSHAKE = b"\x16"
"""What a TLS connection begins with."""


class EitherWay(TlsLayer):
    """TLS for who begins with it, and none for who does not."""

    def data_received(self, data: bytes) -> None:
        """Look at the first byte."""
        if self._settled or data.startswith(HANDSHAKE):
            super().data_received(data)
            return
        self._settled = True
        self._stop_timer()
        connection = cast("DoorConnection", self.above)
        connection._secure = None  # noqa: SLF001 -- this is what goes wrong
        self._raw.set_protocol(connection)
        connection.connection_made(self._raw)
        connection.data_received(data)


class TakesPlainAtTheTlsDoor(ReferenceCsms):
    """Serves a plain WebSocket at the port for TLS as well."""

    breaks = "A00.FR.312"

    def tls_layer(self, connection: DoorConnection) -> TlsLayer:
        """Be no stickler."""
        begin = partial(self.context_for(connection.profile).wrap_bio, server_side=True)
        return EitherWay(connection, begin, patience=self.config.open_timeout)
