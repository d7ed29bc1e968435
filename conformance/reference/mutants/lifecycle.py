"""Mutants of the life of a variable: taken, shown, kept, put back, and what is wrong refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation
from conformance.reference.station.device_model import READ_ONLY, Component, Variable

if TYPE_CHECKING:
    from conformance.reference.station.base import Evse
    from conformance.reference.station.rpc import Payload

INTERVAL, TIMEOUT, THRESHOLD = "TxUpdatedInterval", "EVConnectionTimeOut", "OfflineThreshold"


# -- taken, or not


class SettingSwallowed(ReferenceStation):
    """Accepts another interval between meter values, and goes on with the old one."""

    breaks = "B05.FR.10"

    def keep_variable(self, variable: Variable, value: str) -> None:
        """Keep all but one."""
        if variable.name != INTERVAL:
            super().keep_variable(variable, value)


class SettingMadeAndRefused(ReferenceStation):
    """Says of a change that it made that it did not."""

    breaks = "B05.FR.10"

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Make it, and mix up the answer."""
        status, reason = super().write_attribute(item, attribute_type)
        named = item["variable"]["name"] == TIMEOUT
        return ("Rejected", None) if named and status == "Accepted" else (status, reason)


class SettingCutInStone(ReferenceStation):
    """Says of a number that it can be written, and finds fault with any other."""

    breaks = "SET.TAKES.01"

    def objection_to(self, variable: Variable, value: str) -> str | None:
        """Like the one that there is."""
        if variable.name == "ResetRetries" and value != variable.value:
            return "better not"
        return super().objection_to(variable, value)


class SettingEdgeRefused(ReferenceStation):
    """Counts the least of a range as out of it."""

    breaks = "SET.TAKES.02"

    def objection_to(self, variable: Variable, value: str) -> str | None:
        """Compare with the wrong sign."""
        if variable.name == THRESHOLD and float(value) == variable.minimum:
            return "too small"
        return super().objection_to(variable, value)


class SettingListEdgeRefused(ReferenceStation):
    """Takes no list that names all that it can measure."""

    breaks = "SET.TAKES.02"

    def objection_to(self, variable: Variable, value: str) -> str | None:
        """Count them."""
        if variable.name == "TxEndedMeasurands" and len(value.split(",")) == len(variable.values):
            return "too many"
        return super().objection_to(variable, value)


class SettingNeverBack(ReferenceStation):
    """Lets the time to plug in grow, and never shrink again."""

    breaks = "SET.BACK.01"

    def objection_to(self, variable: Variable, value: str) -> str | None:
        """Look at what it was."""
        if variable.name == TIMEOUT and float(value) < float(variable.value or 0):
            return "shorter than before"
        return super().objection_to(variable, value)


class SettingTakesAnotherAlong(ReferenceStation):
    """Switches its cache on when it is told how to let drivers in."""

    breaks = "SET.OTHERS.01"

    def keep_variable(self, variable: Variable, value: str) -> None:
        """Do more than it is told."""
        super().keep_variable(variable, value)
        if variable.name == "LocalPreAuthorize":
            self.model.store(self.model.find(Component("AuthCacheCtrlr"), "Enabled"), value)


class SettingReportedAsDelivered(ReferenceStation):
    """Reports what a variable was when it left the factory."""

    breaks = "SET.REPORT.01"

    def report_attribute(self, variable: Variable, attribute_type: str) -> Payload:
        """Look into the wrong memory."""
        attribute = super().report_attribute(variable, attribute_type)
        return attribute | {"value": "60"} if variable.name == TIMEOUT else attribute


# -- kept, or not


class SettingLostOnRestart(ReferenceStation):
    """Keeps a variable in a memory that a restart clears."""

    breaks = "SET.KEPT.01"

    def keep_variable(self, variable: Variable, value: str) -> None:
        """Save on flash."""
        if variable.name == TIMEOUT:
            variable.value = value
        else:
            super().keep_variable(variable, value)


class SettingLostWithTheLink(ReferenceStation):
    """Goes back to what it was delivered with when its CSMS is gone."""

    breaks = "SET.KEPT.02"

    def disconnected(self) -> None:
        """Begin anew."""
        super().disconnected()
        self.model.store(self.model.find(Component("TxCtrlr"), TIMEOUT), "60")


class LateSettingLost(ReferenceStation):
    """Asks for a restart to make a change, and has forgotten it by then."""

    breaks = "SET.REBOOT.01"

    def keep_variable(self, variable: Variable, value: str) -> None:
        """Keep it where a restart clears it."""
        if variable.needs_reboot:
            variable.value = value
        else:
            super().keep_variable(variable, value)


class LateSettingCalledDone(ReferenceStation):
    """Does not say that a change waits for a restart."""

    breaks = "SET.REBOOT.01"

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Be done at once."""
        status, reason = super().write_attribute(item, attribute_type)
        return "Accepted" if status == "RebootRequired" else status, reason


class RestartsForASetting(ReferenceStation):
    """Restarts as soon as a change needs that, without being told to."""

    breaks = "SET.REBOOT.02"

    def on_set_variables(self, request: Payload) -> Payload:
        """Wait for nobody."""
        answer = super().on_set_variables(request)
        if any(each["attributeStatus"] == "RebootRequired" for each in answer["setVariableResult"]):
            self.after_answer(self._restart_by_itself)
        return answer

    async def _restart_by_itself(self) -> None:
        self._reboots.start(self.reboot("LocalReset"))


# -- what is wrong


class _TakesWrongValues(ReferenceStation):
    """Takes some values that it should not."""

    def takes(self, variable: Variable, value: str) -> bool:
        """Tell whether to take a value whatever is wrong with it."""
        raise NotImplementedError

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Do not look."""
        status, reason = super().write_attribute(item, attribute_type)
        found = self.look_up(item)
        if status == "Rejected" and isinstance(found, Variable) and self.takes(found, item["attributeValue"]):
            self.model.store(found, item["attributeValue"])
            return "Accepted", None
        return status, reason


class SettingTakesAnyWord(_TakesWrongValues):
    """Takes any word for a switch."""

    breaks = "B05.FR.07"

    def takes(self, variable: Variable, value: str) -> bool:
        """Call it off, unless it is on."""
        return variable.name == "LocalPreAuthorize" and bool(value)


class SettingTakesNothing(_TakesWrongValues):
    """Takes an empty text for a number."""

    breaks = "B05.FR.07"

    def takes(self, variable: Variable, value: str) -> bool:
        """Read it as nought."""
        return variable.name == "MessageAttemptInterval" and not value


class SettingTakesStrangers(_TakesWrongValues):
    """Takes a list whatever is in it."""

    breaks = "B05.FR.07"

    def takes(self, variable: Variable, value: str) -> bool:
        """Never compare."""
        return variable.name == "TxEndedMeasurands" and bool(value)


class SettingTakesTooLittle(_TakesWrongValues):
    """Takes numbers that are below their range."""

    breaks = "B05.FR.08"

    def takes(self, variable: Variable, value: str) -> bool:
        """Look at the format alone."""
        return variable.name == THRESHOLD and value == "-1"


class SettingRefusedAndBent(ReferenceStation):
    """Refuses a value, and takes the nearest that it knows."""

    breaks = "SET.REFUSED.01"

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Mean well."""
        status, reason = super().write_attribute(item, attribute_type)
        found = self.look_up(item)
        if status == "Rejected" and isinstance(found, Variable) and found.name == THRESHOLD:
            self.model.store(found, "0")
        return status, reason


class FixedSettingTakenAsItIs(ReferenceStation):
    """Says of what can't be changed that it was, where it need not be."""

    breaks = "B05.FR.09"

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Compare first."""
        found = self.look_up(item)
        same = isinstance(found, Variable) and found.get() == item["attributeValue"]
        if isinstance(found, Variable) and found.mutability == READ_ONLY and same:
            return "Accepted", None
        return super().write_attribute(item, attribute_type)


# -- while a transaction runs


class SettingEndsTransaction(ReferenceStation):
    """Ends what runs when it is told to meter otherwise."""

    breaks = "SET.SESSION.01"

    def keep_variable(self, variable: Variable, value: str) -> None:
        """Start all over."""
        super().keep_variable(variable, value)
        if variable.name == INTERVAL:
            for place in self.evses.values():
                self.end_transaction(place, "AbnormalCondition", "Other")


class SettingForOneTransaction(ReferenceStation):
    """Takes what it is told while a transaction runs as meant for that alone."""

    breaks = "SET.SESSION.02"

    def end_session(self, place: Evse) -> None:
        """Go back to what it was delivered with."""
        super().end_session(place)
        self.model.store(self.model.find(Component("SampledDataCtrlr"), INTERVAL), "60")
