"""Mutants of authorization: who may charge, who may stop, and what the cache knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.mutants.control import Plain
from conformance.reference.station import ReferenceStation

if TYPE_CHECKING:
    from conformance.reference.station.base import Evse, Session
    from conformance.reference.station.rpc import Payload


# -- asking the CSMS --------------------------------------------------------------------------------------------------


class RefusedCardsCharge(ReferenceStation):
    """Asks about a card and lets its driver charge, whatever the answer."""

    breaks = "C01.FR.01"

    async def authorize(self, token: Payload) -> Payload:
        """Take every answer for Accepted."""
        return {**await super().authorize(token), "status": "Accepted"}


class RefusedCardsOpenLock(Plain):
    """Asks about a card and opens its lock, whatever the answer."""

    breaks = "C01.FR.01"

    async def authorize(self, token: Payload) -> Payload:
        """Take every answer for Accepted."""
        return {**await super().authorize(token), "status": "Accepted"}


class ExpiredCardsCharge(ReferenceStation):
    """Knows no other refusals than Invalid, Unknown and Blocked."""

    breaks = "C01.FR.01"

    async def authorize(self, token: Payload) -> Payload:
        """Take Expired for Accepted."""
        info = await super().authorize(token)
        return {**info, "status": "Accepted"} if info["status"] == "Expired" else info


class UnknownCardsCharge(ReferenceStation):
    """Takes a card that the CSMS does not know for one that it has not refused."""

    breaks = "C01.FR.01"

    async def authorize(self, token: Payload) -> Payload:
        """Take Unknown for Accepted."""
        info = await super().authorize(token)
        return {**info, "status": "Accepted"} if info["status"] == "Unknown" and self.link is not None else info


class CardsNotAskedAbout(ReferenceStation):
    """Refuses every card without asking about it, but for the one that it let in by mistake."""

    breaks = "C01.FR.02"

    async def token_presented(self, place: Evse, token: Payload) -> None:
        """Let the first driver in and out, and nobody else."""
        own = place.session.token is not None and self.same_token(place.session.token, token)
        if (place.session.authorized and not own) or token["idToken"].upper() in REFUSED:
            return
        await super().token_presented(place, token)


class LockedWithoutAsking(Plain):
    """Refuses every card without asking about it."""

    breaks = "C01.FR.02"

    async def token_presented(self, place: Evse, token: Payload) -> None:
        """Do nothing."""


class AskedAboutWithAnotherType(ReferenceStation):
    """Asks about a card as if it were one of another kind."""

    breaks = "C01.FR.02"

    async def call(self, action: str, payload: Payload, *, asked: bool = False) -> Payload:
        """Change the type in the question."""
        if action == "Authorize":
            payload = {"idToken": {**payload["idToken"], "type": "ISO15693"}}
        return await super().call(action, payload, asked=asked)


class AnyCardStops(ReferenceStation):
    """Ends a transaction for any card that is Accepted."""

    breaks = "C01.FR.03"

    def same_group(self, session: Session, info: Payload) -> bool:
        """Take all for one group, unless this one is told."""
        return session.group is None or super().same_group(session, info)


class OwnCardAskedAbout(ReferenceStation):
    """Asks about the card that started a transaction before it lets it end that."""

    breaks = "C01.FR.03"

    async def token_presented(self, place: Evse, token: Payload) -> None:
        """Ask first."""
        if place.session.token is not None and self.same_token(place.session.token, token):
            await self.authorize(token)
        await super().token_presented(place, token)


class OwnCardDoesNotStop(ReferenceStation):
    """Does not let the card end a transaction that started it."""

    breaks = "C01.FR.03"
    also = ("E07.FR.02",)

    def stops_without_asking(self, session: Session, token: Payload) -> bool:  # noqa: ARG002
        """Let nothing end it."""
        return False


# -- groups -----------------------------------------------------------------------------------------------------------


class GroupUnknown(ReferenceStation):
    """Asks about a card of the same group, and does not let it end the transaction."""

    breaks = "C09.FR.03"

    def same_group(self, session: Session, info: Payload) -> bool:  # noqa: ARG002
        """Know no groups."""
        return False


class GroupNotAskedAbout(ReferenceStation):
    """Lets any card end a transaction whose card has a group."""

    breaks = "C09.FR.05"

    def stops_without_asking(self, session: Session, token: Payload) -> bool:
        """Ask about nothing then."""
        return session.group is not None or super().stops_without_asking(session, token)


class RefusedCardOfGroupStops(ReferenceStation):
    """Lets a card of the same group end a transaction though it is refused."""

    breaks = "C09.FR.11"

    async def authorize(self, token: Payload) -> Payload:
        """Take it for Accepted."""
        info = await super().authorize(token)
        return {**info, "status": "Accepted"} if "groupIdToken" in info else info


# -- offline ----------------------------------------------------------------------------------------------------------


class OfflineStartNeverSent(ReferenceStation):
    """Forgets what happened while it was offline."""

    breaks = "C15.FR.02"

    def deliver_event(self, event: Payload) -> None:
        """Keep nothing then."""
        if not event.get("offline"):
            super().deliver_event(event)


class UnknownRefusedOffline(ReferenceStation):
    """Lets no unknown card in while it is offline, whatever was set."""

    breaks = "C15.FR.08"

    def accepts_unknown_offline(self) -> bool:
        """Refuse it."""
        return False


class UnknownAcceptedOffline(ReferenceStation):
    """Lets any unknown card in while it is offline, whatever was set."""

    breaks = "C13.FR.02"

    def accepts_unknown_offline(self) -> bool:
        """Let it in."""
        return True


class OfflineFlagMissing(ReferenceStation):
    """Does not say of events that they happened offline."""

    breaks = "E04.FR.03"
    also = ("E11.FR.02", "E11.FR.07", "TX.OFFLINE.02")

    def deliver_event(self, event: Payload) -> None:
        """Take the flag away."""
        event.pop("offline", None)
        super().deliver_event(event)

    def flag_queued_events_offline(self) -> None:
        """Leave the others as they are."""


class ChargesOnWhenRefused(ReferenceStation):
    """Goes on charging when a card turns out to be refused that does not end the transaction."""

    breaks = "C15.FR.06"

    def deauthorize(self, place: Evse) -> None:
        """Act only where the transaction has to end."""
        if self.model.flag("TxCtrlr", "StopTxOnInvalidId"):
            super().deauthorize(place)


class AlwaysEndsWhenRefused(ReferenceStation):
    """Ends the transaction of a card that turns out to be refused, whatever was set."""

    breaks = "C15.FR.06"

    def deauthorize(self, place: Evse) -> None:
        """End it."""
        self.stop_authorized(place, "Deauthorized", "DeAuthorized")


class RefusedChargesOnUntilUnplugged(ReferenceStation):
    """Tells that a card was refused that does not end the transaction, and goes on charging."""

    breaks = "C15.FR.03"

    def deauthorize(self, place: Evse) -> None:
        """Only tell of it."""
        transaction = place.session.transaction
        if transaction is None or "Authorized" in self.model.members("TxCtrlr", "TxStopPoint"):
            super().deauthorize(place)
        else:
            self.send_event(place, "Updated", "Deauthorized")


class RefusedAlwaysEnds(ReferenceStation):
    """Ends the transaction of a refused card where no stop point says so."""

    breaks = "C15.FR.03"

    def stops_with(self, points: set[str]) -> bool:  # noqa: ARG002
        """Take every point for one."""
        return True


class NeverEndsWhenRefused(ReferenceStation):
    """Only stops the energy of a card that turns out to be refused, whatever was set."""

    breaks = "C15.FR.04"
    also = ("E06.FR.04",)

    def deauthorize(self, place: Evse) -> None:
        """Withhold it."""
        place.session.withheld = True
        self.settle_charging_state(place)


class CacheNotUsedOffline(ReferenceStation):
    """Lets nobody in offline because the cache knows the card."""

    breaks = "AUTH.OFFLINE.01"

    def authorizes_locally_offline(self) -> bool:
        """Leave the setting aside."""
        return False


class CacheAlwaysUsedOffline(ReferenceStation):
    """Lets everybody in offline whom the cache knows, whatever was set."""

    breaks = "AUTH.OFFLINE.02"

    def authorizes_locally_offline(self) -> bool:
        """Leave the setting aside."""
        return True


class RefusedTakenForUnknown(ReferenceStation):
    """Takes a card that the cache has as refused for one that nobody knows."""

    breaks = "AUTH.OFFLINE.03"

    def authorize_offline(self, token: Payload) -> Payload:
        """Forget it first."""
        known = self.cached(token)
        if known is not None and known["status"] != "Accepted":
            return {"status": "Accepted" if self.accepts_unknown_offline() else "Unknown"}
        return super().authorize_offline(token)


# -- the cache --------------------------------------------------------------------------------------------------------


class AlwaysAsks(ReferenceStation):
    """Asks about every card while it is online, whatever was set."""

    breaks = "C12.FR.02"
    also = ("C10.FR.02",)

    def preauthorizes(self) -> bool:
        """Leave the setting aside."""
        return False


class RefusedByCache(ReferenceStation):
    """Refuses a card that its cache has as refused, without asking whether that is still so."""

    breaks = "C10.FR.03"
    also = ("C10.FR.05",)

    async def authorize(self, token: Payload) -> Payload:
        """Believe the cache."""
        known = self.cached(token)
        if known is not None and known["status"] != "Accepted":
            return known
        return await super().authorize(token)


class CacheLearnsFromAuthorizeOnly(ReferenceStation):
    """Leaves its cache as it is when the answer to an event says something else of a card."""

    breaks = "C10.FR.05"

    def result_arrived(self, action: str, payload: Payload, result: Payload) -> None:
        """Put back what was there."""
        before = dict(self.cache)
        super().result_arrived(action, payload, result)
        if action == "TransactionEvent":
            self.cache.clear()
            self.cache.update(before)


class CacheLostAtRestart(ReferenceStation):
    """Begins every life with an empty cache."""

    breaks = "C10.FR.02"

    def start_up(self) -> None:
        """Empty it."""
        self.cache.clear()
        super().start_up()


class CacheExpiryIgnored(ReferenceStation):
    """Keeps in its cache what the CSMS gave a short time."""

    breaks = "C10.FR.13"

    def is_stale(self, entry: Payload) -> bool:
        """Look at the lifetime only."""
        info = {key: value for key, value in entry["info"].items() if key != "cacheExpiryDateTime"}
        return super().is_stale({**entry, "info": info})


class CacheLifetimeIgnored(ReferenceStation):
    """Keeps in its cache for ever what has no date."""

    breaks = "C10.FR.10"

    def is_stale(self, entry: Payload) -> bool:
        """Look at the date only."""
        return "cacheExpiryDateTime" in entry["info"] and super().is_stale(entry)


class OfflineTokensCached(ReferenceStation):
    """Puts every token into its cache that it lets in."""

    breaks = "C15.FR.01"

    def authorize_offline(self, token: Payload) -> Payload:
        """Remember it."""
        info = super().authorize_offline(token)
        if info["status"] == "Accepted":
            self.learn(token, info)
        return info


class CacheLearnsFromEventsOnly(ReferenceStation):
    """Leaves its cache as it is when the answer to Authorize tells of a card."""

    breaks = "C10.FR.04"
    also = ("AUTH.OFFLINE.03", "C10.FR.03")

    def result_arrived(self, action: str, payload: Payload, result: Payload) -> None:
        """Put back what was there."""
        before = dict(self.cache)
        super().result_arrived(action, payload, result)
        if action == "Authorize":
            self.cache.clear()
            self.cache.update(before)


class CacheNotCleared(ReferenceStation):
    """Says that it has cleared its cache, and has not."""

    breaks = "C11.FR.01"

    def on_clear_cache(self, request: Payload) -> Payload:
        """Put back what was there, unless nothing was worth it."""
        before = dict(self.cache)
        answer = super().on_clear_cache(request)
        self.cache.update(before)
        return answer


class ClearedCacheRejected(ReferenceStation):
    """Clears its cache, and says that it has not."""

    breaks = "C11.FR.03"

    def on_clear_cache(self, request: Payload) -> Payload:
        """Say so."""
        super().on_clear_cache(request)
        return {"status": "Rejected"}


class NoCacheCleared(ReferenceStation):
    """Agrees to clear a cache that is switched off."""

    breaks = "C11.FR.04"

    def on_clear_cache(self, request: Payload) -> Payload:
        """Agree."""
        super().on_clear_cache(request)
        return {"status": "Accepted"}


class CacheAlwaysOn(ReferenceStation):
    """Uses its cache, whatever was set."""

    breaks = "C10.FR.11"
    also = ("C11.FR.04",)

    def cache_enabled(self) -> bool:
        """Leave the setting aside."""
        return True


REFUSED = frozenset({"04DEADBEEF0000", "04B10C4EDCA2D0", "04E8914EDCA2D0"})
"""Numbers of cards that the cases have refused."""
