"""Mutants of the boot: who is taken on, what is answered before acceptance, times, states, security events.

A case begins with a station that was accepted, so what is wrong with a boot shows from the second one on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.base import Link
from conformance.reference.csms.config import CsmsConfig
from conformance.reference.csms.records import Command, StationRecord
from conformance.reference.csms.rpc import Call, Payload, RpcError

# -- who is taken on


class Impatient(ReferenceCsms):
    """Has a station that is put off boot again soon."""

    def boot_interval(self, station: StationRecord, status: str) -> int:
        """Be called again after a second."""
        return super().boot_interval(station, status) if status == "Accepted" else 1


class TurnsAwayWhoComesBack(Impatient):
    """Rejects the boot of a station that has booted before."""

    breaks = "CSMS.BOOT.01"

    def registration_for(self, station: StationRecord) -> str:
        """Take everybody on once."""
        status = super().registration_for(station)
        return "Rejected" if station.boots else status


class TurnsAwayWhoSpokeTooSoon(Impatient):
    """Never accepts a station that said something before its first boot."""

    breaks = "CSMS.BOOT.01"

    def __init__(self, config: CsmsConfig | None = None) -> None:
        """Bear nobody a grudge yet."""
        super().__init__(config)
        self._too_soon: set[str] = set()

    def admits(self, station: StationRecord, call: Call) -> bool:
        """Note who speaks out of turn."""
        admitted = super().admits(station, call)
        if not admitted and not station.boots:
            self._too_soon.add(station.identity)
        return admitted

    def registration_for(self, station: StationRecord) -> str:
        """Bear the grudge."""
        status = super().registration_for(station)
        return "Rejected" if station.identity in self._too_soon else status


class FailsAtTheSecondBoot(ReferenceCsms):
    """Answers the boot of a station that has booted before with an error."""

    breaks = "B01.FR.02"
    also = ("BOOT.TIME.01", "CSMS.BOOT.01", "CSMS.BOOT.02", "J.ANSWER.01")

    def on_boot_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Stumble."""
        if station.boots:
            raise RpcError("InternalError", "this station is there already")
        return super().on_boot_notification(station, request)


class LikesShortNames(ReferenceCsms):
    """Has room for a vendor's name of 15 characters only."""

    breaks = "B01.FR.02"
    also = ("J.ANSWER.01",)

    def on_boot_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Measure it."""
        vendor = (
            request["chargePointVendor"] if "chargePointVendor" in request else request["chargingStation"]["vendorName"]
        )
        if len(vendor) > 15:  # noqa: PLR2004 -- as the class says
            raise RpcError("PropertyConstraintViolation", "vendor: too long")
        return super().on_boot_notification(station, request)


class StumblesOverUmlauts(ReferenceCsms):
    """Can't handle a boot with letters beyond ASCII in it."""

    breaks = "B01.FR.02"
    also = ("J.ANSWER.01",)

    def on_boot_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Try."""
        if not str(request).isascii():
            raise RpcError("InternalError", "ordinal not in range")
        return super().on_boot_notification(station, request)


class KnowsFewReasons(ReferenceCsms):
    """Takes a boot for a few reasons only."""

    breaks = "B01.FR.02"
    also = ("J.ANSWER.01",)
    versions = ("2.0.1",)

    def on_boot_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Look the reason up."""
        if request["reason"] not in ("PowerUp", "RemoteReset", "ScheduledReset", "Triggered"):
            raise RpcError("PropertyConstraintViolation", f"reason: {request['reason']} is none")
        return super().on_boot_notification(station, request)


class WantsNoCustomDataAtBoot(ReferenceCsms):
    """Refuses a boot that holds data of a vendor's own."""

    breaks = "B01.FR.02"
    also = ("J.ANSWER.01",)
    versions = ("2.0.1",)

    def on_boot_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Look for it."""
        if "customData" in request:
            raise RpcError("FormatViolation", "customData: unknown field")
        return super().on_boot_notification(station, request)


# -- what is answered before acceptance


class HeartbeatBeforeAcceptance(ReferenceCsms):
    """Answers Heartbeat whatever the registration status is."""

    breaks = "B01.FR.10"
    also = ("B02.FR.09", "B03.FR.07")

    def admits(self, station: StationRecord, call: Call) -> bool:
        """Let heartbeats in."""
        return call.action == "Heartbeat" or super().admits(station, call)


class RefusesByTheWrongCode(ReferenceCsms):
    """Refuses what comes too early, but calls it not supported."""

    breaks = "B01.FR.10"
    also = ("B02.FR.09", "B03.FR.07")

    def refusal(self, call: Call) -> RpcError:
        """Find a reason."""
        return self.unsupported_action(call)


class EverythingWhilePending(ReferenceCsms):
    """Takes everything from a station that is pending."""

    breaks = "B02.FR.09"
    also = ("B01.FR.10",)

    def was_asked_for(self, station: StationRecord, call: Call) -> bool:  # noqa: ARG002
        """Think everything was asked for."""
        return True


class EverythingWhileRejected(ReferenceCsms):
    """Takes everything from a station that it has rejected."""

    breaks = "B03.FR.07"
    also = ("B01.FR.10",)

    def admits(self, station: StationRecord, call: Call) -> bool:
        """Have forgotten that."""
        return station.registration == "Rejected" or super().admits(station, call)


class RefusesWhatItAskedFor(ReferenceCsms):
    """Refuses what a pending station says even if it has asked for that."""

    breaks = "J.ANSWER.01"
    versions = ("2.0.1",)

    def was_asked_for(self, station: StationRecord, call: Call) -> bool:  # noqa: ARG002
        """Forget one's own questions."""
        return False


class HangsUpOnPending(ReferenceCsms):
    """Closes the connection of a station that it has put on Pending."""

    breaks = "B02.FR.06"

    async def receive(self, link: Link, raw: str | bytes) -> None:
        """Have nothing more to say."""
        await super().receive(link, raw)
        if link.station.registration == "Pending" and not link.gone:
            self.tasks.start(link.connection.close(1000, "come back later"))


class PendingForever(Impatient):
    """Never accepts a station that it has put on Pending."""

    breaks = "CSMS.BOOT.02"

    def registration_for(self, station: StationRecord) -> str:
        """Not yet."""
        status = super().registration_for(station)
        return "Pending" if station.registration == "Pending" else status


class CommandsWhileRejected(ReferenceCsms):
    """Sends commands to a station whose boot it has rejected."""

    breaks = "B03.FR.03"

    def may_send(self, station: StationRecord, command: Command) -> bool:
        """Don't care about a rejection."""
        return station.registration == "Rejected" or super().may_send(station, command)


class StartsWhilePending(ReferenceCsms):
    """Asks a pending station to start and stop transactions."""

    breaks = "16.BOOT.20"

    def may_send(self, station: StationRecord, command: Command) -> bool:
        """Don't wait for acceptance."""
        return station.registration == "Pending" or super().may_send(station, command)


class TriggersNoBoots(ReferenceCsms):
    """Triggers a heartbeat where a boot was wanted."""

    breaks = "CSMS.TRIGGER.01"

    def prepare_trigger_message(self, _station: StationRecord, payload: Payload) -> list[Payload]:
        """Mix them up."""
        wanted = payload["requestedMessage"]
        return [payload | {"requestedMessage": "Heartbeat" if wanted == "BootNotification" else wanted}]


# -- times


class BootTimeOfItsZone(ReferenceCsms):
    """Tells at boot what the clock on the wall shows, and calls that UTC."""

    breaks = "BOOT.TIME.01"
    also = ("CSMS.TIME.01",)

    def on_boot_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Look at the wall."""
        shown = (self.now() + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return super().on_boot_notification(station, request) | {"currentTime": shown}


class BootTimeStandsStill(ReferenceCsms):
    """Tells at every boot of a station the time of its first."""

    breaks = "BOOT.TIME.01"
    also = ("CSMS.TIME.01",)

    def on_boot_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Remember."""
        answer = super().on_boot_notification(station, request)
        station.notices.setdefault("firstBoot", answer)
        return answer | {"currentTime": station.notices["firstBoot"]["currentTime"]}


class NegativeInterval(ReferenceCsms):
    """Has a station that booted before do something every minus one second."""

    breaks = "BOOT.TIME.01"

    def boot_interval(self, station: StationRecord, status: str) -> int:
        """Count down."""
        return super().boot_interval(station, status) if station.boots < 2 else -1  # noqa: PLR2004


class HeartbeatTimeOfItsZone(ReferenceCsms):
    """Answers heartbeats with what the clock on the wall shows, and calls that UTC."""

    breaks = "G02.FR.03"
    also = ("CSMS.TIME.01",)

    def on_heartbeat(self, station: StationRecord, request: Payload) -> Payload:
        """Look at the wall."""
        super().on_heartbeat(station, request)
        return {"currentTime": (self.now() - timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M:%SZ")}


class HeartbeatTimeStandsStill(ReferenceCsms):
    """Answers every heartbeat of a station with the time of its first."""

    breaks = "G02.FR.03"
    also = ("CSMS.TIME.01",)

    def on_heartbeat(self, station: StationRecord, request: Payload) -> Payload:
        """Remember."""
        return station.notices.setdefault("firstHeartbeat", super().on_heartbeat(station, request))


class ClockIsLate(ReferenceCsms):
    """Has a clock that is half a minute late."""

    breaks = "CSMS.TIME.01"

    def now(self) -> datetime:
        """Look at it."""
        return super().now() - timedelta(seconds=30)


# -- states


class StatesOnlyOnce(ReferenceCsms):
    """Takes the states of a station's connectors after its first boot only."""

    breaks = "CSMS.STATUS.01"
    also = ("J.ANSWER.01",)

    def check_call(self, link: Link, call: Call) -> None:
        """Have heard it all before."""
        if call.action == "StatusNotification" and link.station.boots > 1:
            raise RpcError("GenericError", "the state of this station is known")
        super().check_call(link, call)


class KnowsNoFaults(ReferenceCsms):
    """Refuses to hear of a fault."""

    breaks = "CSMS.STATUS.01"
    also = ("J.ANSWER.01",)

    def note_status(
        self, station: StationRecord, evse_id: int, connector_id: int, status: str, request: Payload
    ) -> None:
        """Close one's eyes."""
        if status == "Faulted":
            raise RpcError("PropertyConstraintViolation", "nothing ever fails here")
        super().note_status(station, evse_id, connector_id, status, request)


class NoStatesByEvent(ReferenceCsms):
    """Knows StatusNotification only, and no NotifyEvent."""

    breaks = "CSMS.STATUS.01"
    also = ("J.ANSWER.01",)
    versions = ("2.0.1",)

    def handler_name(self, link: Link, action: str) -> str | None:
        """Not have it."""
        return None if action == "NotifyEvent" else super().handler_name(link, action)


class WantsFreshStates(ReferenceCsms):
    """Refuses a state that is not of today."""

    breaks = "CSMS.STATUS.01"
    also = ("J.ANSWER.01",)

    def note_status(
        self, station: StationRecord, evse_id: int, connector_id: int, status: str, request: Payload
    ) -> None:
        """Look at the date."""
        dated = request.get("timestamp")
        if dated is not None and abs(datetime.fromisoformat(dated) - self.now()) > timedelta(days=1):
            raise RpcError("PropertyConstraintViolation", "timestamp: stale")
        super().note_status(station, evse_id, connector_id, status, request)


class ReadsNoOffsets(ReferenceCsms):
    """Can't read a time that is not marked Z."""

    breaks = "16J.TIME.02"
    also = ("CSMS.STATUS.01", "J.ANSWER.01")

    def note_status(
        self, station: StationRecord, evse_id: int, connector_id: int, status: str, request: Payload
    ) -> None:
        """Look for it."""
        if not request.get("timestamp", "Z").endswith("Z"):
            raise RpcError("PropertyConstraintViolation", "timestamp: no time")
        super().note_status(station, evse_id, connector_id, status, request)


# -- security events


class RefusesSecurityEvents(ReferenceCsms):
    """Fails over every security event."""

    breaks = "A04.FR.03"
    also = ("J.ANSWER.01",)

    def on_security_event_notification(self, _station: StationRecord, _request: Payload) -> Payload:
        """Stumble."""
        raise RpcError("InternalError", "nobody to tell")


class KnowsFewSecurityEvents(ReferenceCsms):
    """Refuses security events that are not in its list."""

    breaks = "A04.FR.03"
    also = ("J.ANSWER.01",)

    def on_security_event_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Look it up."""
        if request["type"] not in ("StartupOfTheDevice", "ResetOrReboot", "FirmwareUpdated"):
            raise RpcError("PropertyConstraintViolation", "type: unknown")
        return super().on_security_event_notification(station, request)
