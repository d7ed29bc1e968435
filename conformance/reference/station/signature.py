"""Signatures over meter readings: ECDSA on NIST P-256 with SHA-256 (FIPS 186-4), for the simulated meter."""

from __future__ import annotations

import base64
import hashlib
import secrets

METHOD = "ECDSA-secp256r1-SHA256"

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_A = _P - 3
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")

Point = tuple[int, int] | None


def _add(one: Point, other: Point) -> Point:
    """Add two points of the curve; None is the point at infinity."""
    if one is None or other is None:
        return other if one is None else one
    if one[0] == other[0] and (one[1] + other[1]) % _P == 0:
        return None
    if one == other:
        slope = (3 * one[0] * one[0] + _A) * pow(2 * one[1], -1, _P) % _P
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, _P) % _P
    x = (slope * slope - one[0] - other[0]) % _P
    return x, (slope * (one[0] - x) - one[1]) % _P


def _times(factor: int, point: Point) -> Point:
    """Multiply a point by a number."""
    result: Point = None
    while factor:
        if factor & 1:
            result = _add(result, point)
        point = _add(point, point)
        factor >>= 1
    return result


def _digest(data: bytes) -> int:
    """Hash what is signed."""
    return int.from_bytes(hashlib.sha256(data).digest(), "big")


def _der(number: int) -> bytes:
    """Encode a positive INTEGER."""
    content = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return bytes((2, len(content))) + content


class MeterKey:
    """The key pair of a meter, made anew with it."""

    def __init__(self) -> None:
        """Draw a private key."""
        self._private = secrets.randbelow(_N - 1) + 1
        point = _times(self._private, _G)
        assert point is not None
        self.point = point

    @property
    def public(self) -> str:
        """The public key: SubjectPublicKeyInfo in Base64."""
        x, y = self.point
        return base64.b64encode(_SPKI + b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")).decode()

    def sign(self, data: bytes) -> str:
        """Return the signature over data: an ECDSA-Sig-Value in hexadecimal, as OCMF has it."""
        r, s = self.signature(data)
        content = _der(r) + _der(s)
        return (bytes((0x30, len(content))) + content).hex()

    def signature(self, data: bytes) -> tuple[int, int]:
        """Return the two numbers of a signature."""
        while True:
            nonce = secrets.randbelow(_N - 1) + 1
            point = _times(nonce, _G)
            r = point[0] % _N if point else 0
            s = pow(nonce, -1, _N) * (_digest(data) + r * self._private) % _N
            if r and s:
                return r, s


def verifies(point: tuple[int, int], data: bytes, signature: tuple[int, int]) -> bool:
    """Tell whether a signature over data was made with the private key of a public point."""
    r, s = signature
    if not (0 < r < _N and 0 < s < _N):
        return False
    inverse = pow(s, -1, _N)
    found = _add(_times(_digest(data) * inverse % _N, _G), _times(r * inverse % _N, point))
    return found is not None and found[0] % _N == r
