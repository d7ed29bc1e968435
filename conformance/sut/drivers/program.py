"""A program that is run for the harness, with everything it starts in turn."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from conformance.sut.secret import Secret

if TYPE_CHECKING:
    from io import BufferedWriter

Hear: TypeAlias = Callable[[bytes], None]
"""Takes one line, without its end."""

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_LONGEST_LINE = 1 << 20
_GRACE = 2.0
_LAST_WORDS = 5


class CantStartError(Exception):
    """The program can't be started: why, in words."""


class _Pipes(asyncio.SubprocessProtocol):
    """Cuts what a program writes into lines, and tells when it closed a pipe and when it ended."""

    def __init__(self, hear: Mapping[int, Hear]) -> None:
        loop = asyncio.get_running_loop()
        self._hear = hear
        self._rest = dict.fromkeys(hear, b"")
        self.closed: dict[int, asyncio.Future[None]] = {pipe: loop.create_future() for pipe in hear}
        self.exited: asyncio.Future[None] = loop.create_future()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        *lines, rest = (self._rest[fd] + data).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            lines, rest = [*lines, b"(a line of more than a megabyte)"], b""
        self._rest[fd] = rest
        for line in lines:
            self._hear[fd](line)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        if fd in self.closed:
            if self._rest[fd]:
                self._hear[fd](self._rest[fd])
            self.closed[fd].set_result(None)

    def process_exited(self) -> None:
        self.exited.set_result(None)


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
        hear: Hear | None,
    ) -> None:
        self._command = [_program(command[0], folder), *command[1:]]
        self._folder = folder
        self._env = env
        self._log_path = log
        self._secret = secret
        self._hear = hear
        self._transport: asyncio.SubprocessTransport | None = None
        self._pipes: _Pipes | None = None
        self._log: BufferedWriter | None = None
        self._words: deque[str] = deque(maxlen=_LAST_WORDS)
        self.ended: asyncio.Task[str] | None = None

    async def start(self) -> None:
        """Start it, once; from then on `ended` is a task that tells how it came to an end. Raises CantStartError."""
        hears = {_STDOUT: self._keep} if self._hear is None else {_STDOUT: self._hear, _STDERR: self._keep}
        try:
            self._log_path.parent.mkdir(parents=True, exist_ok=True)
            self._log = self._log_path.open("ab")
            self._transport, self._pipes = await asyncio.get_running_loop().subprocess_exec(
                lambda: _Pipes(hears),
                *self._command,
                stdin=DEVNULL if self._hear is None else PIPE,
                stdout=PIPE,
                stderr=STDOUT if self._hear is None else PIPE,
                cwd=self._folder,
                env=dict(self._env),
                start_new_session=sys.platform != "win32",
            )
        except (OSError, ValueError, NotImplementedError) as error:
            self._close_log()
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise CantStartError(f"{self._command[0]} can't be started in {self._folder}: {why}") from None
        self.ended = asyncio.create_task(self._await_end(self._transport, self._pipes))

    def say(self, line: bytes) -> None:
        """Write a line to its standard input; raises BrokenPipeError where nobody listens any more."""
        stdin = self._stdin()
        if stdin is None or stdin.is_closing():
            raise BrokenPipeError("its standard input is closed")
        stdin.write(line)

    async def kill(self) -> None:
        """End it and all that it started, at once."""
        if self._transport is not None and self._pipes is not None and self.ended is not None:
            _signal_tree(self._transport, hard=True)
            await asyncio.wait({self._pipes.exited}, timeout=_GRACE)
            await asyncio.wait({self.ended}, timeout=_GRACE)
            self.ended.cancel()
            self._transport.close()
            self._transport = None
        self._close_log()

    async def quit(self) -> None:
        """Ask it to end, by closing its standard input and then by a signal; kill it where that does not help."""
        if self._transport is not None and self._pipes is not None:
            stdin = self._stdin()
            if stdin is not None and not stdin.is_closing():
                stdin.close()
                await asyncio.wait({self._pipes.exited}, timeout=_GRACE)
            if not self._pipes.exited.done():
                _signal_tree(self._transport, hard=False)
                await asyncio.wait({self._pipes.exited}, timeout=_GRACE)
        await self.kill()

    def _stdin(self) -> asyncio.WriteTransport | None:
        pipe = self._transport.get_pipe_transport(_STDIN) if self._transport is not None else None
        return cast("asyncio.WriteTransport | None", pipe)

    async def _await_end(self, transport: asyncio.SubprocessTransport, pipes: _Pipes) -> str:
        """Wait until the program ends, or stops talking where it should; tell which, with its last words."""
        talking = {pipes.exited, pipes.closed[_STDOUT]} if self._hear is not None else {pipes.exited}
        await asyncio.wait(talking, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({pipes.exited}, timeout=1)
        if pipes.exited.done():
            _signal_tree(transport, hard=True)
            await asyncio.wait(pipes.closed.values(), timeout=0.5)
        code = transport.get_returncode()
        how = f"ended with exit code {code}" if code is not None else "closed its standard output"
        words = "".join(f"\n    {word}" for word in self._words)
        return f"the driver program {how}" + (f"; its last words, in {self._log_path.name}:{words}" if words else "")

    def _keep(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        if self._secret is not None:
            text = self._secret.scrub(text)
        self._words.append(text[:300])
        if self._log is not None:
            with contextlib.suppress(OSError):
                self._log.write(text.encode() + b"\n")
                self._log.flush()

    def _close_log(self) -> None:
        if self._log is not None:
            with contextlib.suppress(OSError):
                self._log.close()
            self._log = None


def _program(name: str, folder: Path) -> str:
    """The program; one that is named with a folder is looked up from the profile's, on every platform."""
    with_folder = any(separator in name for separator in (os.sep, os.altsep) if separator)
    return str(folder / name) if with_folder else name


def _signal_tree(transport: asyncio.SubprocessTransport, *, hard: bool) -> None:
    """End a process and its children, where the platform can tell which these are."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            transport.terminate()
        else:
            os.killpg(transport.get_pid(), signal.SIGKILL if hard else signal.SIGTERM)
