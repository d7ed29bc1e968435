"""Mutants that do not bear a bad network: what they lose, tell twice or tell otherwise once something has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference import fault_defects
from conformance.reference.station import ReferenceStation
from conformance.reference.station.base import Session

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload


class KeepsNothingUnderFault(fault_defects.KeepsNothing, ReferenceStation):
    """Keeps nothing that happens while there is no connection."""

    breaks = "TX.FAULT.01"


class DropsWhatIsUnderWayUnderFault(fault_defects.DropsWhatIsUnderWay, ReferenceStation):
    """Takes a message for delivered once it was sent, although the connection went before the answer."""

    breaks = "TX.FAULT.01"


class ForgetsTransactionUnderFault(ReferenceStation):
    """Knows nothing any more of the transaction that ran when the connection was lost."""

    breaks = "TX.FAULT.01"

    def disconnected(self) -> None:
        """Be ready for another driver."""
        super().disconnected()
        for place in self.evses.values():
            place.meter.power = 0
            place.session = Session()


class TiresUnderFault(fault_defects.Tires, ReferenceStation):
    """Does not tell the end of a transaction any more once an answer has taken its time."""

    breaks = "TX.FAULT.01"


class NeverRepeatsUnderFault(fault_defects.NeverRepeats, ReferenceStation):
    """Sends a message once, whatever is answered to it, or not."""

    breaks = "TX.FAULT.02"


class UnmarkedUnderFault(ReferenceStation):
    """Does not say of any event that it happened offline."""

    breaks = "TX.FAULT.03"

    def is_offline(self) -> bool:
        """Claim to be online."""
        return False

    def flag_queued_events_offline(self) -> None:
        """Leave them as they are."""


class LosesReadingsUnderFault(fault_defects.ChangesWhatItRepeats, ReferenceStation):
    """Leaves out the meter values of an event that it sends again."""

    breaks = "TX.FAULT.04"

    def change(self, payload: Payload) -> None:
        """Take out what was measured."""
        payload.pop("meterValue", None)


class TimeOfRepeatUnderFault(fault_defects.ChangesWhatItRepeats, ReferenceStation):
    """Writes the time of the repeat into an event that it sends again."""

    breaks = "TX.FAULT.04"

    def change(self, payload: Payload) -> None:
        """Look at the clock again."""
        payload["timestamp"] = self.clock.stamp()


class NumbersAnewUnderFault(fault_defects.ChangesWhatItRepeats, ReferenceStation):
    """Gives an event that it sends again the next number."""

    breaks = "TX.FAULT.04"

    def change(self, payload: Payload) -> None:
        """Count on."""
        payload["seqNo"] += 1


class TellsAgainUnderFault(fault_defects.TellsAgain, ReferenceStation):
    """Sends every message about a transaction twice, once it has lost its connection."""

    breaks = "TX.FAULT.05"


class ImpatientUnderFault(fault_defects.Impatient, ReferenceStation):
    """Sends a message again when the answer does not come at once."""

    breaks = "TX.FAULT.05"
