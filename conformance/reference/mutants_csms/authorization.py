"""Mutants that are asked about tokens, and that meet them in transactions."""

from __future__ import annotations

from typing import Any

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.records import StationRecord, Transaction
from conformance.reference.csms.rpc import Payload, RpcError

# -- asked ------------------------------------------------------------------------------------------------------------


class LetsNobodyIn(ReferenceCsms):
    """Answers every Authorize that the token is not valid."""

    breaks = "C01.FR.07"

    def on201_authorize(self, station: StationRecord, request: Payload) -> Payload:  # noqa: ARG002
        """Trust nobody."""
        return {"idTokenInfo": {"status": "Invalid"}}

    def on16_authorize(self, station: StationRecord, request: Payload) -> Payload:  # noqa: ARG002
        """Trust nobody."""
        return {"idTagInfo": {"status": "Invalid"}}


class LetsEverybodyIn(ReferenceCsms):
    """Answers every Authorize that the token is accepted."""

    breaks = "C01.FR.07"

    def on201_authorize(self, station: StationRecord, request: Payload) -> Payload:
        """Trust everybody."""
        answer = super().on201_authorize(station, request)
        return {"idTokenInfo": answer["idTokenInfo"] | {"status": "Accepted"}}

    def on16_authorize(self, station: StationRecord, request: Payload) -> Payload:
        """Trust everybody."""
        answer = super().on16_authorize(station, request)
        return {"idTagInfo": answer["idTagInfo"] | {"status": "Accepted"}}


class RefusesUnknownTokens(ReferenceCsms):
    """Has no answer for a token that it does not know."""

    breaks = "C01.FR.07"

    def status_of_unknown(self) -> str:
        """Stumble."""
        raise RpcError("InternalError", "no such token")


# -- met in transactions ----------------------------------------------------------------------------------------------


class TellsNoStatus(ReferenceCsms):
    """Leaves out the status of a token with which a transaction starts, or that comes into it."""

    breaks = "E01.FR.12"
    versions = ("2.0.1",)

    def on201_transaction_event(self, station: StationRecord, request: Payload) -> Payload:
        """Think that it was asked before."""
        super().on201_transaction_event(station, request)
        return {}


class DoubtsWhomItHasLetIn(ReferenceCsms):
    """Calls a token invalid when a transaction starts with it."""

    breaks = "E01.FR.12"

    def id_token_info(self, id_token: Payload, starting: Transaction | None = None) -> Payload:
        """Find a reason."""
        info = super().id_token_info(id_token, starting)
        return info | {"status": "Invalid"} if starting is not None else info

    def id_tag_info(self, id_tag: str, starting: Transaction | None = None) -> Payload:
        """Find a reason."""
        info = super().id_tag_info(id_tag, starting)
        return info | {"status": "Invalid"} if starting is not None else info


class DoubtsWhoComesLater(ReferenceCsms):
    """Calls a token invalid that comes into a transaction after its start."""

    breaks = "E01.FR.12"
    versions = ("2.0.1",)

    def on201_transaction_event(self, station: StationRecord, request: Payload) -> Payload:
        """Find a reason."""
        answer = super().on201_transaction_event(station, request)
        late = request["eventType"] != "Started" and "idToken" in request
        return answer | {"idTokenInfo": {"status": "Invalid"}} if late else answer


class TrustsTheStation(ReferenceCsms):
    """Accepts whatever token a transaction starts with, since the station has let the driver in."""

    breaks = "E01.FR.12"

    def id_token_info(self, id_token: Payload, starting: Transaction | None = None) -> Payload:
        """Look nothing up."""
        info = super().id_token_info(id_token, starting)
        return info | {"status": "Accepted"} if starting is not None else info

    def id_tag_info(self, id_tag: str, starting: Transaction | None = None) -> Payload:
        """Look nothing up."""
        info = super().id_tag_info(id_tag, starting)
        return info | {"status": "Accepted"} if starting is not None else info


# -- of every kind ----------------------------------------------------------------------------------------------------


class KnowsNoBlocking(ReferenceCsms):
    """Accepts tokens that are blocked, when it is asked about them."""

    breaks = "C01.FR.07"
    accepted = "Blocked"

    def token_status(self, id_token: str, kind: str | None, starting: Transaction | None) -> str:
        """Look only whether it knows them."""
        status = super().token_status(id_token, kind, starting)
        return "Accepted" if starting is None and status == self.accepted else status


class KnowsNoExpiry(KnowsNoBlocking):
    """Accepts tokens that have expired, when it is asked about them."""

    breaks = "C01.FR.07"
    accepted = "Expired"


class ChargesWhomItHasBlocked(ReferenceCsms):
    """Accepts tokens that are blocked, when a transaction starts with them."""

    breaks = "E01.FR.12"
    accepted = "Blocked"

    def token_status(self, id_token: str, kind: str | None, starting: Transaction | None) -> str:
        """Think that the station has looked."""
        status = super().token_status(id_token, kind, starting)
        return "Accepted" if starting is not None and status == self.accepted else status


class ChargesWhoHasExpired(ChargesWhomItHasBlocked):
    """Accepts tokens that have expired, when a transaction starts with them."""

    breaks = "E01.FR.12"
    accepted = "Expired"


class MixesDriversUp(ReferenceCsms):
    """Tells the status of the last token but one that it has met, where two transactions start in a row."""

    breaks = "E01.FR.12"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.last = ""

    def token_status(self, id_token: str, kind: str | None, starting: Transaction | None) -> str:
        """Look at the wrong one while another transaction goes on."""
        if starting is None:
            return super().token_status(id_token, kind, starting)
        before, self.last = self.last, id_token
        running = [
            one
            for station in self.stations.values()
            for one in station.transactions.values()
            if one is not starting and one.started and not one.ended
        ]
        return super().token_status(before if running and before else id_token, kind, starting)


# -- groups -----------------------------------------------------------------------------------------------------------


class NamesNoGroup(ReferenceCsms):
    """Keeps the groups of tokens to itself, when it is asked."""

    breaks = "C09.FR.09"

    def on201_authorize(self, station: StationRecord, request: Payload) -> Payload:
        """Leave it out."""
        answer = super().on201_authorize(station, request)
        answer["idTokenInfo"].pop("groupIdToken", None)
        return answer

    def on16_authorize(self, station: StationRecord, request: Payload) -> Payload:
        """Leave it out."""
        answer = super().on16_authorize(station, request)
        answer["idTagInfo"].pop("parentIdTag", None)
        return answer


class NamesNoGroupInTransactions(ReferenceCsms):
    """Names the group of a token only when it is asked."""

    breaks = "E01.FR.12"
    versions = ("2.0.1",)

    def on201_transaction_event(self, station: StationRecord, request: Payload) -> Payload:
        """Leave it out."""
        answer = super().on201_transaction_event(station, request)
        answer.get("idTokenInfo", {}).pop("groupIdToken", None)
        return answer
