"""A station that nobody operates."""

from conformance.sut.drivers.actions import Context, Unsupported


class NoHands:
    """Can do nothing."""

    trouble = ""

    def can(self, action: str) -> bool:  # noqa: ARG002 -- as all drivers have it
        """Never."""
        return False

    async def start(self, context: Context) -> None:
        """There is nothing to start."""

    async def stop(self) -> None:
        """There is nothing to stop."""

    async def act(self, action: str, **args: object) -> None:  # noqa: ARG002 -- as all drivers have it
        """Refuse."""
        raise Unsupported(action, 'nobody operates this station: the profile says [driver] kind = "none"')
