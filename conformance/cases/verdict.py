"""What was found, and how bad it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class _Ranked(StrEnum):
    """A word whose place in its enumeration is its rank: later is worse."""

    @property
    def rank(self) -> int:
        return list(type(self)).index(self)

    @classmethod
    def worst(cls, words: Iterable[Self], default: Self) -> Self:
        """The word of highest rank, or `default` where there is none."""
        return max(words, key=lambda word: word.rank, default=default)


class Verdict(_Ranked):
    """What a case, or one requirement in it, came to; the worst one wins.

    `INCONCLUSIVE` says nothing about the system under test: a precondition failed, or nobody could do an action.
    `ERROR` says something about the harness: it broke, or a declared requirement was never judged.
    """

    NOT_APPLICABLE = "NOT_APPLICABLE"
    PASS = "PASS"  # noqa: S105 -- a verdict, not a password
    WARN = "WARN"
    INCONCLUSIVE = "INCONCLUSIVE"
    FAIL = "FAIL"
    ERROR = "ERROR"


class Severity(_Ranked):
    """How much a failed case matters; it sets the grade of its proof."""

    MINOR = "minor"
    NORMAL = "normal"
    CRITICAL = "critical"
    BLOCKER = "blocker"


@dataclass(frozen=True, slots=True)
class Finding:
    """One requirement's verdict in one case, and the frames that show it: numbers of entries in the part's transcript.

    `part` is empty where a target is judged in one piece.
    """

    requirement: str
    verdict: Verdict
    message: str = ""
    frames: tuple[int, ...] = ()
    part: str = ""
