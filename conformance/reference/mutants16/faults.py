"""Mutants that do not bear a bad network: what they lose, tell twice or tell otherwise once something has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference import fault_defects
from conformance.reference.station16 import ReferenceStation16
from conformance.reference.station16.base import Session

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.configuration import Key


class KeepsNothingUnderFault(fault_defects.KeepsNothing, ReferenceStation16):
    """Keeps nothing that happens while there is no connection."""

    breaks = "TX.FAULT.01"


class DropsWhatIsUnderWayUnderFault(fault_defects.DropsWhatIsUnderWay, ReferenceStation16):
    """Takes a message for delivered once it was sent, although the connection went before the answer."""

    breaks = "TX.FAULT.01"


class ForgetsTransactionUnderFault(ReferenceStation16):
    """Knows nothing any more of the transaction that ran when the connection was lost."""

    breaks = "TX.FAULT.01"

    def disconnected(self) -> None:
        """Be ready for another driver."""
        super().disconnected()
        self.running.clear()
        for connector in self.connectors.values():
            connector.meter.power = 0
            connector.session = Session()


class TiresUnderFault(fault_defects.Tires, ReferenceStation16):
    """Does not tell the end of a transaction any more once an answer has taken its time."""

    breaks = "TX.FAULT.01"


class NeverRepeatsUnderFault(fault_defects.NeverRepeats, ReferenceStation16):
    """Sends a message once, whatever is answered to it, or not."""

    breaks = "TX.FAULT.02"


class NeverRepeatsOrTellsUnderFault(NeverRepeatsUnderFault):
    """Sends a message once, and does not tell how often it would; no key says so, nor for how long it would wait."""

    breaks = "TX.FAULT.02"

    def look_up_keys(self, names: list[str]) -> tuple[list[Key], list[str]]:
        """Know nothing of these keys."""
        known, unknown = super().look_up_keys(names)
        told = [key for key in known if not key.name.startswith("TransactionMessage")]
        return told, [*unknown, *(key.name for key in known if key not in told)]

    def on_change_configuration(self, request: Payload) -> Payload:
        """Let nobody set them."""
        if request["key"].startswith("TransactionMessage"):
            return {"status": "NotSupported"}
        return super().on_change_configuration(request)


class BillsMoreUnderFault(fault_defects.ChangesWhatItRepeats, ReferenceStation16):
    """Reads the meter again for a message that it sends again."""

    breaks = "TX.FAULT.04"

    def change(self, payload: Payload) -> None:
        """Bill some more."""
        if "meterStop" in payload:
            payload["meterStop"] += 1000


class LaterUnderFault(fault_defects.ChangesWhatItRepeats, ReferenceStation16):
    """Writes the time of the repeat into a message that it sends again."""

    breaks = "TX.FAULT.04"

    def change(self, payload: Payload) -> None:
        """Look at the clock again."""
        if "meterStop" in payload:
            payload["timestamp"] = self.clock.stamp()


class TellsAgainUnderFault(fault_defects.TellsAgain, ReferenceStation16):
    """Sends every message about a transaction twice, once it has lost its connection."""

    breaks = "TX.FAULT.05"


class ImpatientUnderFault(fault_defects.Impatient, ReferenceStation16):
    """Sends a message again when the answer does not come at once."""

    breaks = "TX.FAULT.05"
