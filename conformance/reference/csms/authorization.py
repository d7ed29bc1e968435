"""Tokens: who may charge."""

from __future__ import annotations

from conformance.reference.csms.config import TokenSetup
from conformance.reference.csms.provisioning import Provisioning
from conformance.reference.csms.records import StationRecord, Transaction
from conformance.reference.csms.rpc import Payload

_STATUSES_16 = {"Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"}


class Authorization(Provisioning):
    """Answers Authorize, and tells the status of the tokens in transactions."""

    def on201_authorize(self, _station: StationRecord, request: Payload) -> Payload:
        """Tell whether an idToken may charge (C01.FR.07)."""
        return {"idTokenInfo": self.id_token_info(request["idToken"])}

    def on16_authorize(self, _station: StationRecord, request: Payload) -> Payload:
        """Tell whether an idTag may charge."""
        return {"idTagInfo": self.id_tag_info(request["idTag"])}

    def id_token_info(self, id_token: Payload, starting: Transaction | None = None) -> Payload:
        """Return the idTokenInfo of a 2.0.1 IdTokenType; `starting` is the transaction it starts."""
        info: Payload = {"status": self.token_status(id_token["idToken"], id_token["type"], starting)}
        token = self.tokens.get(id_token["idToken"].casefold())
        if token is not None and token.group is not None:
            info["groupIdToken"] = {"idToken": token.group, "type": token.type or id_token["type"]}
        return info

    def id_tag_info(self, id_tag: str, starting: Transaction | None = None) -> Payload:
        """Return the idTagInfo of a 1.6 idTag; a status that 1.6 doesn't have becomes Invalid."""
        status = self.token_status(id_tag, None, starting)
        info: Payload = {"status": status if status in _STATUSES_16 else "Invalid"}
        token = self.tokens.get(id_tag.casefold())
        if token is not None and token.group is not None:
            info["parentIdTag"] = token.group
        return info

    def token_status(self, id_token: str, kind: str | None, starting: Transaction | None) -> str:
        """Return the authorization status of a token of a type; ConcurrentTx only concerns starts."""
        if kind == "NoAuthorization":
            return "Accepted"
        token = self.tokens.get(id_token.casefold())
        if token is None or (kind is not None and token.type not in (None, kind)):
            return self.status_of_unknown()
        if token.status == "ConcurrentTx":
            return "Accepted" if starting is None else "ConcurrentTx"
        if token.status == "Accepted" and starting is not None and self.is_charging(id_token, token, starting):
            return "ConcurrentTx"
        return token.status

    def status_of_unknown(self) -> str:
        """Return the status of a token nobody here knows."""
        return "Unknown"

    def is_charging(self, id_token: str, token: TokenSetup, starting: Transaction) -> bool:
        """Tell whether a token that may have one transaction only has another one going on."""
        return token.single and any(
            other.started and not other.ended and (other.id_token or "").casefold() == id_token.casefold()
            for station in self.stations.values()
            for other in station.transactions.values()
            if other is not starting
        )
