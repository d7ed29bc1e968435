"""What a case is told of an answer."""

import pytest

from conformance.peers.received import Message, status_told


@pytest.mark.parametrize(
    ("info", "told"),
    [
        (None, "Rejected"),
        ({}, "Rejected"),
        ({"reasonCode": "TxInProgress"}, "Rejected (TxInProgress)"),
        ({"reasonCode": "TxInProgress", "additionalInfo": "EVSE 1"}, "Rejected (TxInProgress: EVSE 1)"),
    ],
)
def test_a_status_is_told_with_its_reason(info: dict[str, str] | None, told: str) -> None:
    payload = {"status": "Rejected"} if info is None else {"status": "Rejected", "statusInfo": info}
    assert status_told(Message(payload, "the answer")) == told
