"""What became of a setpoint, by what the station answered, what it reports, and what the EV really draws.

All values are amperes in each phase. Pure judgement: how they were seen is for others to know.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.cases.setpoint import Outcome

SLACK = 0.1
"""How far a reported limit may be off by rounding: profiles have one decimal."""

COARSE = 1.0
"""How far above what was asked a station may round that counts in whole amperes."""


@dataclass(frozen=True, slots=True)
class Current:
    """What flows in each phase, between `least` and `most`: not every meter says it exactly."""

    least: float
    most: float

    @classmethod
    def exactly(cls, amperes: float) -> "Current":
        """A current that is known."""
        return cls(amperes, amperes)

    def __add__(self, other: "Current") -> "Current":
        return Current(self.least + other.least, self.most + other.most)


@dataclass(frozen=True, slots=True)
class Told:
    """What the composite schedule says of a moment: a limit, or None where it says none.

    `known` is false where nobody could ask for it; `why` says why there is no limit, where that needs words.
    """

    limit: float | None
    why: str = ""
    known: bool = True

    def same(self, other: "Told") -> bool:
        """Whether both say the same, as far as they are known."""
        if self.limit is None or other.limit is None:
            return self.limit is other.limit
        return abs(self.limit - other.limit) <= SLACK + _HAIR


@dataclass(frozen=True, slots=True)
class Allowance:
    """How far above a limit the current may be: in amperes, and in per cent of the limit, whichever is more."""

    amperes: float
    percent: float

    def above(self, limit: float) -> float:
        """The highest current that keeps to a limit."""
        return limit + max(self.amperes, limit * self.percent / 100)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one setpoint.

    asked: the limit that has to hold by now. least: the lowest that a station may report for it where the documents
    leave it a choice. accepted: whether it was taken. before, after, again: what was reported before it was asked for,
    then, and when the same was asked once more. drawn: the readings from when the station had time to follow.
    drawn_before: the last one before. load: what the EV draws when nobody limits it. capacity: what the EVSE can
    deliver at most.
    """

    asked: float
    accepted: bool
    after: Told
    before: Told = Told(None, known=False)
    again: Told | None = None
    least: float | None = None
    drawn: tuple[Current, ...] = ()
    drawn_before: Current | None = None
    load: float | None = None
    capacity: float | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What a setpoint came to: `told` is whether the composite schedule has it, `kept` whether the current keeps to it.

    Both are None where that could not be seen. `reason` says why, where it needs words.
    """

    outcome: Outcome
    reason: str = ""
    told: bool | None = None
    kept: bool | None = None


_HAIR = 1e-6


def judge(seen: Seen, allowance: Allowance) -> Judged:
    """What became of a setpoint."""
    return _accepted(seen, allowance) if seen.accepted else _rejected(seen, allowance)


def reported_otherwise(seen: Seen) -> bool:
    """Whether the composite schedule has a limit other than asked: it matters whether it has the same once more."""
    return seen.accepted and _class(seen) in ("stricter", "coarser")


# -- what was accepted ------------------------------------------------------------------------------------------------


def _accepted(seen: Seen, allowance: Allowance) -> Judged:  # noqa: PLR0911 -- one for each way it can turn out
    how = _class(seen)
    limit = max(seen.asked, seen.after.limit or 0.0) if how == "coarser" else seen.asked
    kept, why = _kept(seen, limit, allowance)
    match how, kept:
        case _, False:
            return Judged(Outcome.IGNORED, why, _told(how), kept=False)
        case "other" | "unchanged", True:
            remark = f"the current keeps to it, but {_says(seen.after)}"
            return Judged(Outcome.ENFORCED, remark, told=False, kept=True)
        case "other" | "unchanged", None:
            return Judged(Outcome.IGNORED, _says(seen.after), told=False)
        case "unknown", True:
            return Judged(Outcome.ENFORCED, "by the current alone: nobody could ask for the schedule", kept=True)
        case "stricter" | "coarser", _ if seen.again is not None and not seen.again.same(seen.after):
            both = f"{_says(seen.after)}, and the same asked once more, {_says(seen.again)}"
            return Judged(Outcome.CONTRADICTED, both, told=False, kept=kept)
        case _, None:
            return Judged(Outcome.NOT_JUDGED, why, _told(how))
        case "stricter" | "coarser", _:
            return Judged(Outcome.DOWNGRADED, f"{_says(seen.after)}, each time", told=True, kept=True)
    return Judged(Outcome.ENFORCED, told=True, kept=True)


def _class(seen: Seen) -> str:
    """How what is reported compares to what was asked."""
    if not seen.after.known:
        return "unknown"
    told, least = seen.after.limit, seen.asked if seen.least is None else seen.least
    if told is None or told > seen.asked + COARSE + _HAIR:
        return "other"
    if least - SLACK - _HAIR <= told <= seen.asked + SLACK + _HAIR:
        return "right"
    if seen.before.known and seen.before.same(seen.after):
        return "unchanged"
    return "coarser" if told > seen.asked else "stricter"


def _told(how: str) -> bool | None:
    return None if how == "unknown" else how in ("right", "stricter", "coarser")


def _kept(seen: Seen, limit: float, allowance: Allowance) -> tuple[bool | None, str]:
    """Whether the current keeps to a limit, None where that can't be said, and why."""
    if not seen.drawn:
        return None, "the current could not be measured"
    most = allowance.above(limit)
    over = [each for each in seen.drawn if each.least > most + _HAIR]
    if over:
        worst = max(each.least for each in over)
        return False, f"{amps(worst)} is drawn where {amps(limit)} is the limit"
    if any(each.most > most + _HAIR for each in seen.drawn):
        return None, "the meter does not say how much flows in each phase"
    if seen.capacity is not None and limit >= seen.capacity - _HAIR:
        return True, ""
    if seen.load is None or seen.load <= most:
        wants = "an unknown current" if seen.load is None else f"no more than {amps(seen.load)}"
        return None, f"the EV draws {wants} without a limit: nobody can see that it keeps to one"
    return True, ""


# -- what was rejected ------------------------------------------------------------------------------------------------


def _rejected(seen: Seen, allowance: Allowance) -> Judged:
    """Nothing may have changed; a current that fell for another reason does not count."""
    if seen.before.known and seen.after.known and not seen.before.same(seen.after):
        why = f"it was rejected, and before it {_says(seen.before)}, after it {_says(seen.after)}"
        return Judged(Outcome.CONTRADICTED, why, told=False)
    fell = _fell(seen, allowance)
    if fell:
        return Judged(Outcome.CONTRADICTED, fell, kept=False)
    if not (seen.before.known and seen.after.known) and not (seen.drawn and seen.drawn_before):
        return Judged(Outcome.NOT_JUDGED, "neither the schedule nor the current could be seen")
    return Judged(Outcome.REJECTED)


_NEAR = 0.75
"""How much of a limit an EV draws at least that would draw more without it."""

_STEADY = 1.0
"""By how many amperes the current of such an EV may vary."""


def _fell(seen: Seen, allowance: Allowance) -> str:
    """Why the current looks as if what was rejected were applied; empty where it does not."""
    if seen.drawn_before is None or not seen.drawn:
        return ""
    most, before = allowance.above(seen.asked), seen.drawn_before.least
    looks = [each.most for each in seen.drawn]
    follows = min(looks) >= _NEAR * seen.asked - SLACK and max(looks) - min(looks) <= _STEADY
    if before > most and max(looks) <= most and follows:
        return f"it was rejected, and the current fell from {amps(before)} to {amps(seen.drawn[-1].most)}"
    return ""


# -- in words ---------------------------------------------------------------------------------------------------------


def _says(told: Told) -> str:
    if told.limit is not None:
        return f"the schedule says {amps(told.limit)}"
    return told.why or "the schedule says no limit"


def amps(value: float) -> str:
    """`16 A`, `10.5 A`."""
    return f"{value:.1f}".removesuffix(".0") + " A"


def total(currents: Iterable[Current]) -> Current:
    """What flows through several EVSEs together, in each phase."""
    found = Current.exactly(0)
    for each in currents:
        found += each
    return found
