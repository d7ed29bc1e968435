"""Certificates at a station under test: a request for one, what comes of it, and roots that come and go."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import Any

from conformance.oracles.certificates import count, names
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import CertificateUse
from conformance.peers.received import NoAnswer, NotSeen, Received, Refused
from conformance.peers.security import Door
from conformance.wire.certificates import CsrFacts, read_csr

ROOT: CertificateUse = "CSMSRootCertificate"
MANUFACTURER: CertificateUse = "ManufacturerRootCertificate"

ACCEPTED = {"status": "Accepted"}


# -- the station's own certificate ------------------------------------------------------------------------------------


async def request_signing(csms: CsmsPeer) -> Received:
    """Have the station ask for a certificate; its SignCertificate, which is answered Accepted.

    Raises AssertionError where it does not ask.
    """
    csms.keep_answering("SignCertificate", ACCEPTED)
    mark = csms.now
    answer = await csms.speak.request_signing()
    assert answer["status"] == "Accepted", f"the trigger for SignCertificate was answered {answer['status']}"
    return await csms.expect("SignCertificate", after=mark)


def csr_of(request: Received) -> CsrFacts:
    """What is in a request for a certificate; raises AssertionError where it is none."""
    try:
        return read_csr(request["csr"])
    except ValueError as error:
        raise AssertionError(f"csr is no certificate signing request in PEM: {error}") from None


def shown(csms: CsmsPeer) -> str:
    """The certificate that the station has shown on the present connection, in PEM; raises AssertionError for none."""
    chain = () if csms.link is None else csms.link.peer_chain
    assert chain, "the station has shown no certificate"
    return chain[0]


@contextmanager
def unknown_sessions(door: Door) -> Iterator[None]:
    """Show the same as ever for the length of a block, but begin every session of TLS anew."""
    tls = door.tls
    assert tls is not None, "there is no TLS at this address"
    with door.presenting(replace(tls, chains=tuple(reversed(tls.chains)))):
        yield


async def hang_up(csms: CsmsPeer) -> None:
    """Break the connection, and wait for the station to come back; raises NotSeen."""
    if csms.link is not None:
        csms.link.abort()
        await csms.disconnected()
    await csms.connected()


async def shown_next(csms: CsmsPeer, door: Door) -> str:
    """The certificate that the station shows on a new connection, in PEM; raises AssertionError."""
    with unknown_sessions(door):
        await hang_up(csms)
    return shown(csms)


# -- roots ------------------------------------------------------------------------------------------------------------


async def offered(csms: CsmsPeer, use: CertificateUse, pem: str) -> str:
    """Ask for a root to be installed; the status, or the code of a CALLERROR."""
    try:
        answer = await csms.speak.install_certificate(use, pem)
    except Refused as refused:
        csms.touch(refused.entry)
        return f"CALLERROR {refused.code}"
    status: str = answer["status"]
    return status


async def listed(csms: CsmsPeer, use: CertificateUse, pem: str, issuer: str | None = None) -> int:
    """How often a root is among those that the station says it has for a use."""
    speak = csms.speak
    return count(speak.hashes_listed(await speak.list_certificates(use)), pem, issuer)


async def entry_of(
    csms: CsmsPeer, use: CertificateUse, pem: str, issuer: str | None = None
) -> Mapping[str, Any] | None:
    """The CertificateHashData that the station lists a root with; None where it does not."""
    found = csms.speak.hashes_listed(await csms.speak.list_certificates(use))
    return next((each for each in found if names(each, pem, issuer)), None)


async def delete(csms: CsmsPeer, use: CertificateUse, pem: str, issuer: str | None = None) -> str:
    """Have a root deleted, by the hash data that it is listed with; the status, empty where it is not listed."""
    found = await entry_of(csms, use, pem, issuer)
    if found is None:
        return ""
    status: str = (await csms.speak.delete_certificate(found))["status"]
    return status


@asynccontextmanager
async def removed_after(
    csms: CsmsPeer, use: CertificateUse, *roots: str, issuer: str | None = None
) -> AsyncIterator[None]:
    """See to it that roots are not at the station after the block, unless they were there before it."""
    before = [pem for pem in roots if await listed(csms, use, pem, issuer)]
    try:
        yield
    finally:
        for pem in roots:
            if pem not in before:
                with suppress(NotSeen, NoAnswer, Refused):
                    await delete(csms, use, pem, issuer)


async def replaces_roots(csms: CsmsPeer) -> bool:
    """Whether the station has AdditionalRootCertificateCheck, and it is on."""
    try:
        return (await csms.speak.read("AdditionalRootCertificateCheck")).lower() == "true"
    except AssertionError:
        return False
