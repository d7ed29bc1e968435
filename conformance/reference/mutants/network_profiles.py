"""Mutants of network profiles: the slots, the order, and the move to another CSMS."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation
from conformance.reference.station.device_model import Component

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from conformance.reference.station.device_model import DeviceModel, Variable
    from conformance.reference.station.rpc import Payload

PRIORITY = "NetworkConfigurationPriority"
CONTROLLER = Component("OCPPCommCtrlr")
SOON = 0.15


# -- slots and profiles


class AnySlotFilled(ReferenceStation):
    """Takes a network profile for a slot that it does not have."""

    breaks = "B09.FR.05"

    def objection_to_profile(self, request: Payload) -> str | None:
        """Overlook the slot."""
        found = super().objection_to_profile(request)
        return None if found == "InvalidConfSlot" else found


class UnknownSlotFails(ReferenceStation):
    """Says that it failed to store a network profile for a slot that it does not have."""

    breaks = "B09.FR.05"

    def on_set_network_profile(self, request: Payload) -> Payload:
        """Answer Failed."""
        answer = super().on_set_network_profile(request)
        return {"status": "Failed"} if self.objection_to_profile(request) == "InvalidConfSlot" else answer


class AnyAddressTaken(ReferenceStation):
    """Stores a network profile whatever its address is."""

    breaks = "B09.FR.02"

    def can_be_used(self, profile: Payload) -> bool:  # noqa: ARG002
        """Look at nothing."""
        return True


class InvalidProfileFails(ReferenceStation):
    """Says that it failed to store a network profile that it can't use."""

    breaks = "B09.FR.02"

    def on_set_network_profile(self, request: Payload) -> Payload:
        """Answer Failed."""
        answer = super().on_set_network_profile(request)
        return {"status": "Failed"} if self.objection_to_profile(request) == "InvalidNetworkConf" else answer


class SecurityLowered(ReferenceStation):
    """Takes a network profile with less security than it has."""

    breaks = "B09.FR.04"
    also = ("B09.FR.31",)

    def objection_to_profile(self, request: Payload) -> str | None:
        """Overlook that."""
        found = super().objection_to_profile(request)
        return None if found == "NoSecurityDowngrade" else found


class NewProfileRefused(ReferenceStation):
    """Takes network profiles for its first slot only."""

    breaks = "B09.FR.01"

    def objection_to_profile(self, request: Payload) -> str | None:
        """Find fault with the others."""
        return super().objection_to_profile(request) or (
            "InvalidConfSlot" if request["configurationSlot"] > 1 else None
        )


class NewProfileFails(ReferenceStation):
    """Fails to store any network profile."""

    breaks = "B09.FR.01"

    def store_network_profile(self, slot: str, profile: Payload) -> None:
        """Have no room."""
        raise OSError(slot, profile["ocppCsmsUrl"])


class OneSlot(ReferenceStation):
    """Has one slot for network profiles."""

    breaks = "B09.FR.06"

    def build_model(self) -> DeviceModel:
        """Say so."""
        model = super().build_model()
        model.find(CONTROLLER, PRIORITY).values = ("1",)
        return model


class ProfileDropsLink(ReferenceStation):
    """Connects anew after every SetNetworkProfile."""

    breaks = "NETWORK.LATER.01"

    def on_set_network_profile(self, request: Payload) -> Payload:
        """Give up the connection in a moment."""
        self.tasks.start(self._drop())
        return super().on_set_network_profile(request)

    async def _drop(self) -> None:
        await asyncio.sleep(SOON)
        await self.abort_link()


class ProfileEntersList(ReferenceStation):
    """Puts the slot of a new network profile at the end of the priority list."""

    breaks = "NETWORK.LATER.01"

    def store_network_profile(self, slot: str, profile: Payload) -> None:
        """Add the slot."""
        super().store_network_profile(slot, profile)
        listed = self.model.members("OCPPCommCtrlr", PRIORITY)
        if slot not in listed:
            self.model.store(self.model.find(CONTROLLER, PRIORITY), ",".join((*listed, slot)))


class SpareSlotTried(ReferenceStation):
    """Begins with the slot that was filled last, in the priority list or not."""

    breaks = "NETWORK.SPARE.01"

    def slots_at_boot(self) -> tuple[str, ...]:
        """Look at what is stored."""
        return (*reversed(self.storage.get("network_profiles", {})), *super().slots_at_boot())


class RefusedProfileUsed(ReferenceStation):
    """Refuses a new network profile for the slot in use, and uses it all the same."""

    breaks = "NETWORK.USED.01"

    def on_set_network_profile(self, request: Payload) -> Payload:
        """Answer Rejected."""
        answer = super().on_set_network_profile(request)
        active = self.model.text("OCPPCommCtrlr", "ActiveNetworkProfile")
        return {"status": "Rejected"} if active == str(request["configurationSlot"]) else answer


class ProfileInUseKept(ReferenceStation):
    """Accepts a new network profile for the slot in use, and forgets it."""

    breaks = "NETWORK.USED.01"

    def store_network_profile(self, slot: str, profile: Payload) -> None:
        """Store others."""
        if slot != self.model.text("OCPPCommCtrlr", "ActiveNetworkProfile"):
            super().store_network_profile(slot, profile)


# -- the order


class AnyPriorityTaken(ReferenceStation):
    """Takes any text for the priority list."""

    breaks = "B10.FR.02"

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Look at nothing."""
        found = self.look_up(item)
        if isinstance(found, str) or found.name != PRIORITY:
            return super().write_attribute(item, attribute_type)
        self.keep_variable(found, item["attributeValue"])
        return "RebootRequired", None


class UnknownSlotsLeftOut(ReferenceStation):
    """Takes a priority list, and leaves out of it what is no slot."""

    breaks = "B10.FR.02"

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Keep the rest."""
        found = self.look_up(item)
        if not isinstance(found, str) and found.name == PRIORITY:
            known = [each for each in item["attributeValue"].split(",") if each in found.values]
            item = {**item, "attributeValue": ",".join(known)}
        return super().write_attribute(item, attribute_type)


class RefusedPriorityKept(ReferenceStation):
    """Refuses a priority list, and keeps it."""

    breaks = "NETWORK.KEPT.01"

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Store it."""
        status, why = super().write_attribute(item, attribute_type)
        found = self.look_up(item)
        if not isinstance(found, str) and found.name == PRIORITY and status == "Rejected":
            self.model.store(found, item["attributeValue"])
        return status, why


class LongPriorityRefused(ReferenceStation):
    """Refuses a priority list of more than one slot."""

    breaks = "B10.FR.01"

    def objection_to(self, variable: Variable, value: str) -> str | None:
        """Look for a comma."""
        return "too long" if variable.name == PRIORITY and "," in value else super().objection_to(variable, value)


class BeginsWithTheLast(ReferenceStation):
    """Goes through its priority list from the end."""

    breaks = "B10.FR.04"

    def slots_at_boot(self) -> tuple[str, ...]:
        """Turn it round."""
        return super().slots_at_boot()[::-1]


class BeginsWhereItWas(ReferenceStation):
    """Begins with the slot that worked last, whatever is first now."""

    breaks = "B10.FR.04"

    def slots_at_boot(self) -> tuple[str, ...]:
        """Put that first."""
        slots, last = super().slots_at_boot(), self.storage.get("last_good_slot", "1")
        return (last, *(each for each in slots if each != last))


# -- the move


class HoldsOldLink(ReferenceStation):
    """Keeps its connection over a restart, until there is a new one."""

    breaks = "B10.FR.06"
    _old: ClientConnection | None = None

    async def restart(self) -> None:
        """Set the connection aside."""
        self._old, self.link = self.link, None
        await super().restart()

    def link_found(self, slot: str) -> None:
        """Have no more use for it in a moment."""
        super().link_found(slot)
        old, self._old = self._old, None
        if old is not None:
            self.tasks.start(self._let_go(old))

    async def _let_go(self, old: ClientConnection) -> None:
        await asyncio.sleep(SOON)
        old.transport.abort()


class ActiveProfileFixed(ReferenceStation):
    """Says that it is connected with the slot that the factory filled."""

    breaks = "NETWORK.ACTIVE.01"

    def link_found(self, slot: str) -> None:
        """Say it again."""
        super().link_found(slot)
        self.model.find(CONTROLLER, "ActiveNetworkProfile").value = "1"


class OneAttemptMore(ReferenceStation):
    """Tries every network profile once more than it should."""

    breaks = "B10.FR.03"

    def attempts_allowed(self) -> int:
        """Count wrong."""
        return super().attempts_allowed() + 1


class OneAttempt(ReferenceStation):
    """Tries every network profile once."""

    breaks = "B10.FR.03"

    def attempts_allowed(self) -> int:
        """Have no patience."""
        return 1


class SilentAtTheNext(ReferenceStation):
    """Does not register where it goes when it has lost its CSMS."""

    breaks = "B10.FR.10"

    def profile_switched(self) -> None:
        """Say nothing."""


class BeginsAgainWhenAllFail(ReferenceStation):
    """Begins its list again when every network profile has failed."""

    breaks = "B10.FR.07"

    def last_good_slot(self, slots: tuple[str, ...]) -> str:
        """Take the first."""
        self._position = 0
        return slots[0]


class GivesUpWhenAllFail(ReferenceStation):
    """Stops trying when every network profile has failed."""

    breaks = "B10.FR.09"

    def dial_failed(self, slot: str) -> None:
        """Have no network any more, until it is switched off and on."""
        super().dial_failed(slot)
        if slot == self.slots_at_boot()[-1] and self._failures >= self.attempts_allowed():
            self.network_up.clear()

    def start_up(self) -> None:
        """Have one."""
        self.network_up.set()
        super().start_up()
