"""A CSMS that nobody operates."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from conformance.sut.drivers.actions import Context, Unsupported


class NoCsmsHands:
    """Can do nothing."""

    trouble = ""
    url: str | None = None
    urls: Mapping[int, str] = MappingProxyType({})

    def can(self, name: str) -> bool:  # noqa: ARG002 -- as all drivers have it
        """Never."""
        return False

    async def start(self, context: Context) -> None:
        """There is nothing to start."""

    async def stop(self) -> None:
        """There is nothing to stop."""

    async def act(self, action: str, **args: Any) -> Any:
        """Refuse."""
        name = args.get("action_name", action)
        raise Unsupported(name, 'nobody operates this CSMS: the profile says [driver] kind = "none"')
