"""What the security profiles ask of a TLS handshake and of certificates (Part 2 A00; whitepaper of OCPP 1.6).

`offered` and certificates are those of a "tls" entry of the transcript. Each function says in words what is wrong, None
or nothing where all is well.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

ECDSA_SUITES = ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")
RSA_SUITES = ("TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_GCM_SHA384")
CSMS_SUITES = (*ECDSA_SUITES, *RSA_SUITES)
"""What a CSMS has to support (A00.FR.318)."""

_NEW_ENOUGH = ("TLSv1.2", "TLSv1.3")
_SMALLEST = {"RSA": 2048, "DSA": 2048, "EC": 224, "Ed25519": 224, "Ed448": 224}

Certificate = Mapping[str, Any]


def version_problem(version: str | None) -> str | None:
    """What is wrong with the version that was agreed (A00.FR.313, 416)."""
    return None if version in _NEW_ENOUGH else f"expected TLS 1.2 or newer, got {version or 'none'}"


def suites_problem(offered: Mapping[str, Sequence[str]]) -> str | None:
    """What is missing of the suites that a station has to support: one pair or the other (A00.FR.319, 422)."""
    given = offered.get("suites", ())
    missing = [[each for each in pair if each not in given] for pair in (ECDSA_SUITES, RSA_SUITES)]
    if not all(missing):
        return None
    return f"neither pair of suites is offered: {' and '.join(missing[0])} or {' and '.join(missing[1])} are missing"


def compression_problem(offered: Mapping[str, Sequence[str]]) -> str | None:
    """What is wrong with the compression that is offered: only none may be (A00.FR.321, 424)."""
    more = [each for each in offered.get("compression", ()) if each != "null"]
    return f"TLS compression is offered: {', '.join(more)}" if more else None


def key_problem(certificate: Certificate) -> str | None:
    """What is wrong with the key of a certificate: RSA and DSA have 2048 bits or more, EC 224 (A00.FR.502, 503)."""
    kind, _, bits = str(certificate.get("key", "")).partition(" ")
    if kind not in _SMALLEST:
        return f"the kind of the key can't be told ({certificate.get('key')})"
    if int(bits or 0) < _SMALLEST[kind]:
        return f"expected a key of {kind} with at least {_SMALLEST[kind]} bits, got {bits}"
    return None


def serial_problem(certificate: Certificate) -> str | None:
    """What is wrong with the serial number of a certificate: there must be one (A00.FR.508); RFC 5280 wants it > 0."""
    serial = str(certificate.get("serial", ""))
    return None if serial.strip("0") and not serial.startswith("-") else f"expected a serial number, got {serial!r}"


def organization_problem(certificate: Certificate, owner: str | None = None) -> str | None:
    """What is wrong with the O of a certificate: there must be one, that of the owner if it is known (A00.FR.509)."""
    given = [str(each) for each in certificate.get("organizations", ())]
    if not any(each.strip() for each in given):
        return "the subject has no O (organizationName)"
    if owner is not None and owner not in given:
        return f"expected the O {owner!r}, got {', '.join(map(repr, given))}"
    return None


def station_name_problem(certificate: Certificate, serial: str | None = None) -> str | None:
    """What is wrong with the CN of a station's certificate: it is its serial number, no URL or address (A00.FR.511)."""
    given = [str(each) for each in certificate.get("common_names", ())]
    if not any(each.strip() for each in given):
        return "the subject has no CN (commonName)"
    wrong = [each for each in given if looks_like_an_address(each)]
    if wrong:
        return f"the CN is a URL or an IP address: {', '.join(wrong)}"
    if serial is not None and serial not in given:
        return f"expected the serial number {serial!r} as CN, got {', '.join(map(repr, given))}"
    return None


def server_name_problem(certificate: Certificate, host: str, *, wildcards: bool = False) -> str | None:
    """What is wrong with the CN of a CSMS's certificate: it is the host of its URL (A00.FR.309, 510)."""
    given = [str(each) for each in certificate.get("common_names", ())]
    if any(is_for(each, host, wildcards=wildcards) for each in given):
        return None
    return f"expected the CN {host!r}, got {', '.join(map(repr, given)) or 'none'}"


def looks_like_an_address(name: str) -> bool:
    """Whether a name is a URL or an IP address."""
    if "://" in name or name.casefold().startswith("www."):
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def is_for(pattern: str, host: str, *, wildcards: bool = False) -> bool:
    """Whether a name of a certificate is that of a host; a `*` may stand for the first label where wildcards count."""
    wanted, given = host.rstrip(".").casefold(), pattern.rstrip(".").casefold()
    if given == wanted:
        return True
    star, _, rest = given.partition(".")
    return wildcards and star == "*" and rest.count(".") >= 1 and wanted.partition(".")[2] == rest
