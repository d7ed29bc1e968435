"""The terminal at which a person is asked."""

import asyncio
import contextlib
import io
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol


class Source(Protocol):
    """Where lines are read from."""

    def readline(self) -> bytes | str:
        """The next line with its end; empty where there are no more."""


class Sink(Protocol):
    """Where text is written to."""

    def write(self, text: Any, /) -> object:
        """Write text."""

    def flush(self) -> object:
        """Make it seen."""


class Terminal:
    """Asks a person and reads what they type.

    Reading happens in a daemon thread, so that one who never answers holds up neither the run nor its end.
    """

    def __init__(self, source: Source, sink: Sink, *, discard: Callable[[], None] | None = None) -> None:
        self._source = source
        self._sink = sink
        self._discard = discard
        self._reading = False
        self._waiting: asyncio.Future[str] | None = None

    @classmethod
    def own(cls) -> "Terminal":
        """The terminal that the process was started from, whatever pytest captures; failing that, standard input."""
        reading, writing = ("CONIN$", "CONOUT$") if sys.platform == "win32" else ("/dev/tty", "/dev/tty")
        try:
            source = Path(reading).open("rb", buffering=0)  # noqa: SIM115 -- as long as the process lives
            sink = Path(writing).open("w", encoding="utf-8")  # noqa: SIM115
        except OSError:
            return cls(_standard_input(), sys.__stderr__ or io.StringIO())
        return cls(source, sink, discard=lambda: _discard_typed_ahead(source))

    def say(self, text: str) -> None:
        """Show a text."""
        with contextlib.suppress(OSError, ValueError):
            self._sink.write(text)
            self._sink.flush()

    async def ask(self, question: str) -> str:
        """Show a question, and return the line that is typed then; raises EOFError where nobody can type."""
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        if not self._reading and self._discard is not None:
            self._discard()
        self.say(question)
        if not self._reading:
            self._reading = True
            threading.Thread(target=self._read, args=(loop,), name="operator", daemon=True).start()
        line = await self._waiting
        if not line:
            raise EOFError
        return line.strip()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            line = self._source.readline()
        except (OSError, ValueError):
            line = ""
        text = line.decode(errors="replace") if isinstance(line, bytes) else line
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._heard, text)

    def _heard(self, line: str) -> None:
        self._reading = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(line)


def _standard_input() -> Source:
    """Standard input without a buffer: a thread that waits in one would hold up the end of the process."""
    try:
        descriptor = sys.__stdin__.fileno() if sys.__stdin__ is not None else -1
        return io.FileIO(descriptor, closefd=False)
    except (OSError, ValueError):
        return io.StringIO()


def _discard_typed_ahead(source: io.RawIOBase) -> None:
    """Forget what was typed before it was asked for, so that a key pressed twice answers one question only."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415

            while msvcrt.kbhit():
                msvcrt.getwch()
        else:
            import termios  # noqa: PLC0415

            with contextlib.suppress(termios.error):
                termios.tcflush(source.fileno(), termios.TCIFLUSH)
