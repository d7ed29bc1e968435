"""A system that is a program: operated by JSON lines as docs/process-driver.md says, or just started and killed."""

import asyncio
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from conformance.sut.checks import PLACEHOLDERS
from conformance.sut.complaints import shown
from conformance.sut.drivers.actions import ACTIONS, Context, DriverFailed, Unsupported
from conformance.sut.drivers.program import CantStartError, Program
from conformance.sut.secret import Secret
from conformance.sut.tables import ProcessDriver

_MAINS = ("power_off", "power_on")
_EARLY = 0.5
"""Seconds in which a program that is only started and killed must not end by itself."""
_MOST_ODD_LINES = 20


class ProcessHands:
    """Operates a program; `patience` is how long it may take to get ready or to answer, in seconds.

    `version` is the version of OCPP that it is to speak. `names` are the actions that it may be asked for; None for
    whatever it says that it knows.
    """

    def __init__(
        self, settings: ProcessDriver, *, patience: float, version: str, names: Iterable[str] | None = ACTIONS
    ) -> None:
        self._settings = settings
        self._version = version
        self._names = None if names is None else frozenset(names)
        self._patience = patience
        self._context: Context | None = None
        self._program: Program | None = None
        self._talk: _Talk | None = None
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """How the program came to an end; empty while it runs, or while its mains are off."""
        return self._trouble

    def can(self, action: str) -> bool:
        """Whether the program said so, or for one that says nothing, whether it is about the mains."""
        if self._settings.protocol == "none":
            return action in _MAINS and (self._names is None or action in self._names)
        return self._talk is not None and action in self._talk.known

    async def start(self, context: Context) -> None:
        """Start the program and wait until it says that it is ready; raises DriverFailed."""
        self._context = context
        await self._launch("start")

    async def stop(self) -> None:
        """End the program and all that it started."""
        program, self._program = self._program, None
        if program is not None:
            await program.quit()

    @property
    def said(self) -> Mapping[str, Any]:
        """What the program said along with being ready."""
        return {} if self._talk is None else self._talk.said

    async def act(self, action: str, **args: object) -> Any:
        """Have the program do it, and give the value that it answers with; one that says nothing is killed."""
        if not self.can(action):
            known = "power_off and power_on" if self._talk is None else ", ".join(sorted(self._talk.known)) or "nothing"
            raise Unsupported(action, f"the driver program knows {known}")
        if self._talk is not None:
            return await self._have_done(action, args)
        if action == "power_on":
            if self._program is None or self._trouble:
                await self.stop()
                await self._launch(action)
        elif self._program is not None:
            program, self._program = self._program, None
            self._trouble = ""
            await program.kill()
        return None

    async def _have_done(self, action: str, args: dict[str, Any]) -> Any:
        """Have a program that talks do something."""
        assert self._talk is not None
        if self._trouble:
            raise DriverFailed(action, self._trouble)
        return await self._ask(self._talk, action, args)

    async def _launch(self, action: str) -> None:
        context, settings = self._context, self._settings
        assert context is not None
        self._trouble = ""
        talk = self._talk = _Talk(context, self._names) if settings.protocol == "jsonl" else None
        values = context.placeholders() | {"version": self._version}
        self._program = program = Program(
            [fill(word, values) for word in settings.command],
            folder=Path(settings.cwd),
            env=_environment(settings, values, context.password),
            log=context.folder / "driver.log",
            secret=context.password,
            hear=talk.hear if talk is not None else None,
        )
        try:
            await program.start()
        except CantStartError as error:
            self._program = None
            raise DriverFailed(action, str(error)) from None
        assert program.ended is not None
        program.ended.add_done_callback(lambda ended: self._ended(program, ended))
        if talk is None:
            await asyncio.wait({program.ended}, timeout=_EARLY)
        else:
            await asyncio.wait({program.ended, talk.ready}, timeout=self._patience, return_when=asyncio.FIRST_COMPLETED)
            if not talk.ready.done():
                self._trouble = self._trouble or f"the driver program was not ready within {self._patience:g} s"
            else:
                self._trouble = self._trouble or talk.ready.result()
        if self._trouble:
            why = self._trouble + (talk.oddity if talk is not None else "")
            await self.stop()
            raise DriverFailed(action, why)

    def _ended(self, program: Program, ended: "asyncio.Task[str]") -> None:
        if program is not self._program or ended.cancelled():
            return
        self._trouble = ended.result()
        assert self._context is not None
        self._context.note("driver program ended", how=self._trouble)
        if self._talk is not None:
            self._talk.fail(self._trouble)

    async def _ask(self, talk: "_Talk", action: str, args: Mapping[str, object]) -> Any:
        number, line, answer = talk.request(action, args)
        assert self._program is not None
        try:
            async with asyncio.timeout(self._patience):
                self._program.say(line)
                return await answer
        except TimeoutError:
            why = f"the driver program did not answer request {number} within {self._patience:g} s{talk.oddity}"
            raise DriverFailed(action, why) from None
        except OSError as error:
            raise DriverFailed(action, f"the driver program takes no more requests: {error}") from None
        finally:
            talk.forget(number)


class _Talk:
    """The conversation with a program: what was asked and not yet answered, and what made no sense."""

    def __init__(self, context: Context, names: frozenset[str] | None) -> None:
        self._names = names
        self._note = context.note
        self._secret = context.password
        self._asked = 0
        self._open: dict[int, tuple[str, asyncio.Future[Any]]] = {}
        self._odd: list[str] = []
        self.known: frozenset[str] = frozenset()
        self.said: Mapping[str, Any] = {}
        self.ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def oddity(self) -> str:
        """A remark on the first line that made no sense, to end a message with."""
        return f"; the first of its lines that made no sense: {self._odd[0]}" if self._odd else ""

    def request(self, action: str, args: Mapping[str, object]) -> tuple[int, bytes, asyncio.Future[Any]]:
        """A new request: its number, the line to write, and what will hold the outcome."""
        self._asked += 1
        outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._open[self._asked] = (action, outcome)
        spelled = {_in_json(name): value for name, value in args.items()}
        line = json.dumps({"id": self._asked, "action": action, "args": spelled}, separators=(",", ":"))
        return self._asked, line.encode() + b"\n", outcome

    def forget(self, number: int) -> None:
        """Wait for no answer to this one any more."""
        _, outcome = self._open.pop(number, ("", None))
        if outcome is not None and not outcome.cancel() and not outcome.cancelled():
            outcome.exception()

    def fail(self, why: str) -> None:
        """Let everything that is still waited for fail."""
        for action, outcome in self._open.values():
            if not outcome.done():
                outcome.set_exception(DriverFailed(action, why))

    def hear(self, line: bytes) -> None:
        """Take one line of the program's standard output."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        match message:
            case {"event": "ready"}:
                self._hear_ready(message)
            case {"event": _}:
                self._note("driver program says", message=self._scrubbed(message))
            case {"id": number, "result": result}:
                self._hear_result(number, result, message)
            case _:
                self._hear_oddity(line, "expected a JSON object with event, or with id and result")

    def _hear_ready(self, message: dict[str, Any]) -> None:
        actions = message.get("actions")
        trouble = ""
        if isinstance(actions, list) and all(isinstance(action, str) for action in actions):
            self.known = frozenset(actions) if self._names is None else frozenset(actions) & self._names
            self.said = message
        else:
            trouble = f'the driver program said ready without "actions", a list of texts; it said {shown(actions)}'
        self._note("driver program says", message=self._scrubbed(message))
        if not self.ready.done():
            self.ready.set_result(trouble)

    def _hear_result(self, number: object, result: object, message: dict[str, Any]) -> None:
        if type(number) is not int or not 0 < number <= self._asked:
            self._hear_oddity(json.dumps(message).encode(), "it answers a request that was never made")
            self.fail(f"the driver program answered request {json.dumps(number)}, which was never made")
            return
        action, outcome = self._open.get(number, ("", None))
        if outcome is None or outcome.done():
            self._note("driver program answered too late, or twice", message=self._scrubbed(message))
            return
        why = str(self._scrubbed(message.get("message") or "it did not say why"))
        match result:
            case "done":
                outcome.set_result(message.get("value"))
            case "unsupported":
                outcome.set_exception(Unsupported(action, why))
            case "failed":
                outcome.set_exception(DriverFailed(action, why))
            case _:
                expected = "expected the result done, unsupported or failed of the driver program"
                outcome.set_exception(DriverFailed(action, f"{expected}, got {shown(self._scrubbed(result))}"))

    def _hear_oddity(self, line: bytes, expected: str) -> None:
        text = str(self._scrubbed(line.decode(errors="replace").strip()))[:200]
        if len(self._odd) < _MOST_ODD_LINES:
            self._odd.append(f"{text!r} ({expected})")
            self._note("driver program wrote a line that makes no sense", line=text, why=expected)

    def _scrubbed(self, value: Any) -> Any:
        match value:
            case str():
                return self._secret.scrub(value) if self._secret is not None else value
            case list():
                return [self._scrubbed(item) for item in value]
            case dict():
                return {self._scrubbed(key): self._scrubbed(item) for key, item in value.items()}
        return value


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values in the place of `{csms_url}`, `{identity}`, `{url}` and `{version}`; other braces stay."""
    return re.sub(rf"\{{({'|'.join(PLACEHOLDERS)})\}}", lambda match: values[match[1]], text)


def _environment(settings: ProcessDriver, values: Mapping[str, str], secret: Secret | None) -> dict[str, str]:
    """The harness's own environment, what the profile adds, and the password, which is handed over nowhere else."""
    own = {name: value for name, value in os.environ.items() if name != "OCPP_PASSWORD"}
    added = {name: fill(value, values) for name, value in settings.env.items()}
    password = {"OCPP_PASSWORD": secret.reveal()} if secret is not None else {}
    return own | added | password


def _in_json(name: str) -> str:
    """`idToken` of `id_token`: the name of an argument as it goes over the line."""
    first, *more = name.split("_")
    return first + "".join(word.capitalize() for word in more)
