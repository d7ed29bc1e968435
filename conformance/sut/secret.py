"""A value that must not be shown."""

import base64
import hashlib
import hmac
from typing import Final


class Secret:
    """A password: it can be revealed on purpose, but never by printing, logging or comparing by accident."""

    __slots__ = ("_value",)

    SHOWN: Final = "•••"

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; for the wire and for scrubbing only."""
        return self._value

    def successor(self, length: int) -> "Secret":
        """Another secret, of so many capitals and digits (64 at most), always the same one after the same one.

        A station that was left with it by a run that was killed can be let in by a later run.
        """
        digest = hmac.digest(self._value.encode(), b"the password after this one", hashlib.sha512)
        return Secret(base64.b32encode(digest).decode()[:length])

    def scrub(self, text: str) -> str:
        """The text with every occurrence of the value hidden."""
        return text.replace(self._value, self.SHOWN) if self._value else text

    def __repr__(self) -> str:
        return f"Secret({self.SHOWN})"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret can't be pickled")
