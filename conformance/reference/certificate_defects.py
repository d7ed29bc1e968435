"""What stations of either version get wrong with certificates: their own, and the roots of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from conformance.reference.station.certificate_facts import digest, read_chain
from conformance.reference.station.certificate_store import CSMS_ROOT, OwnCertificate
from conformance.reference.station.roots import Roots

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509
    from websockets.asyncio.client import ClientConnection

    from conformance.reference.station.renewal import SigningRequest
    from conformance.reference.station.rpc import Call, Payload

A_MONTH = 30 * 86_400


def on(reference: type, strict: type, module: str) -> dict[str, type]:
    """Return every defect as a mutant of a reference station, by class name, for the module of this name.

    `strict` is one that has AdditionalRootCertificateCheck on, for what only that can get wrong.
    """
    return {
        each.__name__: type(
            each.__name__,
            (each, strict if issubclass(each, StrictDefect) else reference),
            {"__module__": module, "__doc__": each.__doc__, "breaks": each.breaks, "also": each.also},
        )
        for each in _below(Defect)
        if vars(each).get("breaks")
    }


def _below(parent: type[Defect]) -> list[type[Defect]]:
    """Return every defect of this module that derives another."""
    children = [child for child in parent.__subclasses__() if child.__module__ == __name__]
    return [each for child in children for each in (child, *_below(child))]


class Defect(Roots):
    """A station of any version with something wrong about certificates."""

    breaks: str = ""
    also: tuple[str, ...] = ()


class StrictDefect(Defect):
    """A station that has AdditionalRootCertificateCheck on."""


# -- the request ------------------------------------------------------------------------------------------------------


class RenewsItsKey(Defect):
    """Asks for a certificate for the key that it has."""

    breaks = "A02.FR.02"

    def new_key(self) -> ec.EllipticCurvePrivateKey:
        """Take the one in use."""
        own = self.certificates.own()[-1]
        key = load_pem_private_key(own.key.encode(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key


class RequestNotInPem(Defect):
    """Sends the Base64 of its request without the lines around it."""

    breaks = "A02.FR.03"

    def signing_payload(self, csr: str) -> Payload:
        """Take the lines off."""
        return super().signing_payload("".join(line for line in csr.splitlines() if not line.startswith("-")))


class RequestForgotten(Defect):
    """Says that it will ask for a certificate, and does not."""

    breaks = "A02.FR.03"

    async def ask_until_signed(self, request: SigningRequest, *, asked: bool) -> None:
        """Do nothing."""


class RequestWithKey(Defect):
    """Sends its private key along."""

    breaks = "A02.FR.05"

    def signing_payload(self, csr: str) -> Payload:
        """Append it."""
        assert self._request is not None
        key = self._request.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return super().signing_payload(csr + key)


class ShortRsaKey(Defect):
    """Makes RSA keys as they were once."""

    breaks = "A00.FR.502"

    def new_key(self) -> Any:
        """Make one of 1024 bits."""
        return rsa.generate_private_key(65537, 1024)  # noqa: S505 -- the point of it


class ShortCurve(Defect):
    """Makes keys on a curve of 192 bits."""

    breaks = "A00.FR.503"

    def new_key(self) -> ec.EllipticCurvePrivateKey:
        """Make one."""
        return ec.generate_private_key(ec.SECP192R1())


class NamedAnyhow(Defect):
    """Takes any name for its own."""

    def objection_to_subject(self, chain: list[x509.Certificate]) -> str | None:  # noqa: ARG002
        """Let it pass."""
        return None


class NamedByIdentity(NamedAnyhow):
    """Asks for a certificate for its address."""

    breaks = "A00.FR.511"

    def subject(self) -> x509.Name:
        """Put the address in the place of the serial number."""
        names = {each.rfc4514_attribute_name: each for each in super().subject()}
        name = type(names["CN"])(names["CN"].oid, f"{self.config.identity}.example.com")
        return type(super().subject())([names["O"], name])


class NamedByMaker(NamedAnyhow):
    """Asks for a certificate in the name of its manufacturer."""

    breaks = "CSR.SUBJECT.01"

    def subject(self) -> x509.Name:
        """Put the manufacturer in the place of the operator."""
        names = {each.rfc4514_attribute_name: each for each in super().subject()}
        name = type(names["O"])(names["O"].oid, self.config.nameplate.vendor)
        return type(super().subject())([name, names["CN"]])


# -- the certificate --------------------------------------------------------------------------------------------------


class CertificateRefused(Defect):
    """Takes no certificate from anyone."""

    breaks = "A02.FR.08"

    def certificate_signed(self, pem: str) -> bool:  # noqa: ARG002
        """Refuse."""
        return False


class OldCertificateShown(Defect):
    """Goes on showing the certificate that it had first."""

    breaks = "A02.FR.08"

    def certificate_to_show(self) -> OwnCertificate | None:
        """Show the oldest."""
        return self.certificates.own()[0] if super().certificate_to_show() is not None else None


class NoReturnWithCertificate(Defect):
    """Waits with its new certificate for the connection to break."""

    breaks = "CERTSIGN.RETURN.01"

    async def use_new_certificate(self) -> None:
        """Stay."""


class StrangerTrusted(Defect):
    """Does not look who has signed its certificate."""

    breaks = "A02.FR.07"

    def objection_to_path(self, chain: list[x509.Certificate]) -> str | None:  # noqa: ARG002
        """Let it pass."""
        return None


class RefusedCertificateKept(Defect):
    """Says that it refuses a certificate, and shows it all the same."""

    breaks = "A02.FR.07"

    def certificate_signed(self, pem: str) -> bool:
        """Put it in the place of the one that was good."""
        request = self._request
        taken = super().certificate_signed(pem)
        if not taken and request is not None and read_chain(pem):
            key = request.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
            self.certificates.keep_own(OwnCertificate(pem, key))
        return taken


class BadCertificateUntold(Defect):
    """Keeps to itself that a certificate was bad."""

    breaks = "CERTSIGN.EVENT.01"

    def is_critical(self, event: str) -> bool:
        """Count it among the others."""
        return event != self.bad_own_certificate_event() and super().is_critical(event)


class PeriodIgnored(Defect):
    """Does not look whether the time of a certificate is over."""

    breaks = "A02.FR.06"

    def objection_to_signed(self, pem: str) -> str | None:
        """Put the clock back for as long."""
        offset = self.clock.offset
        self.clock.offset = offset - A_MONTH
        try:
            return super().objection_to_signed(pem)
        finally:
            self.clock.offset = offset


class KeyIgnored(Defect):
    """Does not look for which key a certificate is."""

    breaks = "A02.FR.06"

    def objection_to_key(self, chain: list[x509.Certificate]) -> str | None:  # noqa: ARG002
        """Let it pass."""
        return None


class NameIgnored(NamedAnyhow):
    """Does not look for whom a certificate is."""

    breaks = "A02.FR.06"


class GarbageTaken(Defect):
    """Takes for a certificate what can't be read."""

    breaks = "A02.FR.06"

    def certificate_signed(self, pem: str) -> bool:
        """Take it."""
        return not read_chain(pem) or super().certificate_signed(pem)


class LongChainTaken(Defect):
    """Takes a chain of any length."""

    breaks = "A02.FR.16"

    def is_too_long(self, pem: str) -> bool:  # noqa: ARG002
        """Never find it too long."""
        return False


class HangsUpWhenRefused(Defect):
    """Takes it amiss when its request is refused."""

    breaks = "CERTSIGN.REFUSED.01"

    async def ask_for_certificate(self, request: SigningRequest, *, asked: bool) -> bool:
        """Hang up."""
        accepted = await super().ask_for_certificate(request, asked=asked)
        if not accepted:
            await self.close_link()
        return accepted


class AsksNoMoreWhenRefused(Defect):
    """Never asks again once it was refused."""

    breaks = "CERTSIGN.REFUSED.01"
    _refused = False

    async def ask_for_certificate(self, request: SigningRequest, *, asked: bool) -> bool:
        """Remember for good."""
        if self._refused:
            return False
        accepted = await super().ask_for_certificate(request, asked=asked)
        self._refused = not accepted
        return accepted


class NotRenewedInTime(Defect):
    """Lets its certificate end."""

    breaks = "A03.FR.02"

    def renew_if_due(self) -> None:
        """Never find it due."""


# -- roots ------------------------------------------------------------------------------------------------------------


class RootsRefused(Defect):
    """Takes no roots but those from the factory."""

    breaks = "M05.FR.02"

    def objection_to_root(self, use: str, chain: list[x509.Certificate]) -> str | None:  # noqa: ARG002
        """Object."""
        return "Unwanted"


class _Answers(Defect):
    """Answers one kind of request otherwise."""

    spoilt = "GetInstalledCertificateIds"

    def dispatch(self, call: Call) -> Payload:
        """Change the answer."""
        answer = super().dispatch(call)
        return self.spoil(answer) if call.action == self.spoilt else answer

    def spoil(self, answer: Payload) -> Payload:
        """Return what to say instead."""
        raise NotImplementedError


class RootsNotFound(_Answers):
    """Lists roots, and says that it has found none."""

    breaks = "M03.FR.03"

    def spoil(self, answer: Payload) -> Payload:
        """Say so."""
        return {**answer, "status": "NotFound"}


class NothingFound(_Answers):
    """Says that it has found something where there is nothing."""

    breaks = "M03.FR.02"

    def spoil(self, answer: Payload) -> Payload:
        """Say so."""
        return {**answer, "status": "Accepted"}


class SerialWithZero(_Answers):
    """Writes serial numbers with a zero in front."""

    breaks = "M03.FR.04"

    def spoil(self, answer: Payload) -> Payload:
        """Put it there."""
        return _changed(answer, lambda data: {**data, "serialNumber": "0" + data["serialNumber"]})


class HashesOfWholeKey(_Answers):
    """Hashes a public key with all that is around it."""

    breaks = "M03.FR.04"

    def spoil(self, answer: Payload) -> Payload:
        """List other hashes."""
        wrong = {f"{root.serial_number:x}": _hash_of_whole_key(root) for root in self.certificates.roots()}
        return _changed(
            answer, lambda data: {**data, "issuerKeyHash": wrong.get(data["serialNumber"], data["issuerKeyHash"])}
        )


def _hash_of_whole_key(root: x509.Certificate) -> str:
    """Return a hash as of the whole SubjectPublicKeyInfo."""
    return digest(root.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), "SHA256")


def _changed(found: Payload, change: Callable[[Payload], Payload]) -> Payload:
    """Return an answer with each CertificateHashData in it changed."""
    if "issuerKeyHash" in found:
        return change(found)
    lists = {name: value for name, value in found.items() if isinstance(value, list)}
    objects = {name: _changed(value, change) for name, value in found.items() if isinstance(value, dict)}
    return {**found, **objects, **{name: [_changed(each, change) for each in value] for name, value in lists.items()}}


class DeletionPretended(_Answers):
    """Says that a root is gone, and keeps it."""

    breaks = "M04.FR.02"
    spoilt = "DeleteCertificate"

    def is_indispensable(self, use: str, root: x509.Certificate) -> bool:  # noqa: ARG002
        """Keep it."""
        return True

    def spoil(self, answer: Payload) -> Payload:
        """Say that it is gone."""
        return {"status": "Accepted"} if answer["status"] == "Failed" else answer


class DeletionRefused(Defect):
    """Deletes no root."""

    breaks = "M04.FR.02"

    def is_indispensable(self, use: str, root: x509.Certificate) -> bool:  # noqa: ARG002
        """Keep it."""
        return True


class UnknownDeleted(_Answers):
    """Says that it has deleted what it does not have."""

    breaks = "M04.FR.04"
    spoilt = "DeleteCertificate"

    def spoil(self, answer: Payload) -> Payload:
        """Say so."""
        return {"status": "Accepted"} if answer["status"] == "NotFound" else answer


class OwnDeleted(Defect):
    """Deletes its own certificate when it is told to."""

    breaks = "M04.FR.06"

    def answer_to_deleting_own(self) -> Payload:
        """Do so."""
        return {"status": "Accepted"}


class ExpiredRootTaken(Defect):
    """Does not look whether the time of a root is over."""

    breaks = "M05.FR.07"
    also = ("16S.INSTALL.01",)

    def objection_to_root(self, use: str, chain: list[x509.Certificate]) -> str | None:
        """Put the clock back for as long."""
        offset = self.clock.offset
        self.clock.offset = offset - A_MONTH
        try:
            return super().objection_to_root(use, chain)
        finally:
            self.clock.offset = offset


class AnyCertificateTaken(Defect):
    """Takes any certificate for a root."""

    breaks = "M05.FR.07"
    also = ("16S.INSTALL.01",)

    def is_good_root(self, root: x509.Certificate) -> bool:  # noqa: ARG002
        """Find it good."""
        return True


class BadRootListed(Defect):
    """Says that it refuses a root, and installs it."""

    breaks = "M05.FR.07"
    also = ("16S.INSTALL.01",)

    def objection_to_root(self, use: str, chain: list[x509.Certificate]) -> str | None:
        """Install it first."""
        if len(chain) == 1:
            self.certificates.add_root(use, chain[0])
        return super().objection_to_root(use, chain)


class StoreWithoutEnd(Defect):
    """Takes more roots than it says that it has room for."""

    breaks = "M05.FR.06"

    def has_room_for_root(self) -> bool:
        """Make room."""
        return True


class RootInUseNotFound(_Answers):
    """Will not delete a root, and says that it is not there."""

    breaks = "M04.FR.03"
    also = ("16S.M04.FR.06",)
    spoilt = "DeleteCertificate"

    def spoil(self, answer: Payload) -> Payload:
        """Say so."""
        return {"status": "NotFound"} if answer["status"] == "Failed" else answer


class RootInUseGone(Defect):
    """Says that it will not delete a root, and does."""

    breaks = "M04.FR.03"
    also = ("16S.M04.FR.06",)

    def is_indispensable(self, use: str, root: x509.Certificate) -> bool:
        """Delete it."""
        if super().is_indispensable(use, root):
            self.certificates.remove_root(use, root)
            return True
        return False


# -- a root that follows on another -----------------------------------------------------------------------------------


class NextRootRefused(StrictDefect):
    """Takes no root in the place of its own."""

    breaks = "M05.FR.12"

    def follows_on_the_old(self, use: str, root: x509.Certificate) -> bool:
        """Refuse all but the one that is there."""
        return self.certificates.has_root(use, root)


class NothingToFallBackOn(StrictDefect):
    """Throws the old root away before the new one has proved itself."""

    breaks = "M05.FR.14"

    def install_root(self, use: str, root: x509.Certificate) -> None:
        """Keep the new one alone."""
        for old in self.certificates.roots(use):
            self.certificates.remove_root(use, old)
        self.certificates.add_root(use, root)


class NextRootUnused(StrictDefect):
    """Says that it has a new root, and goes on with the old one."""

    breaks = "M05.FR.10"

    def install_root(self, use: str, root: x509.Certificate) -> None:
        """Do nothing."""


class OldRootKept(StrictDefect):
    """Keeps the old root for ever."""

    breaks = "M05.FR.13"
    also = ("M05.FR.09",)

    async def open_by_some_roots(self, url: str) -> ClientConnection:
        """Put it back when it has gone."""
        fallback = self.certificates.fallback()
        link = await super().open_by_some_roots(url)
        if fallback is not None and self.certificates.fallback() is None:
            self.certificates.add_root(CSMS_ROOT, fallback)
        return link


class RootsBesideEachOther(StrictDefect):
    """Has several roots where there may be one."""

    breaks = "M05.FR.09"
    also = ("M05.FR.13",)

    def install_root(self, use: str, root: x509.Certificate) -> None:
        """Put the new one beside the old."""
        self.certificates.add_root(use, root)


class RootOfAnotherTaken(StrictDefect):
    """Does not look who has signed a new root."""

    breaks = "M05.FR.11"

    def follows_on_the_old(self, use: str, root: x509.Certificate) -> bool:  # noqa: ARG002
        """Find it right."""
        return True
