"""Ctrl-C while a run is written down: it is finished all the same, unless somebody insists."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

_SAID = b"\nthe report is being written; press Ctrl-C once more to leave it as it is\n"


def hold_off() -> Callable[[], None]:
    """Have the next Ctrl-C say that there is something to finish, and only one after it end the program.

    Returns what puts everything back. Where signals are somebody else's business, in another thread, nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    before = signal.signal(signal.SIGINT, _finish_first)
    if before is None:  # somebody else's, and not to be had back
        return lambda: None

    def let_go() -> None:
        signal.signal(signal.SIGINT, before)

    return let_go


def _finish_first(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.write(2, _SAID)
