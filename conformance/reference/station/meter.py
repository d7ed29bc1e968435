"""The energy meter of an EVSE: a register that runs with the power drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

NOMINAL_VOLTAGE = 230.0


class Meter:
    """Integrates power over `clock()` seconds into an import register in Wh."""

    def __init__(self, clock: Callable[[], float], register: float = 0.0) -> None:
        """Start with `register` Wh, drawing nothing."""
        self._clock = clock
        self._since = clock()
        self._register = register
        self._power = 0.0
        self.changed: Callable[[], None] = lambda: None

    @property
    def power(self) -> float:
        """Present power in watts."""
        return self._power

    @power.setter
    def power(self, watts: float) -> None:
        """Change the power from now on."""
        self._register = self.register
        self._since = self._clock()
        self._power = watts
        self.changed()

    @property
    def register(self) -> float:
        """Energy imported so far, in Wh."""
        return self._register + self._power * (self._clock() - self._since) / 3600

    def sample(self, measurands: tuple[str, ...], phases: int, context: str) -> list[dict[str, Any]]:
        """Return SampledValueTypes for the given measurands under one reading context."""
        lines = max(phases, 1)
        readings = {
            "Energy.Active.Import.Register": (self.register, "Wh"),
            "Power.Active.Import": (self._power, "W"),
            "Current.Import": (self._power / NOMINAL_VOLTAGE / lines, "A"),
            "Voltage": (NOMINAL_VOLTAGE, "V"),
        }
        return [
            {
                "value": round(readings[measurand][0], 3),
                "context": context,
                "measurand": measurand,
                "location": "Outlet",
                "unitOfMeasure": {"unit": readings[measurand][1]},
            }
            for measurand in measurands
            if measurand in readings
        ]
