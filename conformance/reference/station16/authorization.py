"""Who may charge: Authorize, the local list and the cache (3.5, 4.1, 5.4, 5.10, 5.15)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.reference.station.clock import parse_moment
from conformance.reference.station.rpc import ConnectionLostError, NotSentError, Payload, RpcError
from conformance.reference.station16.availability import STATION, Availability16

if TYPE_CHECKING:
    from conformance.reference.station16.base import Session

CACHE_SIZE = 100


class Authorization(Availability16):
    """Decides on id tags. Local list and cache live in flash memory, keyed by the tag in one case."""

    @property
    def local_list(self) -> dict[str, Payload]:
        """The local authorization list: IdTagInfo by folded id tag."""
        found: dict[str, Payload] = self.storage.setdefault("local_list", {})
        return found

    @property
    def cache(self) -> dict[str, Payload]:
        """The authorization cache: IdTagInfo by folded id tag, oldest first."""
        found: dict[str, Payload] = self.storage.setdefault("cache", {})
        return found

    # -- deciding

    async def authorize(self, id_tag: str) -> Payload:
        """Return the IdTagInfo for a tag, by the station's own rules where they apply (3.5)."""
        known = self.known_locally(id_tag)
        if known is not None and known["status"] == "Accepted" and self.configuration.flag("LocalPreAuthorize"):
            return known
        if self.link is None:
            return self.authorize_offline(id_tag)
        try:
            answer = await self.call("Authorize", {"idTag": id_tag})
        except (ConnectionLostError, TimeoutError, NotSentError):
            return self.authorize_offline(id_tag)
        except RpcError:
            return {"status": "Invalid"}
        info: Payload = answer["idTagInfo"]
        return info

    def authorize_offline(self, id_tag: str) -> Payload:
        """Decide without the Central System: list first, then cache, then AllowOfflineTxForUnknownId (3.5.4)."""
        known = self.known_locally(id_tag)
        if known is not None and (known["status"] != "Accepted" or self.configuration.flag("LocalAuthorizeOffline")):
            return known
        return {"status": "Accepted" if self.configuration.flag("AllowOfflineTxForUnknownId") else "Invalid"}

    def known_locally(self, id_tag: str) -> Payload | None:
        """Return what list or cache say of a tag, the list first (3.5.3); past its date, that it expired."""
        info = self.listed(id_tag) or self.cached(id_tag)
        if info is None:
            return None
        expiry = parse_moment(info["expiryDate"]) if "expiryDate" in info else None
        return {**info, "status": "Expired"} if expiry is not None and expiry <= self.clock.now() else info

    def listed(self, id_tag: str) -> Payload | None:
        """Return what the local list says of a tag, if it is enabled."""
        return self.local_list.get(id_tag.casefold()) if self.configuration.flag("LocalAuthListEnabled") else None

    def cached(self, id_tag: str) -> Payload | None:
        """Return what the cache says of a tag, if it is enabled."""
        return self.cache.get(id_tag.casefold()) if self.configuration.flag("AuthorizationCacheEnabled") else None

    @staticmethod
    def same_user(session: Session, id_tag: str, parent: str | None = None) -> bool:
        """Tell whether a tag, or its parent, is that of a session; both ignore case."""
        if session.id_tag is None:
            return False
        if session.id_tag.casefold() == id_tag.casefold():
            return True
        return parent is not None and session.parent is not None and parent.casefold() == session.parent.casefold()

    # -- learning

    def result_arrived(self, action: str, payload: Payload, result: Payload) -> None:
        """Learn from every IdTagInfo that the Central System sends."""
        super().result_arrived(action, payload, result)
        if "idTagInfo" in result and "idTag" in payload:
            self.learn(payload["idTag"], result["idTagInfo"])

    def learn(self, id_tag: str, info: Payload) -> None:
        """Put what the Central System says of a tag into the cache, unless the list has it (3.5.1-3.5.3)."""
        listed = self.listed(id_tag)
        if listed is not None:
            if (listed["status"] == "Accepted") != (info["status"] == "Accepted"):
                self.report_list_conflict()
            return
        if self.configuration.flag("AuthorizationCacheEnabled"):
            self.cache.pop(id_tag.casefold(), None)
            self.make_room_in_cache()
            self.cache[id_tag.casefold()] = info

    def make_room_in_cache(self) -> None:
        """Drop what is not valid from a full cache, then the oldest (3.5.1)."""
        if len(self.cache) < CACHE_SIZE:
            return
        for tag in [tag for tag, info in self.cache.items() if info["status"] != "Accepted"]:
            del self.cache[tag]
        while len(self.cache) >= CACHE_SIZE:
            del self.cache[next(iter(self.cache))]

    def report_list_conflict(self) -> None:
        """Say that the local list and the Central System contradict each other (3.5.2)."""
        payload = {**self.status_payload(STATION), "errorCode": "LocalListConflict"}
        self.send("StatusNotification", payload)

    # -- cache and list from afar

    def on_clear_cache(self, request: Payload) -> Payload:  # noqa: ARG002
        """Answer ClearCache; without a cache it is Rejected (errata 3.23)."""
        if not self.configuration.flag("AuthorizationCacheEnabled"):
            return {"status": "Rejected"}
        self.cache.clear()
        return {"status": "Accepted"}

    def on_get_local_list_version(self, request: Payload) -> Payload:  # noqa: ARG002
        """Answer GetLocalListVersion: -1 without a list, 0 for an empty one (5.10)."""
        if not self.configuration.flag("LocalAuthListEnabled"):
            return {"listVersion": -1}
        return {"listVersion": self.list_version() if self.local_list else 0}

    def list_version(self) -> int:
        """Return the version of the list, 0 before the first one."""
        version: int = self.storage.get("list_version", 0)
        return version

    def on_send_local_list(self, request: Payload) -> Payload:
        """Answer SendLocalList (5.15); the list changes as a whole or not at all."""
        status = self.list_update_status(request)
        if status == "Accepted":
            self.update_list(request)
        return {"status": status}

    def list_update_status(self, request: Payload) -> str:
        """Return the UpdateStatus that an update deserves."""
        entries: list[Payload] = request.get("localAuthorizationList", [])
        full = request["updateType"] == "Full"
        tags = {entry["idTag"].casefold() for entry in entries}
        kept = set() if full else set(self.local_list)
        if not self.configuration.flag("LocalAuthListEnabled"):
            return "NotSupported"
        if not full and request["listVersion"] <= self.list_version():
            return "VersionMismatch"
        unfit = request["listVersion"] < 1 or len(tags) < len(entries)
        if full:
            unfit |= any("idTagInfo" not in entry for entry in entries)
        too_long = len(entries) > self.configuration.number("SendLocalListMaxLength")
        too_long |= len(kept | tags) > self.configuration.number("LocalAuthListMaxLength")
        return "Failed" if unfit or too_long else "Accepted"

    def update_list(self, request: Payload) -> None:
        """Replace the list, or change the entries named: one without IdTagInfo goes."""
        if request["updateType"] == "Full":
            self.local_list.clear()
        for entry in request.get("localAuthorizationList", []):
            tag: str = entry["idTag"].casefold()
            info: dict[str, Any] | None = entry.get("idTagInfo")
            if info is None:
                self.local_list.pop(tag, None)
            else:
                self.local_list[tag] = info
                self.cache.pop(tag, None)
        self.storage["list_version"] = request["listVersion"]
