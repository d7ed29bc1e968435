"""TLS at both ends of the harness: what is agreed, what is refused and why, and that the faults work over it."""

from typing import Any

import pytest
import trustme
from wire_support import BOOT, Serve, of, seen

from conformance.wire.certificates import Chain
from conformance.wire.frames import CallResult
from conformance.wire.link import HandshakeFailed, Listener, dial
from conformance.wire.tls import ClientTls, ServerTls
from conformance.wire.transcript import Transcript


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


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def server(authority: Authority) -> ServerTls:
    kinds = (trustme.KeyType.RSA, trustme.KeyType.ECDSA)
    return ServerTls(tuple(authority.chain("localhost", "127.0.0.1", kind=kind) for kind in kinds))


@pytest.fixture
def ours() -> Transcript:
    return Transcript()


def url(listener: Listener) -> str:
    return f"wss://localhost:{listener.port}/ocpp/CS001"


async def test_tls_is_agreed(
    serve: Serve, transcript: Transcript, ours: Transcript, authority: Authority, server: ServerTls
) -> None:
    async with serve(tls=server) as listener:
        link = await dial(url(listener), ["ocpp2.0.1"], ours, tls=ClientTls(authority.root))
        link.send(BOOT)
        await seen(ours, lambda entry: isinstance(entry.frame, CallResult))
        await link.close()
    for record in (transcript, ours):
        kinds = [entry.kind for entry in record.entries if entry.kind != "frame"]
        assert kinds == ["tls", "handshake", "open", "close"]
        detail = record.entries[0].detail
        assert (detail["ok"], detail["version"], detail["error"]) == (True, "TLSv1.3", None)
        assert detail["sni"] == "localhost"
    assert link.tls is ours.entries[0]
    assert len(link.peer_chain) == 1


async def test_an_unknown_root_is_refused(
    serve: Serve, transcript: Transcript, ours: Transcript, server: ServerTls
) -> None:
    async with serve(tls=server) as listener:
        with pytest.raises(HandshakeFailed, match="TLS: unknown_ca") as failed:
            await dial(url(listener), ["ocpp2.0.1"], ours, tls=ClientTls(Authority().root))
        assert failed.value.status is None
        entry = await seen(transcript, of("tls"))
        assert (entry.detail["ok"], entry.detail["alert_received"]) == (False, "unknown_ca")
        assert ours.entries[0].detail["alert_sent"] == "unknown_ca"
        assert (await seen(transcript, of("handshake"))).detail["error"] == "TLS: unknown_ca"
