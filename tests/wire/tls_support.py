"""An authority for the tests of TLS, and how its certificates may be wrong."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import trustme

from conformance.wire.certificates import Chain
from conformance.wire.link import Listener
from conformance.wire.tls import ServerTls

NOW = datetime.now(UTC)


class Authority:
    """A root, and chains from it."""

    def __init__(self) -> None:
        self.ca = trustme.CA()
        self.root = self.ca.cert_pem.bytes().decode()

    def chain(self, *names: str, kind: trustme.KeyType = trustme.KeyType.ECDSA, **given: Any) -> Chain:
        made = self.ca.issue_cert(*names, key_type=kind, **given)
        return Chain(
            "".join(each.bytes().decode() for each in made.cert_chain_pems), made.private_key_pem.bytes().decode()
        )

    def server(self, *names: str, **given: Any) -> ServerTls:
        kinds = (trustme.KeyType.RSA, trustme.KeyType.ECDSA)
        return ServerTls(
            tuple(self.chain(*(names or ("localhost", "127.0.0.1")), kind=kind, **given) for kind in kinds)
        )


EXPIRED = {"not_before": NOW - timedelta(days=9), "not_after": NOW - timedelta(days=1)}


@cache
def authority() -> Authority:
    return Authority()


@cache
def stranger() -> Authority:
    return Authority()


@cache
def good() -> ServerTls:
    return authority().server()


def secure(listener: Listener, host: str = "localhost") -> str:
    return f"wss://{host}:{listener.port}/ocpp/CS001"
