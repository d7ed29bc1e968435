"""A value that must not be shown."""

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

    def scrub(self, text: str) -> str:
        """The text with every occurrence of the value hidden."""
        return text.replace(self._value, self.SHOWN) if self._value else text

    def __repr__(self) -> str:
        return f"Secret({self.SHOWN})"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret can't be pickled")
