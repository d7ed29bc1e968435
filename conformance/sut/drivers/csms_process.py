"""A CSMS that is operated through a program: JSON lines as docs/process-driver.md says."""

from collections.abc import Mapping
from typing import Any

from conformance.sut.drivers.actions import Unsupported
from conformance.sut.drivers.process import ProcessHands
from conformance.sut.secret import Secret
from conformance.sut.tables import ProcessDriver


class CsmsProcessHands(ProcessHands):
    """Operates a program; in its `ready` it lists operations, and OCPP actions or `command` for all of these."""

    def __init__(self, settings: ProcessDriver, *, patience: float, version: str) -> None:
        names = () if settings.protocol == "none" else None
        super().__init__(settings, patience=patience, version=version, names=names)

    @property
    def url(self) -> str | None:
        """Where stations dial, if the program has said so."""
        told = self.said.get("url")
        return told if isinstance(told, str) else None

    @property
    def urls(self) -> Mapping[int, str]:
        """Where stations dial in other security profiles, if the program has said so: `{"2": "wss://…"}`."""
        told = self.said.get("urls")
        if not isinstance(told, dict):
            return {}
        return {int(number): url for number, url in told.items() if number in ("1", "2", "3") and isinstance(url, str)}

    def can(self, name: str) -> bool:
        """Whether the program said so, or for a command, that it knows them all."""
        return super().can(name) or (name[:1].isupper() and super().can("command"))

    async def act(self, action: str, **args: Any) -> Any:
        """Have the program do it, and give the value that it answers with."""
        name = args.get("action_name", action)
        if not self.can(name):
            raise Unsupported(name, "the driver program does not know it")
        spelled = {
            ("action" if key == "action_name" else key): value for key, value in args.items() if value is not None
        }
        if isinstance(spelled.get("password"), Secret):
            spelled["password"] = spelled["password"].reveal()
        return await self._have_done(action, spelled)
