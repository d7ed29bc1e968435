"""A CSMS that a person operates, asked at the terminal to click."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from conformance.sut.drivers.actions import Context, Unsupported
from conformance.sut.drivers.operator import OperatorHands
from conformance.sut.drivers.terminal import Terminal
from conformance.sut.operations import OPERATIONS
from conformance.sut.secret import Secret

_WORDING = {
    "command": "Have the CSMS send {action_name} to the station {identity}, with\n   {payload}",
    "add_token": "Make the token {id_token} ({type}) known to the CSMS, and accepted.",
    "block_token": "Block the token {id_token} ({type}).",
    "expire_token": "Make the token {id_token} ({type}) one that has expired.",
    "remove_token": "Remove the token {id_token} ({type}).",
    "provision_station": "Make the station {identity} known to the CSMS{password}.",
    "remove_station": "Remove the station {identity} from the CSMS.",
    "set_password": "Have the CSMS take another password of the station {identity}{password}.",
    "set_registration": "Let the CSMS answer the next BootNotifications of {identity} with {statuses}{interval}.",
}


class CsmsOperatorHands(OperatorHands):
    """Asks a person to do it, one thing at a time. What the CSMS believes is not asked: it would take a form."""

    url: str | None = None
    urls: Mapping[int, str] = MappingProxyType({})

    def can(self, name: str) -> bool:
        """Whether the person has not yet said that it can never be done."""
        known = name in _WORDING or name[:1].isupper()
        return known and name not in self._never and not (name[:1].isupper() and "command" in self._never)

    async def start(self, context: Context) -> None:
        """Tell the person which station it will be about."""
        self._terminal = self._terminal or Terminal.own()
        self._terminal.say(
            f"\nYou operate the CSMS. The harness plays the station {context.identity}, which dials {context.url} "
            f"and speaks OCPP {self._version}.\n"
        )

    async def stop(self) -> None:
        """Let the person go."""
        if self._terminal is not None:
            self._terminal.say("\nThe CSMS is yours again.\n")

    async def act(self, action: str, **args: Any) -> Any:
        """Ask for it, and take the answer."""
        name = args.get("action_name", action)
        if action not in _WORDING:
            assert action in OPERATIONS, action
            raise Unsupported(name, "a person is asked to do things, not to tell what the CSMS believes")
        if not self.can(name):
            raise Unsupported(name, "the operator said that it can never be done here")
        await self._request(name, _WORDING[action].format(**_words(args)))


def _words(args: dict[str, Any]) -> dict[str, str]:
    """The values of a request as a person reads them. A password has to be typed in, so it is shown to them alone."""
    words = {name: str(value) for name, value in args.items()}
    secret, interval = args.get("password"), args.get("interval")
    words["password"] = f" (password: {secret.reveal()})" if isinstance(secret, Secret) else ""
    words["interval"] = "" if interval is None else f" and the interval {interval} s"
    words["statuses"] = ", then ".join(args.get("statuses", ()))
    payload = json.dumps(args.get("payload", {}), indent=2, ensure_ascii=False)
    return words | {"payload": payload.replace("\n", "\n   ")}
