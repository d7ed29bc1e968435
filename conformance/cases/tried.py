"""What became of each setting that a case changed, or left alone."""

from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    """What became of a setting; `LEFT_ALONE` was never touched, and `TAKEN` was changed by a case without a restart."""

    KEPT = "changed and kept"
    TAKEN = "changed"
    GUARDED = "wrong values refused"
    LEFT_ALONE = "left alone"
    STUCK = "not changeable"
    UNKEPT = "not kept"
    UNTRUE = "not as answered"
    TOOK_WRONG = "took a wrong value"
    NOT_BACK = "not put back"

    @property
    def faulty(self) -> bool:
        """Whether something is wrong with it."""
        return self in _FAULTS


_FAULTS = frozenset({Fate.STUCK, Fate.UNKEPT, Fate.UNTRUE, Fate.TOOK_WRONG, Fate.NOT_BACK})


@dataclass(frozen=True, slots=True)
class Tried:
    """One setting: the value that it had, what it was set to, what was answered, and what became of it.

    `why` says what is wrong with it, or why it was left alone.
    """

    name: str
    fate: Fate
    was: str = ""
    set_to: str = ""
    answer: str = ""
    why: str = ""
