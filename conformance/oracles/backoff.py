"""How long a station waits before it dials again after a lost connection (Part 4 5.3, 8.1 to 8.3, errata 2025-04)."""

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.wire.transcript import Entry


@dataclass(frozen=True, slots=True)
class BackOff:
    """The three variables: RetryBackOffWaitMinimum and RetryBackOffRandomRange in seconds, RetryBackOffRepeatTimes.

    `repeats` is None where a station does not tell: only the bounds of the first attempt are known then, and of later
    ones that nothing was doubled.
    """

    minimum: float
    spread: float
    repeats: int | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long one wait may be, in seconds.

    `low` has the base doubled RetryBackOffRepeatTimes times, `lowest` one time fewer at the end, as the other sentence
    of 5.3 can be read. `narrow` doubles the base only; `wide` doubles the random part of the previous wait with it.
    """

    lowest: float
    low: float
    narrow: float
    wide: float


def bounds(settings: BackOff, attempt: int) -> Bounds:
    """The bounds for the wait before attempt number `attempt`, from 1, since the connection was lost."""
    doublings = min(attempt - 1, settings.repeats or 0)
    fewer = min(attempt - 1, max((settings.repeats or 0) - 1, 0))
    low = settings.minimum * 2**doublings
    return Bounds(
        lowest=settings.minimum * 2**fewer,
        low=low,
        narrow=low + settings.spread,
        wide=low + settings.spread * (2 ** (doublings + 1) - 1),
    )


@dataclass(frozen=True, slots=True)
class Wait:
    """One wait: the number of the attempt since the loss, its seconds, the entries at its begin and its end."""

    attempt: int
    seconds: float
    begin: Entry
    end: Entry


def waits(entries: Sequence[Entry], station: str, *, since: int) -> list[Wait]:
    """The waits of a station from entry `since` on, at or before the loss of its connection.

    They are measured from the end of the connection, or from the refusal of an attempt, to the next attempt, as far
    as it can be seen, which is when its request for an upgrade has come. Every lost connection begins anew at 1.
    """
    found: list[Wait] = []
    begin: Entry | None = None
    attempt = 0
    for entry in entries[since:]:
        if entry.station != station:
            continue
        if entry.kind == "close":
            begin, attempt = entry, 0
        elif entry.kind == "handshake" and entry.sender == "sut":
            if begin is not None:
                attempt += 1
                found.append(Wait(attempt, entry.at - begin.at, begin, entry))
            begin = None if entry.detail.get("error") is None else entry
    return found


def too_short(wait: Wait, settings: BackOff, *, tolerance: float) -> str:
    """Why a wait is shorter than either reading allows, in words; empty where it isn't."""
    return _below(wait, bounds(settings, wait.attempt).lowest, tolerance)


def one_doubling_short(wait: Wait, settings: BackOff, *, tolerance: float) -> str:
    """Why a wait is shorter than with all of RetryBackOffRepeatTimes doublings; empty where it isn't."""
    return _below(wait, bounds(settings, wait.attempt).low, tolerance)


def too_long(wait: Wait, settings: BackOff, *, slack: float) -> str:
    """Why a wait is longer than either reading allows, with `slack` seconds to notice and to dial; else empty."""
    return _above(wait, bounds(settings, wait.attempt).wide, slack)


def rather_long(wait: Wait, settings: BackOff, *, slack: float) -> str:
    """Why a wait is longer than the narrow reading allows; empty where it isn't."""
    return _above(wait, bounds(settings, wait.attempt).narrow, slack)


def _below(wait: Wait, bound: float, tolerance: float) -> str:
    allowed = max(tolerance, bound * _SHARE)
    if wait.seconds >= bound - allowed:
        return ""
    return f"attempt {wait.attempt} came after {wait.seconds:.2f} s (#{wait.end.n}), and {bound:g} s is the least"


def _above(wait: Wait, bound: float, slack: float) -> str:
    if wait.seconds <= bound + slack:
        return ""
    return f"attempt {wait.attempt} came after {wait.seconds:.2f} s (#{wait.end.n}), and {bound:g} s is the most"


_SHARE = 0.05
"""The part of a wait that clocks and timers may be off."""
