"""What a version of OCPP is to the harness's station: how it says things, and how it answers what a CSMS asks."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from conformance.peers.equipment import Connector, Equipment, Evse, Transaction
from conformance.peers.received import Received
from conformance.peers.replies import Error, Payload, Silence

Say: TypeAlias = Callable[[str, Payload], Awaitable[Received]]
"""Makes a call and gives the answer; raises as `Peer.call` does."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and what the station does once it has been given: `then` is called and awaited in the background."""

    payload: Payload
    then: Callable[[], Awaitable[None]] | None = None


Handler: TypeAlias = Callable[[Payload], Reply | Error]


class Host(Protocol):
    """What a dialect may have the station do."""

    equipment: Equipment
    registration: str | None

    async def say(self, action: str, payload: Payload) -> Received:
        """Make a call by the station's own doing."""

    async def restart(self, reason: str) -> None:
        """Go away, come back and boot."""

    async def reconnect(self, password: str | bytes) -> None:
        """Come back with another password, and use it from then on."""

    def later(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something in the background."""

    def heartbeat_every(self, seconds: float | None) -> None:
        """Send heartbeats at this interval; None for never."""


class Dialect(Protocol):
    """The station's side of one version."""

    @property
    def while_rejected(self) -> Error | Silence:
        """What a station that was rejected answers to everything."""

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """How each action that a CSMS may call is answered."""

    @property
    def while_pending(self) -> Mapping[str, Payload]:
        """How actions are answered, unlike otherwise, by a station that has to wait."""

    def boot_notification(self, reason: str) -> dict[str, Any]:
        """The payload of a BootNotification."""

    def accepted(self, interval: int) -> None:
        """Take over the heartbeat interval, in seconds, that an accepted boot was told."""

    def forget_session(self) -> None:
        """Lose what does not survive a reboot."""

    async def report(self, say: Say, evse: Evse, connector: Connector) -> Received:
        """Tell the state of one connector."""

    async def report_all(self, say: Say) -> list[Received]:
        """Tell the state of all connectors, and of what else has one."""

    async def authorize(self, say: Say, id_token: Mapping[str, Any]) -> str:
        """Ask about a token, and give its status."""

    async def plug_in(self, say: Say, evse: Evse, connector: Connector) -> None:
        """A plug goes in."""

    async def unplug(self, say: Say, evse: Evse, connector: Connector) -> None:
        """A plug comes out."""

    async def start(
        self, say: Say, evse: Evse, id_token: Mapping[str, Any], remote_start_id: int | None = None
    ) -> Transaction:
        """A driver who is authorized begins; energy flows where a plug is in."""

    async def stop(
        self, say: Say, transaction: Transaction, why: str, id_token: Mapping[str, Any] | None = None
    ) -> Received:
        """A transaction ends, for a reason such as local, unplugged or reset."""

    async def sample(self, say: Say, evse: Evse) -> Received:
        """Tell what the meter shows."""


class Told:
    """The last state of each connector that the CSMS was told."""

    def __init__(self) -> None:
        self._last: dict[object, str] = {}

    def note(self, place: object, status: str) -> None:
        """It was told this."""
        self._last[place] = status

    def differs(self, place: object, status: str) -> bool:
        """Whether that is news; what was never told counts as Available."""
        return self._last.get(place, "Available") != status

    def clear(self) -> None:
        """Nothing was told yet."""
        self._last.clear()


def problem_code(version: str, keyword: str) -> str:
    """The CALLERROR code for a request that can't be served since the schema finds this wrong with it."""
    codes = {
        "required": "OccurrenceConstraintViolation",
        "type": "TypeConstraintViolation",
        "additionalProperties": "FormatViolation",
        "duplicateKey": "FormatViolation",
    }
    code = codes.get(keyword, "PropertyConstraintViolation")
    return _SPELT_16.get(code, code) if version == "1.6" else code


_SPELT_16 = {
    "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
    "FormatViolation": "FormationViolation",
}
