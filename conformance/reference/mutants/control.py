"""Controls: other stations, as compliant as the reference."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from conformance.reference.station import ReferenceStation
from conformance.reference.station.device_model import READ_ONLY, Component, Variable
from conformance.reference.station.rpc import RpcError

if TYPE_CHECKING:
    from conformance.reference.station.base import Evse
    from conformance.reference.station.charging_profiles import ChargingProfile
    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.device_model import DeviceModel
    from conformance.reference.station.rpc import Call, Payload

_PLACES = ("EVSE", "Connector")
_VARIABLES = {"Energy.Active.Import.Register": "EnergyImportRegister", "Power.Active.Import": "Power"}
_BY_DEFAULT = {"type": "Actual", "mutability": "ReadWrite", "persistent": False, "constant": False}


class Control(ReferenceStation):
    """Differs where the documents leave it free: names, order of statuses, size of report parts, pace."""

    breaks: str | None = None
    also: tuple[str, ...] = ()

    def __init__(self, config: StationConfig) -> None:
        """Have little memory for events."""
        super().__init__(replace(config, queue_capacity=100))

    def build_model(self) -> DeviceModel:
        """Have a fan, want a boot for a new password, and know neither the power that flows nor all the phases."""
        model = super().build_model()
        for evse in self.evses:
            fan = Component("Fan", instance="Rear", evse=evse)
            model.add(Variable(fan, "Speed", "decimal", READ_ONLY, "0.5", instance="Mean", persistent=False))
        for variable in model:
            if variable.component.name == "Connector" and variable.name == "SupplyPhases":
                variable.value = ""
        model.find(Component("SecurityCtrlr"), "BasicAuthPassword").needs_reboot = True
        return model

    async def come_back(self) -> None:
        """Take a new password with the next boot."""

    async def use_new_certificate(self) -> None:
        """Take a new certificate at once."""
        await super().come_back()

    def boot_payload(self) -> Payload:
        """Say more than it has to."""
        payload = super().boot_payload()
        payload["chargingStation"]["modem"] = {"iccid": "8931000000000000000"}
        return payload

    def connectors_to_report_after_boot(self) -> list[tuple[int, int]]:
        """Begin with the last connector."""
        return super().connectors_to_report_after_boot()[::-1]

    def on_get_report(self, request: Payload) -> Payload:
        """Know nothing of what is active."""
        if "Active" in request.get("componentCriteria", ()):
            return {"status": "NotSupported"}
        return super().on_get_report(request)

    def report_chunks(self, entries: list[Payload]) -> list[list[Payload]]:
        """Send smaller parts."""
        return [entries[start : start + 7] for start in range(0, len(entries), 7)]

    def report_messages(self, request_id: int, variables: list[Variable]) -> list[Payload]:
        """Leave out `tbc` where nothing follows, and what need not be reported."""
        reported = [variable for variable in variables if variable.name != "Available"]
        *others, last = super().report_messages(request_id, reported)
        del last["tbc"]
        return [*others, last]

    def profiles_per_report(self) -> int:
        """Send all charging profiles of an EVSE at once."""
        return 10

    def profile_reports(self, request_id: int, profiles: list[ChargingProfile]) -> list[Payload]:
        """Leave out `tbc` where nothing follows."""
        *others, last = super().profile_reports(request_id, profiles)
        return [*others, {key: value for key, value in last.items() if key != "tbc"}]

    def report_entry(self, variable: Variable) -> Payload:
        """Give instance names to EVSEs and connectors, and put spaces into lists."""
        entry = super().report_entry(variable)
        if variable.component.name in _PLACES:
            entry["component"]["instance"] = f"No. {variable.component.connector or variable.component.evse}"
        has = entry["variableCharacteristics"]
        if "valuesList" in has:
            has["valuesList"] = has["valuesList"].replace(",", ", ")
        if variable.name == "Power":
            has |= {"unit": "kW", "maxLimit": has["maxLimit"] / 1000}
            del entry["variableAttribute"][0]["value"]
        return entry

    def report_attribute(self, variable: Variable, attribute_type: str) -> Payload:
        """Leave out what is so by default."""
        attribute = super().report_attribute(variable, attribute_type)
        return {key: value for key, value in attribute.items() if _BY_DEFAULT.get(key) != value}

    def look_up(self, item: Payload) -> Variable | str:
        """Know EVSEs and connectors by their instance names."""
        component = item["component"]
        if component["name"] in _PLACES:
            component = {key: value for key, value in component.items() if key != "instance"}
        return super().look_up({**item, "component": component})

    def on_get_variables(self, request: Payload) -> Payload:
        """Answer the last question first."""
        return {"getVariableResult": super().on_get_variables(request)["getVariableResult"][::-1]}

    def send_idle_values(self, place: Evse) -> None:
        """Tell the readings of an idle EVSE as events, which Part 5 takes as well."""
        now = self.clock.stamp()
        component = {"name": "FiscalMetering", "evse": {"id": place.number}}
        events = [
            {
                "eventId": number,
                "timestamp": value["timestamp"],
                "trigger": "Periodic",
                "actualValue": str(sample["value"]),
                "eventNotificationType": "HardWiredNotification",
                "component": component,
                "variable": {"name": _VARIABLES.get(sample["measurand"], sample["measurand"])},
            }
            for value in self.aligned_payload(place)["meterValue"]
            for number, sample in enumerate(value["sampledValue"])
        ]
        self.send("NotifyEvent", {"generatedAt": now, "seqNo": 0, "tbc": False, "eventData": events})

    def on_set_variables(self, request: Payload) -> Payload:
        """Tell of the last variable first."""
        return {"setVariableResult": super().on_set_variables(request)["setVariableResult"][::-1]}

    async def transmit(self, frame: str) -> None:
        """Take a moment over everything."""
        await asyncio.sleep(0.005)
        await super().transmit(frame)


class Plain(ReferenceStation):
    """Another compliant station: DC, in amperes, a lock before its outlets, reset as a whole, one root only."""

    breaks: str | None = None
    also: tuple[str, ...] = ()
    claims: ClassVar[dict[str, bool]] = {
        "reset-evse": False,
        "summary-report": False,
        "advanced-device-management": False,
        "cable-lock-before-authorization": True,
        "start-point-energy-transfer": False,
        "dc": True,
        "iso-15118": True,
        "charging-rate-watts": False,
        "additional-root-certificate-check": True,
    }

    def __init__(self, config: StationConfig) -> None:
        """Leave the reset of an EVSE out, and limits in watts; have one root after the other."""
        checks = {"SecurityCtrlr.AdditionalRootCertificateCheck": "true"}
        variables = config.variables | {"SmartChargingCtrlr.RateUnit": "A", **checks}
        super().__init__(replace(config, evse_reset=False, variables=variables))
        self._waiting: dict[int, int] = {}

    def build_model(self) -> DeviceModel:
        """Have monitors neither available nor on."""
        model = super().build_model()
        for name in ("Available", "Enabled"):
            model.find(Component("MonitoringCtrlr"), name).value = "false"
        return model

    def dispatch(self, call: Call) -> Payload:
        """Know nothing of monitors."""
        if "Monitoring" in call.action:
            raise RpcError("NotSupported", f"{call.action} is not supported")
        return super().dispatch(call)

    def base_report(self, base: str) -> list[Variable] | None:
        """Make no summary."""
        return None if base == "SummaryInventory" else super().base_report(base)

    async def plug_in(self, evse: int, connector: int) -> None:
        """Let a plug in once its driver is authorized; until then somebody stands there with it."""
        self._waiting[evse] = connector
        await self.unlock(self.evses[evse])

    async def unplug(self, evse: int, connector: int) -> None:
        """Go away with the plug."""
        self._waiting.pop(evse, None)
        await super().unplug(evse, connector)

    def driver_authorized(self, place: Evse, token: Payload, trigger: str, group: Payload | None = None) -> None:
        """Open the lock."""
        super().driver_authorized(place, token, trigger, group)
        self.tasks.start(self.unlock(place))

    async def unlock(self, place: Evse) -> None:
        """Let the plug in that waits, if its driver may."""
        if place.session.authorized and place.number in self._waiting:
            await super().plug_in(place.number, self._waiting.pop(place.number))


class Unmanaged(ReferenceStation):
    """Another compliant station: one without smart charging."""

    breaks: str | None = None
    also: tuple[str, ...] = ()
    claims: ClassVar[dict[str, bool]] = {
        "smart-charging": False,
        "charging-rate-amperes": False,
        "charging-rate-watts": False,
    }

    def build_model(self) -> DeviceModel:
        """Have it neither available nor on."""
        model = super().build_model()
        for name in ("Available", "Enabled"):
            model.find(Component("SmartChargingCtrlr"), name).value = "false"
        return model

    def dispatch(self, call: Call) -> Payload:
        """Know nothing of charging profiles."""
        if "ChargingProfile" in call.action or call.action == "GetCompositeSchedule":
            raise RpcError("NotSupported", f"{call.action} is not supported")
        return super().dispatch(call)
