"""Certificates as they are handed around: a chain in PEM, with the key that goes with it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Chain:
    """What an end shows of itself: `certificates` in PEM, the leaf first and no root, and the private key, in PEM."""

    certificates: str
    key: str = field(repr=False)
