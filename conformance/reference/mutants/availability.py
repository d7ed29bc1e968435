"""Mutants of a change of availability: the answer, what becomes of the connectors, and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation
from conformance.reference.station.rpc import RpcError

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload


class _Answering(ReferenceStation):
    """Answers some requests in another way, and does nothing then."""

    whole = False
    """Whether it is about requests for the whole station, or for a part of it."""

    def on_change_availability(self, request: Payload) -> Payload:
        """Look whether this is a request to be wrong about."""
        if ("evse" not in request) == self.whole and self.concerned(request):
            return self.instead(request)
        return super().on_change_availability(request)

    def concerned(self, request: Payload) -> bool:  # noqa: ARG002
        """Tell whether a request is one to be wrong about."""
        return True

    def instead(self, request: Payload) -> Payload:  # noqa: ARG002
        """Refuse."""
        raise RpcError("NotSupported", "not possible here")

    def as_it_is(self, request: Payload) -> bool:
        """Tell whether nothing would change."""
        place = request.get("evse", {})
        key = ".".join(str(place[name]) for name in ("id", "connectorId") if name in place) or "station"
        settings: dict[str, str] = self.storage.get("availability", {})
        return bool(settings.get(key, "Operative") == request["operationalStatus"])


# -- the answer


class PartRefused(_Answering):
    """Has no ChangeAvailability of an EVSE or a connector."""

    breaks = "G03.FR.01"


class WholeRefused(_Answering):
    """Has no ChangeAvailability of the station."""

    breaks = "G04.FR.02"
    whole = True


class PartIntoUseRefused(_Answering):
    """Answers a ChangeAvailability of a part with an error where that is to be in use."""

    breaks = "G03.FR.01"

    def concerned(self, request: Payload) -> bool:
        """Be wrong about what is to be in use."""
        return bool(request["operationalStatus"] == "Operative")


class WholeIntoUseRefused(PartIntoUseRefused):
    """Answers a ChangeAvailability of the station with an error where that is to be in use."""

    breaks = "G04.FR.02"
    whole = True


class PartRepetitionRefused(_Answering):
    """Answers with an error where nothing is to be changed about a part."""

    breaks = "G03.FR.01"

    def concerned(self, request: Payload) -> bool:
        """Be wrong about what is as it should be."""
        return self.as_it_is(request)


class WholeRepetitionRefused(PartRepetitionRefused):
    """Answers with an error where nothing is to be changed about the station."""

    breaks = "G04.FR.02"
    whole = True


class PartRepetitionRejected(PartRepetitionRefused):
    """Answers Rejected where nothing is to be changed about a part."""

    breaks = "G03.FR.03"

    def instead(self, request: Payload) -> Payload:  # noqa: ARG002
        """Reject it."""
        return {"status": "Rejected"}


class WholeRepetitionRejected(PartRepetitionRejected):
    """Answers Rejected where nothing is to be changed about the station."""

    breaks = "G04.FR.04"
    whole = True


class PartChangeRejected(_Answering):
    """Answers Rejected where something is to be changed about a part."""

    breaks = "G03.FR.02"
    wanted = "Inoperative"

    def concerned(self, request: Payload) -> bool:
        """Be wrong about changes to one of the states."""
        meant = request["operationalStatus"] == self.wanted and not self.as_it_is(request)
        return meant and (self.wanted == "Operative" or self.is_idle(None))

    def instead(self, request: Payload) -> Payload:  # noqa: ARG002
        """Reject it."""
        return {"status": "Rejected"}


class WholeChangeRejected(PartChangeRejected):
    """Answers Rejected where the station is to be taken out of use."""

    breaks = "G04.FR.03"
    whole = True


class PartIntoUseRejected(PartChangeRejected):
    """Answers Rejected where a part is to be taken into use."""

    breaks = "G03.FR.02"
    wanted = "Operative"


class WholeIntoUseRejected(PartIntoUseRejected):
    """Answers Rejected where the station is to be taken into use."""

    breaks = "G04.FR.03"
    whole = True


class ConnectorAcceptedAndLeft(_Answering):
    """Accepts a change of one connector, and does nothing."""

    breaks = "G03.FR.02"

    def concerned(self, request: Payload) -> bool:
        """Be wrong about single connectors, as long as nobody charges."""
        return "connectorId" in request["evse"] and self.is_idle(None)

    def instead(self, request: Payload) -> Payload:  # noqa: ARG002
        """Accept it."""
        return {"status": "Accepted"}


class ConnectorTakesItsEvse(ReferenceStation):
    """Takes all of an EVSE out of use with one connector of it."""

    breaks = "G03.FR.02"

    def keep_availability(self, wanted: str, evse: int | None, connector: int | None) -> None:  # noqa: ARG002
        """Look at nothing but the EVSE."""
        super().keep_availability(wanted, evse, None)


class UnknownEvseAccepted(ReferenceStation):
    """Accepts to take an EVSE out of use that it does not have."""

    breaks = "G03.FR.02"

    def on_change_availability(self, request: Payload) -> Payload:
        """Accept what makes no sense."""
        answer = super().on_change_availability(request)
        return {"status": "Accepted"} if answer["status"] == "Rejected" else answer


class ScheduledNotTakenBack(ReferenceStation):
    """Accepts to take back what it was to do after a transaction, and does it then."""

    breaks = "G03.FR.02"

    def keep_availability(self, wanted: str, evse: int | None, connector: int | None) -> None:
        """Do nothing while somebody charges."""
        if wanted == "Inoperative" or evse is None or self.is_idle(evse):
            super().keep_availability(wanted, evse, connector)


# -- what becomes of the connectors


class EvseTakesOneConnector(ReferenceStation):
    """Takes the first connector of an EVSE out of use, and not the others."""

    breaks = "G03.FR.06"

    def keep_availability(self, wanted: str, evse: int | None, connector: int | None) -> None:
        """Mean the first connector by the EVSE."""
        only = self.evses[evse].connectors[0] if evse is not None and connector is None else connector
        super().keep_availability(wanted, evse, only)


class EvseStaysOutOfUse(ReferenceStation):
    """Accepts to take an EVSE into use again, and leaves it as it is."""

    breaks = "G03.FR.07"

    def keep_availability(self, wanted: str, evse: int | None, connector: int | None) -> None:
        """Keep nothing of an EVSE in use."""
        if wanted == "Inoperative" or evse is None or connector is not None:
            super().keep_availability(wanted, evse, connector)


class EvseBringsItsConnectors(ReferenceStation):
    """Takes with an EVSE its connectors into use, also those that were out of use by themselves."""

    breaks = "G03.FR.07"

    def keep_availability(self, wanted: str, evse: int | None, connector: int | None) -> None:
        """Forget what was said of the connectors."""
        super().keep_availability(wanted, evse, connector)
        if wanted == "Operative" and evse is not None and connector is None:
            for number in self.evses[evse].connectors:
                super().keep_availability(wanted, evse, number)


class StationTakesOneEvse(ReferenceStation):
    """Takes the first EVSE for the whole station."""

    breaks = "G04.FR.01"
    also: tuple[str, ...] = ("G04.FR.07", "G04.FR.08")

    def keep_availability(self, wanted: str, evse: int | None, connector: int | None) -> None:
        """Mean the first EVSE by the station."""
        super().keep_availability(wanted, 1 if evse is None else evse, connector)


class StationStaysOutOfUse(ReferenceStation):
    """Accepts to take the station into use again, and leaves it as it is."""

    breaks = "G04.FR.01"
    also: tuple[str, ...] = ("G04.FR.08",)

    def keep_availability(self, wanted: str, evse: int | None, connector: int | None) -> None:
        """Keep nothing of a station in use."""
        if wanted == "Inoperative" or evse is not None:
            super().keep_availability(wanted, evse, connector)


class StationTakesOneConnectorEach(ReferenceStation):
    """Takes of each EVSE the first connector out of use with the station, and not the others."""

    breaks = "G04.FR.07"
    also = ("G04.FR.01",)

    def keep_availability(self, wanted: str, evse: int | None, connector: int | None) -> None:
        """Mean the first connectors by the station."""
        if evse is not None:
            super().keep_availability(wanted, evse, connector)
            return
        for place in self.evses.values():
            super().keep_availability(wanted, place.number, place.connectors[0])


class StationNeverBack(StationStaysOutOfUse):
    """Accepts to take the station into use again, and keeps its connectors out of use."""

    breaks = "G04.FR.08"
    also = ("G04.FR.01",)


class StationBringsAll(ReferenceStation):
    """Takes with the station everything into use, also what was out of use by itself."""

    breaks = "G04.FR.08"

    def keep_availability(self, wanted: str, evse: int | None, connector: int | None) -> None:
        """Forget what was said of EVSEs and connectors."""
        if wanted == "Operative" and evse is None:
            self.storage.pop("availability", None)
        super().keep_availability(wanted, evse, connector)


class StartsOutOfUse(ReferenceStation):
    """Calls its connectors Unavailable, and lets everybody charge there."""

    breaks = "AVAIL.USE.01"

    def is_operative(self, evse: int | None = None, connector: int | None = None) -> bool:
        """Have every EVSE in use."""
        return connector is None or super().is_operative(evse, connector)


# -- what is told of it


class _NeverOut(ReferenceStation):
    """Does not tell that a connector has become Unavailable."""

    def report_status_changes(self) -> None:
        """Take it for told."""
        for spot in self.connectors():
            if self.connector_status(*spot) == "Unavailable":
                self.reported[spot] = "Unavailable"
        super().report_status_changes()


class PartOutUntold(_NeverOut):
    """Takes an EVSE or a connector out of use, and does not say so."""

    breaks = "G03.FR.04"


class WholeOutUntold(_NeverOut):
    """Takes the station out of use, and does not say so."""

    breaks = "G04.FR.05"


class _NeverBack(ReferenceStation):
    """Does not tell that a connector is no longer Unavailable."""

    def report_status_changes(self) -> None:
        """Take it for told."""
        for spot in self.connectors():
            if self.reported.get(spot) == "Unavailable":
                self.reported[spot] = self.connector_status(*spot)
        super().report_status_changes()


class PartBackUntold(_NeverBack):
    """Takes an EVSE or a connector into use again, and does not say so."""

    breaks = "G03.FR.04"


class WholeBackUntold(_NeverBack):
    """Takes the station into use again, and does not say so."""

    breaks = "G04.FR.05"


# -- during a transaction


class _NotScheduled(ReferenceStation):
    """Answers a change during a transaction as if there were none."""

    def change_availability_status(self, wanted: str, evse: int | None, connector: int | None) -> str:  # noqa: ARG002
        """Accept it."""
        return "Accepted"


class PartNotScheduled(_NotScheduled):
    """Accepts to take a part out of use in the middle of a transaction."""

    breaks = "G03.FR.05"


class WholeNotScheduled(_NotScheduled):
    """Accepts to take the station out of use in the middle of a transaction."""

    breaks = "G04.FR.06"


class _NotPostponed(ReferenceStation):
    """Answers Scheduled, and does it at once."""

    def change_is_postponed(self, evse: int, connector: int) -> bool:  # noqa: ARG002
        """Wait for nobody."""
        return False


class PartNotPostponed(_NotPostponed):
    """Calls a part Unavailable while a transaction runs."""

    breaks = "G03.FR.05"


class WholeNotPostponed(_NotPostponed):
    """Calls all connectors Unavailable while a transaction runs."""

    breaks = "G04.FR.06"


class _Cutting(ReferenceStation):
    """Answers Scheduled, and ends the transaction for that."""

    def keep_availability(self, wanted: str, evse: int | None, connector: int | None) -> None:
        """End what runs there."""
        super().keep_availability(wanted, evse, connector)
        if wanted == "Inoperative":
            self.end_transactions_for_reset(evse)


class PartCutsTransaction(_Cutting):
    """Ends the transaction when a part is to be taken out of use."""

    breaks = "G03.FR.05"


class WholeCutsTransaction(_Cutting):
    """Ends the transaction when the station is to be taken out of use."""

    breaks = "G04.FR.06"


class _Forgetting(ReferenceStation):
    """Answers Scheduled, and never does it."""

    def keep_availability(self, wanted: str, evse: int | None, connector: int | None) -> None:
        """Keep nothing while somebody charges."""
        if self.is_idle(evse):
            super().keep_availability(wanted, evse, connector)


class PartScheduledForgotten(_Forgetting):
    """Forgets that a part was to be out of use after the transaction."""

    breaks = "G03.FR.05"


class WholeScheduledForgotten(_Forgetting):
    """Forgets that the station was to be out of use after the transaction."""

    breaks = "G04.FR.06"


class ScheduledLostByRestart(ReferenceStation):
    """Forgets over a restart what was to be done after the transaction, and nothing else."""

    breaks = "G03.FR.08"

    def keep_availability(self, wanted: str, evse: int | None, connector: int | None) -> None:
        """Remember that this waits."""
        super().keep_availability(wanted, evse, connector)
        if not self.is_idle(evse):
            self.storage["waiting"] = True

    def start_up(self) -> None:
        """Forget it."""
        if self.storage.pop("waiting", False):
            self.storage.pop("availability", None)
        super().start_up()
