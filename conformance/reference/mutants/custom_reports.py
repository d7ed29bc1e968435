"""Mutants of GetReport: whether a report comes, how it is cut up, what is in it by criteria and by list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation
from conformance.reference.station.device_model import READ_ONLY, Component, Variable

if TYPE_CHECKING:
    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.device_model import DeviceModel
    from conformance.reference.station.rpc import Payload

PLACES = ("EVSE", "Connector")


class _Custom(ReferenceStation):
    """Sends its custom reports otherwise than its base reports."""

    def __init__(self, config: StationConfig) -> None:
        """Start with no report asked for."""
        super().__init__(config)
        self._customs: set[int] = set()

    def on_get_report(self, request: Payload) -> Payload:
        """Keep the id in mind."""
        self._customs.add(request["requestId"])
        return super().on_get_report(request)

    def report_messages(self, request_id: int, variables: list[Variable]) -> list[Payload]:
        """Let custom reports be altered."""
        parts = super().report_messages(request_id, variables)
        return [self.altered(each) for each in parts] if request_id in self._customs else parts

    def altered(self, part: Payload) -> Payload:
        """Return what is sent instead of a part."""
        return part


class _Without(ReferenceStation):
    """Adds a component to its device model, or changes a variable of it."""

    place = Component("AuthCacheCtrlr")
    variable = ""

    def build_model(self) -> DeviceModel:
        """Say of the component that it is not so."""
        model = super().build_model()
        model.add(Variable(self.place, self.variable, "boolean", READ_ONLY, "false"))
        return model

    def fits_criterion(self, component: Component, criterion: str) -> bool:
        """Report it all the same."""
        return (criterion == self.variable and component == self.place) or super().fits_criterion(component, criterion)


# -- whether it comes, and how


class CustomReportsEmpty(ReferenceStation):
    """Says of every custom report that it would be empty."""

    breaks = "B08.FR.01"

    def on_get_report(self, request: Payload) -> Payload:  # noqa: ARG002
        """Report nothing."""
        return {"status": "EmptyResultSet"}


class CustomReportBare(_Custom):
    """Sends custom reports with nothing in them."""

    breaks = "B08.FR.03"

    def altered(self, part: Payload) -> Payload:
        """Drop what is in it."""
        return {key: value for key, value in part.items() if key != "reportData"}


class CustomReportTellsPassword(_Custom):
    """Tells its password in custom reports."""

    breaks = "B08.FR.03"

    def altered(self, part: Payload) -> Payload:
        """Add the value."""
        for entry in part["reportData"]:
            if entry["variable"]["name"] == "BasicAuthPassword":
                entry["variableAttribute"][0]["value"] = "correct-horse-battery"
        return part


class CustomReportWithOtherId(_Custom):
    """Counts its custom reports itself."""

    breaks = "B08.FR.04"

    def altered(self, part: Payload) -> Payload:
        """Give it an id of its own."""
        return {**part, "requestId": len(self._customs)}


class CustomReportUndescribed(_Custom):
    """Leaves the characteristics out of its custom reports."""

    breaks = "B08.FR.12"

    def altered(self, part: Payload) -> Payload:
        """Drop them."""
        bare = [{k: v for k, v in each.items() if k != "variableCharacteristics"} for each in part["reportData"]]
        return {**part, "reportData": bare}


class CustomReportFromOne(_Custom):
    """Numbers the parts of its custom reports from 1."""

    breaks = "B08.FR.14"

    def altered(self, part: Payload) -> Payload:
        """Add one."""
        return {**part, "seqNo": part["seqNo"] + 1}


class EmptyReportAccepted(ReferenceStation):
    """Accepts a report that has nothing to tell, and sends none."""

    breaks = "B08.FR.15"

    def on_get_report(self, request: Payload) -> Payload:
        """Say otherwise."""
        super().on_get_report(request)
        return {"status": "Accepted"}


class EmptyReportNotSupported(ReferenceStation):
    """Says of a report that has nothing to tell that it can't make it."""

    breaks = "B08.FR.15"

    def on_get_report(self, request: Payload) -> Payload:
        """Say otherwise."""
        answer = super().on_get_report(request)
        return {"status": "NotSupported"} if answer["status"] == "EmptyResultSet" else answer


# -- by criteria


class CriterionOverlooked(ReferenceStation):
    """Does not support to report problems, and overlooks that beside other criteria."""

    breaks = "B08.FR.02"

    def on_get_report(self, request: Payload) -> Payload:
        """Refuse it only where it is alone."""
        return (
            {"status": "NotSupported"}
            if request.get("componentCriteria") == ["Problem"]
            else super().on_get_report(request)
        )


class InactiveReported(_Without):
    """Reports as active what is not."""

    breaks = "B08.FR.07"
    variable = "Active"


class ActiveMustSay(ReferenceStation):
    """Reports as active only what says so, and nothing does."""

    breaks = "B08.FR.07"

    def fits_criterion(self, component: Component, criterion: str) -> bool:
        """Want to be told."""
        return criterion != "Active" and super().fits_criterion(component, criterion)


class UnavailableReported(_Without):
    """Reports as available what is not."""

    breaks = "B08.FR.08"
    also = ("B08.FR.13",)
    variable = "Available"


class AvailableLeftOut(ReferenceStation):
    """Leaves out of a report of what is available all that is at an EVSE."""

    breaks = "B08.FR.08"

    def custom_report(self, criteria: list[str], wanted: list[Payload]) -> list[Variable]:
        """Leave it out."""
        found = super().custom_report(criteria, wanted)
        return [each for each in found if each.component.evse is None] if criteria == ["Available"] else found


class DisabledReported(_Without):
    """Reports as enabled what is not."""

    breaks = "B08.FR.09"
    variable = "Enabled"


class EnabledLeftOut(ReferenceStation):
    """Reports as enabled only what can't be anything else."""

    breaks = "B08.FR.09"

    def fits_criterion(self, component: Component, criterion: str) -> bool:
        """Leave out what says that it is enabled."""
        says_so = any(each.component == component and each.name == "Enabled" for each in self.model)
        return not (criterion == "Enabled" and says_so) and super().fits_criterion(component, criterion)


class ProblemWithAll(ReferenceStation):
    """Reports problems of all that does not say that it has none."""

    breaks = "B08.FR.10"

    def fits_criterion(self, component: Component, criterion: str) -> bool:
        """Take silence for a problem."""
        return criterion == "Problem" or super().fits_criterion(component, criterion)


class EveryCriterionNeeded(ReferenceStation):
    """Reports only what meets all criteria."""

    breaks = "B08.FR.13"

    def custom_report(self, criteria: list[str], wanted: list[Payload]) -> list[Variable]:
        """Look at each."""
        found = super().custom_report(criteria, wanted)
        return [each for each in found if all(self.fits_criterion(each.component, name) for name in criteria)]


class EnabledReadsOff(ReferenceStation):
    """Reads as disabled what it reports as enabled."""

    breaks = "DM.AGREE.01"

    def get_one_variable(self, item: Payload) -> Payload:
        """Overwrite the value."""
        result = super().get_one_variable(item)
        return {**result, "attributeValue": "false"} if result["variable"]["name"] == "Enabled" else result


# -- by components and variables


class _Listed(ReferenceStation):
    """Reads the list of a custom report in its own way."""

    def custom_report(self, criteria: list[str], wanted: list[Payload]) -> list[Variable]:
        """Read it otherwise."""
        found = super().custom_report(criteria, wanted)
        return self.chosen(found, wanted[0]) if wanted else found

    def chosen(self, found: list[Variable], item: Payload) -> list[Variable]:
        """Return what is reported of what was found."""
        raise NotImplementedError


class ListIgnoredBesideCriteria(ReferenceStation):
    """Reports all that meets the criteria, whatever is listed."""

    breaks = "B08.FR.05"

    def custom_report(self, criteria: list[str], wanted: list[Payload]) -> list[Variable]:
        """Forget the list."""
        return super().custom_report(criteria, [] if criteria else wanted)


class CriteriaIgnoredBesideList(ReferenceStation):
    """Reports all that is listed, whatever the criteria."""

    breaks = "B08.FR.15"

    def custom_report(self, criteria: list[str], wanted: list[Payload]) -> list[Variable]:
        """Forget the criteria."""
        return super().custom_report([] if wanted else criteria, wanted)


class WholeComponentReported(ReferenceStation):
    """Reports every variable of a component of which one is listed."""

    breaks = "B08.FR.11"

    def custom_report(self, criteria: list[str], wanted: list[Payload]) -> list[Variable]:
        """Forget the variables."""
        return super().custom_report(criteria, [{"component": each["component"]} for each in wanted])


class NameplateInEveryReport(_Listed):
    """Adds its model to every report of what is listed."""

    breaks = "B08.FR.11"

    def chosen(self, found: list[Variable], item: Payload) -> list[Variable]:  # noqa: ARG002
        """Add it."""
        return [*found, self.model.find(Component("ChargingStation"), "Model")]


class FirstOfComponent(_Listed):
    """Reports one variable of a component that is listed as a whole."""

    breaks = "B08.FR.20"

    def chosen(self, found: list[Variable], item: Payload) -> list[Variable]:
        """Take the first."""
        return found if "variable" in item else found[:1]


class FirstInstance(_Listed):
    """Reports one instance of a variable that is listed without."""

    breaks = "B08.FR.21"

    def chosen(self, found: list[Variable], item: Payload) -> list[Variable]:
        """Take the first of those that have one."""
        if "variable" not in item or "instance" in item["variable"] or not any(each.instance for each in found):
            return found
        return found[:1]


class FirstConnector(_Listed):
    """Reports the first connector of an EVSE where none is named."""

    breaks = "B08.FR.22"

    def chosen(self, found: list[Variable], item: Payload) -> list[Variable]:
        """Take the first."""
        place = item["component"].get("evse", {"connectorId": 0})
        return found if "connectorId" in place else [each for each in found if each.component.connector in (None, 1)]


class FirstEvse(_Listed):
    """Reports the first EVSE where none is named."""

    breaks = "B08.FR.23"

    def chosen(self, found: list[Variable], item: Payload) -> list[Variable]:
        """Take the first."""
        return found if "evse" in item["component"] else [each for each in found if each.component.evse in (None, 1)]


class _WithFans(_Listed):
    """Has two fans."""

    def build_model(self) -> DeviceModel:
        """Add them."""
        model = super().build_model()
        for instance in ("Front", "Rear"):
            model.add(Variable(Component("Fan", instance=instance), "Enabled", "boolean", READ_ONLY, "true"))
        return model


class EveryFan(_WithFans):
    """Reports both of its fans where one is listed."""

    breaks = "B08.FR.24"

    def chosen(self, found: list[Variable], item: Payload) -> list[Variable]:
        """Take all of that name."""
        name = item["component"]["name"]
        return [each for each in self.model if each.component.name == name] if name == "Fan" else found


class FirstFan(_WithFans):
    """Reports one of its fans where none is named."""

    breaks = "B08.FR.25"

    def chosen(self, found: list[Variable], item: Payload) -> list[Variable]:
        """Take the first."""
        return found if "instance" in item["component"] else found[:1]
