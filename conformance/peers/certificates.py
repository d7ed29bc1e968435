"""How OCPP names a certificate: the hashes of its issuer and its serial number."""

import base64
import binascii
import hashlib
import re
from typing import NamedTuple

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_SHORT_FORM = 0x80
_SEQUENCE, _INTEGER, _BIT_STRING, _VERSION = 0x30, 0x02, 0x03, 0xA0


class _Item(NamedTuple):
    """One element of DER."""

    tag: int
    content: bytes
    whole: bytes


def certificate_hash_data(pem: str) -> dict[str, str]:
    """CertificateHashData of a root certificate, which is its own issuer; raises ValueError for what is none."""
    found = _PEM.search(pem)
    if found is None:
        raise ValueError("no certificate in PEM")
    try:
        der = base64.b64decode("".join(found[1].split()), validate=True)
        outer = _items(der)[0]
        fields = _items(_items(outer.content)[0].content)
        if fields[0].tag == _VERSION:
            fields = fields[1:]
        serial, issuer, key = fields[0], fields[2], _items(fields[5].content)[1]
    except (binascii.Error, IndexError) as error:
        raise ValueError("no certificate in the PEM") from error
    if (outer.tag, serial.tag, issuer.tag, key.tag) != (_SEQUENCE, _INTEGER, _SEQUENCE, _BIT_STRING):
        raise ValueError("no certificate in the PEM")
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": hashlib.sha256(issuer.whole).hexdigest(),
        "issuerKeyHash": hashlib.sha256(key.content[1:]).hexdigest(),  # without the count of unused bits
        "serialNumber": f"{int.from_bytes(serial.content, 'big'):x}",
    }


def _items(data: bytes) -> list[_Item]:
    """The elements that stand one after the other; raises IndexError where they are cut short."""
    found = []
    at = 0
    while at < len(data):
        tag, length, start = data[at], data[at + 1], at + 2
        if length >= _SHORT_FORM:
            digits = length - _SHORT_FORM
            length, start = int.from_bytes(data[start : start + digits], "big"), start + digits
        end = start + length
        if end > len(data):
            raise IndexError(end)
        found.append(_Item(tag, data[start:end], data[at:end]))
        at = end
    return found
