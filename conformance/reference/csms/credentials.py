"""Who a station is: its password, its certificate, and the security profiles it may come in (Part 2 A00, A05, B01)."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
from collections import deque
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import MultipleValuesError
from websockets.http11 import Request

from conformance.reference.csms.base import CsmsBase, Link
from conformance.reference.csms.config import CsmsConfig
from conformance.reference.csms.connection import CERTIFICATES, certificate_of, profile_of
from conformance.reference.csms.records import StationRecord
from conformance.reference.csms.rpc import Call, Payload

logger = logging.getLogger(__name__)

LOGGED = 1000


class Credentials(CsmsBase):
    """Tells who is who it says."""

    def __init__(self, config: CsmsConfig | None = None) -> None:
        """Have seen nothing yet."""
        super().__init__(config)
        self.security_log: deque[Payload] = deque(maxlen=LOGGED)

    def log_security(self, event: str, why: str, identity: str | None = None) -> None:
        """Keep a security event of this CSMS (A00.FR.408)."""
        logger.warning("%s: %s", event, why)
        self.security_log.append({"type": event, "timestamp": self.stamp(), "station": identity, "techInfo": why})

    # -- security profiles

    def profile_allowed(self, record: StationRecord, profile: int) -> bool:
        """Tell whether a station may come in a security profile: in no lower one than before (A05.FR.07)."""
        return profile >= record.security_profile

    # -- passwords

    def password_needed(self, profile: int) -> bool:
        """Tell whether a security profile has stations show a password."""
        return profile != CERTIFICATES

    def credentials_in(self, request: Request) -> tuple[bytes, bytes] | None:
        """Return user name and password of an HTTP Basic header, as bytes; None without a usable one."""
        try:
            scheme, _, encoded = (request.headers.get("Authorization") or "").partition(" ")
            decoded = base64.b64decode(encoded.strip(), validate=True)
        except (MultipleValuesError, binascii.Error, ValueError):
            return None
        user, colon, password = decoded.partition(b":")
        return (user, password) if scheme.lower() == "basic" and colon else None

    def credentials_match(self, record: StationRecord, credentials: tuple[bytes, bytes] | None) -> bool:
        """Tell whether a station is who it says (A00.FR.204, A00.FR.207); without a password anyone is."""
        if record.password is None:
            return True
        if credentials is None:
            return False
        user, password = credentials
        return user == record.identity.encode() and hmac.compare_digest(password, record.password)

    # -- certificates, whose path TLS has verified

    def fault_of_chain(self, record: StationRecord, chain: list[x509.Certificate]) -> str:
        """Return why what a station has shown does not do for it, "" when it does; TLS may not look at dates."""
        present = self.present()
        if any(each.not_valid_before_utc > present for each in chain):
            return "a certificate is not yet valid"
        if not all(self.in_date(each) for each in chain[1:]):
            return "a certificate of an authority has expired"
        return self.fault_of_certificate(record, next(iter(chain), None))

    def fault_of_certificate(self, record: StationRecord, certificate: x509.Certificate | None) -> str:
        """Return why a certificate does not do for a station, "" when it does."""
        if certificate is None:
            return "no certificate was shown"
        if not self.in_date(certificate) and not self.may_renew(record):
            return "the certificate has expired"
        if not self.of_operator(certificate):
            return "the certificate names another organization"
        if not self.of_station(record, certificate):
            return "the certificate names another station"
        return ""

    def may_renew(self, record: StationRecord) -> bool:
        """Tell whether a station may come with an expired certificate, to have it renewed (A00.FR.429)."""
        return record.setup.renews_expired

    def in_date(self, certificate: x509.Certificate) -> bool:
        """Tell whether a certificate has not expired."""
        return self.present() <= certificate.not_valid_after_utc

    def present(self) -> datetime:
        """Return the time that certificates are held against."""
        return self.now()

    def of_operator(self, certificate: x509.Certificate) -> bool:
        """Tell whether a certificate is owned by the operator (A00.FR.404)."""
        operator = self.config.security.operator if self.config.security is not None else ""
        return not operator or operator in names_in(certificate.subject, NameOID.ORGANIZATION_NAME)

    def of_station(self, record: StationRecord, certificate: x509.Certificate) -> bool:
        """Tell whether a certificate names a station by its serial number (A00.FR.405)."""
        return names_in(certificate.subject, NameOID.COMMON_NAME) == [self.serial_of(record)]

    def serial_of(self, record: StationRecord) -> str:
        """Return the serial number that a station is known by."""
        return record.setup.serial or record.identity

    def is_impostor(self, link: Link, call: Call) -> bool:
        """Tell whether a BootNotification names another serial number than the certificate shown (B01.FR.11)."""
        certificate = certificate_of(link.connection)
        if call.action != "BootNotification" or certificate is None or not isinstance(call.payload, dict):
            return False
        told = serial_told(call.payload)
        return told is not None and [told] != names_in(certificate.subject, NameOID.COMMON_NAME)

    def has_expired_certificate(self, connection: ServerConnection) -> bool:
        """Tell whether a station was let in for nothing but to have its certificate renewed (A00.FR.429)."""
        certificate = certificate_of(connection)
        return profile_of(connection) == CERTIFICATES and certificate is not None and not self.in_date(certificate)


def names_in(subject: x509.Name, kind: x509.ObjectIdentifier) -> list[str]:
    """Return every value that a subject has for an attribute."""
    return [str(each.value) for each in subject.get_attributes_for_oid(kind)]


def serial_told(boot: Payload) -> str | None:
    """Return the serial number in a BootNotification of either version, None where there is none."""
    station = boot.get("chargingStation", boot)
    told = station.get("serialNumber", boot.get("chargePointSerialNumber")) if isinstance(station, dict) else None
    return told if isinstance(told, str) else None
