"""Mutants of the availability of a 1.6 station: what makes it unavailable, and what that outlasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station.rpc import RpcError
from conformance.reference.station16 import ReferenceStation16
from conformance.reference.station16.availability import STATION

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector


class ChangeAvailabilityRefused(ReferenceStation16):
    """Refuses ChangeAvailability with a CALLERROR."""

    breaks = "16.AVAIL.01"

    def on_change_availability(self, request: Payload) -> Payload:  # noqa: ARG002
        """Refuse."""
        raise RpcError("NotSupported", "no ChangeAvailability here")


class ChangeUnreported(ReferenceStation16):
    """Takes a connector out of use, and does not say so."""

    breaks = "16.AVAIL.04"

    async def _settle_availability(self) -> None:
        """Keep it quiet."""
        self.availability_changed()
        self.reported = {number: self.status(number) for number in self.places()}


class StationOnlyUnavailable(ReferenceStation16):
    """Takes connector 0 for the station alone, and leaves its connectors in use."""

    breaks = "16.AVAIL.05"

    def places_meant(self, number: int) -> list[int]:
        """Look at nothing but the number."""
        return [number]


class ConnectorsOnlyUnavailable(ReferenceStation16):
    """Takes connector 0 for all connectors, and leaves itself in use."""

    breaks = "16.AVAIL.05"

    def places_meant(self, number: int) -> list[int]:
        """Leave the station out."""
        return [place for place in super().places_meant(number) if place != STATION]


class _Forgetful(ReferenceStation16):
    """Is available again after every restart."""

    also: tuple[str, ...] = ("16.AVAIL.06", "16.RESET.09", "16.STATUS.04")

    def start_up(self) -> None:
        """Forget what the Central System wanted."""
        self.storage.pop("availability", None)
        super().start_up()


class UnavailableForgotten(_Forgetful):
    """Does not keep that it is unavailable."""

    breaks = "16.STATUS.04"


class AvailabilityForgotten(_Forgetful):
    """Does not keep its availability."""

    breaks = "16.AVAIL.06"


class AvailableAfterReset(ReferenceStation16):
    """Keeps its availability over a power cut, and not over a reset."""

    breaks = "16.RESET.09"
    also = ("16.AVAIL.06", "16.STATUS.04")

    async def reboot(self) -> None:
        """Forget what the Central System wanted."""
        self.storage.pop("availability", None)
        await super().reboot()


# -- the answer


class _Answering(ReferenceStation16):
    """Answers some requests in another way, and does nothing then."""

    def on_change_availability(self, request: Payload) -> Payload:
        """Look whether this is a request to be wrong about."""
        return self.instead() if self.concerned(request) else super().on_change_availability(request)

    def concerned(self, request: Payload) -> bool:
        """Tell whether a request is one to be wrong about."""
        raise NotImplementedError

    def instead(self) -> Payload:
        """Refuse."""
        raise RpcError("NotSupported", "not possible here")

    def as_it_is(self, request: Payload) -> bool:
        """Tell whether nothing would change."""
        return bool(self.is_operative(request["connectorId"]) == (request["type"] == "Operative"))

    def busy(self) -> bool:
        """Tell whether somebody charges."""
        return any(connector.session.transaction for connector in self.connectors.values())


class IntoUseRefused(_Answering):
    """Refuses with a CALLERROR to take anything into use."""

    breaks = "16.AVAIL.01"

    def concerned(self, request: Payload) -> bool:
        """Be wrong about what is to be in use."""
        return bool(request["type"] == "Operative")


class RepetitionRefused(_Answering):
    """Answers with a CALLERROR where nothing is to be changed."""

    breaks = "16.AVAIL.01"

    def concerned(self, request: Payload) -> bool:
        """Be wrong about what is as it should be."""
        return self.as_it_is(request)


class RepetitionRejected(RepetitionRefused):
    """Answers Rejected where nothing is to be changed."""

    breaks = "16.AVAIL.02"

    def instead(self) -> Payload:
        """Reject it."""
        return {"status": "Rejected"}


class OutOfUseRejected(_Answering):
    """Answers Rejected where something is to be taken out of use and nobody charges."""

    breaks = "16.AVAIL.09"

    def concerned(self, request: Payload) -> bool:
        """Be wrong about changes that could be made at once."""
        return request["type"] == "Inoperative" and not self.as_it_is(request) and not self.busy()

    def instead(self) -> Payload:
        """Reject it."""
        return {"status": "Rejected"}


class IntoUseRejected(OutOfUseRejected):
    """Answers Rejected where something is to be taken into use."""

    breaks = "16.AVAIL.09"

    def concerned(self, request: Payload) -> bool:
        """Be wrong about what is to be in use."""
        return request["type"] == "Operative" and not self.as_it_is(request)


class ConnectorAcceptedAndLeft(_Answering):
    """Accepts a change of one connector, and does nothing."""

    breaks = "16.AVAIL.09"

    def concerned(self, request: Payload) -> bool:
        """Be wrong about single connectors, as long as nobody charges."""
        return request["connectorId"] != STATION and not self.busy()

    def instead(self) -> Payload:
        """Accept it."""
        return {"status": "Accepted"}


class UnknownConnectorAccepted(ReferenceStation16):
    """Accepts to take a connector out of use that it does not have."""

    breaks = "16.AVAIL.09"

    def on_change_availability(self, request: Payload) -> Payload:
        """Accept what makes no sense."""
        answer = super().on_change_availability(request)
        return {"status": "Accepted"} if answer["status"] == "Rejected" else answer


class ScheduledNotTakenBack(ReferenceStation16):
    """Accepts to take back what it was to do after a transaction, and does it then."""

    breaks = "16.AVAIL.09"

    def keep_availability(self, wanted: str, number: int) -> None:
        """Do nothing while somebody charges."""
        if wanted == "Inoperative" or number == STATION or not self.connectors[number].session.transaction:
            super().keep_availability(wanted, number)


# -- what becomes of the connectors


class StationOnlyIntoUse(ReferenceStation16):
    """Takes connector 0 for the station alone when it is to be in use, and leaves its connectors out."""

    breaks = "16.AVAIL.05"

    def keep_availability(self, wanted: str, number: int) -> None:
        """Leave the connectors as they are."""
        if wanted == "Operative" and number == STATION:
            self.storage.setdefault("availability", {})[str(STATION)] = wanted
        else:
            super().keep_availability(wanted, number)


class StartsOutOfUse(ReferenceStation16):
    """Calls its connectors Unavailable, and lets everybody charge there."""

    breaks = "16.AVAIL.07"
    starting = False

    def is_operative(self, number: int) -> bool:
        """Have everything in use where a transaction may start."""
        return self.starting or super().is_operative(number)

    def connector_to_start(self, evse: int, id_tag: str, parent: str | None) -> Connector | None:
        """Do not look whether it is in use."""
        self.starting = True
        try:
            return super().connector_to_start(evse, id_tag, parent)
        finally:
            self.starting = False

    def start_if_ready(self, connector: Connector) -> bool:
        """Do not look whether it is in use."""
        self.starting = True
        try:
            return super().start_if_ready(connector)
        finally:
            self.starting = False


# -- what is told of it


class OutUntold(ReferenceStation16):
    """Never tells that a connector has become Unavailable."""

    breaks = "16.AVAIL.04"

    def report_status_changes(self) -> None:
        """Take it for told."""
        for number in self.places():
            if self.status(number) == "Unavailable":
                self.reported[number] = "Unavailable"
        super().report_status_changes()


class BackUntold(ReferenceStation16):
    """Never tells that a connector is no longer Unavailable."""

    breaks = "16.AVAIL.04"

    def report_status_changes(self) -> None:
        """Take it for told."""
        for number in self.places():
            if self.reported.get(number) == "Unavailable":
                self.reported[number] = self.status(number)
        super().report_status_changes()


# -- during a transaction


class NotScheduled(ReferenceStation16):
    """Accepts to take a place out of use in the middle of a transaction."""

    breaks = "16.AVAIL.03"

    def change_availability_status(self, wanted: str, number: int) -> str:  # noqa: ARG002
        """Accept it."""
        return "Accepted"


class NotPostponed(ReferenceStation16):
    """Answers Scheduled, and calls the connector Unavailable at once."""

    breaks = "16.AVAIL.03"

    def status_in_transaction(self, connector: Connector) -> str:
        """Look at the availability first."""
        return super().status_in_transaction(connector) if self.is_operative(connector.number) else "Unavailable"


class ScheduledForgotten(_Answering):
    """Answers Scheduled, and never does it."""

    breaks = "16.AVAIL.03"

    def concerned(self, request: Payload) -> bool:
        """Be wrong about what has to wait."""
        return request["type"] == "Inoperative" and self.busy()

    def instead(self) -> Payload:
        """Promise it."""
        return {"status": "Scheduled"}
