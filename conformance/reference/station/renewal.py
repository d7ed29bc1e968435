"""How a station of any edition comes by its own certificate: request, answer, change-over and return (A02, A03)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from conformance.reference.station.certificate_facts import (
    common_names,
    is_current,
    is_for_clients,
    is_strong,
    leads_to,
    organizations,
    read_chain,
)
from conformance.reference.station.certificate_store import CSMS_ROOT, OwnCertificate
from conformance.reference.station.rpc import ConnectionLostError, NotSentError, Payload, RpcError
from conformance.reference.station.secure_dialling import CERTIFICATE_PROFILE, SecureDialling

if TYPE_CHECKING:
    from conformance.reference.station.config import StationConfig

DUE_BEFORE_END = timedelta(days=30)


@dataclass(frozen=True)
class SigningRequest:
    """A key that waits for its certificate, and the CSR for it in PEM."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    csr: str


class Renewal(SecureDialling):
    """Asks for a certificate, judges what comes, and changes over to it."""

    def __init__(self, config: StationConfig) -> None:
        """Start with nothing asked for."""
        super().__init__(config)
        self._request: SigningRequest | None = None
        self._asking: asyncio.Task[None] | None = None
        self._failures_with_new = 0

    # -- what differs by edition

    def organization(self) -> str:
        """Return who operates the station: the O of its certificate (A00.FR.509)."""
        raise NotImplementedError

    def signing_wait(self) -> float:
        """Return for how many seconds a certificate is waited for before it is asked for again (A02.FR.17)."""
        raise NotImplementedError

    def signing_repeats(self) -> int:
        """Return how often the wait is doubled before it is asked for no more (A02.FR.18/19)."""
        raise NotImplementedError

    def longest_chain(self) -> int | None:
        """Return how many characters a signed chain may have, None for any number (A02.FR.16)."""
        raise NotImplementedError

    def attempts_with_new_certificate(self) -> int:
        """Return after how many failures with the new certificate the old one is tried, and the other way round."""
        return 3

    def signing_payload(self, csr: str) -> Payload:
        """Return the SignCertificate request."""
        return {"csr": csr}

    def bad_own_certificate_event(self) -> str:
        """Return the security event that a signed certificate is that can't be used (A02.FR.07)."""
        return "InvalidChargingStationCertificate"

    # -- asking

    def renew_certificate(self, *, asked: bool) -> None:
        """Ask for a certificate for a new key; `asked` says that the CSMS wants it."""
        self.stop_asking()
        self._request = self.new_request()
        self._asking = self.tasks.start(self.ask_until_signed(self._request, asked=asked))

    def renew_if_due(self) -> None:
        """Ask for a new certificate when the one in use ends soon, or has ended (A03.FR.02)."""
        own = self.certificates.own()
        if self.dialled_profile != CERTIFICATE_PROFILE or not own or self._request is not None:
            return
        if own[-1].leaf.not_valid_after_utc - self.clock.now() < DUE_BEFORE_END:
            self.renew_certificate(asked=False)

    async def ask_until_signed(self, request: SigningRequest, *, asked: bool) -> None:
        """Send SignCertificate, and again while no certificate comes (A02.FR.17-19)."""
        wait = self.signing_wait()
        for _ in range(self.signing_repeats() + 2):
            if not await self.ask_for_certificate(request, asked=asked):
                return
            await asyncio.sleep(wait)
            wait *= 2

    async def ask_for_certificate(self, request: SigningRequest, *, asked: bool) -> bool:
        """Send SignCertificate once; tell whether there is something to wait for."""
        try:
            answer = await self.call("SignCertificate", self.signing_payload(request.csr), asked=asked)
        except (RpcError, TimeoutError, ConnectionLostError, NotSentError):
            return False
        return bool(answer["status"] == "Accepted")

    def stop_asking(self) -> None:
        """Forget what was asked for (A02.FR.20)."""
        self._request = None
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def new_request(self) -> SigningRequest:
        """Make a key, and a CSR for it (A02.FR.02/03)."""
        key = self.new_key()
        csr = x509.CertificateSigningRequestBuilder().subject_name(self.subject()).sign(key, hashes.SHA256())
        return SigningRequest(key, csr.public_bytes(Encoding.PEM).decode())

    def new_key(self) -> ec.EllipticCurvePrivateKey:
        """Make a key (A00.FR.503)."""
        return ec.generate_private_key(ec.SECP256R1())

    def subject(self) -> x509.Name:
        """Return whom the certificate is to name (A00.FR.509/511)."""
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.organization()),
                x509.NameAttribute(NameOID.COMMON_NAME, self.config.nameplate.serial_number),
            ]
        )

    # -- the answer

    def certificate_signed(self, pem: str) -> bool:
        """Take a signed chain, or refuse it; tell which."""
        if self.is_too_long(pem):
            return False
        request, objection = self._request, self.objection_to_signed(pem)
        self.stop_asking()
        if objection is not None or request is None:
            self.security_event_happened(self.bad_own_certificate_event(), objection)
            return False
        key = request.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self.certificates.add_own(OwnCertificate(pem if pem.endswith("\n") else pem + "\n", key))
        self._failures_with_new = 0
        if self.dialled_profile == CERTIFICATE_PROFILE:
            self.after_answer(self.use_new_certificate)
        return True

    def is_too_long(self, pem: str) -> bool:
        """Tell whether a chain is longer than the station takes (A02.FR.16)."""
        longest = self.longest_chain()
        return longest is not None and len(pem) > longest

    def objection_to_signed(self, pem: str) -> str | None:
        """Return why a signed chain can't be used (A02.FR.06), or None."""
        chain = read_chain(pem)
        if not chain:
            return "no certificate in PEM"
        checks = (self.objection_to_key, self.objection_to_period, self.objection_to_subject, self.objection_to_path)
        return next((why for check in checks if (why := check(chain)) is not None), None)

    def objection_to_key(self, chain: list[x509.Certificate]) -> str | None:
        """Look whether a chain is for the key that waits for it, and safe (A00.FR.502-504)."""
        if self._request is None or chain[0].public_key() != self._request.key.public_key():
            return "not for a key that a certificate was asked for"
        if not is_for_clients(chain[0]):
            return "for another use"
        return None if is_strong(chain[0]) else "key or signature too weak"

    def objection_to_period(self, chain: list[x509.Certificate]) -> str | None:
        """Look whether a certificate is valid now."""
        return None if is_current(chain[0], self.clock.now()) else "not valid now"

    def objection_to_subject(self, chain: list[x509.Certificate]) -> str | None:
        """Look whether a certificate names this station and its operator (A00.FR.509/511)."""
        if self.config.nameplate.serial_number not in common_names(chain[0]):
            return "the commonName is not the serial number of the station"
        if self.organization() not in organizations(chain[0]):
            return "the organization is not the operator of the station"
        return None

    def objection_to_path(self, chain: list[x509.Certificate]) -> str | None:
        """Look whether a chain belongs to the operator's hierarchy."""
        known = leads_to(chain, self.certificates.roots(CSMS_ROOT), self.clock.now())
        return None if known else "the chain does not lead to an installed root"

    # -- changing over

    async def use_new_certificate(self) -> None:
        """Connect anew, with the new certificate (A02.FR.08)."""
        await self.come_back()

    def certificate_to_show(self) -> OwnCertificate | None:
        """Return the newest own certificate, or by turns the one before while the newest fails (A02.FR.28)."""
        newest, own = super().certificate_to_show(), self.certificates.own()
        if newest is None or len(own) == 1:
            return newest
        turns = self._failures_with_new // self.attempts_with_new_certificate()
        self._shown = own[-1 - turns % 2]
        return self._shown

    def dial_failed(self, slot: str) -> None:
        """Count what may be the new certificate's fault."""
        super().dial_failed(slot)
        self._failures_with_new += 1

    def link_found(self, slot: str) -> None:
        """Discard the certificate that is not in use, for one of them works (A02.FR.10/29)."""
        super().link_found(slot)
        self._failures_with_new = 0
        own, shown = self.certificates.own(), self._shown
        if self.dialled_profile != CERTIFICATE_PROFILE or shown is None or len(own) == 1:
            return
        self.certificates.keep_own(shown)
        if shown != own[-1]:
            self.security_event_happened("DiscardedRenewedClientCertificate")
