"""What requests about certificates change at a station, and what tells how that is: pure, over payloads.

A root that was installed is known by its use and serial number: the hashes of its issuer are in an algorithm of the
station's choice.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conformance.peers.journal import Change, Request
from conformance.wire.certificates import hash_data

if TYPE_CHECKING:
    from conformance.peers.changes import Memory, Outcome

OWN_CERTIFICATE = "the station's own certificate"
"""What it is called in the journal."""

_NUMBER = " with serial number "
_OF_THE_CSMS = ("CSMSRootCertificate", "CentralSystemRootCertificate")
_USES_16 = ("CentralSystemRootCertificate", "ManufacturerRootCertificate")


def listing(version: str, *uses: str) -> list[Request]:
    """The requests for the certificates that are installed, for these uses or for all."""
    if version == "1.6":
        return [("GetInstalledCertificateIds", {"certificateType": use}) for use in uses or _USES_16]
    return [("GetInstalledCertificateIds", {"certificateType": list(uses)} if uses else {})]


def listed(asked: Mapping[str, Any], answer: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The certificates that an answer lists: their use and their CertificateHashData."""
    match answer:
        case {"certificateHashDataChain": [*entries]}:
            for entry in entries:
                match entry:
                    case {"certificateType": str(use), "certificateHashData": {"serialNumber": str()} as found}:
                        yield use, found
        case {"certificateHashData": [*entries]}:
            for entry in entries:
                match entry:
                    case {"serialNumber": str()}:
                        yield str(asked.get("certificateType")), entry


def name_of(use: str, found: Mapping[str, Any]) -> str:
    """What the journal calls a root: by its CertificateHashData."""
    return f"{use}{_NUMBER}{str(found.get('serialNumber')).casefold().lstrip('0')}"


def use_of(what: str) -> str:
    """The use of a root that the journal calls so."""
    return what.partition(_NUMBER)[0]


def is_of_csms(what: str) -> bool:
    """Whether a root is one that the CSMS is checked with, without the last of which nothing connects any more."""
    return use_of(what) in _OF_THE_CSMS


def is_certificate(what: str) -> bool:
    """Whether the journal calls a certificate so, of whichever kind."""
    return what == OWN_CERTIFICATE or _NUMBER in what


def replace_installed(_: str, payload: Mapping[str, Any], memory: "Memory") -> Iterator[Change]:
    """A root that was not there comes."""
    found = _offered(payload)
    if found is not None and (what := name_of(str(payload.get("certificateType")), found)) not in memory.roots:
        yield Change(what, "not there", ("DeleteCertificate", {"certificateHashData": dict(found)}))


def told_installed(
    _: str, payload: Mapping[str, Any], answer: Mapping[str, Any], memory: "Memory"
) -> Iterator[tuple[str, "Outcome"]]:
    """It was taken, or not; one that had been there is there again."""
    found = _offered(payload)
    if found is not None:
        what = name_of(str(payload.get("certificateType")), found)
        accepted = answer.get("status") == "Accepted"
        yield what, "refused" if not accepted else "restored" if what in memory.roots else "taken"


def _offered(payload: Mapping[str, Any]) -> Mapping[str, str] | None:
    """The CertificateHashData of what is to be installed, None for what is no certificate."""
    try:
        return hash_data(str(payload.get("certificate")))
    except ValueError:
        return None


def replace_deleted(_: str, payload: Mapping[str, Any], memory: "Memory") -> Iterator[Change]:
    """A root that was there goes."""
    yield from (Change(what, "installed") for what in _meant(payload, memory))


def told_deleted(
    _: str, payload: Mapping[str, Any], answer: Mapping[str, Any], memory: "Memory"
) -> Iterator[tuple[str, "Outcome"]]:
    """It is gone, or not; that one is gone which had not been there is as it was."""
    meant, done = _meant(payload, memory), answer.get("status") == "Accepted"
    yield from ((what, "taken" if done else "refused") for what in meant)
    if done:
        found = payload.get("certificateHashData")
        for use in (*_OF_THE_CSMS, "ManufacturerRootCertificate", "V2GRootCertificate", "MORootCertificate"):
            if isinstance(found, Mapping) and (what := name_of(use, found)) not in meant:
                yield what, "restored"


def _meant(payload: Mapping[str, Any], memory: "Memory") -> list[str]:
    """The roots of before that a DeleteCertificate is about."""
    found = payload.get("certificateHashData")
    return [what for what in memory.roots if isinstance(found, Mapping) and what == name_of(use_of(what), found)]


def replace_own(_: str, payload: Mapping[str, Any], __: "Memory") -> Iterator[Change]:
    """The station gets another certificate of its own."""
    kind = payload.get("certificateType", "ChargingStationCertificate")
    if "certificateChain" in payload and kind == "ChargingStationCertificate":
        yield Change(OWN_CERTIFICATE, "another")


def told_own(
    _: str, __: Mapping[str, Any], answer: Mapping[str, Any], ___: "Memory"
) -> Iterator[tuple[str, "Outcome"]]:
    """It was taken, or not."""
    yield OWN_CERTIFICATE, "taken" if answer.get("status") == "Accepted" else "refused"
