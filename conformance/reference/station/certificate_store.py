"""The certificates that a station of any edition keeps in flash memory: roots by their use, and its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.reference.station.certificate_facts import hash_data, is_issued_by, read_chain, to_pem

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from cryptography import x509

    from conformance.reference.station.config import SecuritySetup
    from conformance.reference.station.rpc import Payload

STORED_CERTIFICATES = "certificates"
CSMS_ROOT = "CSMSRootCertificate"
"""What the root of the CSMS is called in flash memory, in all editions."""


@dataclass(frozen=True)
class OwnCertificate:
    """The chain that the station shows of itself, the leaf first, and its key, in PEM."""

    chain: str
    key: str = field(repr=False)

    @property
    def leaf(self) -> x509.Certificate:
        """The certificate itself."""
        return read_chain(self.chain)[0]


class CertificateStore:
    """Keeps roots, each with a use ("CSMSRootCertificate", …), and the own certificates, the newest last."""

    def __init__(self, storage: MutableMapping[str, Any], setup: SecuritySetup) -> None:
        """Read flash memory; a station fresh from the factory has what `setup` says."""
        self._kept: dict[str, list[dict[str, Any]]]
        if STORED_CERTIFICATES not in storage:
            storage[STORED_CERTIFICATES] = {"roots": [], "own": []}
            self._kept = storage[STORED_CERTIFICATES]
            for root in read_chain(setup.roots):
                self.add_root(CSMS_ROOT, root)
            if setup.certificate:
                self.add_own(OwnCertificate(setup.certificate, setup.key))
        self._kept = storage[STORED_CERTIFICATES]

    # -- roots

    def roots(self, use: str | None = None) -> list[x509.Certificate]:
        """Return the roots for a use, or all; a fallback is not among them."""
        return [read_chain(entry["pem"])[0] for entry in self._entries(use) if not entry["fallback"]]

    def listed(self, uses: list[str]) -> list[tuple[str, Payload]]:
        """Return use and CertificateHashData of the roots for some uses, or of all when none is named."""
        return [(entry["use"], self.hash_of(entry)) for entry in self._entries() if not uses or entry["use"] in uses]

    def count(self) -> int:
        """Return how many roots there are."""
        return len(self._entries())

    def add_root(self, use: str, root: x509.Certificate) -> None:
        """Add a root, or put it in the place of the same one."""
        self._kept["roots"][:] = [entry for entry in self._entries() if not self._is(entry, use, root)]
        self._kept["roots"].append({"use": use, "pem": to_pem(root), "fallback": False})

    def has_root(self, use: str, root: x509.Certificate) -> bool:
        """Tell whether a root is there for a use."""
        return any(self._is(entry, use, root) for entry in self._entries())

    def find_root(self, wanted: Payload) -> tuple[str, x509.Certificate] | None:
        """Return use and certificate of the root that a CertificateHashData names."""
        for entry in self._entries():
            if same_hash_data(self.hash_of(entry, wanted["hashAlgorithm"]), wanted):
                return entry["use"], read_chain(entry["pem"])[0]
        return None

    def remove_root(self, use: str, root: x509.Certificate) -> None:
        """Take a root out."""
        self._kept["roots"][:] = [entry for entry in self._entries() if not self._is(entry, use, root)]

    def replace_root(self, use: str, root: x509.Certificate) -> None:
        """Let a root follow on those for its use; the last of them stays as a fallback (M05.FR.12)."""
        last = next((entry for entry in reversed(self._entries(use)) if not entry["fallback"]), None)
        self._kept["roots"][:] = [entry for entry in self._entries() if entry["use"] != use or entry is last]
        if last is not None:
            last["fallback"] = True
        self.add_root(use, root)

    def fallback(self, use: str = CSMS_ROOT) -> x509.Certificate | None:
        """Return the root that a newer one has followed on, until the newer one has proved itself."""
        return next((read_chain(entry["pem"])[0] for entry in self._entries(use) if entry["fallback"]), None)

    def hash_of(self, entry: dict[str, Any], algorithm: str = "SHA256") -> Payload:
        """Return the CertificateHashData of a root; its issuer is itself, or the root that it follows on."""
        root = read_chain(entry["pem"])[0]
        all_roots = (read_chain(each["pem"])[0] for each in self._entries())
        issuer = root if is_issued_by(root, root) else next((r for r in all_roots if is_issued_by(root, r)), root)
        if "issuer" in entry:
            issuer = read_chain(entry["issuer"])[0]
        elif issuer is not root:
            entry["issuer"] = to_pem(issuer)
        return hash_data(root, issuer, algorithm)

    def _entries(self, use: str | None = None) -> list[dict[str, Any]]:
        """Return what flash memory holds of roots."""
        return [entry for entry in self._kept["roots"] if use in (None, entry["use"])]

    def _is(self, entry: dict[str, Any], use: str, root: x509.Certificate) -> bool:
        """Tell whether an entry holds a root for a use."""
        return bool(entry["use"] == use and entry["pem"] == to_pem(root))

    # -- the own certificate

    def own(self) -> list[OwnCertificate]:
        """Return the own certificates, the newest last."""
        return [OwnCertificate(**entry) for entry in self._kept["own"]]

    def add_own(self, certificate: OwnCertificate) -> None:
        """Keep a new certificate beside the one in use; older ones go."""
        self._kept["own"][:-1] = []
        self._kept["own"].append({"chain": certificate.chain, "key": certificate.key})

    def keep_own(self, certificate: OwnCertificate) -> None:
        """Discard all own certificates but this."""
        self._kept["own"][:] = [{"chain": certificate.chain, "key": certificate.key}]

    def is_own(self, wanted: Payload) -> bool:
        """Tell whether a CertificateHashData names an own certificate."""
        return any(
            same_hash_data(self.own_hash_data(certificate, wanted["hashAlgorithm"]), wanted)
            for certificate in self.own()
        )

    def own_hash_data(self, certificate: OwnCertificate, algorithm: str = "SHA256") -> Payload:
        """Return the CertificateHashData of an own certificate, as far as its issuer is known."""
        leaf, *above = read_chain(certificate.chain)
        issuers = [each for each in (*above, *self.roots()) if is_issued_by(leaf, each)]
        return hash_data(leaf, issuers[0] if issuers else leaf, algorithm)


def same_hash_data(one: Payload, other: Payload) -> bool:
    """Compare two CertificateHashData; digits in either case, with or without leading zeros."""
    hashes_equal = all(one[name].casefold() == other[name].casefold() for name in ("issuerNameHash", "issuerKeyHash"))
    serial = other["serialNumber"].casefold().lstrip("0")
    return bool(hashes_equal and one["serialNumber"].lstrip("0") == serial)
