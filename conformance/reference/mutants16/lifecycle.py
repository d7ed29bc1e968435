"""Mutants of the life of a configuration key: taken, shown, kept, put back, and what is wrong refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station.rpc import RpcError
from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector
    from conformance.reference.station16.configuration import Key

INTERVAL, TIMEOUT, RETRIES = "MeterValueSampleInterval", "ConnectionTimeOut", "ResetRetries"


# -- taken, or not


class ChangesNotAnswered(ReferenceStation16):
    """Takes a change for a message that it has no use for."""

    breaks = "16.CHANGE.01"

    def on_change_configuration(self, request: Payload) -> Payload:
        """Make it, and complain."""
        super().on_change_configuration(request)
        raise RpcError("NotImplemented", "ChangeConfiguration")


class KeySwallowed(ReferenceStation16):
    """Accepts another interval between meter values, and goes on with the old one."""

    breaks = "16.CHANGE.02"

    def store_value(self, key: Key, value: str) -> None:
        """Store all but one."""
        if key.name != INTERVAL:
            super().store_value(key, value)


class KeyCutInStone(ReferenceStation16):
    """Marks a number as writable, and takes no other."""

    breaks = "16.SET.01"
    also = ("16.CONFIG.14", "16.CHANGE.02")

    def value_fits(self, key: Key, value: str) -> bool:
        """Like the one that there is."""
        return (key.name != RETRIES or value == key.value) and super().value_fits(key, value)


class KeyNeverBack(ReferenceStation16):
    """Lets the time to plug in grow, and never shrink again."""

    breaks = "16.SET.06"

    def value_fits(self, key: Key, value: str) -> bool:
        """Look at what it was."""
        fits = super().value_fits(key, value)
        return fits and (key.name != TIMEOUT or int(value) >= int(key.value))


class KeyTakesAnotherAlong(ReferenceStation16):
    """Switches its cache off when it is told how to let drivers in."""

    breaks = "16.SET.03"

    def store_value(self, key: Key, value: str) -> None:
        """Do more than it is told."""
        super().store_value(key, value)
        if key.name == "LocalPreAuthorize":
            self.configuration.store(self.configuration["AuthorizationCacheEnabled"], "false")


class KeyListedAsDelivered(ReferenceStation16):
    """Lists what a key was when it left the factory, and shows what it is to who asks for it."""

    breaks = "16.SET.04"

    def on_get_configuration(self, request: Payload) -> Payload:
        """Look into the wrong memory."""
        answer = super().on_get_configuration(request)
        if not request.get("key"):
            for entry in answer["configurationKey"]:
                if entry["key"] == TIMEOUT:
                    entry["value"] = "60"
        return answer


# -- kept, or not


class KeyLostWithTheLink(ReferenceStation16):
    """Goes back to what it was delivered with when its Central System is gone."""

    breaks = "16.SET.05"

    def disconnected(self) -> None:
        """Begin anew."""
        super().disconnected()
        self.configuration.store(self.configuration[TIMEOUT], "60")


class LateKeyLost(ReferenceStation16):
    """Asks for a restart to make a change, and has forgotten it by then."""

    breaks = "16.CHANGE.03"

    def store_value(self, key: Key, value: str) -> None:
        """Keep it where a restart clears it."""
        if key.needs_reboot:
            key.value = value
        else:
            super().store_value(key, value)


class RestartsForAKey(ReferenceStation16):
    """Restarts as soon as a change needs that, without being told to."""

    breaks = "16.CHANGE.04"

    def on_change_configuration(self, request: Payload) -> Payload:
        """Wait for nobody."""
        answer = super().on_change_configuration(request)
        if answer["status"] == "RebootRequired":
            self.after_answer(self._restart_by_itself)
        return answer

    async def _restart_by_itself(self) -> None:
        self._reboots.start(self.reboot())


# -- what is wrong


class _TakesWrongValues(ReferenceStation16):
    """Takes some values that it should not, shows them, and works on with the old ones."""

    taken: str | None = None
    of = ""

    def takes(self, value: str) -> bool:
        """Tell whether to take a value whatever is wrong with it."""
        raise NotImplementedError

    def value_fits(self, key: Key, value: str) -> bool:
        """Do not look."""
        return super().value_fits(key, value) or (key.name == self.of and self.takes(value))

    def store_value(self, key: Key, value: str) -> None:
        """Keep what makes no sense apart."""
        if key.name == self.of:
            self.taken = None if super().value_fits(key, value) else value
        if key.name != self.of or self.taken is None:
            super().store_value(key, value)

    def readable_value(self, key: Key) -> str | None:
        """Show what was taken."""
        return self.taken if key.name == self.of and self.taken is not None else super().readable_value(key)


class KeyTakesAnyWord(_TakesWrongValues):
    """Takes any word for a switch."""

    breaks = "16.CHANGE.06"
    of = "LocalPreAuthorize"

    def takes(self, value: str) -> bool:
        """Call it off, unless it is on."""
        return bool(value)


class KeyTakesLessThanNothing(_TakesWrongValues):
    """Takes an interval that is less than nothing."""

    breaks = "16.CHANGE.07"
    of = INTERVAL

    def takes(self, value: str) -> bool:
        """Look at the format alone."""
        return value == "-1"


class KeyTakesStrangers(_TakesWrongValues):
    """Takes a list of measurands whatever is in it."""

    breaks = "16.CHANGE.09"
    of = "StopTxnSampledData"

    def takes(self, value: str) -> bool:
        """Never compare."""
        return "NoSuch" in value


class KeyTakesLongLists(_TakesWrongValues):
    """Takes a list that is longer than it says that it may be."""

    breaks = "16.CHANGE.10"
    of = "MeterValuesSampledData"

    def takes(self, value: str) -> bool:
        """Never count."""
        return "NoSuch" not in value


class KeyRefusedAndBent(ReferenceStation16):
    """Refuses a value, and takes the nearest that it knows."""

    breaks = "16.SET.02"

    def on_change_configuration(self, request: Payload) -> Payload:
        """Mean well."""
        answer = super().on_change_configuration(request)
        if answer["status"] == "Rejected" and request["key"] == RETRIES:
            self.configuration.store(self.configuration[RETRIES], "0")
        return answer


class FixedKeyTakenAsItIs(ReferenceStation16):
    """Says of what can't be changed that it was, where it need not be."""

    breaks = "16.CHANGE.08"
    also = ("16.CONFIG.14",)

    def on_change_configuration(self, request: Payload) -> Payload:
        """Compare first."""
        key = self.configuration.find(request["key"])
        if key is not None and key.readonly and key.value == request["value"]:
            return {"status": "Accepted"}
        return super().on_change_configuration(request)


# -- while a transaction runs


class KeyEndsTransaction(ReferenceStation16):
    """Ends what runs when it is told to meter otherwise."""

    breaks = "16.SET.07"

    def store_value(self, key: Key, value: str) -> None:
        """Start all over."""
        super().store_value(key, value)
        if key.name == INTERVAL:
            for connector in self.connectors.values():
                self.stop_transaction(connector, "Other")


class KeyForOneTransaction(ReferenceStation16):
    """Takes what it is told while a transaction runs as meant for that alone."""

    breaks = "16.SET.08"

    def stop_transaction(self, connector: Connector, reason: str, id_tag: str | None = None) -> None:
        """Go back to what it was delivered with."""
        super().stop_transaction(connector, reason, id_tag)
        self.configuration.store(self.configuration[INTERVAL], "60")
