"""Controls: other 1.6 stations, as compliant as the reference."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from conformance.reference.station.clock import Clock
from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector, Transaction
    from conformance.reference.station16.config import StationConfig16
    from conformance.reference.station16.configuration import Key


DEFAULTS = {"context": "Sample.Periodic", "measurand": "Energy.Active.Import.Register", "location": "Outlet"}


class WholeSeconds(Clock):
    """Tells the time without fractions of seconds."""

    def stamp(self) -> str:
        """Return the present in UTC."""
        return self.now().isoformat(timespec="seconds").replace("+00:00", "Z")


class Control16(ReferenceStation16):
    """Differs where the documents leave it free: orders, optional fields, defaults, hidden keys, times, pace."""

    breaks: str | None = None
    also: tuple[str, ...] = ()

    def __init__(self, config: StationConfig16) -> None:
        """Wear a plain watch."""
        super().__init__(config)
        self.clock = WholeSeconds(self.clock.offset)

    def start_transaction(self, connector: Connector) -> None:
        """Tell the status first."""
        transmitted, self.send_surely = self.send_surely, self._later  # type: ignore[method-assign]
        try:
            super().start_transaction(connector)
        finally:
            self.send_surely = transmitted  # type: ignore[method-assign]

    def _later(self, action: str, payload: Payload, **notes: Any) -> None:
        """Queue a message as soon as the statuses are queued."""
        asyncio.get_running_loop().call_soon(partial(ReferenceStation16.send_surely, self, action, payload, **notes))

    def stop_payload(self, connector: Connector, transaction: Transaction, reason: str, id_tag: str | None) -> Payload:
        """Leave the reason out that goes without saying."""
        payload = super().stop_payload(connector, transaction, reason, id_tag)
        if payload.get("reason") == "Local":
            del payload["reason"]
        return payload

    def meter_value(self, connector: Connector, context: str, key: str) -> list[Payload]:
        """Leave out what is meant where nothing is said."""
        values = super().meter_value(connector, context, key)
        for value in values:
            value["sampledValue"] = [self._brief(sampled) for sampled in value["sampledValue"]]
        return values

    def _brief(self, sampled: Payload) -> Payload:
        """Drop the defaults."""
        return {name: value for name, value in sampled.items() if DEFAULTS.get(name) != value}

    def boot_payload(self) -> Payload:
        """Say more than it has to."""
        return {**super().boot_payload(), "iccid": "8931000000000000000", "meterType": "Halfmoon M1"}

    def places_to_report_after_boot(self) -> list[int]:
        """Begin with the last connector, and end with the station."""
        return super().places_to_report_after_boot()[::-1]

    def status_payload(self, number: int) -> Payload:
        """Leave the time out, which is optional."""
        payload = super().status_payload(number)
        del payload["timestamp"]
        return payload

    def keys_to_list(self) -> list[Key]:
        """List the keys from Z to A, and not those that can't be read."""
        return [key for key in super().keys_to_list()[::-1] if not key.write_only]

    def look_up_keys(self, names: list[str]) -> tuple[list[Key], list[str]]:
        """Answer the last question first."""
        return super().look_up_keys(names[::-1])

    async def transmit(self, frame: str) -> None:
        """Take a moment over everything."""
        await asyncio.sleep(0.005)
        await super().transmit(frame)


class Plain16(ReferenceStation16):
    """Another compliant station: all cables are fixed, it limits currents only, and has some power left for a while."""

    breaks: str | None = None
    also: tuple[str, ...] = ()
    claims: ClassVar[dict[str, bool]] = {
        "detachable-cable": False,
        "back-up-power": True,
        "charging-rate-watts": False,
        "additional-root-certificate-check": True,
    }

    def __init__(self, config: StationConfig16) -> None:
        """Fix a cable to every outlet, and know currents only."""
        evses = tuple(
            replace(evse, connectors=tuple(replace(outlet, type="cType2") for outlet in evse.connectors))
            for evse in config.evses
        )
        own = {"ChargingScheduleAllowedChargingRateUnit": "Current", "AdditionalRootCertificateCheck": "true"}
        variables = own | config.variables
        super().__init__(replace(config, evses=evses, variables=variables))

    async def power_off(self) -> None:
        """End what runs, and tell so, before the power is gone."""
        if self.powered:
            self.stop_transactions_for_power_cut()
            await self.await_delivery()
        await super().power_off()

    def stop_transactions_for_power_cut(self) -> None:
        """Stop every transaction."""
        for connector in self.connectors.values():
            self.stop_transaction(connector, "PowerLoss")
