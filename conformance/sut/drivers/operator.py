"""A station or a CSMS that a person operates, asked at the terminal."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from conformance.sut.drivers.actions import ACTIONS, Context, DriverFailed, Measured, Unsupported
from conformance.sut.drivers.terminal import Terminal

_WORDING = {
    "power_off": "Switch the station's mains off, as a fuse would.",
    "power_on": "Switch the station's mains on.",
    "plug_in": "Plug the EV into EVSE {evse}, connector {connector}.",
    "unplug": "Pull the EV's plug out of EVSE {evse}, connector {connector}.",
    "disconnect_ev": "Pull the cable of EVSE {evse}, connector {connector} out of the EV; leave it in the station.",
    "present_id_token": "Hold the card {id_token} ({type}) to the reader of EVSE {evse}.",
    "ev_ready": "Let the EV on EVSE {evse} ask for energy.",
    "ev_suspend": "Let the EV on EVSE {evse} stop charging, and leave it plugged in.",
    "ev_stop": "Let the EV on EVSE {evse} end the charging itself, and leave it plugged in.",
    "ev_arrive": "Drive an EV into the parking bay of EVSE {evse}.",
    "ev_depart": "Drive the EV out of the parking bay of EVSE {evse}.",
    "set_load": "Let the EV on EVSE {evse} draw {watts:g} W.",
    "measure_load": "Read a meter of your own at EVSE {evse}: the current of each phase, or the power.",
    "set_fault": "Bring about the fault {error} at EVSE {evse}, connector {connector} (NoError: repair it).",
    "cut_network": "Take the station's network away: its cable, its WiFi or its SIM card.",
    "restore_network": "Give the station its network back.",
    "commission": (
        "Set the station itself up for security profile {security_profile}: it dials {csms_url}, trusts the root in "
        "{root_file} and shows the certificate in {certificate_file} (its key: {key_file}). Delete the network "
        "profiles, certificates and passwords that it got over OCPP, and restart it."
    ),
}
_CHOICES = "Enter = done · n = can't be done · never = can't be done, don't ask again · f <what happened> = failed"
_READINGS = "16.1 16.0 15.9 = amperes of each phase · 11040 W = power · n, never, f <what happened> = it can't be read"
_DONE = ("", "d", "done", "ok", "y", "yes")
Told = TypeVar("Told")


class OperatorHands:
    """Asks a person to do it, one thing at a time; `patience` is how long they have, in seconds.

    `version` is the version of OCPP that the station has to speak.
    """

    trouble = ""

    def __init__(self, terminal: Terminal | None, *, patience: float, version: str) -> None:
        self._terminal = terminal
        self._version = version
        self._patience = patience
        self._never: set[str] = set()
        self._one_at_a_time = asyncio.Lock()

    def can(self, action: str) -> bool:
        """Whether the person has not yet said that it can never be done."""
        return action in ACTIONS and action not in self._never

    async def start(self, context: Context) -> None:
        """Tell the person where the station has to dial."""
        self._terminal = self._terminal or Terminal.own()
        self._terminal.say(
            f"\nYou operate the station {context.identity}. It has to dial {context.csms_url} ({context.url}) "
            f"and to speak OCPP {self._version}.\n"
        )

    async def stop(self) -> None:
        """Let the person go."""
        if self._terminal is not None:
            self._terminal.say("\nThe station is yours again.\n")

    async def act(self, action: str, **args: object) -> Measured | None:
        """Ask for it, and take the answer: that it is done, or what a meter shows."""
        if not self.can(action):
            raise Unsupported(action, "the operator said that it can never be done here")
        request = _WORDING[action].format(**args)
        if action == "measure_load":
            return await self._put(action, request, _READINGS, Measured.typed)
        await self._request(action, request)
        return None

    async def _request(self, action: str, request: str) -> None:
        """Put a request to the person; `action` is what `never` is about."""
        await self._put(action, request, _CHOICES, _done)

    async def _put(self, action: str, request: str, choices: str, read: Callable[[str], Told]) -> Told:
        """Put a request to the person, one at a time, and read the answer; ValueError from `read` asks once more."""
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(self._patience):
                    return await self._ask(action, request, choices, read)
            except TimeoutError:
                raise Unsupported(action, f"nobody answered within {self._patience:g} s") from None
            except EOFError:
                raise Unsupported(action, "there is no terminal at which to ask a person") from None

    async def _ask(self, action: str, request: str, choices: str, read: Callable[[str], Told]) -> Told:
        assert self._terminal is not None
        question = f"\n>> {request}\n   {choices}: "
        while True:
            answer = await self._terminal.ask(question)
            word, _, rest = answer.partition(" ")
            match word.lower():
                case "n" | "no" | "can't" | "cant":
                    raise Unsupported(action, rest.strip() or "the operator can't do it")
                case "never":
                    self._never.add(action)
                    raise Unsupported(action, rest.strip() or "the operator can never do it here")
                case "f" | "failed":
                    raise DriverFailed(action, rest.strip() or "the operator says that it failed")
            try:
                return read(answer)
            except ValueError as wrong:
                question = f"   {wrong}. {choices}: "


def _done(answer: str) -> None:
    if answer.partition(" ")[0].lower() not in _DONE:
        raise ValueError(f"{answer[:40]!r} is none of these")
