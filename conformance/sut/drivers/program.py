"""A program that is run for the harness, with everything it starts in turn."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.sut.secret import Secret

if TYPE_CHECKING:
    from io import BufferedWriter

_LONGEST_LINE = 1 << 20
_GRACE = 2.0
_LAST_WORDS = 5


class CantStartError(Exception):
    """The program can't be started: why, in words."""


class Program:
    """One life of a program.

    What it writes to standard error is kept in `log` without the secret. With a `hear`, standard output is handed to
    that line by line and standard input stays open for `say`; without one, standard output goes to the log as well.
    """

    def __init__(  # noqa: PLR0913 -- what a program is made of, by keyword
        self,
        command: Sequence[str],
        *,
        folder: Path,
        env: Mapping[str, str],
        log: Path,
        secret: Secret | None,
        hear: Callable[[bytes], None] | None,
    ) -> None:
        self._command = [_program(command[0], folder), *command[1:]]
        self._folder = folder
        self._env = env
        self._log_path = log
        self._secret = secret
        self._hear = hear
        self._process: Process | None = None
        self._log: BufferedWriter | None = None
        self._readers: list[asyncio.Task[None]] = []
        self._words: deque[str] = deque(maxlen=_LAST_WORDS)
        self.ended: asyncio.Task[str] | None = None

    async def start(self) -> None:
        """Start it, once; from then on `ended` is a task that tells how it came to an end. Raises CantStartError."""
        talks = self._hear is not None
        try:
            self._log_path.parent.mkdir(parents=True, exist_ok=True)
            self._log = self._log_path.open("ab")
            self._process = process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=PIPE if talks else DEVNULL,
                stdout=PIPE,
                stderr=PIPE if talks else STDOUT,
                cwd=self._folder,
                env=dict(self._env),
                limit=_LONGEST_LINE,
                start_new_session=sys.platform != "win32",
            )
        except (OSError, ValueError, NotImplementedError) as error:
            self._close_log()
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise CantStartError(f"{self._command[0]} can't be started in {self._folder}: {why}") from None
        hear = self._hear or self._keep
        streams = [(process.stdout, hear), (process.stderr, self._keep)]
        self._readers = [asyncio.create_task(_lines(stream, to)) for stream, to in streams if stream is not None]
        self.ended = asyncio.create_task(self._await_end(process))

    async def say(self, line: bytes) -> None:
        """Write a line to its standard input; raises OSError where nobody listens any more."""
        stdin = self._process.stdin if self._process is not None else None
        if stdin is None or stdin.is_closing():
            raise BrokenPipeError("its standard input is closed")
        stdin.write(line)
        await stdin.drain()

    async def kill(self) -> None:
        """End it and all that it started, at once."""
        if self._process is not None:
            _signal_tree(self._process, hard=True)
        await self._cleared()

    async def quit(self) -> None:
        """Ask it to end, by closing its standard input and then by a signal; kill it where that does not help."""
        if self._process is not None and self.ended is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
                await asyncio.wait({self.ended}, timeout=_GRACE)
            if not self.ended.done():
                _signal_tree(self._process, hard=False)
                await asyncio.wait({self.ended}, timeout=_GRACE)
        await self.kill()

    async def _cleared(self) -> None:
        """Wait for the end, and close whatever is still open."""
        if self.ended is not None:
            await asyncio.wait({self.ended}, timeout=_GRACE)
        tasks = [*self._readers, *([self.ended] if self.ended is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._process is not None:
            self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 -- asyncio offers no other way
            self._process = None
        self._close_log()

    async def _await_end(self, process: Process) -> str:
        """Wait until the program ends, or stops talking where it should; tell which, with its last words."""
        gone = asyncio.create_task(process.wait())
        try:
            if self._hear is not None:
                await asyncio.wait({gone, self._readers[0]}, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.wait({gone, self._readers[0]}, timeout=1)
            else:
                await asyncio.wait({gone})
            if gone.done():
                _signal_tree(process, hard=True)
            await asyncio.wait(self._readers, timeout=0.5)
        finally:
            gone.cancel()
        code = process.returncode
        how = f"ended with exit code {code}" if code is not None else "closed its standard output"
        words = "".join(f"\n    {word}" for word in self._words)
        return f"the driver program {how}" + (f"; its last words, in {self._log_path.name}:{words}" if words else "")

    def _keep(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        if self._secret is not None:
            text = self._secret.scrub(text)
        self._words.append(text[:300])
        if self._log is not None:
            self._log.write(text.encode() + b"\n")
            self._log.flush()

    def _close_log(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None


async def _lines(stream: asyncio.StreamReader, to: Callable[[bytes], None]) -> None:
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            line = b"(a line of more than a megabyte)\n"
        if not line:
            return
        to(line)


def _program(name: str, folder: Path) -> str:
    """The program; one that is named with a folder is looked up from the profile's, on every platform."""
    with_folder = any(separator in name for separator in (os.sep, os.altsep) if separator)
    return str(folder / name) if with_folder else name


def _signal_tree(process: Process, *, hard: bool) -> None:
    """End a process and its children, where the platform can tell which these are."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.terminate()
        else:
            os.killpg(process.pid, signal.SIGKILL if hard else signal.SIGTERM)
