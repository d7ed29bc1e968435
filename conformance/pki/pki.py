"""The certificates and keys of one test PKI, made when they are first asked for."""

import base64
import datetime as dt
import functools
import ipaddress
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from conformance.pki import making
from conformance.pki.making import Authority
from conformance.pki.recipe import KINDS, KeyKind, Leaf, Member, recipe
from conformance.wire.certificates import Chain

T = TypeVar("T")
Hierarchy = Literal["issuing", "next"]

OPERATOR = "Conformance Operator"
"""The owner of certificates where nobody names one."""

_KEPT = "pki.json"
_SIGNING = "issuing-ecdsa"
"""Who signs for a CSMS what its stations ask for."""
_ROOTS = ("root", "other", "next", "bare", "manufacturer")
_LONGEST_NAME = 64
"""How long a common name and an organization may be (RFC 5280, appendix A.1)."""
_LONGEST_SERIAL = 25
"""How long the serial number of a BootNotification may be, in both versions."""
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*")
_IDENTITY = re.compile(r"[A-Za-z0-9*+=|@._:-]{1,48}")


class PkiError(Exception):
    """What was given can't be used: one message, with what was expected, what came and what to do."""


class Zoo(Mapping[str, T], Generic[T]):
    """Certificates by name, made when they are first asked for; `member` says what is wrong with one."""

    def __init__(self, members: Mapping[str, Member], make: Callable[[Member], T]) -> None:
        self._members = members
        self._make = make
        self._made: dict[str, T] = {}

    def member(self, name: str) -> Member:
        """What is wrong with it."""
        return self._members[name]

    def __getitem__(self, name: str) -> T:
        if name not in self._made:
            self._made[name] = self._make(self._members[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


class Pki:
    """One root that both ends trust, and what leads to it: the CSMS's certificates, and those of stations.

    `hosts` are the names and addresses of the CSMS: the first is the common name of its certificates, all are
    alternative names. `serial` is the serial number of the station, which is the common name of its certificate,
    `operator` the organization in all of them (A00.FR.509 to 511). All PEM is text.
    """

    def __init__(self, hosts: tuple[str, ...], identity: str, serial: str, operator: str, root_key: KeyKind) -> None:
        self.hosts = hosts
        self.identity = identity
        self.serial = serial
        self.operator = operator
        self.root_key = root_key
        self._tag = secrets.token_hex(3)
        self._authorities: dict[str, Authority] = {}
        self._good: dict[str, Chain] = {}

    # -- making and keeping -------------------------------------------------------------------------------------------

    @classmethod
    def new(
        cls,
        hosts: tuple[str, ...] = ("localhost", "127.0.0.1"),
        identity: str = "CS001",
        serial: str = "HM-0000-4711",
        operator: str = OPERATOR,
        root_key: KeyKind = "RSA",
    ) -> "Pki":
        """A PKI of its own; make one for a run, since RSA keys take their time. Raises PkiError for a bad name."""
        _check(hosts, identity, serial, operator)
        return cls(hosts, identity, serial, operator, root_key)

    def save(self, folder: Path) -> None:
        """Write it down, keys readable for the owner alone; raises PkiError where the folder holds something."""
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise PkiError(
                f"{folder}: expected a new or empty folder, and it exists: keys are never overwritten. "
                f"Name another folder, or move this one away"
            )
        self.hand_out(folder)
        for name in self._all_authorities():
            if name != _SIGNING:
                self._write_authority(folder, name)
        _write(folder / "next-root.pem", self.next_root)
        _write(folder / "manufacturer-root.pem", self.manufacturer_root)
        kept = {each: getattr(self, each) for each in ("hosts", "identity", "serial", "operator", "root_key")}
        _write(folder / _KEPT, json.dumps(kept, indent=2) + "\n")

    def hand_out(self, folder: Path) -> None:
        """Write down what the two ends are set up with, as `save` does, and nothing that only the harness needs."""
        (folder / "authorities").mkdir(parents=True, exist_ok=True)
        self._write_authority(folder, _SIGNING)
        for name, pem in (("root", self.root), ("client-root", self.client_root), ("crl", self.crl)):
            _write(folder / f"{name}.pem", pem)
        for name in ("server-rsa", "server-ecdsa", "station"):
            chain = self._good_chain(name)
            _write(folder / f"{name}.pem", chain.certificates)
            _write(folder / f"{name}.key", chain.key, secret=True)

    def _write_authority(self, folder: Path, name: str) -> None:
        authority = self._authority(name)
        _write(folder / "authorities" / f"{name}.pem", authority.pem)
        _write(folder / "authorities" / f"{name}.key", making.key_pem(authority.key), secret=True)

    @classmethod
    def load(cls, folder: Path) -> "Pki":
        """What was written down; raises PkiError where it is none, is not whole, or its time is over."""
        again = "make one with: ocpp-conformance pki --host HOST --out DIR"
        try:
            kept = json.loads((folder / _KEPT).read_text(encoding="utf-8"))
            pki = cls(tuple(kept["hosts"]), kept["identity"], kept["serial"], kept["operator"], kept["root_key"])
            pki._read(folder)
        except OSError as error:
            raise PkiError(f"{folder}: expected a folder of test certificates, got: {error}; {again}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise PkiError(f"{folder}: expected a folder of test certificates, got what is none; {again}") from error
        if pki.good_until < dt.datetime.now(dt.UTC):
            raise PkiError(f"{folder}: its certificates were good until {pki.good_until:%Y-%m-%d}; {again}")
        return pki

    @property
    def good_until(self) -> dt.datetime:
        """When the first of the good certificates ends."""
        return min(_ends(chain) for chain in (*self.server(), self.station()))

    def _read(self, folder: Path) -> None:
        for name in self._all_authorities():
            file = folder / "authorities" / f"{name}.pem"
            certificate = x509.load_pem_x509_certificate(file.read_bytes())
            key = making.read_key(file.with_suffix(".key").read_text(encoding="ascii"))
            path = () if name in _ROOTS else (certificate,)
            self._authorities[name] = Authority(certificate, key, path)
        for name in ("server-rsa", "server-ecdsa", "station"):
            file = folder / f"{name}.pem"
            key_file = file.with_suffix(".key")
            self._good[name] = Chain(file.read_text(encoding="ascii"), key_file.read_text(encoding="ascii"))

    # -- authorities --------------------------------------------------------------------------------------------------

    @property
    def root(self) -> str:
        """The root certificate that both ends trust."""
        return self._authority("root").pem

    @property
    def client_root(self) -> str:
        """What certificates of stations lead to: the same root, since a station checks its new certificate by it."""
        return self.root

    @property
    def other_root(self) -> str:
        """A root that nobody has installed."""
        return self._authority("other").pem

    @functools.cached_property
    def next_root(self) -> str:
        """The root that comes after this one, signed by it (M05.FR.10): to be installed; `server("next")` leads to it.

        It is no certificate that signs itself: who keeps it alone as a trust anchor takes it as it stands.
        """
        return making.again(self._authority("next"), self._authority("root")).pem

    @property
    def bare_root(self) -> str:
        """Another root that could come next, but is signed by itself alone (M05.FR.11)."""
        return self._authority("bare").pem

    @property
    def manufacturer_root(self) -> str:
        """The root of whoever signs firmware."""
        return self._authority("manufacturer").pem

    @functools.cached_property
    def expired_root(self) -> str:
        """A root whose time is over."""
        alone = self._authority("bare")
        return making.again(alone, alone, (-365, -1)).pem

    def spare_roots(self, number: int) -> tuple[str, ...]:
        """So many roots that are good for nothing but to take up room, each another."""
        return tuple(making.root(self.operator, f"Spare {each}", "ECDSA").pem for each in range(number))

    @functools.cached_property
    def crl(self) -> str:
        """What is revoked: one list for each authority that a certificate of an end leads through."""
        numbers = tuple(
            member.changes["number"]
            for end in ("server", "station")
            for member in recipe(end).values()
            if member.name == "revoked"
        )
        issuing = (self._authority(f"issuing-{kind.lower()}") for kind in KINDS)
        return "".join([making.revoked(self._authority("root"), ()), *(making.revoked(by, numbers) for by in issuing)])

    def _all_authorities(self) -> tuple[str, ...]:
        return (*_ROOTS, *(f"{above}-{kind.lower()}" for above in ("issuing", "other", "next") for kind in KINDS))

    def _authority(self, name: str) -> Authority:
        if name not in self._authorities:
            self._authorities[name] = self._new_authority(name)
        return self._authorities[name]

    def _new_authority(self, name: str) -> Authority:
        words = f"OCPP conformance test {name} {self._tag}"
        if name in _ROOTS:
            return making.root(self.operator, words, self.root_key)
        above, _, kind = name.partition("-")
        parent = self._authority("root" if above == "issuing" else above)
        return making.issuing(parent, self.operator, words, "RSA" if kind == "rsa" else "ECDSA")

    # -- the CSMS -----------------------------------------------------------------------------------------------------

    def server(self, under: Hierarchy = "issuing") -> tuple[Chain, Chain]:
        """What a CSMS shows of itself, with an RSA key and with an ECDSA key; `under` the root that comes next."""
        if under == "next":
            rsa_one, ecdsa_one = (self._chain(replace(self._server, signed_by="next"), kind) for kind in KINDS)
            return rsa_one, ecdsa_one
        return self._good_chain("server-rsa"), self._good_chain("server-ecdsa")

    @functools.cached_property
    def server_zoo(self) -> Zoo[tuple[Chain, ...]]:
        """What a CSMS must not show, by what is wrong with it: each with the kinds of keys that it can be made with."""
        return Zoo(recipe("server"), lambda member: tuple(self._bad(self._server, member)))

    @property
    def _server(self) -> Leaf:
        return Leaf(self.hosts[0], self.operator, names=self.hosts)

    # -- stations -----------------------------------------------------------------------------------------------------

    def station(self, cn: str | None = None, o: str | None = None, key: KeyKind = "ECDSA") -> Chain:
        """What a station shows of itself; that of the station of this PKI unless other names are given."""
        if (cn, o, key) == (None, None, "ECDSA"):
            return self._good_chain("station")
        wanted = self._station
        return self._chain(replace(wanted, cn=wanted.cn if cn is None else cn, o=wanted.o if o is None else o), key)

    @functools.cached_property
    def station_zoo(self) -> Zoo[Chain]:
        """What a station must not show, by what is wrong with it."""
        return Zoo(recipe("station"), lambda member: list(self._bad(self._station, member))[-1])

    def sign(  # noqa: PLR0913 -- what differs from what was asked for, by keyword
        self,
        csr: str,
        *,
        cn: str | None = None,
        o: str | None = None,
        defect: str = "",
        key: str = "",
        days: float = 365,
    ) -> str:
        """The chain for a certificate signing request (PEM), as CertificateSigned carries it.

        The names are those of the request unless others are given. `defect` is one of those of `station_zoo`;
        `key="other"` gives a certificate of another key; it is good for so many `days`. Raises ValueError where the
        request is none, or not signed by its own key.
        """
        asked = x509.load_pem_x509_csr(csr.encode())
        if not _signed(asked):
            raise ValueError("the certificate signing request is not signed by its own key")
        public = asked.public_key()
        if key == "other" or not isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            public = making.new_key("ECDSA").public_key()
        names = [_in_subject(asked, oid) for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)]
        wanted = Leaf(names[0] if cn is None else cn, names[1] if o is None else o, days=(-1 / 24, days))
        if defect:
            wanted = replace(wanted, **self._changes(recipe("station")[defect]))
        kind: KeyKind = "RSA" if isinstance(public, rsa.RSAPublicKey) else "ECDSA"
        own = making.new_key(kind)
        return making.as_pem(*making.leaf(wanted, public, self._signer(wanted, kind), own))

    @property
    def _station(self) -> Leaf:
        return Leaf(self.serial, self.operator)

    # -- firmware -----------------------------------------------------------------------------------------------------

    @functools.cached_property
    def firmware_signer(self) -> Chain:
        """Who signs firmware, below the root of the manufacturer."""
        key = making.new_key("RSA")
        wanted = Leaf("Firmware signing", "Conformance Manufacturer")
        return making.chain(making.leaf(wanted, key.public_key(), self._authority("manufacturer")), key)

    def sign_firmware(self, image: bytes) -> str:
        """The signature of an image: RSA-PSS over SHA-256 (1.6 L01.FR.04), in Base64."""
        key = making.read_key(self.firmware_signer.key)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("the signer of firmware has an RSA key")
        digest = hashes.SHA256()
        signature = key.sign(image, padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH), digest)
        return base64.b64encode(signature).decode()

    # -- one certificate ----------------------------------------------------------------------------------------------

    def _good_chain(self, name: str) -> Chain:
        if name not in self._good:
            wanted = self._station if name == "station" else self._server
            self._good[name] = self._chain(wanted, "RSA" if name.endswith("rsa") else "ECDSA")
        return self._good[name]

    def _bad(self, good: Leaf, member: Member) -> Iterator[Chain]:
        for kind in member.keys:
            yield self._chain(replace(good, **self._changes(member)), kind)

    def _chain(self, wanted: Leaf, kind: KeyKind) -> Chain:
        key = making.new_key(kind, wanted.bits)
        return making.chain(making.leaf(wanted, key.public_key(), self._signer(wanted, kind), key), key)

    def _changes(self, member: Member) -> dict[str, Any]:
        """What differs from the good one, with this PKI's names filled in."""
        first = self.hosts[0]
        fills = {"host": first, "serial": self.serial, "operator": self.operator, "wildcard": _wildcard(first)}

        def filled(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(filled(each) for each in value)
            return value.format(**fills) if isinstance(value, str) else value

        return {name: filled(value) for name, value in member.changes.items()}

    def _signer(self, wanted: Leaf, kind: KeyKind) -> Authority | None:
        if wanted.digest == "SHA1":
            kind = "RSA"  # as for ECDSA there is nobody left who would make it
        match wanted.signed_by:
            case "itself":
                return None
            case "station":
                shown = self.station(cn=f"{self.serial}-3", key=kind)
                certificates = tuple(x509.load_pem_x509_certificates(shown.certificates.encode()))
                return Authority(certificates[0], making.read_key(shown.key), certificates)
            case "expired":
                authority = self._authority(f"issuing-{kind.lower()}")
                return making.again(authority, self._authority("root"), days=(-365, -1))
        return self._authority(f"{wanted.signed_by}-{kind.lower()}")


def _check(hosts: tuple[str, ...], identity: str, serial: str, operator: str) -> None:
    if not hosts:
        raise PkiError("host: expected the name or address of the CSMS, got none")
    for host in hosts:
        if not _HOST.fullmatch(host) or len(host) > _LONGEST_NAME:
            raise PkiError(
                f"host: expected a name or an address, such as csms.example.com or 192.0.2.7, got {host!r}: "
                "without scheme, port or path, and of 64 characters at most"
            )
    if not _IDENTITY.fullmatch(identity):
        raise PkiError(
            f"identity: expected 1 to 48 letters, digits or * - _ = : + | @ . as in the station's URL, got {identity!r}"
        )
    if not 0 < len(serial) <= _LONGEST_SERIAL or "/" in serial or _is_address(serial):
        raise PkiError(
            f"serial: expected the serial number that the station reports when it boots, 1 to {_LONGEST_SERIAL} "
            f"characters, no URL and no address (A00.FR.511), got {serial!r}"
        )
    if not 0 < len(operator.strip()) <= _LONGEST_NAME:
        raise PkiError(f"operator: expected a name of 1 to {_LONGEST_NAME} characters, got {operator!r}")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _wildcard(host: str) -> str:
    """A wildcard that fits a host in place of its first label; of an address, or a name of one label, any."""
    rest = host.partition(".")[2]
    return "*" if not rest or _is_address(host) else f"*.{rest}"


def _ends(chain: Chain) -> dt.datetime:
    return x509.load_pem_x509_certificate(chain.certificates.encode()).not_valid_after_utc


def _signed(asked: x509.CertificateSigningRequest) -> bool:
    try:
        return asked.is_signature_valid
    except InvalidSignature:
        return False


def _in_subject(asked: x509.CertificateSigningRequest, oid: x509.ObjectIdentifier) -> str:
    found = asked.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def _write(file: Path, text: str, *, secret: bool = False) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
