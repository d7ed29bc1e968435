"""What counts as a message that comes again after a fault."""

from typing import Any, cast

import pytest

from conformance.peers.fault_scenes import _same_event
from conformance.peers.received import Received


def event(kind: str = "Ended", transaction: str = "one", **told: Any) -> Received:
    about = {"transactionId": transaction}
    return Received({"eventType": kind, "transactionInfo": about, **told}, cast(Any, None), "an event")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (event(seqNo=3, timestamp="10:00"), event(seqNo=3, timestamp="10:05"), True),
        (event(seqNo=4, timestamp="10:00"), event(seqNo=3, timestamp="10:00"), True),
        (event(seqNo=4, timestamp="10:05"), event(seqNo=3, timestamp="10:00"), False),
        (event("Started", "two", seqNo=0), event(seqNo=0), False),  # a station that numbers every event 0
        (event(transaction="two", seqNo=0), event(seqNo=0), False),
    ],
)
def test_a_message_comes_again_about_its_own_event_only(one: Received, other: Received, *, same: bool) -> None:
    assert _same_event(one, other) is same
