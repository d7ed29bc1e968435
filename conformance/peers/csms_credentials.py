"""How a station of the harness shows a CSMS who it is: right and wrong passwords, new passwords, new certificates."""

import base64
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from conformance.peers.csms_boot import handshake
from conformance.peers.csms_scenes import Command, change_configuration, reset, set_variables, station_201
from conformance.peers.received import NotSeen
from conformance.peers.replies import Payload
from conformance.peers.station import NotConnected, StationPeer
from conformance.peers.station_v16 import Station16
from conformance.wire.certificates import Chain
from conformance.wire.link import Link

UNAUTHORIZED = 401

PASSWORD = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}


# -- who gets in ------------------------------------------------------------------------------------------------------


async def known(station: StationPeer, *, within: float) -> None:
    """See that the CSMS opens a connection for this station as it is: else a refusal would say nothing.

    One that lets nobody in on two connections may take a moment to see that this one has ended, and would refuse
    whoever comes by that name until then: so long is waited. Raises AssertionError.
    """
    await let_in(station, "the right credentials", within=within)
    await station.disconnect()
    begun = time.monotonic()
    try:
        await station.connect()
    except NotConnected:
        await let_in(station, "the right credentials, once more", within=within)
        await station.disconnect()
        await _wait(station, time.monotonic() - begun)
    await station.disconnect()


async def kept_out(station: StationPeer, who: str, **changes: Any) -> None:
    """Dial where the CSMS has to refuse the connection; AssertionError where it opens it, which is then closed.

    Every way not to open it is right: an HTTP status, an alert of TLS, the end of the connection.
    """
    try:
        entry, link = await handshake(station, **changes)
    except NotConnected:
        return
    if link is not None:
        await station.disconnect()
    station.touch(entry)
    assert link is None, f"the CSMS opened a connection for a station with {who}"


async def let_in(station: StationPeer, who: str, *, within: float, **changes: Any) -> Link:
    """Dial where the CSMS has to open the connection; it may take a moment until it knows that it has to.

    Raises AssertionError where it does not.
    """
    deadline = time.monotonic() + within
    while True:
        try:
            return await station.connect(**changes)
        except NotConnected as refused:
            if time.monotonic() > deadline:
                raise AssertionError(f"the CSMS refused a station with {who}: {refused}") from None
        await _wait(station, _MOMENT)


async def _wait(station: StationPeer, seconds: float) -> None:
    with suppress(NotSeen):
        await station.until(lambda: False, "a moment", within=seconds)


_MOMENT = 0.3


def wrong_credentials(identity: str, own: str, *, stranger: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """What lets nobody in: in words, and how to dial with it. `stranger` is another station of the same CSMS."""
    yield "no credentials", {"password": None}
    yield "an empty password", {"password": ""}
    yield "no user name", _header("Basic", f":{own}".encode())
    if stranger is not None:
        yield "the user name of another station", {"user": stranger}
    yield "a password that lacks its last character", {"password": own[:-1]}
    yield "a password with one more character", {"password": f"{own}x"}
    if own.swapcase() != own:
        yield "a password in the wrong case", {"password": own.swapcase()}
    yield "a password of 8000 characters", {"password": (own * 8000)[:8000]}
    if own != identity:
        yield "user name and password the wrong way round", {"user": own, "password": identity}
    yield "its password as a Bearer token", _header("Bearer", f"{identity}:{own}".encode())
    yield "no colon in its credentials", _header("Basic", f"{identity}{own}".encode())
    yield "credentials that are no Base64", {"password": None, "headers": (("Authorization", f"Basic {identity}:%"),)}


def _header(scheme: str, pair: bytes) -> dict[str, Any]:
    return {"password": None, "headers": (("Authorization", f"{scheme} {base64.b64encode(pair).decode()}"),)}


# -- new passwords ----------------------------------------------------------------------------------------------------


def new_password(station: StationPeer, password: str | bytes) -> Command:
    """Change the password of the station: text in 2.0.1, in 1.6 the hex digits of its bytes, in either case."""
    if not isinstance(station.dialect, Station16):
        assert isinstance(password, str), "a password of 2.0.1 is text"
        return set_variables(PASSWORD | {"attributeValue": password})
    digits = (password.encode() if isinstance(password, str) else password).hex().upper()
    return Command(
        "ChangeConfiguration",
        {"key": "AuthorizationKey", "value": digits},
        lambda asked: asked["key"].casefold() == "authorizationkey" and asked["value"].upper() == digits,
    )


def longest_password(station: StationPeer) -> int:
    """How many characters every station must take (A00.FR.205); in 1.6 they stand for as many bytes."""
    return 20 if isinstance(station.dialect, Station16) else 40


def refusals(station: StationPeer) -> tuple[str, ...]:
    """By which statuses the station may refuse a new password."""
    return ("Rejected", "NotSupported") if isinstance(station.dialect, Station16) else ("Rejected",)


def answers_to(command: Command, status: str) -> Payload:
    """The whole answer to a change of a password, with this status."""
    if command.action == "ChangeConfiguration":
        return {"status": status}
    return {"setVariableResult": [PASSWORD | {"attributeStatus": status}]}


# -- new certificates -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SigningRequest:
    """A certificate signing request, in PEM, and the key that it is for."""

    csr: str
    key: str = field(repr=False)

    def chain(self, certificates: str) -> Chain:
        """What the station shows with the certificates (PEM) that came for it."""
        return Chain(certificates, self.key)


def signing_request(cn: str, o: str, *, weak: bool = False) -> SigningRequest:
    """Ask for a certificate of these names for a new key: on P-256, or one of RSA that is too short."""
    key = rsa.generate_private_key(65537, 1024) if weak else ec.generate_private_key(ec.SECP256R1())  # noqa: S505
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, o), x509.NameAttribute(NameOID.COMMON_NAME, cn)])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return SigningRequest(
        made.public_bytes(Encoding.PEM).decode(),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    )


def tampered(request: SigningRequest) -> SigningRequest:
    """The same with a signature that does not fit any more."""
    head, *lines, foot = request.csr.strip().splitlines()
    der = bytearray(base64.b64decode("".join(lines)))
    der[-1] ^= 1
    return replace(request, csr="\n".join([head, base64.encodebytes(bytes(der)).decode().strip(), foot, ""]))


def sign_certificate(station: StationPeer, csr: str) -> dict[str, Any]:
    """The request of the station; 1.6 knows one kind of certificate only."""
    kind = {} if isinstance(station.dialect, Station16) else {"certificateType": "ChargingStationCertificate"}
    return {"csr": csr, **kind}


def renewal(station: StationPeer) -> Command:
    """Have the station ask for a new certificate."""
    if isinstance(station.dialect, Station16):
        message = "SignChargePointCertificate"
        return Command(
            "ExtendedTriggerMessage",
            {"requestedMessage": message},
            lambda asked: asked["requestedMessage"] == message and "connectorId" not in asked,
        )
    message = "SignChargingStationCertificate"
    return Command("TriggerMessage", {"requestedMessage": message}, lambda asked: asked["requestedMessage"] == message)


def refused_certificate(station: StationPeer) -> dict[str, Any]:
    """The security event of a station that got a certificate which is not valid."""
    what = (
        "InvalidChargePointCertificate"
        if isinstance(station.dialect, Station16)
        else "InvalidChargingStationCertificate"
    )
    return {"type": what, "timestamp": station.equipment.clock.stamp()}


# -- higher security profiles ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Order:
    """A step of the way to a higher security profile: the rule of the CSMS, what it sends, what the station answers."""

    rule: str
    command: Command
    answer: Payload


def orders_up(station: StationPeer, security: int, url: str) -> list[Order]:
    """How a CSMS has the station come in a higher security profile, at this address (A05)."""
    accepted = {"status": "Accepted"}
    if isinstance(station.dialect, Station16):
        return [Order("CSMS.NETWORK.01", change_configuration("SecurityProfile", str(security)), accepted)]
    slots = station_201(station).model.find("OCPPCommCtrlr", "NetworkConfigurationPriority").values
    priority = _PRIORITY | {"attributeValue": f"{slots[-1]},{slots[0]}"}
    return [
        Order("CSMS.NETWORK.01", _network_profile(int(slots[-1]), security, url), accepted),
        Order(
            "CSMS.SETVARIABLES.01",
            set_variables(priority),
            {"setVariableResult": [_PRIORITY | {"attributeStatus": "RebootRequired"}]},
        ),
        Order("CSMS.RESET.01", reset(station, "OnIdle"), accepted),
    ]


_PRIORITY = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "NetworkConfigurationPriority"}}


def _network_profile(slot: int, security: int, url: str) -> Command:
    """Store a network profile; the CSMS may have the station come to another address (errata 2024-09)."""
    wanted = {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "messageTimeout": 30,
        "securityProfile": security,
        "ocppInterface": "Wired0",
    }

    def fits(asked: Payload) -> bool:
        given = asked["connectionData"]
        return asked["configurationSlot"] == slot and {name: given[name] for name in wanted} == wanted

    payload = {"configurationSlot": slot, "connectionData": {**wanted, "ocppCsmsUrl": url}}
    return Command("SetNetworkProfile", payload, fits)


# -- certificates of others -------------------------------------------------------------------------------------------


def root_of_csms(station: StationPeer) -> str:
    """What the root that the CSMS is checked with is called."""
    return "CentralSystemRootCertificate" if isinstance(station.dialect, Station16) else "CSMSRootCertificate"


def install_certificate(kind: str, certificate: str) -> Command:
    """Install a root certificate (PEM); white space around and in it does not matter."""
    return Command(
        "InstallCertificate",
        {"certificateType": kind, "certificate": certificate},
        lambda asked: asked["certificateType"] == kind and asked["certificate"].split() == certificate.split(),
    )


def installed_certificates(station: StationPeer, kind: str) -> Command:
    """List the certificates of a type; a request for others as well fits (2.0.1)."""
    if isinstance(station.dialect, Station16):
        return Command(
            "GetInstalledCertificateIds", {"certificateType": kind}, lambda asked: asked["certificateType"] == kind
        )
    return Command(
        "GetInstalledCertificateIds",
        {"certificateType": [kind]},
        lambda asked: kind in asked.get("certificateType", [kind]),
    )


def all_certificates() -> Command:
    """List the certificates of all types (2.0.1)."""
    return Command("GetInstalledCertificateIds", {}, lambda asked: "certificateType" not in asked)


def refused_root(station: StationPeer) -> dict[str, Any]:
    """The security event of a station that got a root which is not valid."""
    whose = "CentralSystem" if isinstance(station.dialect, Station16) else "Csms"
    return {"type": f"Invalid{whose}Certificate", "timestamp": station.equipment.clock.stamp()}


def listing(station: StationPeer, kind: str, data: dict[str, str]) -> Payload:
    """How the station lists one certificate of a type."""
    if isinstance(station.dialect, Station16):
        return {"status": "Accepted", "certificateHashData": [data]}
    chain = {"certificateType": kind, "certificateHashData": data}
    return {"status": "Accepted", "certificateHashDataChain": [chain]}


def delete_certificate(data: dict[str, str]) -> Command:
    """Delete the certificate with this serial number."""
    serial = data["serialNumber"].casefold()
    return Command(
        "DeleteCertificate",
        {"certificateHashData": data},
        lambda asked: asked["certificateHashData"]["serialNumber"].casefold() == serial,
    )


def get_log(kind: str, place: str) -> Command:
    """Have a log uploaded to a place; the CSMS may choose another requestId, and another place."""
    return Command(
        "GetLog",
        {"logType": kind, "requestId": 1, "log": {"remoteLocation": place}},
        lambda asked: asked["logType"] == kind and bool(asked["log"]["remoteLocation"]),
    )


def signed_update(place: str, signature: str, certificate: str, when: str) -> Command:
    """Have signed firmware installed from a place (1.6); the CSMS may choose another requestId."""
    wanted = {"location": place, "signature": signature}
    return Command(
        "SignedUpdateFirmware",
        {"requestId": 1, "firmware": {**wanted, "retrieveDateTime": when, "signingCertificate": certificate}},
        lambda asked: {name: asked["firmware"][name] for name in wanted} == wanted,
    )
