"""Mutants of the boot: who gets in, what is answered before acceptance, times, variables, commands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta, timezone

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.base import Link
from conformance.reference.csms.records import Command, StationRecord
from conformance.reference.csms.rpc import NO_MESSAGE_ID, BadFrameError, Call, Payload, RpcError


class HeartbeatBeforeAcceptance(ReferenceCsms):
    """Answers Heartbeat whatever the registration status is."""

    breaks = "B01.FR.10"
    also = ("B02.FR.09", "B03.FR.07")

    def admits(self, station: StationRecord, call: Call) -> bool:
        """Let heartbeats in."""
        return call.action == "Heartbeat" or super().admits(station, call)


class EverythingWhilePending(ReferenceCsms):
    """Takes everything from a station that is pending."""

    breaks = "B02.FR.09"
    also = ("B01.FR.10",)

    def was_asked_for(self, station: StationRecord, call: Call) -> bool:  # noqa: ARG002
        """Think everything was asked for."""
        return True


class CommandsWhileRejected(ReferenceCsms):
    """Sends commands to a station whose boot it has rejected."""

    breaks = "B03.FR.03"

    def may_send(self, station: StationRecord, command: Command) -> bool:
        """Don't care about a rejection."""
        return station.registration == "Rejected" or super().may_send(station, command)


class AlwaysAccepts(ReferenceCsms):
    """Accepts every boot, whatever the operator has laid down."""

    breaks = "B02.FR.01"
    also = ("B01.FR.02",)

    def registration_for(self, station: StationRecord) -> str:  # noqa: ARG002
        """Accept."""
        return "Accepted"


class LocalTimeWithoutOffset(ReferenceCsms):
    """Gives the time of its own zone, without saying how far that is from UTC."""

    breaks = "J.TIME.01"
    also = ("J.TIME.04", "J.SCHEMA.01", "BOOT.TIME.01")

    def stamp(self) -> str:
        """Write what the clock on the wall shows."""
        return self.now().astimezone(timezone(timedelta(hours=2))).strftime("%Y-%m-%dT%H:%M:%S")


class IgnoresItemsPerMessage(ReferenceCsms):
    """Puts as many variables into one request as the operator asked for."""

    breaks = "B06.FR.05"
    also = ("B05.FR.11",)

    def items_per_message(self, station: StationRecord, action: str) -> int | None:  # noqa: ARG002
        """Know of no limit."""
        return None


class SetsAVariableTwice(ReferenceCsms):
    """Puts one variable into a SetVariables request twice."""

    breaks = "B05.FR.13"

    def batches(self, items: list[Payload], limit: int | None) -> list[list[Payload]]:  # noqa: ARG002
        """Leave everything as the operator gave it."""
        return [items]


class TwoOpenCalls(ReferenceCsms):
    """Sends the next call without waiting for the answer to the last one."""

    breaks = "J.SYNC.01"

    async def carry_out(self, link: Link, command: Command) -> None:
        """Don't wait."""
        self.tasks.start(super().carry_out(link, command))


class AcceptsUnknownIdentity(ReferenceCsms):
    """Lets in stations that nobody has provisioned."""

    breaks = "J.HANDSHAKE.07"

    def admit_identity(self, identity: str | None) -> StationRecord | None:
        """Provision whoever comes."""
        if identity is not None and identity not in self.stations:
            self.provision(identity)
        return super().admit_identity(identity)


class NamesItsFavouriteVersion(ReferenceCsms):
    """Agrees to 2.0.1 whatever the station offers."""

    breaks = "J.HANDSHAKE.08"
    also = ("J.HANDSHAKE.09",)

    def choose_subprotocol(self, offered: Sequence[str]) -> str | None:  # noqa: ARG002
        """Don't look."""
        return "ocpp2.0.1"


class UnknownActionNotSupported(ReferenceCsms):
    """Calls an unknown action one that is known but not supported."""

    breaks = "J.ERROR.02"

    def unknown_action(self, call: Call) -> RpcError:
        """Mix them up."""
        return self.unsupported_action(call)


class SilentOnUnreadableIds(ReferenceCsms):
    """Doesn't answer a message whose id can't be read."""

    breaks = "J.ID.04"
    also = ("J.ANSWER.02",)

    async def answer_bad_frame(self, link: Link, bad: BadFrameError) -> None:
        """Drop it."""
        if bad.message_id != NO_MESSAGE_ID:
            await super().answer_bad_frame(link, bad)
