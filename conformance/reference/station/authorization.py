"""Who may charge: Authorize, and the authorization cache (C01, C09 to C13, C15)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from conformance.reference.station.availability import Availability
from conformance.reference.station.clock import parse_moment
from conformance.reference.station.rpc import ConnectionLostError, NotSentError, Payload, RpcError

if TYPE_CHECKING:
    from conformance.reference.station.base import Session

CACHE_SIZE = 100
CACHE = "AuthCacheCtrlr"
NEVER_CACHED = ("Central", "NoAuthorization")


class Authorization(Availability):
    """Decides on id tokens. The cache lives in flash memory, oldest entry first."""

    @property
    def cache(self) -> dict[str, Payload]:
        """The authorization cache: IdTokenInfo and the time of its update, by type and folded token."""
        found: dict[str, Payload] = self.storage.setdefault("auth_cache", {})
        return found

    # -- deciding

    async def authorize(self, token: Payload) -> Payload:
        """Return the IdTokenInfo for a token, by the station's own rules where they apply."""
        known = self.cached(token)
        if known is not None and known["status"] == "Accepted" and self.preauthorizes():
            return known
        if self.link is None:
            return self.authorize_offline(token)
        if self.asks_nobody():
            return known or {"status": "Unknown"}
        try:
            answer = await self.call("Authorize", {"idToken": token})
        except (ConnectionLostError, TimeoutError, NotSentError):
            return self.authorize_offline(token)
        except RpcError:
            return {"status": "Invalid"}
        info: Payload = answer["idTokenInfo"]
        return info

    def asks_nobody(self) -> bool:
        """Tell whether the CSMS is not to be asked about tokens at all."""
        return self.model.flag("AuthCtrlr", "DisableRemoteAuthorization")

    def preauthorizes(self) -> bool:
        """Tell whether a token that is known to be good need not be asked about while online (C12.FR.02)."""
        return self.model.flag("AuthCtrlr", "LocalPreAuthorize")

    def authorize_offline(self, token: Payload) -> Payload:
        """Decide without the CSMS: by the cache for what it holds, else by OfflineTxForUnknownIdEnabled (C13, C15)."""
        known = self.cached(token)
        if known is None:
            return {"status": "Accepted" if self.accepts_unknown_offline() else "Unknown"}
        if known["status"] == "Accepted" and not self.authorizes_locally_offline():
            return {"status": "NotAtThisTime"}
        return known

    def accepts_unknown_offline(self) -> bool:
        """Tell whether a token that nobody knows may charge while offline (C15.FR.08)."""
        return self.model.flag("AuthCtrlr", "OfflineTxForUnknownIdEnabled")

    def authorizes_locally_offline(self) -> bool:
        """Tell whether a token that is known to be good may charge while offline."""
        return self.model.flag("AuthCtrlr", "LocalAuthorizeOffline")

    def stops_without_asking(self, session: Session, token: Payload) -> bool:
        """Tell whether a token ends a session without an Authorize: the same one, or a known friend (C01.FR.03)."""
        if session.token is None:
            return False
        if self.same_token(session.token, token):
            return True
        known = self.cached(token)
        return known is not None and known["status"] == "Accepted" and self.same_group(session, known)

    def same_token(self, one: Payload, other: Payload) -> bool:
        """Tell whether two tokens are equal: value and type, letter case aside (C01.FR.25)."""
        return key_of(one) == key_of(other)

    def same_group(self, session: Session, info: Payload) -> bool:
        """Tell whether a token is of the group of the one that started a session (C09.FR.03)."""
        group = info.get("groupIdToken")
        return group is not None and session.group is not None and self.same_token(group, session.group)

    # -- the cache

    def cache_enabled(self) -> bool:
        """Tell whether the cache is in use (C10.FR.11)."""
        return self.model.flag(CACHE, "Enabled")

    def cached(self, token: Payload) -> Payload | None:
        """Return what the cache says of a token, None where it says nothing or no longer (C10.FR.10/13)."""
        entry = self.cache.get(key_of(token)) if self.cache_enabled() else None
        if entry is None or self.is_stale(entry):
            return None
        info: Payload = entry["info"]
        return info

    def is_stale(self, entry: Payload) -> bool:
        """Tell whether an entry has outlived its cacheExpiryDateTime, or without one the LifeTime (C10.FR.10/13)."""
        expiry = parse_moment(entry["info"].get("cacheExpiryDateTime", ""))
        if expiry is not None:
            return self.clock.now() > expiry
        life, updated = self.model.number(CACHE, "LifeTime"), parse_moment(entry["updated"])
        return bool(life and updated is not None and self.clock.now() > updated + timedelta(seconds=life))

    def result_arrived(self, action: str, payload: Payload, result: Payload) -> None:
        """Learn from every IdTokenInfo that the CSMS sends (C10.FR.04/05)."""
        super().result_arrived(action, payload, result)
        if "idTokenInfo" in result and "idToken" in payload:
            self.learn(payload["idToken"], result["idTokenInfo"])

    def learn(self, token: Payload, info: Payload) -> None:
        """Put what the CSMS says of a token into the cache, whatever its status (C10.FR.01)."""
        if not self.cache_enabled() or token["type"] in NEVER_CACHED:
            return
        entry: Payload = {"info": info, "updated": self.clock.stamp()}
        self.cache.pop(key_of(token), None)
        if self.is_stale(entry):
            return
        self.make_room_in_cache()
        self.cache[key_of(token)] = entry

    def make_room_in_cache(self) -> None:
        """Drop what is not valid from a full cache, then the oldest (C10.FR.07)."""
        if len(self.cache) < CACHE_SIZE:
            return
        for key in [key for key, entry in self.cache.items() if entry["info"]["status"] != "Accepted"]:
            del self.cache[key]
        while len(self.cache) >= CACHE_SIZE:
            del self.cache[next(iter(self.cache))]

    def on_clear_cache(self, request: Payload) -> Payload:  # noqa: ARG002
        """Answer ClearCache: Rejected while the cache is switched off (C11.FR.03/04)."""
        if not self.cache_enabled():
            return {"status": "Rejected"}
        self.cache.clear()
        return {"status": "Accepted"}


def key_of(token: Payload) -> str:
    """Return what makes a token itself: its type and its value, letter case aside."""
    return f"{token['type']}:{token['idToken']}".casefold()
